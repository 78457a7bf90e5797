"""Replaying the record of a search over splits of the rows of a real frame (modulus)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from recover.certificates.replay.record import Pieces, branches, form_faults, sub_frames_reach
from recover.core.arrays import Array
from recover.core.rounding import gamma, norm_upper

__all__ = ["reaching", "replay_splits"]


def replay_splits(
    rows: Array, pieces: Pieces, value: float, *, larger: bool = False
) -> Iterator[str]:
    """Yield why the record does not prove ``A_S + A_(S^c) >= value`` for every split.

    With `larger`, ``max(A_S, A_(S^c)) >= value``.
    """
    bits = branches(pieces.children)
    yield from form_faults(pieces.decisions, bits, len(rows))
    if bits[:, 2].any():
        yield "a split has two sides only"
        return
    total, start = len(pieces.decisions), 0
    inside = outside = np.zeros((1, len(rows)), dtype=bool)
    while len(inside):
        stop = start + len(inside)
        if stop > total:
            yield "the tree ends before its leaves"
            return
        row, kinds = pieces.decisions[start:stop], bits[start:stop]
        leaf = row < 0
        if not reaching(rows, inside[leaf], outside[leaf], value, larger).all():
            yield "a leaf of the search does not reach the claimed value"
            return
        # the first row may be taken to be in S: the two sets are interchangeable
        if start > 0 and (~leaf & ~kinds[:, 1]).any():
            yield "a side of a split has no branch: the leaves do not cover"
            return
        parents, kind = np.nonzero(kinds)
        decided = row[parents]
        inside, outside = inside[parents], outside[parents]
        index = np.arange(len(parents))
        inside[index[kind == 0], decided[kind == 0]] = True
        outside[index[kind == 1], decided[kind == 1]] = True
        start = stop
    if start != total:
        yield "nodes were added that belong to no branch"


def reaching(rows: Array, inside: Array, outside: Array, value: float, larger: bool) -> Array:
    """Prove that one set reaches the value, or (unless `larger`) both do with a share each."""
    if (inside & outside).any():
        return np.zeros(len(inside), dtype=bool)
    whole = np.full(len(inside), value)
    proved = sub_frames_reach(rows, inside, whole)
    proved[~proved] = sub_frames_reach(rows, outside[~proved], whole[~proved])
    if larger:
        return proved
    rest = np.flatnonzero(~proved)
    n = rows.shape[1]
    outer = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), n * n)
    matrices = (outside[rest] @ outer).reshape(len(rest), n, n)
    share = np.linalg.eigvalsh(matrices)[:, 0]
    share = np.maximum(share - 8.0 * gamma(len(rows) + 2 * n + 16) * norm_upper(rows) ** 2, 0.0)
    missing = np.nextafter(value - share, math.inf)
    proved[rest] = sub_frames_reach(rows, outside[rest], share) & sub_frames_reach(
        rows, inside[rest], missing
    )
    return proved
