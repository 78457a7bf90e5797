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
STAY, LEAVE = 3.0, 0.16
TOGETHER, SHARE = 16, 0.5  # decisions made at once where nodes are few, and their total gain
NUDGE = 1e-6  # by how much points are moved out of a boundary
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
    leaving: Array  # (B, H): how much of the region is beyond each side, by estimate

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

    def _push_regions(
        self,
        names: Array,
        held: Array,
        open_: Array,
        start: Supports,
        seen: Array | None = None,
    ) -> None:
        """Add nodes with new regions: find their nearest points, and what they can reach.

        `seen` (B, m) holds what each row sees of a vector of norm 1, squared: at signals where
        the rows in their bands see less in all than the incumbent, it is improved.
        """
        a = self.arrangement
        supports, points = nearest_points(a, held, start, a.levels)
        if seen is not None:
            self._try(points, seen)
        self.log.support(names, supports.sides)
        empty, highest = reach(a, supports)
        closed = highest < -CLOSED * (a.radius * a.norms + np.abs(a.levels))
        units = a.radius * np.where(a.norms > 0.0, a.norms, 1.0)
        leaving = np.maximum(highest / units, 0.0) ** (LEAVE * a.dimension)
        nodes = _Nodes(names, held, open_ & ~closed, supports.sides, supports.weights, leaving)
        if not empty.all():
            self._stack.append(nodes.take(~empty))

    def _try(self, points: Array, seen: Array) -> None:
        a = self.arrangement
        if a.pivot < 0:
            size = np.sqrt((points**2).sum(axis=1, keepdims=True))
            x = points * (a.radius / np.where(size > 0.0, size, 1.0))
        else:
            x = a.signals(points * (1.0 + NUDGE))
        if self.best.improve(x, seen):
            self.target = min(self.target, self.best.goal)

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
        undecided = a.rows_with(nodes.open)
        linear = ~(undecided | a.rows_with(nodes.held))
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
        along = (bottom @ self.best.energy.rows.T) ** 2
        rows, counts = self._chosen(nodes, undecided, values, along)
        untouched = (nodes.held == a.domain).all(axis=1)
        names, rest, going = nodes.names.copy(), nodes.open.copy(), np.arange(len(rows))
        regions = []
        for step in range(rows.shape[1]):
            going = going[counts[going] > step]
            row = rows[going, step]
            pair = a.sides[row]
            possible = (pair >= 0) & np.take_along_axis(rest[going], pair, axis=1)
            for side in pair.T:
                rest[going[side >= 0], side[side >= 0]] = False
            if a.symmetric:
                # until a side is imposed, y and -y do the same to all rows
                possible[:, 1] &= ~untouched[going]
            children = np.full((len(row), 3), -1)
            children[:, 0] = self.log.make(len(row))
            for k, side in enumerate(pair.T):
                which = np.flatnonzero(possible[:, k])
                from_ = going[which]
                held = nodes.held[from_]
                held[np.arange(which.size), side[which]] = True
                children[which, k + 1] = self.log.make(which.size)
                start = nodes.sides[from_], nodes.weights[from_]
                regions.append(
                    (children[which, k + 1], held, rest[from_], *start, along[from_])
                )
            self.log.decide(names[going], row, children)
            names[going] = children[:, 0]
        self.visited += int(counts.sum()) - len(rows)
        self._stack.append(nodes._replace(names=names, open=rest))
        made, held, open_, sides, weights, seen = map(
            np.concatenate, zip(*regions, strict=True)
        )
        if made.size:
            self._push_regions(made, held, open_, Supports(sides, weights), seen)

    def _chosen(
        self, nodes: _Nodes, undecided: Array, values: Array, along: Array
    ) -> tuple[Array, Array]:
        """Return the rows to decide next (B, r), best first, and how many of them to decide.

        Several where few nodes share the price of a batch: as many as would bring the
        eigenvalue half way to the target if each added its own gain.
        """
        gain, scores = self._scores(nodes, undecided, values, along)
        most = int(np.clip(TOGETHER // len(scores), 1, scores.shape[1]))
        if most == 1:
            return scores.argmin(axis=1)[:, None], np.ones(len(scores), dtype=int)
        rows = np.argsort(scores, axis=1)[:, :most]
        before = np.cumsum(np.take_along_axis(gain, rows, axis=1), axis=1)
        further = (before < SHARE) & np.isfinite(np.take_along_axis(scores, rows, axis=1))
        further = np.logical_and.accumulate(further[:, :-1], axis=1)
        further &= np.isfinite(np.take_along_axis(scores, rows[:, 1:], axis=1))
        return rows, 1 + further.sum(axis=1)

    def _scores(
        self, nodes: _Nodes, undecided: Array, values: Array, along: Array
    ) -> tuple[Array, Array]:
        """Estimate each row's share of what is missing, and the work below its choice."""
        gain = self.best.energy.shares(values, along, self.target)
        work = np.exp(-STAY * gain) + self.arrangement.row_sums(nodes.open * nodes.leaving)
        return gain, np.where(undecided, work, np.inf)

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
