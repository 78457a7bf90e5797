"""Magnitudes: rotated rows, the free phase, curvature, and how far a local bound reaches."""
