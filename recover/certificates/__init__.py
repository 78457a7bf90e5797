"""Certificates: what is promised, for whom, on what evidence, and how that is verified."""
