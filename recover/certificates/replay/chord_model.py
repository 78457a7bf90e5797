"""What a search over segments speaks of: targets, nodes, and the multipliers of leaves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recover.certificates.replay.walls import Walls, X, Y
from recover.core.arrays import Array
from recover.core.rounding import gamma

__all__ = ["Crossing", "Form", "Node", "Target", "crossing_of"]

_SPARE = 8  # roundings besides the additions


class Target(NamedTuple):
    """What is to be proved: ``kappa^2 >= value``; `share` is g."""

    value: float
    share: float


class Node(NamedTuple):
    """Segments with the given sides (3, K) and ``|<aside, d>| <= slope <direction, d>``.

    With `aside` None only ``<direction, d> >= 0``; with `direction` None not even that.
    `turns` counts how often the directions were turned: that many roundings they are off.
    """

    sides: Array
    direction: Array | None = None
    aside: Array | None = None
    slope: float = 0.0
    turns: int = 0


class Form(NamedTuple):
    """The multipliers of a leaf, see above.

    Parameters
    ----------
    rho : int
        0 or 1; 2 stands for 1 in the variables x, d and the constant 1 themselves.
    sigma, tau, cone : float >= 0
        `cone` multiplies ``slope^2 <direction, d>^2 - <aside, d>^2 >= 0``, which is taken off.
    which, weights : arrays
        Which inequalities, and mu.  The inequalities are numbered: walls at x, walls at y,
        orders across walls, the constant 1 >= 0, faces at x and at y, tangents.
    nu : array
        The coefficients of q at the walls crossed, and at the constant where it occurs.
    ends, tangents : arrays [shape=(C,)], [shape=(C, n)]
        Directions a for ``R |a| - <x, a> >= 0`` (or y).
    """

    rho: int
    sigma: float
    tau: float
    cone: float
    which: Array
    weights: Array
    nu: Array
    ends: Array
    tangents: Array


class Crossing(NamedTuple):
    """Which rows count how, from the states of both ends.

    ``at_x`` and ``at_y`` count the rows that contribute the squared distance of x, or of y,
    from each wall; `constant` is the part of rows that go from level to level.
    """

    inside: Array
    at_x: Array
    at_y: Array
    constant: float

    @property
    def walls(self) -> Array:
        """Return the walls that count."""
        return np.flatnonzero(self.at_x + self.at_y)


def crossing_of(walls: Walls, sides: Array) -> Crossing:
    """Return what the decided rows contribute to Q at least."""
    x, y = walls.states(sides[:2])
    counts = np.zeros((2, walls.count))
    for signal, here, there in ((X, x, y), (Y, y, x)):
        np.add.at(counts[signal], walls.below[(here == 0) & (there == -1)], 1.0)
        np.add.at(counts[signal], walls.above[(here == 0) & (there == 1)], 1.0)
    jumps = walls.gaps[x * y == -1]
    constant = float((jumps**2).sum()) * (1.0 - gamma(len(x) + _SPARE))
    return Crossing((x == 0) & (y == 0), counts[X], counts[Y], constant)
