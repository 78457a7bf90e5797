"""Certificates: what is promised, for whom, on what evidence, and its independent verification."""
