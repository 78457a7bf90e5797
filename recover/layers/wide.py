"""Layers too large for the exact engine: a bound from norms and coherence."""

from __future__ import annotations

import math

import numpy as np

from recover.certificates.search.measure import Bands
from recover.core.arrays import Array
from recover.core.eigen import eigmax_upper, eigmin_lower, gram_of
from recover.core.enclosure import Enclosure
from recover.core.rounding import gamma, up

__all__ = ["coherence_lower", "most_inactive"]

BLOCK = 1000


def most_inactive(bands: Bands, highest: float, coherence: float) -> int:
    """Return a number of rows that are never exceeded by those off at once on the ball.

    If k rows N are off, ``sum_N <x, phi_i>^2 > k l^2`` with l the smallest distance of their
    thresholds from 0, and the sum is at most ``R^2 |Phi_N|^2``.  The squared norm of k rows is
    at most that of all rows, and at most ``r + (k - 1) mu`` by Gershgorin, r the largest
    squared norm of a row and mu the largest inner product of two.

    Parameters
    ----------
    bands : Bands
        A ReLU on a ball.
    highest : float
        Upper bound of the largest eigenvalue of ``Phi^T Phi``.
    coherence : float
        Upper bound of mu.
    """
    level = _level(bands)
    if level == math.inf:
        return 0
    doubtful = int(np.count_nonzero(_may_be_off(bands)))
    if level <= 0.0 or not math.isfinite(bands.radius):
        return doubtful
    square = Enclosure.exactly(bands.radius) * bands.radius
    share = (Enclosure.exactly(level) * level / square).lower
    largest = up(float(_squares(bands.rows).max()) * (1.0 + 1e-13), 2)
    for k in range(doubtful, 0, -1):
        # rounding: one part in 1e12 against the conclusion
        if k * share * (1.0 - 1e-12) <= min(highest, largest + (k - 1) * coherence):
            return k
    return 0


def coherence_lower(bands: Bands) -> tuple[float, int]:
    """Return a proved lower bound of A for a ReLU, and how many rows can be off at most.

    ``A >= lambda_min(Phi^T Phi) - |Phi_N|^2`` for the rows N that are off.
    """
    if bands.count < bands.dimension:
        return 0.0, int(np.count_nonzero(_may_be_off(bands)))
    gram, slack = gram_of(bands.rows)
    highest = eigmax_upper(gram, gram_slack=slack).value
    doubtful = np.flatnonzero(_may_be_off(bands))
    if doubtful.size == 0:
        return eigmin_lower(gram, gram_slack=slack).value, 0
    if _level(bands) <= 0.0:
        return 0.0, int(doubtful.size)
    coherence = _coherence(bands.rows[doubtful])
    count = most_inactive(bands, highest, coherence)
    largest = float(_squares(bands.rows).max()) * (1.0 + 1e-13)
    removed = min(highest, up((largest + max(count - 1, 0) * coherence) * (1.0 + 1e-14), 2))
    lowest = eigmin_lower(gram, gram_slack=slack).value
    left = Enclosure.exactly(lowest) - (removed if count else 0.0)
    return max(left.lower, 0.0), count


def _may_be_off(bands: Bands) -> Array:
    """Tell which rows may be off somewhere: ``low > -R |phi|``."""
    reach = bands.radius * np.sqrt(_squares(bands.rows)) * (1.0 + 1e-13)
    possible: Array = -bands.low <= reach
    return possible


def _level(bands: Bands) -> float:
    """Return the smallest distance ``-low`` of those that may be off, infinity if none is."""
    return float(-bands.low[_may_be_off(bands)].max(initial=-math.inf))


def _squares(rows: Array) -> Array:
    squares: Array = (rows**2).sum(axis=1)
    return squares


def _coherence(rows: Array) -> float:
    """Return an upper bound of the largest inner product of two rows, in blocks."""
    largest = 0.0
    for start in range(0, len(rows), BLOCK):
        products = np.abs(rows[start : start + BLOCK] @ rows[start:].T)
        np.fill_diagonal(products, 0.0)
        largest = max(largest, float(products.max(initial=0.0)))
    error = gamma(rows.shape[1] + 8) * float(_squares(rows).max(initial=0.0))
    return up(largest + 2.0 * error, 2)
