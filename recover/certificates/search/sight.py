"""What can be seen of frames that are too large to be searched: one signal, and pairs at it."""

from __future__ import annotations

import numpy as np

from recover.certificates.lipschitz import clip_ratio_upper
from recover.certificates.replay.record import rayleigh_upper
from recover.certificates.search.active import search_few_active
from recover.certificates.search.bracket import Bracket
from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands
from recover.core.arrays import Array

__all__ = ["sight", "too_large"]

ENGINE_NUMBERS = 50_000_000  # products of entries that the exact engine may hold (400 MB)
STEPS = 0.1 * 0.25 ** np.arange(8)  # of the radius, between the signals of a pair
SHARE = 0.3  # of the time, for a signal that keeps few rows in their bands


def too_large(bands: Bands) -> bool:
    """Tell whether the exact engine would need too much memory."""
    n = bands.dimension
    return n * (n + 1) // 2 * bands.count > ENGINE_NUMBERS


def sight(
    bands: Bands, clock: Clock, rng: np.random.Generator
) -> tuple[Bracket, tuple[Array, Array], float]:
    """Return an upper bound of A from one signal, and a pair of signals with its ratio.

    Parameters
    ----------
    bands : Bands
        Scaled so that rows and radius (if finite) are of order one.
    clock : Clock
        For the search of the signal.
    rng : Generator
        For the same.
    """
    if bands.like_cone:
        bands = bands.as_cone()
    x: Array = np.zeros(bands.dimension)
    if not np.isfinite(bands.high).any():
        x = search_few_active(bands, clock.within(SHARE * clock.left), rng)
    x = bands.inside(0.999 * x[None])[0]
    kept = bands.rows[~bands.surely_saturated(x[None])[0]]
    v: Array = np.linalg.eigh(kept.T @ kept)[1][:, 0]
    upper = rayleigh_upper(kept)
    bracket = Bracket(0.0, upper, upper == 0.0, 0, 0, 0.0, None, (), x, (v,))
    size = bands.radius if np.isfinite(bands.radius) else 1.0
    pairs = [bands.inside(np.stack([x - s * size * v, x + s * size * v])) for s in STEPS]
    ratios = [clip_ratio_upper(bands.rows, bands.low, bands.high, *pair) for pair in pairs]
    best = int(np.argmin(ratios))
    return bracket, (pairs[best][0], pairs[best][1]), ratios[best]
