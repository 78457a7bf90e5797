"""The smallest eigenvalue found so far, the signal where it was found, and the local search."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands
from recover.certificates.search.spectral import Energy
from recover.core.arrays import Array
from recover.core.progress import Progress

__all__ = ["Incumbent", "local_search"]

MEASURED = 16  # most signals of a batch whose eigenvalues are computed
STEPS, PATIENCE = 25, 8  # of the local search: most steps, and most in a row without success


@dataclass(eq=False)
class Incumbent:
    """The best signal so far: an upper bound of A that anybody can evaluate.

    Parameters
    ----------
    bands : Bands
        What is measured.
    energy : Energy
        Its sub-frames.
    value : float
        A proved upper bound of A.
    point : array [shape=(n,)] or None
        The signal.
    vector : array [shape=(n,)] or None
        The direction that the linear rows see least there.
    """

    bands: Bands
    energy: Energy
    value: float = math.inf
    point: Array | None = None
    vector: Array | None = None

    @property
    def goal(self) -> float:
        """The largest value worth proving: below `value` by the price of a proof."""
        return self.value * (1.0 - 1e-12) - 4.0 * self.energy.margin

    def offer(self, x: Array) -> Array:
        """Move signals (B, n) into the domain, keep the best; return the estimates (B,)."""
        x = self.bands.inside(x)
        linear = ~self.bands.surely_saturated(x)
        values = np.linalg.eigvalsh(self.energy.matrices(linear))[:, 0]
        return self.consider(x, linear, values)

    def improve(self, x: Array, seen: Array) -> bool:
        """Measure those signals (B, n) that are better for sure; tell whether there are any.

        `seen` (B, m) is what each row sees of a vector of norm 1, squared: the sum over the
        rows in their bands is at least the smallest eigenvalue.
        """
        x = self.bands.inside(x)
        t = x @ self.bands.rows.T
        linear = (t >= self.bands.low) & (t <= self.bands.high)
        total = np.einsum("bm,bm->b", linear, seen)
        better = np.flatnonzero(total < self.value)
        if better.size:
            self.offer(x[better[np.argsort(total[better])[:MEASURED]]])
        return better.size > 0

    def consider(self, x: Array, linear: Array, estimates: Array) -> Array:
        """Keep the best of signals inside the domain whose eigenvalues are estimated."""
        # few rows are exactly singular, whatever the rounding says
        estimates = np.where(linear.sum(axis=1) < self.bands.dimension, 0.0, estimates)
        best = int(estimates.argmin())
        if estimates[best] < self.value:
            value, vector = self.energy.lowest(linear[best])
            if value < self.value:
                self.value, self.vector, self.point = value, vector, x[best].copy()
        return estimates


def local_search(best: Incumbent, starts: int, rng: np.random.Generator, clock: Clock) -> None:
    """Improve the incumbent from random starts.

    A step pushes each signal along the rows that are saturated already or weigh most in the
    bottom eigenvector of the rest: leaving their bands lowers the eigenvalue most.  Signs are
    those of the coefficients; noise and inertia keep the starts apart.
    """
    bands = best.bands
    radius = bands.radius if math.isfinite(bands.radius) else 1.0
    x = _resized(rng.standard_normal((starts, bands.dimension)), radius)
    best.offer(np.zeros((1, bands.dimension)))
    rows, one_sided = bands.rows, not np.isfinite(bands.high).any()
    stale, before = 0, best.value
    for step in range(STEPS):
        x = bands.inside(x)
        t = x @ rows.T
        saturated = (t < bands.low) | (t > bands.high)
        values, spaces = np.linalg.eigh(best.energy.matrices(~saturated))
        if float(values[:, 0].min()) < best.value:
            best.consider(x, ~bands.surely_saturated(x), values[:, 0])
        stale, before = (0 if best.value < before else stale + 1), best.value
        progress = Progress(step, STEPS, best.value, (0.0, best.value))
        if best.value <= 0.0 or stale >= PATIENCE or clock.stops(progress):
            return
        vectors = spaces[:, :, 0]
        weights = (vectors @ rows.T) ** 2
        spread = np.exp(rng.standard_normal((starts, 1)))
        weights *= np.where(saturated, 1.0, spread * rng.random(t.shape))
        signs = -1.0 if one_sided else np.sign(t - _middle(bands))
        total = weights.sum(axis=1, keepdims=True)
        x = (weights * signs) @ rows + 0.3 * rng.exponential(
            size=(starts, 1)
        ) * total * x / radius
        noise = 0.1 * np.sqrt((x**2).sum(axis=1, keepdims=True))
        x = _resized(x + noise * rng.standard_normal(x.shape), radius)


def _middle(bands: Bands) -> Array:
    """Return the middle of two-sided bands, and for one-sided ones a point beyond all reach."""
    far = 1e3 * (1.0 + np.abs(bands.low) + np.abs(bands.high))
    low = np.where(np.isfinite(bands.low), bands.low, -far)
    high = np.where(np.isfinite(bands.high), bands.high, far)
    both = np.isfinite(bands.low) & np.isfinite(bands.high)
    neither = ~np.isfinite(bands.low) & ~np.isfinite(bands.high)
    only_low = np.isfinite(bands.low) & ~both
    with np.errstate(invalid="ignore"):
        middle: Array = np.where(both, (low + high) / 2.0, np.where(only_low, 1e300, -1e300))
    return np.where(neither, 0.0, middle)


def _resized(x: Array, radius: float) -> Array:
    norms = np.sqrt((x**2).sum(axis=1, keepdims=True))
    resized: Array = x * (radius * (1.0 - 1e-13) / np.where(norms > 0.0, norms, 1.0))
    return resized
