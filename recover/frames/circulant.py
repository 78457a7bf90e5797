"""Band storage of operators that are banded on a circle."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array

__all__ = ["bands_of_circle", "bands_of_line"]


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


def bands_of_circle(circle: Array, length: int) -> Array | None:
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
    array [shape=(bands, length)] or None
        None if an entry could be reached both ways (``period < 2 w - 1``).
    """
    width, period = circle.shape
    if period - length >= width - 1:
        return bands_of_line(circle, length)
    if period < 2 * width - 1:
        return None
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
