"""Levels that no signal of a ball can reach: without them a row is linear on all of it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from recover.core.arrays import Array
from recover.core.rounding import gamma

__all__ = ["reached_levels"]

SMALLEST = 2.0**-960  # of sizes that rounding leaves their relative error
MOST_EXACT = 40_000  # entries of rows whose norms are computed in fractions


def reached_levels(rows: Array, low: Array, high: Array, radius: float) -> tuple[Array, Array]:
    """Return the levels with those replaced by infinity that no signal of the ball goes beyond.

    As ``|<x, phi>| <= R |phi|``, row phi stays at or above `low` if ``-low >= R |phi|``, and at
    or below `high` if ``high >= R |phi|``: there it is linear, level or not.  Decided in
    floating point with its rounding error, and exactly where that cannot tell.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        Scaled to order one.
    low, high : array [shape=(m,)], possibly infinite
        The band of each row.
    radius : float > 0, possibly infinite
        Of the ball.  On an unbounded domain every level is kept, as are those of zero rows.

    Returns
    -------
    low, high : arrays [shape=(m,)]
    """
    if not math.isfinite(radius):
        return low, high
    largest = np.abs(rows).max(axis=1, initial=0.0)
    # rows in units of their largest entry, so that no square that counts underflows
    unit = np.where(largest > 0.0, largest, 1.0)
    reach = radius * (largest * np.sqrt(((rows / unit[:, None]) ** 2).sum(axis=1)))
    error = 2.0 * gamma(rows.shape[1] + 10)
    levels = np.stack([-low, high])
    sought = np.isfinite(levels) & (largest > 0.0) & (levels > 0.0)
    sure = np.minimum(largest, reach) > SMALLEST
    idle = sought & sure & (levels >= reach * (1.0 + error))
    close = sought & ~idle & ((levels >= reach * (1.0 - error)) | ~sure)
    if np.count_nonzero(close) * rows.shape[1] <= MOST_EXACT:
        for side, k in np.argwhere(close).tolist():
            square = sum(Fraction(v) ** 2 for v in rows[k].tolist())
            level = Fraction(float(levels[side, k]))
            idle[side, k] = level > 0 and level**2 >= Fraction(radius) ** 2 * square
    return np.where(idle[0], -np.inf, low), np.where(idle[1], np.inf, high)
