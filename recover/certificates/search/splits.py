"""Real modulus: the smallest ``A_S + A_(S^c)`` over all splits, by branch and bound.

For a real frame ``kappa^2 = min_S (A_S + A_(S^c))`` with A_S the smallest eigenvalue of
``S_S = sum_{i in S} phi_i phi_i^T``: with ``u = x + y`` and ``v = x - y`` one has
``||<x, phi>| - |<y, phi>|| = min(|<u, phi>|, |<v, phi>|)``, and the distance up to sign is the
shorter of u and v; making the longer one as short only lowers the sum of squares.  Every node
puts one more row into S or its complement; it is closed as soon as both reach the target.

References
----------
.. [1] R. Balan and Y. Wang, "Invertibility and robustness of phaseless reconstruction",
   Appl. Comput. Harmon. Anal. 38 (2015), arXiv 1308.4718.
.. [2] A. S. Bandeira, J. Cahill, D. G. Mixon and A. A. Nelson, "Saving phase: injectivity and
   stability for phase retrieval", Appl. Comput. Harmon. Anal. 37 (2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from recover.certificates.search.clock import Clock
from recover.certificates.search.spectral import Energy
from recover.certificates.search.tree import DecisionTree, TreeLog
from recover.core.arrays import Array
from recover.core.progress import Progress

__all__ = ["SplitIncumbent", "SplitSearch", "alternate"]

BATCH = 1000
EAGER = 3.0  # weight of the gain in the branching rule, set by experiment


@dataclass(eq=False)
class SplitIncumbent:
    """The best split so far.

    Parameters
    ----------
    energy : Energy
        The rows' sub-frames.
    larger : bool
        Speak of ``max(A_S, A_(S^c))`` instead of the sum: the strong complement property.
    value : float
        A proved upper bound of the least sum (or maximum) over all splits.
    split : array of bool [shape=(m,)] or None
        S.
    vectors : pair of arrays or None
        The bottom eigenvectors of the two sides.
    """

    energy: Energy
    larger: bool = False
    value: float = math.inf
    split: Array | None = None
    vectors: tuple[Array, Array] | None = None

    @property
    def goal(self) -> float:
        """The largest value worth proving: below `value` by the price of two proofs."""
        return self.value * (1.0 - 1e-12) - 8.0 * self.energy.margin

    def joined(self, first: Array, second: Array) -> Array:
        """Return the sums, or the maxima, of eigenvalues of both sides."""
        joined: Array = np.maximum(first, second) if self.larger else first + second
        return joined

    def offer(self, split: Array, estimates: Array) -> None:
        """Keep the best of the splits (B, m), whose values are estimated."""
        best = int(estimates.argmin())
        if not estimates[best] < self.value:
            return
        first, u = self.energy.lowest(split[best])
        second, v = self.energy.lowest(~split[best])
        total = max(first, second) if self.larger else first + second
        if total < self.value:
            total = np.nextafter(total, np.inf) if total > 0.0 else 0.0
            self.value, self.vectors = float(total), (u, v)
            self.split = split[best].copy()


def alternate(
    best: SplitIncumbent, starts: int, rng: np.random.Generator, clock: Clock
) -> None:
    """Improve the incumbent: rows go to the side that sees them less, vectors to the bottom."""
    rows = best.energy.rows
    u, v = rng.standard_normal((2, starts, rows.shape[1]))
    u /= np.sqrt((u**2).sum(axis=1, keepdims=True))
    v /= np.sqrt((v**2).sum(axis=1, keepdims=True))
    split = np.zeros((starts, len(rows)), dtype=bool)
    for step in range(60):
        following = (u @ rows.T) ** 2 <= (v @ rows.T) ** 2
        if clock.stops(Progress(step, 60, best.value, (0.0, best.value))) and step:
            return
        if step and np.array_equal(following, split):
            return
        split = following
        first, left = np.linalg.eigh(best.energy.matrices(split))
        second, right = np.linalg.eigh(best.energy.matrices(~split))
        best.offer(split, best.joined(first[:, 0], second[:, 0]))
        u, v = left[:, :, 0], right[:, :, 0]


class _Nodes(NamedTuple):
    names: Array
    inside: Array  # (B, m): rows in S
    outside: Array  # (B, m): rows in its complement

    def take(self, which: Array | slice) -> _Nodes:
        return _Nodes(*(array[which] for array in self))


@dataclass(eq=False)
class SplitSearch:
    """One depth-first search over splits, in batches of nodes.

    Parameters
    ----------
    best : SplitIncumbent
        Improved on the way.
    target : float
        What is to be proved; lowered where the incumbent falls below it.
    clock : Clock
        Ends the search.
    """

    best: SplitIncumbent
    target: float
    clock: Clock
    visited: int = 0
    log: TreeLog = field(default_factory=TreeLog)
    _stack: list[_Nodes] = field(default_factory=list)

    def run(self, proved: float = 0.0) -> bool:
        """Search; return whether the target was proved for all splits."""
        m = len(self.best.energy.rows)
        none = np.zeros((1, m), dtype=bool)
        self._stack = [_Nodes(self.log.make(1), none, none)]
        while self._stack:
            if self.target <= 0.0:
                return True
            waiting = sum(len(nodes.names) for nodes in self._stack)
            progress = Progress(
                self.visited, self.visited + waiting, self.target, (proved, self.best.value)
            )
            if self.clock.stops(progress):
                return False
            self._visit(self._pop())
        return True

    @property
    def tree(self) -> DecisionTree | None:
        """The record, None if too large."""
        return self.log.tree()

    def _pop(self) -> _Nodes:
        nodes = self._stack.pop()
        while self._stack and len(nodes.names) + len(self._stack[-1].names) <= BATCH:
            nodes = _Nodes(*map(np.concatenate, zip(nodes, self._stack.pop(), strict=True)))
        if len(nodes.names) > BATCH:
            self._stack.append(nodes.take(slice(None, -BATCH)))
            nodes = nodes.take(slice(-BATCH, None))
        return nodes

    def _visit(self, nodes: _Nodes) -> None:
        self.visited += len(nodes.names)
        energy = self.best.energy
        left, right = energy.matrices(nodes.inside), energy.matrices(nodes.outside)
        first, second = np.linalg.eigh(left), np.linalg.eigh(right)
        low = [np.maximum(w[:, 0], 0.0) for w, _ in (first, second)]
        values = self.best.joined(*low)
        shown = self._shown(left, right, first[0][:, 0], second[0][:, 0])
        undecided = ~(nodes.inside | nodes.outside)
        full = ~undecided.any(axis=1)
        ends = full & ~shown
        if ends.any():
            self.best.offer(nodes.inside[ends], values[ends])
            self.target = min(self.target, self.best.goal)
        go = ~full & ~shown
        if not go.any():
            return
        gains = [_gains(energy.rows, w[go], v[go], self.target) for w, v in (first, second)]
        row = _choice(gains, undecided[go], np.maximum(self.target - values[go], 1e-300))
        self._branch(nodes.take(go), row)

    def _shown(self, left: Array, right: Array, a: Array, b: Array) -> Array:
        """Prove that one side alone reaches the target, or both do with a share each."""
        energy = self.best.energy
        shown = np.zeros(len(a), dtype=bool)
        # a side without a proved share counts as 0
        slack = 4.0 * energy.margin
        a, b = a - slack, b - slack
        alone = (a > self.target) | (b > self.target)
        both = ~alone & (a > 0.0) & (b > 0.0) & (a + b > self.target)
        both &= not self.best.larger
        for which, matrices in ((a > self.target, left), (alone & ~(a > self.target), right)):
            index = np.flatnonzero(which)
            shown[index] |= energy.at_least(matrices[index], np.full(index.size, self.target))
        index = np.flatnonzero(both)
        share = np.maximum(np.nextafter(self.target - b[index], np.inf), 0.0)
        shown[index] = energy.at_least(left[index], share) & energy.at_least(
            right[index], b[index]
        )
        return shown

    def _branch(self, nodes: _Nodes, row: Array) -> None:
        index = np.arange(len(row))
        inside, outside = nodes.inside.copy(), nodes.outside.copy()
        inside[index, row] = True
        outside[index, row] = True
        children = np.full((len(row), 3), -1)
        children[:, 0] = self.log.make(len(row))
        # S and its complement are interchangeable: the first row is in S
        started = np.flatnonzero((nodes.inside | nodes.outside).any(axis=1))
        children[started, 1] = self.log.make(started.size)
        self._stack.append(_Nodes(children[:, 0], inside, nodes.outside))
        if started.size:
            self._stack.append(
                _Nodes(children[started, 1], nodes.inside[started], outside[started])
            )
        self.log.decide(nodes.names, row, children)


def _gains(rows: Array, values: Array, vectors: Array, target: float) -> tuple[Array, Array]:
    """Return how much each row would surely raise the smallest eigenvalue, and its leverage."""
    parts = (vectors.transpose(0, 2, 1) @ rows.T) ** 2
    along = parts[:, 0]
    across = np.maximum((rows**2).sum(axis=1) - along, 0.0)
    first = values[:, :1]
    second = values[:, 1:2] if values.shape[1] > 1 else first
    top, low = first + along, second + across
    raised = (top + low) / 2.0 - np.sqrt((top - low) ** 2 / 4.0 + along * across)
    leverage = (parts / (np.maximum(values, 0.0) + target)[:, :, None]).sum(axis=1)
    return np.maximum(raised - first, 0.0), leverage


def _choice(gains: list[tuple[Array, Array]], undecided: Array, missing: Array) -> Array:
    """Return the row whose two answers leave the least work."""
    work = np.zeros(undecided.shape)
    for gain, leverage in gains:
        share = np.clip(gain / missing[:, None], 0.0, 1.0)
        work += np.exp(-EAGER * share - 0.3 * np.log1p(leverage))
    choice: Array = np.where(undecided, work, np.inf).argmin(axis=1)
    return choice
