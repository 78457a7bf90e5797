"""A search over segments: prove that no pair of signals has ``|F(x) - F(y)|^2 < c |x - y|^2``.

Such a pair would pass, somewhere between x and y, through a cell whose eigenvalue is small
enough (see `replay.chord_leaves`).  So the search first runs through the cells of one signal z
and keeps the few low ones; within each of them the direction of the segment is confined to a
narrow double cone around the bottom eigenvector, which tells on which side of most walls x and
y are; what is left is decided wall by wall, led by the segments that stand in the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from recover.certificates.replay.chord_leaves import form_holds
from recover.certificates.replay.chord_model import Form, Node, Target
from recover.certificates.replay.chords import CONFLICT, EMPTY, FORM, Chords, directed
from recover.certificates.replay.walls import UNKNOWN, Walls, X, Y, Z
from recover.certificates.search.chord_choices import (
    forced_side,
    known_orders,
    scaled_levels,
    unseen,
)
from recover.certificates.search.chord_forms import propose_form
from recover.certificates.search.chord_problem import problem_of
from recover.certificates.search.chord_regions import propose_empty
from recover.certificates.search.clock import Clock
from recover.core.arrays import Array
from recover.core.progress import Progress

__all__ = ["MARGIN", "ChordSearch"]

MARGIN = 1e-6  # how far below the square of the best pair's ratio the target stays
MOST_NODES = 300_000
RETRIES = 30  # at one node, while the best pair improves
MOST_CUTS = 4  # of the directions of one node
PARTS = 4  # of the directions, where a cell sees two of them little
_EMPTY_FORM = Form(
    0, 1.0, 0.0, 0.0, np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, np.int64),
    np.empty((0, 0)),
)  # fmt: skip


class _Open(NamedTuple):
    node: Node
    checked: Array  # (3, K): the sides with which the regions were last looked at
    orders: Array | None  # (K,): where y is known to lie beyond x, from the direction
    cuts: int = 0  # how often the directions were cut into sectors


@dataclass(eq=False)
class ChordSearch:
    """One depth-first search.

    Parameters
    ----------
    walls : Walls
        The rows on their domain.
    target : Target
        What is to be proved; its value is lowered where a pair of signals shows less.
    clock : Clock
        Ends the search.
    most : int
        Nodes after which it ends too.
    """

    walls: Walls
    target: Target
    clock: Clock
    most: int = MOST_NODES
    visited: int = 0
    stuck: bool = False
    pair: tuple[Array, Array] | None = None
    _steps: list[int] = field(default_factory=list)
    _integers: list[int] = field(default_factory=list)
    _numbers: list[float] = field(default_factory=list)

    def run(self) -> bool:
        """Search; tell whether the target was proved."""
        start = np.zeros_like(self.walls.start)
        stack = [_Open(Node(self.walls.start), start, None)]
        while stack:
            progress = Progress(self.visited, self.visited + len(stack), self.target.value**0.5)
            if self.visited >= min(self.most, MOST_NODES) or self.clock.stops(progress):
                return False
            self.visited += 1
            below = self._visit(stack.pop())
            if below is None:
                self.stuck = True
                return False
            stack.extend(below)
        return True

    @property
    def record(self) -> Chords:
        """The record, for a finished search."""
        return Chords(
            np.array(self._steps, dtype=np.int32),
            np.array(self._integers, dtype=np.int32),
            np.array(self._numbers, dtype=np.float64),
        )

    def _leaf(self, kind: int, integers: list[int], numbers: list[float]) -> list[_Open]:
        self._steps.append(kind)
        self._integers += integers
        self._numbers += numbers
        return []

    def _visit(self, opened: _Open) -> list[_Open] | None:
        """Close a node, or return its branches; None where nothing is left to decide."""
        sides = self.walls.closed(opened.node.sides)
        if sides is None:
            return self._leaf(CONFLICT, [], [])
        node = opened.node._replace(sides=sides)
        states = self.walls.states(sides)
        if self._high(states):
            form = _EMPTY_FORM._replace(tangents=np.empty((0, self.walls.dimension)))
            if form_holds(self.walls, node, self.target, form):
                return self._form(form)
        for signal in (Z, X, Y):
            if np.array_equal(sides[signal], opened.checked[signal]):
                continue
            if signal == Y and np.array_equal(sides[Y], sides[X]):
                continue
            empty = propose_empty(self.walls, sides[signal])
            if empty is not None:
                index, weights = empty
                integers = [signal, len(index), *index.tolist()]
                return self._leaf(EMPTY, integers, weights.tolist())
        if node.direction is None:
            return self._between(node, states)
        return self._ends(node, opened, states)

    def _high(self, states: Array) -> bool:
        """Tell whether the rows in their bands at z (and at both ends) seem to be enough."""
        walls, n, share = self.walls, self.walls.dimension, self.target.share
        kept = (states[X] == 0) & (states[Y] == 0)
        weights = share * (states[Z] == 0) + (1.0 - share) * kept
        matrix = (weights @ walls.outer).reshape(n, n)
        return float(np.linalg.eigvalsh(matrix)[0]) > self.target.value

    def _form(self, form: Form) -> list[_Open]:
        integers = [form.rho, len(form.which), len(form.ends), len(form.nu)]
        integers += [*form.which.tolist(), *form.ends.tolist()]
        numbers = [form.sigma, form.tau, form.cone, *form.weights.tolist(), *form.nu.tolist()]
        return self._leaf(FORM, integers, numbers + form.tangents.ravel().tolist())

    def _between(self, node: Node, states: Array) -> list[_Open]:
        """Decide more at z, or name x and y by the direction that the cell sees least."""
        walls = self.walls
        n = walls.dimension
        linear = (states[Z] == 0).astype(np.float64)
        values, vectors = np.linalg.eigh((linear @ walls.outer).reshape(n, n))
        open_ = states[Z] == UNKNOWN
        if open_.any():
            score = np.where(open_, (walls.rows @ vectors[:, 0]) ** 2, -1.0)
            row = int(score.argmax())
            for wall in (walls.below[row], walls.above[row]):
                if wall >= 0 and node.sides[Z, wall] == 0:
                    break
            return self._decide(node, Z, int(wall), _Open(node, node.sides, None))
        low = self.target.share * (linear @ walls.outer).reshape(n, n)
        low -= self.target.value * np.eye(n)
        several = n > 1 and self.target.share * values[1] < 1.0001 * self.target.value
        parts = PARTS if several else 1
        self._steps.append(3 * walls.count)
        self._integers.append(parts)
        self._numbers += vectors[:, : 1 + several].T.ravel().tolist()
        aside = vectors[:, 1] if several else None
        named = directed(node.sides, vectors[:, 0], aside, parts)
        return [_Open(child, node.sides, known_orders(walls, low, child)) for child in named]

    def _decide(self, node: Node, signal: int, wall: int, opened: _Open) -> list[_Open]:
        self._steps.append(signal * self.walls.count + wall)
        below = []
        for side in (-1, 1):
            branch = node.sides.copy()
            branch[signal, wall] = side
            branched = node._replace(sides=branch)
            below.append(opened._replace(node=branched, checked=node.sides))
        return below

    def _ends(self, node: Node, opened: _Open, states: Array) -> list[_Open] | None:
        forced = None if opened.orders is None else forced_side(node.sides, opened.orders)
        obstacle = None
        for _ in range(RETRIES):
            found = propose_form(self.walls, node, self.target)
            if found.form is not None:
                return self._form(found.form)
            obstacle = found.obstacle
            if forced is not None or obstacle is None or not self._learn(obstacle):
                break
        if forced is not None:
            return self._decide(node, *forced, opened)
        chosen = self._choice(node, states, obstacle)
        if chosen is None:
            return self._cut(node, opened) if opened.cuts < MOST_CUTS else None
        return self._decide(node, *chosen, opened)

    def _cut(self, node: Node, opened: _Open) -> list[_Open] | None:
        """Cut the directions into sectors: nothing else is left to decide."""
        problem = problem_of(self.walls, node, self.target)
        g = node.direction
        if g is None or len(g) == 1:
            return None
        form = problem.across.T @ problem.both @ problem.across
        aside = problem.across @ np.linalg.eigh(form)[1][:, 0]
        self._steps.append(3 * self.walls.count)
        self._integers.append(PARTS)
        self._numbers += aside.tolist()
        below = directed(node.sides, g, aside, PARTS, named=True)
        return [_Open(child, node.sides, None, opened.cuts + 1) for child in below]

    def _learn(self, obstacle: Array) -> bool:
        """Lower the target if the obstacle is a pair of signals that shows less."""
        walls, n = self.walls, self.walls.dimension
        x, y = obstacle[:n], obstacle[:n] + obstacle[n : 2 * n]
        scale = 1.0 if walls.central else float(obstacle[-1])
        size = max(float(np.linalg.norm(x)), float(np.linalg.norm(y)))
        if walls.central and size > 0.0:
            limit = walls.radius if np.isfinite(walls.radius) else 1.0
            scale = size / (limit * (1.0 - 1e-13))
        if not scale > 0.0:
            return False
        x, y = self._inside(x / scale), self._inside(y / scale)
        step = float(((x - y) ** 2).sum())
        if not step > 1e-12 * (size / scale) ** 2:
            return False
        change = np.clip(walls.rows @ x, walls.low, walls.high)
        change -= np.clip(walls.rows @ y, walls.low, walls.high)
        square = float((change**2).sum()) / step
        if square * (1.0 - MARGIN) >= self.target.value * (1.0 - 1e-9):
            return False
        self.pair = x, y
        self.target = self.target._replace(value=square * (1.0 - MARGIN))
        return True

    def _inside(self, x: Array) -> Array:
        """Return a signal moved into the domain."""
        if self.walls.nonnegative:
            x = np.maximum(x, 0.0)
        limit = self.walls.radius * (1.0 - 1e-13)
        size = float(np.linalg.norm(x))
        return x * (limit / size) if size > limit else x

    def _choice(
        self, node: Node, states: Array, obstacle: Array | None
    ) -> tuple[int, int] | None:
        """Return the signal and the wall to decide next, None if all rows are decided."""
        walls, n = self.walls, self.walls.dimension
        open_ = (states[X] == UNKNOWN) | (states[Y] == UNKNOWN)
        if not open_.any():
            return None
        if obstacle is None:
            score = (walls.rows @ unseen(walls, states)) ** 2
            row = int(np.where(open_, score, -1.0).argmax())
            near = None
        else:
            x, d, unit = obstacle[:n], obstacle[n : 2 * n], float(obstacle[-1])
            near = walls.normals @ np.stack([x, x + d]).T - unit * walls.levels[:, None]
            scale = abs(unit) if not walls.central else 1.0
            low, high = scaled_levels(walls.low, scale), scaled_levels(walls.high, scale)
            change = np.clip(walls.rows @ x, low, high)
            change -= np.clip(walls.rows @ (x + d), low, high)
            score = change**2 + 1e-9 * (walls.rows @ d) ** 2
            row = int(np.where(open_, score, -1.0).argmax())
        best, choice = -1.0, (X, 0)
        for signal in (X, Y):
            if states[signal, row] != UNKNOWN:
                continue
            for wall in (int(walls.below[row]), int(walls.above[row])):
                if wall < 0 or node.sides[signal, wall] != 0:
                    continue
                value = 0.0 if near is None else abs(float(near[wall, signal]))
                if value > best:
                    best, choice = value, (signal, wall)
        return choice
