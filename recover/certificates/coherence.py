"""Bounds for one-sided layers of any size, from norms and inner products of their rows.

Row i of ``max(<x, phi_i> - low_i, 0)`` is *off* at x if ``<x, phi_i> < low_i``.  On the ball of
radius R it is never off if ``-low_i > R |phi_i|``, on the non-negative part of the ball if
``-low_i > R |phi_i^-|``, the norm of its negative entries.

Let a set N of k rows be off at one x, l > 0 the least ``-low_i`` of the rows that may be off.
Then ``k l <= -<x, sum_N phi_i> <= R |sum_N phi_i|``, and ``|sum_N phi_i|^2`` is the sum of the
inner products of N: at most k times the largest eigenvalue, and at most k times the largest sum
of a row's square and its k - 1 largest inner products.  With k = 2, rows i and j are off
together only if ``|phi_i + phi_j| >= 2 l / R``.  Subsets of N are off as well, so no set has
more rows than the first k for which this fails, less one.

``A >= lambda_min(Phi^T Phi) - |Phi_N|^2``, and ``|Phi_N|^2``, the largest eigenvalue of the
inner products of N, is at most the largest sum of moduli in a row (Gershgorin).
"""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.core.eigen import eigmax_upper, eigmin_lower, gram_of
from recover.core.rounding import gamma, up

__all__ = ["coherence_lower"]

BLOCK = 1000
DEPTH = 256  # the largest inner products of each row that are kept
SINGLE = 10**10  # products from which single precision is enough
SLACK = 1.0 + 1e-12  # more than all roundings of sums of positive numbers


def coherence_lower(
    rows: Array, low: Array, radius: float, nonnegative: bool
) -> tuple[float, int]:
    """Return a proved lower bound of A for a ReLU, and how many rows can be off at most.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        Scaled to entries of order one.
    low : array [shape=(m,)]
        Thresholds.
    radius : float, possibly infinite
        Of the ball.
    nonnegative : bool
        Only signals without negative entries.
    """
    m, n = rows.shape
    doubtful = _may_be_off(rows, low, radius, nonnegative)
    if m < n:
        return 0.0, int(np.count_nonzero(doubtful))
    sure = _lowest(rows[~doubtful])
    if not doubtful.any():
        return sure, 0
    count = int(np.count_nonzero(doubtful))
    level = float(-low[doubtful].max())
    if level <= 0.0 or not math.isfinite(radius):
        return sure, count
    gram, slack = gram_of(rows)
    highest = eigmax_upper(gram, gram_slack=slack).value
    share = (level / radius) ** 2 / SLACK  # level^2 / R^2, rounded down
    sums, moduli = _largest_sums(rows[doubtful], share)
    k, removed = _most_off(sums, moduli, highest, share, count)
    lowest = eigmin_lower(gram, gram_slack=slack).value
    return max(sure, (lowest - removed) * (1.0 - 1e-14) if lowest > removed else 0.0), k


def _most_off(
    sums: Array, moduli: Array, highest: float, share: float, count: int
) -> tuple[int, float]:
    """Return how many rows are off at most, and a bound of their squared norm."""
    size = 0
    while size < count:
        largest = float(sums[size]) if size < len(sums) else highest
        if (size + 1) * share > min(largest, highest):
            break
        size += 1
    if size == 0:
        return 0, 0.0
    bound = float(moduli[size - 1]) if size <= len(moduli) else highest
    return size, min(bound, highest)


def _may_be_off(rows: Array, low: Array, radius: float, nonnegative: bool) -> Array:
    seen = np.minimum(rows, 0.0) if nonnegative else rows
    norms = np.sqrt((seen**2).sum(axis=1)) * SLACK
    # a row without negative entries is 0 at least, whatever the radius
    reach = np.where(norms > 0.0, radius * np.where(norms > 0.0, norms, 1.0), 0.0) * SLACK
    possible: Array = np.where(norms > 0.0, -low <= reach, -low < 0.0)
    return possible


def _lowest(rows: Array) -> float:
    if len(rows) < rows.shape[1]:
        return 0.0
    gram, slack = gram_of(rows)
    return max(eigmin_lower(gram, gram_slack=slack).value, 0.0)


def _largest_sums(rows: Array, share: float) -> tuple[Array, Array]:
    """Return, for k = 1, 2, ..., the largest sums of a row's square and k - 1 other products.

    Of the products themselves, and of their moduli, over the rows that can be off together.
    """
    squares = (rows**2).sum(axis=1)
    unit = gamma(rows.shape[1] + 8)
    if len(rows) ** 2 * rows.shape[1] > SINGLE:
        # half the time in single precision, whose unit is 2^29 times as large
        rows, unit = rows.astype(np.float32), 2.0**29 * gamma(rows.shape[1] + 16)
    error = up(2.0 * unit * float(squares.max()), 2)
    depth = min(len(rows) - 1, DEPTH)
    best = np.zeros((2, depth + 1))
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        own = squares[start : start + BLOCK]
        products = part @ rows.T + rows.dtype.type(error)
        # |phi_i + phi_j|^2 >= 4 l^2 / R^2
        least = 2.0 * share / SLACK - (own[:, None] + squares) * (SLACK / 2.0) - error
        products[products < least] = 0.0
        place = np.arange(len(part))
        products[place, start + place] = 0.0
        for which, values in enumerate((np.maximum(products, 0.0), np.abs(products))):
            top = np.partition(values, len(rows) - 1 - depth, axis=1)[:, len(rows) - depth :]
            sums = np.cumsum(np.sort(top, axis=1)[:, ::-1].astype(np.float64), axis=1)
            sums += np.arange(1, depth + 1) * 2.0 * error
            sums = np.hstack([np.zeros((len(part), 1)), sums]) + own[:, None] + error
            best[which] = np.maximum(best[which], sums.max(axis=0))
    return best[0] * SLACK, best[1] * SLACK
