"""Proofs of a bound on the error of a recovered signal, one kind a file, found by discovery."""
