"""Exact engines and proved bounds for certificates that speak of a frame before any data."""
