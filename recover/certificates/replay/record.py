"""The record of a search, as it stands in evidence, and what proves its leaves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from recover.certificates.evidence import Evidence
from recover.core.arrays import Array
from recover.core.rounding import gamma, norm_lower, norm_upper, up

__all__ = [
    "REPLAYED",
    "Pieces",
    "branches",
    "conflicts_of",
    "form_faults",
    "most_nodes",
    "number",
    "pieces_of",
    "rayleigh_upper",
    "shifted",
    "sub_frames_reach",
]

REPLAYED = "replayed"  # names the flag of evidence that holds no record, only its settings
MOST_NODES = 400_000_000
CHUNK = 2_000_000  # numbers in the largest array


class Pieces(NamedTuple):
    """The part of the record that belongs to one arrangement."""

    decisions: Array
    children: Array
    support_sizes: Array
    supports: Array
    conflicts: Array


def sub_frames_reach(rows: Array, keep: Array, target: Array) -> Array:
    """Tell for which sets of rows the smallest eigenvalue is proved to be at least `target`.

    Shifted floating-point Cholesky (Rump 2006; Higham 2002, Theorem 10.3) of matrices whose
    entries are off by at most ``gamma_(m+1)`` times those of ``|rows|^T |rows|``.
    """
    m, n = rows.shape
    # twice what the roundings of entries, shift and factorisation can make
    margin = 2.0 * gamma(m + 2 * n + 16) * norm_upper(rows) ** 2
    flat = rows[:, :, None] * rows[:, None, :]
    proved = np.zeros(len(keep), dtype=bool)
    step = max(1, CHUNK // (n * n))
    for start in range(0, len(keep), step):
        part = slice(start, start + step)
        matrices = (keep[part] @ flat.reshape(m, n * n)).reshape(-1, n, n)
        shift = np.nextafter(target[part] + margin, np.inf)
        matrices -= shift[:, None, None] * np.eye(n)
        proved[part] = _definite(matrices)
    return proved


def _definite(matrices: Array) -> Array:
    """Factorise the lower triangles, all side by side; every pivot must be positive."""
    work = matrices.copy()
    n = work.shape[1]
    fine = np.ones(len(work), dtype=bool)
    for k in range(n):
        pivot = work[:, k, k]
        fine &= (pivot > 0.0) & np.isfinite(pivot)
        column = work[:, k:, k] / np.sqrt(np.where(fine, pivot, 1.0))[:, None]
        column[~fine] = 0.0
        work[:, k:, k:] -= column[:, :, None] * column[:, None, :]
    return fine


def branches(children: Array) -> Array:
    """Return which of the three branches each node has, (N, 3)."""
    kinds: Array = (children[:, None] >> np.arange(3)) & 1 == 1
    return kinds


def form_faults(decisions: Array, bits: Array, count: int) -> Iterator[str]:
    """Yield what is wrong with the form of a tree: rows out of range, branches that lack."""
    inner = decisions >= 0
    if len(bits) != len(decisions) or (decisions >= count).any():
        yield "the tree decides rows that do not exist"
    elif not bits[inner, 0].all() or bits[~inner].any():
        yield "a node of the tree lacks a branch: the leaves do not cover"


def number(evidence: Evidence, name: str, exponent: int = 0) -> float:
    """Return a number of the evidence times ``2**exponent``.

    Raises
    ------
    ValueError
        If the number is NaN, or the product leaves the range of float64.
    """
    return shifted(float(evidence.values[name]), exponent)


def shifted(value: float, exponent: int) -> float:
    """Return ``value * 2**exponent``, exactly.

    Raises
    ------
    ValueError
        If the value is NaN or underflow rounds the product: a claim that is not zero must not
        be compared as if it were.
    OverflowError
        If the product is too large.
    """
    product = math.ldexp(value, exponent)
    if math.ldexp(product, -exponent) != value:
        raise ValueError(f"{value:g} times 2**{exponent} is not a float64")
    return product


def most_nodes(evidence: Evidence) -> int:
    """Return after how many nodes a cover without a record is given up."""
    return int(min(4 * max(int(evidence.values["nodes"]), 1000), MOST_NODES))


def pieces_of(evidence: Evidence, prefix: str = "") -> Iterator[Pieces]:
    """Yield the record of each arrangement, from the arrays whose names start with `prefix`."""
    arrays = evidence.arrays
    nodes = supports = 0
    conflicts = list(conflicts_of(evidence, prefix))
    for k, size in enumerate(_integers(arrays[f"{prefix}tree_sizes"]).tolist()):
        part = slice(nodes, nodes + size)
        sizes = _integers(arrays[f"{prefix}support_sizes"])[part]
        used = int(sizes.sum())
        yield Pieces(
            _integers(arrays[f"{prefix}decisions"])[part],
            _integers(arrays[f"{prefix}children"])[part],
            sizes,
            _integers(arrays[f"{prefix}supports"])[supports : supports + used],
            conflicts[k] if k < len(conflicts) else sizes[:0],
        )
        nodes, supports = nodes + size, supports + used


def conflicts_of(evidence: Evidence, prefix: str = "") -> Iterator[Array]:
    """Yield the sets of sides that exclude one another, for each arrangement."""
    flat, start = _integers(evidence.arrays[f"{prefix}conflicts"]), 0
    for size in _integers(evidence.arrays[f"{prefix}conflict_sizes"]).tolist():
        yield flat[start : start + size]
        start += size


def _integers(array: Array) -> Array:
    """Return an array of the record as it is; NaN is neither a leaf nor an inner node."""
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"the record must hold flat arrays of integers, got {array.dtype}")
    return array


def rayleigh_upper(rows: Array) -> float:
    """Return an upper bound of the smallest eigenvalue of ``rows^T rows``."""
    n = rows.shape[1]
    if np.count_nonzero(rows.any(axis=1)) < n:
        return 0.0
    vector = np.linalg.eigh(rows.T @ rows)[1][:, 0]
    values = np.abs(rows @ vector) + gamma(n + 8) * np.sqrt((rows**2).sum(axis=1))
    # 8 roundings more than those of a product with the vector: for the quotient and the square
    return up((norm_upper(values) / norm_lower(vector)) ** 2)
