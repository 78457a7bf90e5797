"""Covering splits and cells again, without a record: for searches too large to keep one.

The verifier then branches by rules of its own and proves every leaf; nothing of the search's
code is used, and nothing of its result but the value to be proved (and sets of sides that
exclude one another, each proved exactly).  It gives up after a number of nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from recover.certificates.replay.cells import Sides, proved_conflicts, reach
from recover.certificates.replay.record import sub_frames_reach
from recover.certificates.replay.splits import reaching
from recover.core.arrays import Array

__all__ = ["cover_cells", "cover_splits"]

BATCH = 1000  # splits taken together
CELLS = 8, 512  # cells taken together: at least, at most
WORK = 600_000  # numbers in an array of a batch of cells
GAIN, LEVERAGE, LEAVE = 3.0, 0.3, 0.15  # weights of the branching rules; any are right
_TIRED = "the cover was not proved again within {} nodes"
_MISSED = "a leaf of the cover does not reach the claimed value"


def cover_splits(
    rows: Array, value: float, most: int, *, larger: bool = False
) -> Iterator[str]:
    """Yield why it could not be proved anew that every split reaches the value.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
    value : float > 0
    most : int
        Nodes after which to give up.
    larger : bool
        The larger eigenvalue of the two sides is to reach the value, not the sum.
    """
    none = np.zeros((1, len(rows)), dtype=bool)
    stack: list[tuple[Array, ...]] = [(none, none)]
    seen = 0
    while stack:
        inside, outside = _pop(stack, BATCH)
        seen += len(inside)
        if seen > most:
            yield _TIRED.format(most)
            return
        bottoms = _spectra(rows, inside), _spectra(rows, outside)
        low = [np.maximum(values[:, 0], 0.0) for values, _ in bottoms]
        hopeful = np.flatnonzero((np.maximum(*low) if larger else low[0] + low[1]) > value)
        go = np.ones(len(inside), dtype=bool)
        go[hopeful] = ~reaching(rows, inside[hopeful], outside[hopeful], value, larger)
        inside, outside = inside[go], outside[go]
        undecided = ~(inside | outside)
        if not undecided.any(axis=1).all():
            yield _MISSED
            return
        if len(inside) == 0:
            continue
        left, right = ((values[go], vectors[go]) for values, vectors in bottoms)
        work = _staying(rows, left, value) + _staying(rows, right, value)
        row = np.where(undecided, work, np.inf).argmin(axis=1)
        index = np.arange(len(row))
        more, less = inside.copy(), outside.copy()
        more[index, row], less[index, row] = True, True
        # S and its complement are interchangeable: the first row is in S
        begun = (inside | outside).any(axis=1)
        stack.append((more, outside))
        stack.append((inside[begun], less[begun]))


def _pop(stack: list[tuple[Array, ...]], size: int) -> tuple[Array, ...]:
    """Take nodes from the top of the stack, at most `size` of them.

    No entry is larger: what is put on the stack are branches of nodes taken together.
    """
    nodes = stack.pop()
    while stack and len(nodes[0]) + len(stack[-1][0]) <= size:
        nodes = tuple(map(np.concatenate, zip(nodes, stack.pop(), strict=True)))
    return nodes


def _spectra(rows: Array, keep: Array) -> tuple[Array, Array]:
    """Return eigenvalues and eigenvectors of the kept rows' operators."""
    m, n = rows.shape
    flat = (rows[:, :, None] * rows[:, None, :]).reshape(m, n * n)
    values, vectors = np.linalg.eigh((keep @ flat).reshape(-1, n, n))
    return values, vectors


def _staying(rows: Array, spectra: tuple[Array, Array], value: float) -> Array:
    """Estimate the work that is left once each row has joined the kept ones, (B, m)."""
    values, vectors = spectra
    n = rows.shape[1]
    parts = (vectors.transpose(0, 2, 1) @ rows.T) ** 2
    along, beyond = parts[:, 0], parts[:, 1:].sum(axis=1)
    first = np.maximum(values[:, :1], 0.0)
    second = np.maximum(values[:, min(1, n - 1)][:, None], 0.0)
    # the least eigenvalue of the 2 x 2 matrix where all but the lowest sits at the second
    top, low = first + along, second + beyond
    raised = (top + low) / 2.0 - np.sqrt((top - low) ** 2 / 4.0 + along * beyond)
    share = np.clip((raised - first) / np.maximum(value - first, 1e-300), 0.0, 1.0)
    leverage = (parts / (np.maximum(values, 0.0) + value)[:, :, None]).sum(axis=1)
    work: Array = np.exp(-GAIN * share - LEVERAGE * np.log1p(leverage))
    return work


class _Nodes(NamedTuple):
    held: Array  # (B, H): sides imposed
    open: Array  # (B, H): sides neither imposed nor excluded
    support: Array  # (B, K): sides with multipliers, -1 for none
    highest: Array  # (B, H): how far each side can be passed

    def take(self, which: Array | slice) -> _Nodes:
        return _Nodes(*(array[which] for array in self))


def cover_cells(
    rows: Array, sides: Sides, conflicts: Array, value: float, most: int
) -> Iterator[str]:
    """Yield why it could not be proved anew that every cell reaches the value.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
    sides : Sides
        The arrangement.
    conflicts : array of int
        As in a record.
    value : float > 0
    most : int
        Nodes after which to give up.
    """
    excluded = list(proved_conflicts(sides, conflicts))
    table, member = sides.of_rows(len(rows)), sides.membership(len(rows))
    fixed = sides.owners == -1
    usable = np.any(rows, axis=1)[sides.owners] & ~fixed
    blank = np.full((1, sides.normals.shape[1] + 2), -1)
    stack: list[tuple[Array, ...]] = [_entered(sides, fixed[None], usable[None], blank)]
    seen = 0
    size = int(np.clip(WORK // sides.normals.size, *CELLS))
    while stack:
        nodes = _Nodes(*_pop(stack, size))
        seen += len(nodes.held)
        if seen > most:
            yield _TIRED.format(most)
            return
        for chosen in excluded:
            nodes = nodes.take(np.flatnonzero(~nodes.held[:, chosen].all(axis=1)))
        undecided = (nodes.open @ member) > 0.0
        linear = ~undecided & ~((nodes.held @ member) > 0.0)
        spectra = _spectra(rows, linear)
        hopeful = np.flatnonzero(spectra[0][:, 0] > value)
        going = np.full(len(linear), True)
        going[hopeful] = ~sub_frames_reach(rows, linear[hopeful], np.full(len(hopeful), value))
        go = np.flatnonzero(going)
        nodes, undecided = nodes.take(go), undecided[go]
        if not undecided.any(axis=1).all():
            yield _MISSED
            return
        if go.size:
            passable = np.where(nodes.open, nodes.highest, 0.0)
            leaving = passable ** (LEAVE * sides.normals.shape[1])
            work = _staying(rows, (spectra[0][go], spectra[1][go]), value) + leaving @ member
            row = np.where(undecided, work, np.inf).argmin(axis=1)
            stack.extend(_below(sides, table, fixed, nodes, row))


def _below(
    sides: Sides, table: Array, fixed: Array, nodes: _Nodes, row: Array
) -> Iterator[_Nodes]:
    """Yield the nodes where the row stays in its band, then where it leaves it on each side."""
    index, pair = np.arange(len(row)), table[row]
    rest = nodes.open.copy()
    for side in pair.T:
        rest[index[side >= 0], side[side >= 0]] = False
    yield nodes._replace(open=rest)
    touched = (nodes.held != fixed).any(axis=1)
    for k, side in enumerate(pair.T):
        possible = (side >= 0) & nodes.open[index, side]
        if k == 1 and sides.symmetric:
            possible &= touched  # y and -y do the same to all rows until a side is imposed
        which = np.flatnonzero(possible)
        if which.size:
            held = nodes.held[which]
            held[np.arange(which.size), side[which]] = True
            yield _entered(sides, held, rest[which], nodes.support[which])


def _entered(sides: Sides, held: Array, open_: Array, support: Array) -> _Nodes:
    """Return nodes with new regions: what can be reached there, without the empty ones."""
    support = _nearest(sides, held, support)
    slots = support >= 0
    highest, empty = reach(sides, np.where(slots, support, 0), slots)
    lengths = np.sqrt((sides.normals**2).sum(axis=1))
    units = sides.radius * np.where(lengths > 0.0, lengths, 1.0)
    nodes = _Nodes(held, open_ & (highest >= 0.0), support, highest / units)
    return nodes.take(~empty)


def _nearest(sides: Sides, held: Array, support: Array) -> Array:
    """Look for the sides that support each region's point of least norm, one exchange a time.

    Drops a side of negative multiplier, else adds the imposed side that the point violates
    most; any outcome is right, the true one bounds best.
    """
    support = support.copy()
    lengths = np.sqrt((sides.normals**2).sum(axis=1))
    slip = 1e-9 * (sides.radius * lengths + np.abs(sides.levels))
    for _ in range(4 * support.shape[1]):
        slots = support >= 0
        a = np.where(slots[:, :, None], sides.normals[support], 0.0)
        gram = a @ a.transpose(0, 2, 1)
        diagonal = np.einsum("bii->bi", gram)
        diagonal[...] = np.where(slots, diagonal * (1.0 + 1e-12) + 1e-300, 1.0)
        level = sides.levels[support]
        c = np.where(slots, np.linalg.solve(gram, level[:, :, None])[:, :, 0], 0.0)
        point = (c[:, None, :] @ a)[:, 0]
        missing = np.where(held, sides.levels - point @ sides.normals.T - slip, -np.inf)
        bad = c.min(axis=1) < 0.0
        more = ~bad & (missing.max(axis=1) > 0.0) & ~slots.all(axis=1)
        if not (bad | more).any():
            break
        drop, add = np.flatnonzero(bad), np.flatnonzero(more)
        support[drop, c[drop].argmin(axis=1)] = -1
        support[add, (~slots[add]).argmax(axis=1)] = missing[add].argmax(axis=1)
    return support
