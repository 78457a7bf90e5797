"""The exact engine: prove that the smallest eigenvalue is at least a target in every cell.

Branching on what the rows *do* rather than on which constraints support a point makes both
answers count.  A row that stays in its band joins the rows whose smallest eigenvalue has to
reach the target; a row that leaves it joins the constraints of the region, which shrinks until
it is empty or keeps the other rows in their bands.  A node is closed as soon as the rows in
their bands reach the target by themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from recover.certificates.search.arrangement import Arrangement
from recover.certificates.search.clock import Clock
from recover.certificates.search.conflicts import contradiction, opposite_pairs
from recover.certificates.search.incumbent import Incumbent
from recover.certificates.search.region import Supports, nearest_points, reach
from recover.certificates.search.tree import DecisionTree, TreeLog
from recover.core.arrays import Array
from recover.core.progress import Progress

__all__ = ["CellSearch", "Outcome"]

# Weights of the branching rule, set by experiment: a row is good to decide if staying in its
# band brings the eigenvalue near the target, and leaving it almost empties the region (a cap of
# height h of a p-dimensional ball has a share of about h**(p / 2) of its volume, here damped).
STAY, LEAVE = 6.0, 0.12
CLOSED = 1e-10  # relative margin of geometric verdicts, so that a verifier reaches them too
RAISED = (1e-6, 1e-8)  # by how much levels are raised to find a signal inside a cell
WORK = 4_000_000  # numbers in the largest array of a batch


class Outcome(NamedTuple):
    """What one run of the engine has shown.

    Parameters
    ----------
    lower : float
        Proved lower bound of the smallest eigenvalue over the arrangement, if `finished`.
    finished : bool
        Whether every leaf is closed or left to `lower`.
    unresolved : int
        Leaves whose cell could neither be shown to exist nor excluded.
    """

    lower: float
    finished: bool
    unresolved: int


class _Nodes(NamedTuple):
    names: Array
    held: Array  # (B, H): sides imposed
    open: Array  # (B, H): sides neither imposed nor excluded
    sides: Array
    weights: Array
    slack: Array  # (B, H): how far each side can be passed, in units of the ball

    def take(self, which: Array | slice) -> _Nodes:
        return _Nodes(*(array[which] for array in self))


@dataclass(eq=False)
class CellSearch:
    """One depth-first search over an arrangement, in batches of nodes.

    Parameters
    ----------
    arrangement : Arrangement
        Where rows leave their bands.
    best : Incumbent
        Improved on the way.
    target : float
        What is to be proved; lowered where the incumbent falls below it.
    clock : Clock
        Ends the search.
    """

    arrangement: Arrangement
    best: Incumbent
    target: float
    clock: Clock
    visited: int = 0
    floor: float = math.inf
    unresolved: int = 0
    log: TreeLog = field(default_factory=TreeLog)
    conflicts: list[Array] = field(default_factory=list)
    _stack: list[_Nodes] = field(default_factory=list)

    def run(self, proved: float = 0.0) -> Outcome:
        """Search; `proved` is the bracket's lower end for progress reports only."""
        self.conflicts = opposite_pairs(self.arrangement)
        self._push_root()
        while self._stack:
            if self.target <= 0.0:
                return Outcome(0.0, True, self.unresolved)
            waiting = sum(len(nodes.names) for nodes in self._stack)
            progress = Progress(
                self.visited, self.visited + waiting, self.target, (proved, self.best.value)
            )
            if self.clock.stops(progress):
                return Outcome(0.0, False, self.unresolved)
            self._visit(self._pop())
        return Outcome(max(min(self.target, self.floor), 0.0), True, self.unresolved)

    @property
    def tree(self) -> DecisionTree | None:
        """The record, None if too large."""
        return self.log.tree()

    @property
    def batch(self) -> int:
        """Number of nodes handled at once."""
        a = self.arrangement
        return int(np.clip(WORK // (a.size * (2 * a.dimension + 2)), 8, 512))

    def _push_root(self) -> None:
        a = self.arrangement
        slots = a.dimension + 1
        held = a.domain[None].copy()
        alive = np.append(self.best.bands.rows.any(axis=1), False)[a.owners]
        empty = Supports(np.full((1, slots), -1), np.zeros((1, slots)))
        self._push_regions(self.log.make(1), held, (alive & ~a.domain)[None], empty)

    def _push_regions(self, names: Array, held: Array, open_: Array, start: Supports) -> None:
        """Add nodes with new regions: find their nearest points, and what they can reach."""
        a = self.arrangement
        supports, _ = nearest_points(a, held, start, a.levels)
        self.log.support(names, supports.sides)
        empty, highest = reach(a, supports)
        closed = highest < -CLOSED * (a.radius * a.norms + np.abs(a.levels))
        units = a.radius * np.where(a.norms > 0.0, a.norms, 1.0)
        nodes = _Nodes(
            names, held, open_ & ~closed, supports.sides, supports.weights, highest / units
        )
        if not empty.all():
            self._stack.append(nodes.take(~empty))

    def _pop(self) -> _Nodes:
        nodes, size = self._stack.pop(), self.batch
        while self._stack and len(nodes.names) + len(self._stack[-1].names) <= size:
            nodes = _Nodes(*map(np.concatenate, zip(nodes, self._stack.pop(), strict=True)))
        if len(nodes.names) > size:
            self._stack.append(nodes.take(slice(None, -size)))
            nodes = nodes.take(slice(-size, None))
        return nodes

    def _visit(self, nodes: _Nodes) -> None:
        self.visited += len(nodes.names)
        nodes = nodes.take(~self._contradictory(nodes.held))
        a, energy = self.arrangement, self.best.energy
        undecided = (nodes.open @ a.membership) > 0.0
        linear = ~undecided & ~((nodes.held @ a.membership) > 0.0)
        matrices = energy.matrices(linear)
        values, vectors = np.linalg.eigh(matrices)
        hopeful = np.flatnonzero(values[:, 0] > self.target)
        shown = np.zeros(len(values), dtype=bool)
        shown[hopeful] = energy.at_least(matrices[hopeful], np.full(hopeful.size, self.target))
        finished = ~undecided.any(axis=1)
        self._finish(nodes.take(finished & ~shown), matrices[finished & ~shown])
        go = ~finished & ~shown
        if go.any():
            self._branch(nodes.take(go), undecided[go], values[go], vectors[go, :, 0])

    def _contradictory(self, held: Array) -> Array:
        found = np.zeros(len(held), dtype=bool)
        for sides in self.conflicts:
            found |= held[:, sides].all(axis=1)
        return found

    def _branch(self, nodes: _Nodes, undecided: Array, values: Array, bottom: Array) -> None:
        a = self.arrangement
        row = self._scores(nodes, undecided, values, bottom).argmin(axis=1)
        index = np.arange(len(row))
        pair = a.sides[row]
        rest = nodes.open.copy()
        for side in pair.T:
            rest[index[side >= 0], side[side >= 0]] = False
        children = np.full((len(row), 3), -1)
        children[:, 0] = self.log.make(len(row))
        self._stack.append(nodes._replace(names=children[:, 0], open=rest))
        untouched = (nodes.held == a.domain).all(axis=1)
        for k, side in enumerate(pair.T, start=1):
            possible = (side >= 0) & nodes.open[index, side]
            if a.symmetric and k == 2:
                # until a side is imposed, y and -y do the same to all rows
                possible &= ~untouched
            which = np.flatnonzero(possible)
            if which.size == 0:
                continue
            held = nodes.held[which]
            held[np.arange(which.size), side[which]] = True
            children[which, k] = self.log.make(which.size)
            start = Supports(nodes.sides[which], nodes.weights[which])
            self._push_regions(children[which, k], held, rest[which], start)
        self.log.decide(nodes.names, row, children)

    def _scores(self, nodes: _Nodes, undecided: Array, values: Array, bottom: Array) -> Array:
        """Estimate the work below each choice of a row: small is good.

        Adding ``phi phi^T`` to S raises the smallest eigenvalue at least to that of the 2 x 2
        matrix in which everything beyond the bottom eigenvector v sits at the second one.
        """
        a, rows = self.arrangement, self.best.energy.rows
        first = values[:, :1]
        second = values[:, 1:2] if values.shape[1] > 1 else first
        along = (bottom @ rows.T) ** 2
        across = np.maximum((rows**2).sum(axis=1) - along, 0.0)
        top, low = first + along, second + across
        raised = (top + low) / 2.0 - np.sqrt((top - low) ** 2 / 4.0 + along * across)
        gain = np.clip((raised - first) / np.maximum(self.target - first, 1e-300), 0.0, 1.0)
        passable = np.where(
            nodes.open, np.maximum(nodes.slack, 0.0) ** (LEAVE * a.dimension), 0.0
        )
        work = np.exp(-STAY * gain) + passable @ a.membership
        scores: Array = np.where(undecided, work, np.inf)
        return scores

    def _finish(self, nodes: _Nodes, matrices: Array) -> None:
        """Treat nodes that decide every row and miss the target: cells, or contradictions."""
        if len(nodes.names) == 0:
            return
        a = self.arrangement
        blank = Supports(np.full(nodes.sides.shape, -1), np.zeros(nodes.weights.shape))
        suggestions = []
        for raised in RAISED:
            levels = a.levels + raised * a.radius * a.norms
            supports, points = nearest_points(a, nodes.held, blank, levels)
            suggestions.append(supports)
            self.best.offer(a.signals(points))
        self.target = min(self.target, self.best.goal)
        shown = self.best.energy.at_least(matrices, np.full(len(matrices), self.target))
        for k in np.flatnonzero(~shown).tolist():
            if self._contradictory(nodes.held[k : k + 1])[0] or self._learn(suggestions, k):
                continue
            self.unresolved += 1
            estimate = float(np.linalg.eigvalsh(matrices[k])[0])
            low = np.array([estimate - 2.0 * self.best.energy.margin])
            proved = bool(self.best.energy.at_least(matrices[k : k + 1], low)[0])
            self.floor = min(self.floor, float(low[0]) if proved else 0.0)

    def _learn(self, suggestions: list[Supports], k: int) -> bool:
        """Look for an exact contradiction among the sides that made a raised region empty."""
        for supports in suggestions:
            found = contradiction(self.arrangement, supports.sides[k], supports.weights[k])
            if found is not None:
                self.conflicts.append(found)
                return True
        return False
