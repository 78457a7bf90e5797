"""Rows with a band of linear response each, on a convex domain: the object that is searched."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recover.certificates.idle import reached_levels
from recover.core.arrays import Array
from recover.core.rounding import gamma

__all__ = ["Bands"]


@dataclass(frozen=True, eq=False)
class Bands:
    """The map ``x -> clip(rows @ x, low, high)`` on a ball, or on its non-negative part.

    A ReLU is the case ``high = inf`` (up to a constant).  Row i is *linear* at x if
    ``low_i <= <x, phi_i> <= high_i``; A is the minimum over the domain of the smallest
    eigenvalue of ``sum phi_i phi_i^T`` over the rows that are linear.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        The frame.
    low, high : array [shape=(m,)], possibly infinite
        The band of each row.
    radius : float, possibly infinite
        Signals with ``|x| <= radius`` are in the domain.
    nonnegative : bool
        Only signals with entries >= 0 are.
    """

    rows: Array
    low: Array
    high: Array
    radius: float
    nonnegative: bool = False

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self.rows.shape[0])

    @property
    def dimension(self) -> int:
        """Number of entries of a signal."""
        return int(self.rows.shape[1])

    @property
    def symmetric(self) -> bool:
        """Whether ``-x`` always does to the rows what x does."""
        return not self.nonnegative and bool(np.array_equal(self.low, -self.high))

    @property
    def like_cone(self) -> bool:
        """Whether far out no threshold matters: one-sided, unbounded, every threshold <= 0.

        Far out a threshold is nothing beside the coefficients, and near the origin more rows
        are in their bands; so A is that of thresholds 0, which is the same on every ball.
        """
        return (
            not np.isfinite(self.radius)
            and not np.isfinite(self.high).any()
            and bool((self.low <= 0.0).all())
        )

    def as_cone(self) -> Bands:
        """Return the same rows with thresholds 0 on the unit ball."""
        low = np.where(np.isfinite(self.low), 0.0, -np.inf)
        return replace(self, low=low, radius=1.0)

    def useful(self) -> Bands:
        """On an unbounded domain, leave out rows with two levels and make the rest ReLU-like.

        Far out a row with two levels is of no use; one that is clipped above only is its
        negative clipped below only.
        """
        if np.isfinite(self.radius):
            return self
        both = np.isfinite(self.low) & np.isfinite(self.high)
        above = np.isfinite(self.high) & ~both
        signs = np.where(both, 0.0, np.where(above, -1.0, 1.0))
        low = np.where(both, -np.inf, np.where(above, -self.high, self.low))
        high = np.full(self.count, np.inf)
        return replace(self, rows=signs[:, None] * self.rows, low=low, high=high)

    def reached(self) -> Bands:
        """Leave out levels that no signal of the ball goes beyond."""
        low, high = reached_levels(self.rows, self.low, self.high, self.radius)
        return replace(self, low=low, high=high)

    def surely_saturated(self, x: Array) -> Array:
        """Tell which rows are outside their band for sure, whatever the rounding.

        Parameters
        ----------
        x : array [shape=(B, n)]
            Signals.

        Returns
        -------
        array of bool [shape=(B, m)]
            Where True, ``<x, phi_i> < low_i`` or ``> high_i`` in exact arithmetic: the error of
            an inner product is at most ``gamma_n |phi_i| |x|`` (Higham 2002, section 3.1).
        """
        t = x @ self.rows.T
        sizes = np.sqrt((self.rows**2).sum(axis=1))
        error = gamma(self.dimension + 8) * sizes * np.sqrt((x**2).sum(axis=1))[:, None]
        saturated: Array = (t + error < self.low) | (t - error > self.high)
        return saturated

    def inside(self, x: Array) -> Array:
        """Return `x` (B, n) moved into the domain: entries raised to 0, norms cut."""
        if self.nonnegative:
            x = np.maximum(x, 0.0)
        if not np.isfinite(self.radius):
            return x
        norms = np.sqrt((x**2).sum(axis=1))
        limit = self.radius * (1.0 - 1e-13)  # rounding must not carry it out of the ball
        factor = np.where(norms > limit, limit / np.where(norms > 0.0, norms, 1.0), 1.0)
        moved: Array = x * factor[:, None]
        return moved
