"""Replaying the record of a search over cells: leaves are proved again, and cover everything.

Nothing of the search's code is used.  The record is a tree in breadth-first order that decides
one row per node (see `replay.apriori`); a cover without gaps is a matter of its form, so a
removed or altered node either breaks the form or leaves a leaf that cannot be proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from recover.certificates.replay.record import Pieces, branches, form_faults, sub_frames_reach
from recover.certificates.replay.walls import UNDERFLOW
from recover.core.arrays import Array
from recover.core.rounding import gamma

__all__ = ["Sides", "proved_conflicts", "reach", "replay_cells"]

CHUNK = 2_000_000  # numbers in the largest array
TOGETHER = 2000  # leaves proved at once
_SHORT = "a leaf of the search does not reach the claimed value"


@dataclass(frozen=True, eq=False)
class Sides:
    """Half-spaces ``<y, normal> >= level`` in a ball: where rows leave their bands.

    `owners` holds the row of each, -1 for the domain's own constraints; a row has at most two.
    """

    normals: Array
    levels: Array
    owners: Array
    radius: float
    symmetric: bool

    def of_rows(self, count: int) -> Array:
        """Return the sides of each row, (count, 2), -1 where there is none."""
        table = np.full((count, 2), -1)
        for side in range(len(self.owners)):
            row = self.owners[side]
            if row >= 0:
                table[row, 0 if table[row, 0] < 0 else 1] = side
        return table

    def membership(self, count: int) -> Array:
        """Return which row each side belongs to, (sides, count), as numbers 0 and 1."""
        member = np.zeros((len(self.owners), count))
        owned = np.flatnonzero(self.owners >= 0)
        member[owned, self.owners[owned]] = 1.0
        return member


def replay_cells(rows: Array, sides: Sides, pieces: Pieces, value: float) -> Iterator[str]:
    """Yield why the record does not prove that every cell's eigenvalue is at least `value`."""
    table = sides.of_rows(len(rows))
    total, size = len(pieces.decisions), len(sides.levels)
    bits = branches(pieces.children)
    yield from form_faults(pieces.decisions, bits, len(rows))
    conflicts = list(proved_conflicts(sides, pieces.conflicts))
    offsets = np.concatenate([[0], np.cumsum(pieces.support_sizes, dtype=np.int64)])
    if offsets[-1] != len(pieces.supports) or (pieces.supports >= size).any():
        yield "the supports do not fit the tree"
        return
    level = _Level(
        (sides.owners == -1)[None],
        (sides.owners >= 0)[None],
        np.array([False]),
        np.array([True]),
    )
    start = 0
    leaves: list[Array] = []  # the rows in their bands at leaves not yet proved
    while len(level.held):
        stop = start + len(level.held)
        if stop > total:
            yield "the tree ends before its leaves"
            return
        level = _refreshed(sides, pieces, offsets, level, start)
        row = pieces.decisions[start:stop]
        leaf = (row < 0) & ~level.empty
        for conflict in conflicts:
            leaf &= ~level.held[:, conflict].all(axis=1)
        leaves.append(~_owning(table, level.open[leaf] | level.held[leaf]))
        if sum(map(len, leaves)) >= TOGETHER:
            if not _reached(rows, leaves, value):
                yield _SHORT
                return
            leaves = []
        below = _grown(sides, table, row, bits[start:stop], level)
        if below is None:
            yield "a side that can be reached has no branch: the leaves do not cover"
            return
        level, start = below, stop
    if leaves and not _reached(rows, leaves, value):
        yield _SHORT
    if start != total:
        yield "nodes were added that belong to no branch"


def _owning(table: Array, flags: Array) -> Array:
    """Tell which rows own a flagged side, flags (B, sides); the table holds -1 for no side."""
    owning = np.zeros((len(flags), len(table)), dtype=bool)
    for side in table.T:
        owning |= flags[:, side] & (side >= 0)
    return owning


def _reached(rows: Array, leaves: list[Array], value: float) -> bool:
    """Tell whether the rows in their bands at all leaves reach the value by themselves."""
    keep = np.concatenate(leaves)
    return bool(sub_frames_reach(rows, keep, np.full(len(keep), value)).all())


class _Level(NamedTuple):
    """The nodes at one depth: sides imposed, sides left open, empty regions, new regions."""

    held: Array
    open: Array
    empty: Array
    fresh: Array


def _refreshed(
    sides: Sides, pieces: Pieces, offsets: Array, level: _Level, first: int
) -> _Level:
    """Bound the sides over the new regions of a level: close those out of reach."""
    where = np.flatnonzero(level.fresh)
    names = first + where
    open_, empty = level.open.copy(), level.empty.copy()
    width = int(pieces.support_sizes[names].max(initial=1))
    step = max(1, CHUNK // (sides.normals.size * width))
    for begin in range(0, len(where), step):
        index, part = where[begin : begin + step], names[begin : begin + step]
        counts = pieces.support_sizes[part]
        slots = np.arange(width)[None] < counts[:, None]
        place = np.where(slots, offsets[part][:, None] + np.arange(width), 0)
        chosen = pieces.supports[place] if len(pieces.supports) else np.zeros_like(place)
        # only sides that are imposed may carry a multiplier
        slots &= np.take_along_axis(level.held[index], chosen, axis=1)
        highest, gone = reach(sides, chosen, slots)
        open_[index] &= highest >= 0.0
        empty[index] |= gone
    return level._replace(open=open_, empty=empty)


def reach(sides: Sides, chosen: Array, slots: Array) -> tuple[Array, Array]:
    """Return upper bounds of ``<y, g> - level`` over the regions, and which are empty.

    For every ``c >= 0``: ``<y, g> <= R |g + sum c_j a_j| - sum c_j l_j`` where all
    ``<y, a_j> >= l_j`` and ``|y| <= R``; with g = 0 a negative right-hand side shows that there
    is no such y.  The multipliers are those of the flat of the support (raised to 0) and the
    best multiple of those of its point of least norm.
    """
    a = np.where(slots[:, :, None], sides.normals[chosen], 0.0)
    level = np.where(slots, sides.levels[chosen], 0.0)
    gram = a @ a.transpose(0, 2, 1)
    diagonal = np.einsum("bii->bi", gram)
    diagonal[...] = np.where(slots, diagonal * (1.0 + 1e-13) + 1e-300, 1.0)
    inverse = np.linalg.inv(gram)
    base = np.maximum((inverse @ level[:, :, None])[:, :, 0], 0.0)
    point = (base[:, None, :] @ a)[:, 0]
    square = (base * level).sum(axis=1)
    room = np.sqrt(np.maximum(sides.radius**2 - square, 1e-300))
    lengths = (sides.normals**2).sum(axis=1)
    inner = a @ sides.normals.T
    share = inverse @ inner
    across = np.sqrt(np.maximum(lengths - (inner * share).sum(axis=1), 1e-300))
    flat = np.maximum((across / room[:, None])[:, None] * base[:, :, None] - share, 0.0)
    along = point @ sides.normals.T
    safe = np.where(square > 0.0, square, np.inf)[:, None]
    beyond = np.sqrt(np.maximum(lengths - along**2 / safe, 1e-300))
    cap = np.maximum(beyond / room[:, None] - along / safe, 0.0)
    best = np.full(inner[:, 0].shape, np.inf)
    for c in (flat, cap[:, None] * base[:, :, None]):
        best = np.fmin(best, _bound(sides, a, level, c))  # NaN bounds nothing
    size = np.sqrt((point**2).sum(axis=1))
    weight = (base * np.sqrt((a**2).sum(axis=2))).sum(axis=1) * sides.radius
    weight += (base * abs(level)).sum(axis=1)
    error = 4.0 * gamma(a.shape[1] + a.shape[2] + 12) * weight + sides.radius * UNDERFLOW
    return best, sides.radius * size + error < square


def _bound(sides: Sides, a: Array, level: Array, c: Array) -> Array:
    total = sides.normals + c.transpose(0, 2, 1) @ a
    used = level[:, None, :] @ c
    size = np.sqrt((total**2).sum(axis=2))
    moduli = (
        np.sqrt((sides.normals**2).sum(axis=1))
        + (np.sqrt((a**2).sum(axis=2))[:, None, :] @ c)[:, 0]
    )
    weight = sides.radius * moduli + (abs(level)[:, None, :] @ c)[:, 0] + abs(sides.levels)
    error = 2.0 * gamma(a.shape[1] + a.shape[2] + 12) * weight + sides.radius * UNDERFLOW
    bound: Array = sides.radius * size - used[:, 0] - sides.levels + error
    return bound


def _grown(sides: Sides, table: Array, row: Array, bits: Array, level: _Level) -> _Level | None:
    """Return the next level, or None if a side that can be reached has no branch."""
    inner = np.flatnonzero(row >= 0)
    pair = table[row[inner]]
    index = np.arange(len(inner))
    held, open_, empty, bits = (
        level.held[inner],
        level.open[inner],
        level.empty[inner],
        bits[inner],
    )
    untouched = (held == (sides.owners == -1)).all(axis=1)
    rest = open_.copy()
    for side in pair.T:
        rest[index[side >= 0], side[side >= 0]] = False
    for k, side in enumerate(pair.T, start=1):
        needed = (side >= 0) & open_[index, side] & ~empty
        if k == 2 and sides.symmetric:
            # y and -y do the same to all rows until a side is imposed
            needed &= ~untouched
        if (needed & ~bits[:, k]).any() or (bits[:, k] & (side < 0)).any():
            return None
    parents, kinds = np.nonzero(bits)
    next_held = held[parents]
    left = kinds > 0
    next_held[np.flatnonzero(left), pair[parents[left], kinds[left] - 1]] = True
    return _Level(next_held, rest[parents], empty[parents], left)


def proved_conflicts(sides: Sides, flat: Array) -> Iterator[Array]:
    """Yield the listed sets of sides that exclude one another, proved in exact arithmetic.

    Raises
    ------
    ValueError
        If a set is said to be empty, or smaller.
    """
    start = 0
    while start < len(flat):
        size = int(flat[start])
        if size < 1:
            raise ValueError(f"a set of sides that exclude one another has the size {size}")
        chosen = flat[start + 1 : start + 1 + size]
        start += 1 + size
        if _excluding(sides, chosen):
            yield chosen


def _excluding(sides: Sides, chosen: Array) -> bool:
    """Tell whether some c >= 0, not 0, has ``sum c_j a_j = 0`` and ``sum c_j l_j >= 0``.

    In exact arithmetic; the solutions must be the multiples of one vector.
    """
    matrix = _exact(sides.normals[chosen].T)
    n, k = matrix.shape
    pivots: list[int] = []
    for j in range(k):
        at = len(pivots)
        lead = next((i for i in range(at, n) if matrix[i, j] != 0), None)
        if lead is None:
            continue
        matrix[[at, lead]] = matrix[[lead, at]]
        matrix[at] /= matrix[at, j]
        for i in range(n):
            if i != at:
                matrix[i] -= matrix[i, j] * matrix[at]
        pivots.append(j)
    free = [j for j in range(k) if j not in pivots]
    if not free:
        return _misses_ball(sides, chosen)
    if len(free) != 1:
        return False
    c = _exact(np.zeros(k))
    c[free] = Fraction(1)
    c[pivots] = -matrix[: len(pivots), free[0]]
    return bool((c >= 0).all() and c @ _exact(sides.levels[chosen]) >= 0)


def _exact(numbers: Array) -> Array:
    """Return numbers as fractions."""
    return np.asarray(np.frompyfunc(Fraction, 1, 1)(numbers))


def _misses_ball(sides: Sides, chosen: Array) -> bool:
    """Tell whether ``c . l >= R |sum c_j a_j|`` exactly for simple positive multipliers c."""
    a, level = sides.normals[chosen], sides.levels[chosen]
    guess = np.linalg.lstsq(a @ a.T, level, rcond=None)[0]
    if not (guess > 0.0).all():
        return False
    c = np.array([v.limit_denominator(1000) for v in _exact(guess / guess.max())])
    total = c @ _exact(level)
    square = ((c @ _exact(a)) ** 2).sum()
    return bool(total > 0 and total**2 >= Fraction(sides.radius) ** 2 * square)
