"""Band storage of operators that are banded on a line or on a circle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recover.core.arrays import Array
from recover.core.rounding import gamma, up
from recover.frames.structure import Bands

__all__ = ["bands_of_circle", "bands_of_line", "bands_pay", "sum_of_bands"]

MAX_ENTRIES = 2**27  # band storage of 1 GB; the proof needs about three times that
MAX_WORK = 2**38  # entries times half-width: minutes of factorisation
NARROW = 4  # bands pay where the signal is at least this many times as long as they are wide


def bands_pay(width: int, length: int, *, wraps: bool, is_complex: bool) -> bool:
    """Return whether a proof by bands is affordable, and cheaper than a dense one.

    Parameters
    ----------
    width : int
        Bands, the main diagonal included.
    length : int
        Order of the matrix.
    wraps : bool
        Banded on a circle, which doubles the width.
    is_complex : bool
        Realified for the proof, which doubles the width and the order.
    """
    width *= (1 + wraps) * (1 + is_complex)
    length *= 1 + is_complex
    entries = width * length
    narrow = length >= NARROW * width
    return narrow and entries <= MAX_ENTRIES and entries * width <= MAX_WORK


def bands_of_line(line: Array, length: int) -> Array:
    """Return LAPACK lower bands of the first `length` indices of a band matrix.

    Parameters
    ----------
    line : array [shape=(w, at least length)], real or complex
        ``line[d, t] = S[t + d, t]``, Hermitian S.
    length : int
        Indices from `length` on are left out.
    """
    bands = line[: min(line.shape[0], length), :length].copy()
    for d in range(1, bands.shape[0]):
        bands[d, length - d :] = 0.0
    return bands


def bands_of_circle(circle: Array, length: int) -> tuple[Array, bool] | None:
    """Return LAPACK lower bands of the first `length` indices of a circular band matrix.

    Where the band reaches round the circle, the indices are taken in the order 0, n - 1, 1,
    n - 2, ...: a symmetric permutation, which keeps the eigenvalues and doubles the half-width.

    Parameters
    ----------
    circle : array [shape=(w, period)], real or complex
        ``circle[d, t] = S[(t + d) mod period, t]``, Hermitian S.
    length : int <= period
        Indices from `length` on are left out.

    Returns
    -------
    bands : array [shape=(bands, length)]
    folded : bool
        Whether the indices were permuted.
    None if an entry could be reached both ways (``period < 2 w - 1``).
    """
    width, period = circle.shape
    if period - length >= width - 1:
        return bands_of_line(circle, length), False
    if period < 2 * width - 1:
        return None
    return _folded(circle, length), True


def sum_of_bands(terms: Sequence[Bands]) -> Bands | None:
    """Return the sum of banded operators on the same samples, None if it cannot be folded."""
    folded = any(term.folded for term in terms)
    length = terms[0].bands.shape[1]
    aligned = []
    for term in terms:
        bands = term.bands
        if folded and not term.folded:
            if length < 2 * bands.shape[0] - 1:
                return None
            bands = _folded(bands, length)  # a line is a circle with nothing across the joint
        aligned.append(bands)
    kind = np.result_type(*aligned)
    total = np.zeros((max(bands.shape[0] for bands in aligned), length), dtype=kind)
    for bands in aligned:
        total[: bands.shape[0]] += bands
    # entries off by gamma_k of the sum of moduli each, at most 2 w - 1 of them in a row
    moduli = sum(float(np.abs(bands).max(initial=0.0)) for bands in aligned)
    rounding = gamma(len(terms) + 2) * moduli * (2 * total.shape[0])
    slack = sum(term.slack for term in terms) * (1.0 + gamma(len(terms) + 2))
    return Bands(total, up(slack + rounding, 2), folded)


def _folded(circle: Array, length: int) -> Array:
    width, period = circle.shape
    index = np.arange(length)
    half = (length + 1) // 2
    place = np.where(index < half, 2 * index, 2 * (length - 1 - index) + 1)
    bands = np.zeros((min(2 * width, length), length), dtype=circle.dtype)
    for d in range(width):
        row = (index + d) % period
        inside = row < length
        values = circle[d, :length][inside]
        p, q = place[index[inside]], place[row[inside]]
        bands[np.abs(q - p), np.minimum(p, q)] = np.where(q >= p, values, values.conj())
    return bands
