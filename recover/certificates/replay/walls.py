"""Walls: the distinct hyperplanes at which rows enter or leave their bands.

Three signals are followed: the ends x and y of a segment, and a signal z between them.  For
each of them every wall has a *side*: 1 where ``<., normal> >= level``, -1 where it is ``<=``,
0 while it is not decided.  Repeated and antipodal rows with matching levels share a wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recover.core.arrays import Array
from recover.core.rounding import gamma

__all__ = ["UNKNOWN", "Walls", "X", "Y", "Z", "walls_of"]

X, Y, Z = 0, 1, 2  # the signals that have sides
UNKNOWN = 2  # the state of a row that the sides do not tell
UNDERFLOW = 1e-150  # more than a length loses where squares of its entries underflow


@dataclass(frozen=True, eq=False)
class Walls:
    """Rows with bands on a ball (or a cone), and the walls between their states.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        The frame, scaled to entries below 1.
    low, high : array [shape=(m,)], possibly infinite
        The bands.
    radius : float
        Of the ball; infinite only where all levels are 0 (then nothing depends on it).
    nonnegative : bool
        Only signals with entries >= 0 are in the domain.
    normals, levels : array [shape=(K, n)], array [shape=(K,)]
        The walls.
    below, above : array of int [shape=(m,)]
        The wall at the lower and at the upper level of each row, -1 where there is none.
    below_sign, above_sign : array of int [shape=(m,)]
        1 where the row is the wall's normal, -1 where it is its negative.
    """

    rows: Array
    low: Array
    high: Array
    radius: float
    nonnegative: bool
    normals: Array
    levels: Array
    below: Array
    above: Array
    below_sign: Array
    above_sign: Array

    @property
    def count(self) -> int:
        """Number of walls."""
        return len(self.levels)

    @property
    def dimension(self) -> int:
        """Number of entries of a signal."""
        return int(self.rows.shape[1])

    @cached_property
    def central(self) -> bool:
        """Whether every wall goes through the origin: only directions matter then."""
        return not self.levels.any()

    @cached_property
    def start(self) -> Array:
        """Return the sides (3, K) that hold everywhere in the domain: walls out of reach."""
        if self.central:
            return np.zeros((3, self.count), dtype=np.int8)
        sizes = np.sqrt((self.normals**2).sum(axis=1)) * (1.0 + gamma(self.dimension + 8))
        out = np.abs(self.levels) > self.radius * (sizes + UNDERFLOW) * (1.0 + 1e-14)
        return np.tile(np.where(out, -np.sign(self.levels), 0.0).astype(np.int8), (3, 1))

    @cached_property
    def outer(self) -> Array:
        """Return ``phi phi^T`` of every row, (m, n * n)."""
        products = self.rows[:, :, None] * self.rows[:, None, :]
        flat: Array = products.reshape(len(self.rows), self.dimension**2)
        return flat

    @cached_property
    def gaps(self) -> Array:
        """Return ``high - low``."""
        return self.high - self.low

    def states(self, sides: Array) -> Array:
        """Return what the sides (..., K) say of each row: -1 below its band, 0 in, 1 above."""
        padded = np.concatenate([sides, np.zeros((*sides.shape[:-1], 1), np.int8)], axis=-1)
        lower = np.where(self.below >= 0, padded[..., self.below] * self.below_sign, 1)
        upper = np.where(self.above >= 0, padded[..., self.above] * self.above_sign, -1)
        inside = np.where((lower == 1) & (upper == -1), 0, UNKNOWN)
        states: Array = np.where(lower == -1, -1, np.where(upper == 1, 1, inside))
        return states

    def closed(self, sides: Array) -> Array | None:
        """Return the sides (3, K) with all that follows from them, None if they conflict.

        What is on one side of a wall at both ends is so in between; above a row's upper level
        is above its lower one.
        """
        s = sides.copy()
        both = np.flatnonzero((self.below >= 0) & (self.above >= 0))
        low, high = self.below[both], self.above[both]
        low_sign, high_sign = self.below_sign[both], self.above_sign[both]
        while True:
            before = s.copy()
            over, under = s[:, high] * high_sign == 1, s[:, low] * low_sign == -1
            if (over & under).any():
                return None
            signal, row = np.nonzero(over)
            s[signal, low[row]] = low_sign[row]
            signal, row = np.nonzero(under)
            s[signal, high[row]] = -high_sign[row]
            x, y, z = s
            between = np.where((x == y) & (x != 0), x, z)
            s[X] = np.where((x == 0) & (z * y == -1), z, x)
            s[Y] = np.where((y == 0) & (z * before[X] == -1), z, y)
            s[Z] = between
            # what was decided before stays, or it is contradicted
            if (s * before == -1).any():
                return None
            if np.array_equal(s, before):
                return s


def walls_of(rows: Array, low: Array, high: Array, radius: float, nonnegative: bool) -> Walls:
    """Return the walls of rows with bands, in the order of the lower, then the upper levels."""
    m = len(rows)
    index = {"below": np.full(m, -1), "above": np.full(m, -1)}
    signs = {"below": np.ones(m, dtype=np.int8), "above": np.ones(m, dtype=np.int8)}
    seen: dict[tuple[bytes, float], int] = {}
    normals: list[Array] = []
    levels: list[float] = []
    for name, bound in (("below", low), ("above", high)):
        for i in np.flatnonzero(np.isfinite(bound) & rows.any(axis=1)).tolist():
            row, level = rows[i] + 0.0, float(bound[i])  # bytes tell 0.0 from -0.0
            opposite = ((0.0 - row).tobytes(), -level)
            if opposite in seen:
                index[name][i], signs[name][i] = seen[opposite], -1
                continue
            key = (row.tobytes(), level)
            if key not in seen:
                seen[key] = len(levels)
                normals.append(row)
                levels.append(level)
            index[name][i] = seen[key]
    return Walls(
        rows,
        low,
        high,
        radius,
        nonnegative,
        np.array(normals).reshape(len(levels), rows.shape[1]),
        np.array(levels),
        index["below"],
        index["above"],
        signs["below"],
        signs["above"],
    )
