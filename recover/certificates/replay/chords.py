"""Replaying the record of a search over segments: ``kappa^2`` is at least a claimed value.

The record is a tree in preorder.  A node either decides the side of one wall at one of three
signals (the ends x and y of a segment, and z between them), and has two branches, side 1 and
side -1; or it names x and y by their direction (allowed while x and y have the same sides); or
it is a leaf.  With two vectors g and h, some j < J has
``|<h_j, d>| <= tan(pi / 2 J) |<g_j, d>|``, where g_j and h_j are g and h turned by ``j pi / J``
in the plane of the coordinates ``<g, d>, <h, d>``; there is one branch for each j, and there x
and y are named so that ``<g_j, y - x> >= 0``.  Where they are named already, by g, the half
plane ``<g, d> >= 0`` is cut into J sectors in the same way, a few times at most: each turn of
the vectors adds some roundings, which leaves have room for.

`steps` holds 3 K for such nodes, ``signal * K + wall`` for a decision, and a negative number
for leaves: nothing more is needed where the sides conflict; a region without an open set; a
form (see `chord_leaves`).  `integers` and `numbers` hold what the nodes need, one after the
other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from recover.certificates.evidence import Evidence
from recover.certificates.replay.chord_leaves import form_holds
from recover.certificates.replay.chord_model import Form, Node, Target
from recover.certificates.replay.chord_sums import empty_holds
from recover.certificates.replay.walls import Walls, X, Y
from recover.core.arrays import Array

__all__ = [
    "CONFLICT",
    "EMPTY",
    "FORM",
    "Chords",
    "chords_of",
    "directed",
    "record_arrays",
    "replay_chords",
]

CONFLICT, EMPTY, FORM = -1, -2, -3  # why leaves are closed
MOST_PARTS = 64  # of the directions of a plane
MOST_TURNS = 8  # of one direction; each is off by some roundings, which leaves have room for


class Chords(NamedTuple):
    """The record."""

    steps: Array
    integers: Array
    numbers: Array


def directed(
    sides: Array, g: Array, h: Array | None, parts: int, *, named: bool = False
) -> list[Node]:
    """Return the branches of a node that names x and y (or has `named`), the last one first."""
    if h is None:
        return [Node(sides, g)]
    nodes = []
    first = -math.pi / 2.0 + math.pi / (2 * parts) if named else 0.0
    for j in reversed(range(parts)):
        angle = first + j * math.pi / parts
        cosine, sine = math.cos(angle), math.sin(angle)
        # the slope is raised by far more than the angles are off
        slope = math.tan(math.pi / (2 * parts)) * (1.0 + 1e-9)
        nodes.append(Node(sides, cosine * g + sine * h, cosine * h - sine * g, slope))
    return nodes


class _Reader:
    def __init__(self, chords: Chords) -> None:
        self.chords = chords
        self.places = [0, 0, 0]

    def _next(self, which: int, count: int) -> Array:
        array, start = self.chords[which], self.places[which]
        if count < 0 or start + count > len(array):
            raise ValueError("the record of the search over segments ends too early")
        self.places[which] = start + count
        taken: Array = array[start : start + count]
        return taken

    def step(self) -> int:
        return int(self._next(0, 1)[0])

    def integers(self, count: int) -> Array:
        return self._next(1, count).astype(np.int64)

    def numbers(self, count: int) -> Array:
        return self._next(2, count).astype(np.float64)

    @property
    def finished(self) -> bool:
        ends = [len(array) for array in self.chords]
        return self.places == ends


def record_arrays(chords: Chords) -> dict[str, Array]:
    """Return the record as the arrays of evidence."""
    return {
        "pair_steps": chords.steps,
        "pair_integers": chords.integers,
        "pair_numbers": chords.numbers,
    }


def chords_of(evidence: Evidence) -> Chords:
    """Return the record that evidence holds."""
    arrays = evidence.arrays
    return Chords(arrays["pair_steps"], arrays["pair_integers"], arrays["pair_numbers"])


def replay_chords(walls: Walls, chords: Chords, target: Target) -> Iterator[str]:
    """Yield why the record does not prove ``Q >= value |x - y|^2`` for all pairs.

    Raises
    ------
    ValueError
        If the record does not fit.
    """
    reader = _Reader(chords)
    stack = [Node(walls.start)]
    while stack:
        node, step = stack.pop(), reader.step()
        sides = walls.closed(node.sides)
        if sides is None:
            if step != CONFLICT:
                yield "a node whose sides conflict is not closed for that reason"
                return
            continue
        node = node._replace(sides=sides)
        if step < 0:
            if not _closed(walls, node, target, reader, step):
                yield "a leaf of the search over segments is not proved"
                return
        elif step == 3 * walls.count:
            named = _named(node, reader, walls.dimension)
            if named is None:
                yield "x and y are named after they were told apart, or by nothing"
                return
            stack.extend(child._replace(turns=node.turns + 1) for child in named)
        elif step in np.flatnonzero(sides == 0):
            for side in (-1, 1):
                branch = sides.copy()
                branch.flat[step] = side
                stack.append(node._replace(sides=branch))
        else:
            yield "a node decides a side that does not exist or is decided already"
            return
    if not reader.finished:
        yield "the record of the search over segments has more than its tree needs"


def _named(node: Node, reader: _Reader, n: int) -> list[Node] | None:
    (parts,) = reader.integers(1).tolist()
    known = node.direction
    g = reader.numbers(n) if known is None else known
    h = reader.numbers(n) if parts > 1 else None
    if known is None and not np.array_equal(node.sides[X], node.sides[Y]):
        return None
    if not 1 <= parts <= MOST_PARTS or not np.isfinite(g).all() or node.turns >= MOST_TURNS:
        return None
    if h is None and known is not None:
        return None
    # nearly orthonormal, so that rounding in the turned vectors is relative to them
    if h is not None and not abs(g @ g - 1.0) + abs(h @ h - 1.0) + abs(g @ h) < 0.1:
        return None
    return directed(node.sides, g, h, parts, named=known is not None)


def _closed(walls: Walls, node: Node, target: Target, reader: _Reader, step: int) -> bool:
    if step == EMPTY:
        signal, count = reader.integers(2).tolist()
        index, weights = reader.integers(count), reader.numbers(count)
        return signal in (0, 1, 2) and empty_holds(walls, node.sides[signal], index, weights)
    if step != FORM:
        return False
    rho, count, ends, extra = reader.integers(4).tolist()
    index = reader.integers(count)
    at = reader.integers(ends)
    sigma, tau, cone = reader.numbers(3).tolist()
    weights, nu = reader.numbers(count), reader.numbers(extra)
    tangents = reader.numbers(ends * walls.dimension).reshape(ends, walls.dimension)
    return form_holds(
        walls, node, target, Form(rho, sigma, tau, cone, index, weights, nu, at, tangents)
    )
