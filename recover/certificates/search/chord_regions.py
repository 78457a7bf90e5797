"""Regions of a search over segments: their inequalities, and proposals why they are empty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recover.certificates.replay.chord_model import Node
from recover.certificates.replay.chord_sums import empty_holds
from recover.certificates.replay.walls import Walls, X, Y, Z
from recover.core.arrays import Array
from recover.core.nonnegative import nonnegative_least_squares

__all__ = ["Region", "non_negative", "propose_empty", "region_of", "tangents_at"]


def non_negative(matrix: Array, goal: Array) -> Array | None:
    """Return the x >= 0 that brings ``matrix @ x`` nearest to `goal`, None if that failed."""
    try:
        return nonnegative_least_squares(matrix, goal)[0]
    except RuntimeError:
        return None


def propose_empty(walls: Walls, sides: Array) -> tuple[Array, Array] | None:
    """Return inequalities and multipliers that prove a region (K,) empty, or None."""
    decided = np.flatnonzero(sides)
    n = walls.dimension
    a = sides[decided, None] * walls.normals[decided]
    levels = sides[decided] * walls.levels[decided]
    index = decided
    if walls.nonnegative:
        a = np.vstack([a, np.eye(n)])
        levels = np.append(levels, np.zeros(n))
        index = np.append(index, walls.count + np.arange(n))
    if walls.central:
        levels = np.ones(len(index))
    elif not (levels > 0.0).any():
        return None
    u = non_negative(np.vstack([a.T, levels]), np.append(np.zeros(n), 1.0))
    if u is None:
        return None
    used = u > 1e-9 * u.max(initial=0.0)
    index, u = index[used], u[used]
    holds = index.size > 0 and empty_holds(walls, sides, index, u)
    return (index, u) if holds else None


class Region(NamedTuple):
    """The inequalities of a node.

    Parameters
    ----------
    which : array of int [shape=(H,)]
        Their numbers (see `Form`).
    functions : array [shape=(H, 2 n + 1)]
        Functions of (x, d, 1) that are >= 0.
    tight : array of bool [shape=(H,)]
        False where the region may be enlarged.
    """

    which: Array
    functions: Array
    tight: Array


def region_of(walls: Walls, node: Node, crossed: Array) -> Region:
    """Return the inequalities of a node whose segments cross some walls for sure."""
    n, k = walls.dimension, walls.count
    index, parts, tight = [], [], []
    known = np.zeros(k, dtype=bool)
    known[crossed] = True
    for signal in (X, Y):
        which = np.flatnonzero(node.sides[signal])
        side = node.sides[signal, which].astype(np.float64)[:, None]
        normals = side * walls.normals[which]
        step = normals if signal == Y else np.zeros_like(normals)
        parts.append(np.hstack([normals, step, -side * walls.levels[which, None]]))
        index.append(signal * k + which)
        tight.append(known[which])
    which = np.flatnonzero(node.sides[X] * node.sides[Y] == -1)
    side = node.sides[Y, which].astype(np.float64)[:, None]
    blank = np.zeros((len(which), n))
    parts.append(np.hstack([blank, side * walls.normals[which], np.zeros((len(which), 1))]))
    index.append(Z * k + which)
    tight.append(np.ones(len(which), dtype=bool))
    if not walls.central:
        parts.append(np.eye(2 * n + 1)[-1:])
        index.append(np.array([3 * k]))
        tight.append(np.ones(1, dtype=bool))
    if walls.nonnegative:
        eye = np.eye(2 * n + 1)
        parts += [eye[:n], eye[:n] + eye[n : 2 * n]]
        index.append(3 * k + 1 + np.arange(2 * n))
        tight.append(np.zeros(2 * n, dtype=bool))
    return Region(np.concatenate(index), np.vstack(parts), np.concatenate(tight))


def tangents_at(walls: Walls, point: Array) -> list[tuple[int, Array]]:
    """Return unit vectors of the ends that lie outside the ball."""
    n = walls.dimension
    found = []
    for signal, x in ((X, point[:n]), (Y, point[:n] + point[n : 2 * n])):
        size = float(np.linalg.norm(x))
        if size > walls.radius * max(float(point[-1]), 0.0) * (1.0 + 1e-7) + 1e-13:
            found.append((signal, x / size))
    return found
