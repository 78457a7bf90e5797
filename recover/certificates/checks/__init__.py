"""Checks of certificates from their evidence alone, one kind a file, found by discovery.

Nothing here imports a proof, a search or a solver: what is checked is computed again.
"""
