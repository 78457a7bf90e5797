"""The record of a search: a tree of decisions whose leaves are closed.

Every node decides one row: it stays in its band (first child), or it leaves it on its first or
second side (second and third child).  The three cases cover every signal, so a tree whose
leaves are all closed is a proof.  A leaf is closed because its region is empty, because its
sides contradict one another exactly, or because the rows that are in their bands everywhere in
it (by decision, or because no signal of the region can leave them) already have a smallest
eigenvalue at least as large as claimed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recover.core.arrays import Array

__all__ = ["DecisionTree", "TreeLog"]

LARGEST_RECORD = 10_000_000  # nodes; beyond it only the settings are kept


@dataclass(frozen=True, eq=False)
class DecisionTree:
    """Nodes in breadth-first order.

    Parameters
    ----------
    decisions : array of int32 [shape=(N,)]
        The row decided at each node, -1 at leaves.
    children : array of uint8 [shape=(N,)]
        Which children exist: bit 0 the row stays in its band, bits 1 and 2 it leaves on its
        first or second side.  A side that no signal of the region can reach has no child.
    support_sizes : array of uint8 [shape=(N,)]
        How many sides support the point of least norm; 0 where the parent's support is kept.
    supports : array of int32
        Those sides, one node after the other.
    """

    decisions: Array
    children: Array
    support_sizes: Array
    supports: Array


@dataclass(eq=False)
class TreeLog:
    """Collects nodes in the order in which they are made."""

    count: int = 0
    full: bool = False
    _made: list[tuple[Array, Array]] = field(default_factory=list)
    _decided: list[tuple[Array, Array, Array]] = field(default_factory=list)

    def make(self, number: int) -> Array:
        """Return identities for `number` new nodes."""
        names = np.arange(self.count, self.count + number)
        self.count += number
        if self.count > LARGEST_RECORD and not self.full:
            self.full = True
            self._made.clear()
            self._decided.clear()
        return names

    def support(self, names: Array, sides: Array) -> None:
        """Record the supports (B, K) of nodes; without a record a node keeps its parent's."""
        if not self.full:
            self._made.append((names, sides.astype(np.int32)))

    def decide(self, names: Array, rows: Array, children: Array) -> None:
        """Record that nodes decide `rows` and have `children` (B, 3), -1 for none."""
        if not self.full:
            self._decided.append((names, rows, children))

    def tree(self) -> DecisionTree | None:
        """Return the tree, or None if it grew too large to keep."""
        if self.full:
            return None
        rows = np.full(self.count, -1, dtype=np.int32)
        kids = np.full((self.count, 3), -1)
        for names, decided, children in self._decided:
            rows[names], kids[names] = decided, children
        order = _breadth_first(kids)
        sizes, flat = self._supports(order)
        bits = ((kids[order] >= 0) * np.array([1, 2, 4])).sum(axis=1).astype(np.uint8)
        return DecisionTree(rows[order], bits, sizes, flat)

    def _supports(self, order: Array) -> tuple[Array, Array]:
        sizes = np.zeros(self.count, dtype=np.uint8)
        place = np.full(self.count, -1)
        width = max((sides.shape[1] for _, sides in self._made), default=0)
        table = np.full((sum(len(names) for names, _ in self._made), width), -1, dtype=np.int32)
        start = 0
        for names, sides in self._made:
            stop = start + len(names)
            table[start:stop] = sides
            sizes[names] = (sides >= 0).sum(axis=1)
            place[names] = np.arange(start, stop)
            start = stop
        ordered = place[order]
        chosen = table[ordered[ordered >= 0]]
        return sizes[order], chosen[chosen >= 0]


def _breadth_first(kids: Array) -> Array:
    """Return the nodes level by level, children of a level in the order of their parents."""
    levels = [np.zeros(1, dtype=np.int64)]
    while levels[-1].size:
        below = kids[levels[-1]].reshape(-1)
        levels.append(below[below >= 0])
    return np.concatenate(levels)
