"""Arrangements of half-spaces: where each row leaves its band, on a ball or on a cone.

On a ball the signal itself is the coordinate.  A cone (no radius, or a threshold of zero in
every row) has no smallest point to reason about, so it is cut by *charts*: the signals whose
largest entry in modulus is entry k, with sign s, are scaled so that this entry is s; the others
then lie in a cube, which is inside a ball.  Every chart is an arrangement on a ball with the
cube's faces as constraints, and the charts cover the cone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recover.certificates.search.measure import Bands
from recover.core.arrays import Array
from recover.core.rounding import up

__all__ = ["Arrangement", "arrangements"]

_DOMAIN = -1  # the owner of a side that constrains the domain


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Half-spaces ``{y: <y, normal_h> >= level_h}`` in a ball, each owned by a row.

    Row i is outside its band where one of its half-spaces holds.  The sides whose owner is -1
    hold everywhere in the domain.

    Parameters
    ----------
    normals : array [shape=(H, p)]
        The inner normals.
    levels : array [shape=(H,)]
        The thresholds.
    owners : array of int [shape=(H,)]
        The row that leaves its band there.
    count : int
        Number of rows.
    radius : float
        Of the ball that holds the domain.
    symmetric : bool
        Whether ``-y`` does to the rows what y does.
    pivot, sign : int
        The chart: entry `pivot` of the signal is `sign`; -1 where y is the signal itself.
    lifted : bool
        Whether the chart is one of ``(x, 1)`` scaled: the last entry divides the others.
    ambient : int
        Number of entries of the vectors that the chart cuts; y may have a dummy entry more.
    """

    normals: Array
    levels: Array
    owners: Array
    count: int
    radius: float
    symmetric: bool
    pivot: int = -1
    sign: int = 1
    lifted: bool = False
    ambient: int = 0

    @property
    def size(self) -> int:
        """Number of half-spaces."""
        return int(self.levels.size)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.normals.shape[1])

    @cached_property
    def norms(self) -> Array:
        """Return the norms of the normals (rounded)."""
        norms: Array = np.sqrt((self.normals**2).sum(axis=1))
        return norms

    @cached_property
    def padded_normals(self) -> Array:
        """Return the normals and, at the index -1, a row of zeros."""
        padded: Array = np.vstack([self.normals, np.zeros((1, self.dimension))])
        return padded

    @cached_property
    def columns(self) -> Array:
        """Return the normals as columns (p, H), contiguous."""
        return np.ascontiguousarray(self.normals.T)

    @cached_property
    def domain(self) -> Array:
        """Tell which sides hold everywhere."""
        always: Array = self.owners == _DOMAIN
        return always

    @cached_property
    def sides(self) -> Array:
        """Return the sides of each row, (m, 2), -1 where there is none."""
        table = np.full((self.count, 2), -1)
        for side, owner in enumerate(self.owners):
            if owner != _DOMAIN:
                table[owner, int(table[owner, 0] >= 0)] = side
        return table

    def rows_with(self, flags: Array) -> Array:
        """Tell which rows (B, m) have a side that is flagged, flags (B, H)."""
        first, second = self.sides.T
        found: Array = flags[:, first] & (first >= 0)
        found |= flags[:, second] & (second >= 0)
        return found

    def row_sums(self, numbers: Array) -> Array:
        """Return the sums (B, m) over the sides of each row, numbers (B, H)."""
        first, second = self.sides.T
        sums: Array = np.where(first >= 0, numbers[:, first], 0.0)
        return sums + np.where(second >= 0, numbers[:, second], 0.0)

    def signals(self, y: Array) -> Array:
        """Return the signals (B, n) of the coordinates y (B, p)."""
        if self.pivot < 0:
            return y
        entry = np.full((len(y), 1), float(self.sign))
        z = np.hstack([y[:, : self.pivot], entry, y[:, self.pivot : self.ambient - 1]])
        if not self.lifted:
            return z
        divided: Array = z[:, :-1] / np.maximum(z[:, -1:], 1e-100)
        return divided


def arrangements(bands: Bands) -> tuple[Arrangement, ...]:
    """Return arrangements that together cover the domain of `bands`.

    Parameters
    ----------
    bands : Bands
        On an infinite domain the bands must be one-sided (a ReLU): with two finite levels far
        signals saturate everything, which needs no search.
    """
    zero = not bands.low.any() and not np.isfinite(bands.high).any()
    if np.isfinite(bands.radius) and not zero:
        return (_on_ball(bands),)
    if zero or bands.like_cone:
        return tuple(_charts(bands, bands.rows, lifted=False))
    levels = np.where(np.isfinite(bands.low), bands.low, 0.0)
    return tuple(_charts(bands, np.hstack([bands.rows, -levels[:, None]]), lifted=True))


def _on_ball(bands: Bands) -> Arrangement:
    upper = np.flatnonzero(np.isfinite(bands.high))
    lower = np.flatnonzero(np.isfinite(bands.low))
    faces = np.eye(bands.dimension) if bands.nonnegative else np.empty((0, bands.dimension))
    floors = np.zeros(len(faces))
    if upper.size + lower.size + len(faces) == 0:
        # no row ever leaves its band; a half-space that always holds keeps the arrays alive
        faces, floors = np.zeros((1, bands.dimension)), np.full(1, -1.0)
    return Arrangement(
        np.vstack([bands.rows[upper], -bands.rows[lower], faces]),
        np.concatenate([bands.high[upper], -bands.low[lower], floors]),
        np.concatenate([upper, lower, np.full(len(faces), _DOMAIN)]),
        bands.count,
        bands.radius,
        bands.symmetric,
    )


def _charts(bands: Bands, rows: Array, *, lifted: bool) -> list[Arrangement]:
    """Cut the cone of all x (or of x >= 0, or of x with a last entry >= 0) into charts."""
    clipped = np.flatnonzero(np.isfinite(bands.low))
    rows = rows[clipped]
    n = rows.shape[1]
    positive = np.full(n, bands.nonnegative)
    if lifted:
        positive[-1] = True
    charts = []
    for pivot in range(n):
        for sign in (1, -1) if not positive[pivot] else (1,):
            others = np.delete(np.arange(n), pivot)
            # one dummy coordinate where none is left: every array keeps a column
            normals = -rows[:, others] if n > 1 else np.zeros((len(rows), 1))
            p = normals.shape[1]
            floor = np.where(positive[others], 0.0, -1.0) if n > 1 else np.full(1, -1.0)
            charts.append(
                Arrangement(
                    np.vstack([normals, np.eye(p), -np.eye(p)]),
                    np.concatenate([sign * rows[:, pivot], floor, np.full(p, -1.0)]),
                    np.concatenate([clipped, np.full(2 * p, _DOMAIN)]),
                    bands.count,
                    up(math.sqrt(p)),
                    symmetric=False,
                    pivot=pivot,
                    sign=sign,
                    lifted=lifted,
                    ambient=n,
                )
            )
    return charts
