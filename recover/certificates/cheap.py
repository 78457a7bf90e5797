"""The lower bounds of A for clipping that need no search."""

from __future__ import annotations

import numpy as np

from recover.certificates import moments
from recover.certificates.coherence import coherence_lower
from recover.core.arrays import Array

__all__ = ["cheap_lower"]

LARGEST_FORMS = 5e7  # products of entries that the moments may hold


def cheap_lower(
    rows: Array, low: Array, high: Array, radius: float, nonnegative: bool
) -> float:
    """Return the best of the lower bounds of A that moments and coherence prove.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        Scaled to entries of order one.
    low, high : array [shape=(m,)], possibly infinite
        The band of each row.
    radius : float, possibly infinite
        Of the ball of signals.
    nonnegative : bool
        Only signals without negative entries.
    """
    m, n = rows.shape
    if not rows.any():
        return 0.0
    small = m * n * (n + 1) / 2 <= LARGEST_FORMS
    if np.isfinite(high).any():
        if not small:
            return moments.count_lower(rows, low, high, radius)
        return max(
            moments.saturation_lower(rows, low, high, radius),
            moments.count_lower(rows, low, high, radius),
        )
    bound = 0.0
    if np.isfinite(low).all():
        bound = coherence_lower(rows, low, radius, nonnegative)[0]
        if small:
            bound = max(bound, moments.relu_lower(rows, low, radius))
    return bound
