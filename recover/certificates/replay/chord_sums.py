"""Sums of inequalities over the nodes of a search over segments, with their rounding."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recover.certificates.replay.chord_model import Form, Node
from recover.certificates.replay.walls import Walls, X, Y, Z
from recover.core.arrays import Array
from recover.core.rounding import gamma, norm_upper, up

__all__ = ["Gathered", "empty_holds", "gathered_of", "looseness"]


def empty_holds(walls: Walls, sides: Array, index: Array, weights: Array) -> bool:
    """Prove that no open set of the domain has the sides (K,), by ``weights >= 0``.

    ``R |sum mu a| < sum mu l`` for the half-spaces ``<., a> >= l``; or ``sum mu a = 0`` for
    half-spaces through the origin.
    """
    if index.size == 0 or not _within(index, walls.count + walls.dimension, weights):
        return False
    face = index >= walls.count
    wall = np.where(face, 0, index)
    side = np.where(face, 1, sides[wall] if walls.count else 1).astype(np.float64)
    if (side == 0.0).any() or (face.any() and not walls.nonnegative):
        return False
    unit = np.eye(walls.dimension)[np.where(face, index - walls.count, 0)]
    normals = walls.normals[wall] if walls.count else unit
    a = np.where(face[:, None], unit, side[:, None] * normals)
    total = weights @ a
    terms = gamma(len(index) + 8)
    size = float((weights[:, None] * np.abs(a)).sum())
    if walls.central:
        change = _repair(total, terms * size, a)
        return change <= float(weights.min()) and float(weights.min()) > 0.0
    level = np.where(face, 0.0, side * walls.levels[wall])
    need = walls.radius * (norm_upper(total) + terms * size) * (1.0 + 1e-14)
    have = float(weights @ level) - terms * float(weights @ np.abs(level))
    return need < have * (1.0 - 1e-14)


class Gathered(NamedTuple):
    """The sum ``v + w`` of a leaf.

    Parameters
    ----------
    d : array [shape=(n,)]
        Its part in ``d = y - x``, off by at most `d_error`.
    rest : array [shape=(n + 1,)]
        Its part in x and the constant.
    columns : array [shape=(H, n + 1)]
        What each inequality adds to that, for each unit of weight.
    own, signs : arrays [shape=(H,)]
        The wall of each inequality at x or y (-1 for others), and its side.
    """

    d: Array
    d_error: float
    rest: Array
    columns: Array
    own: Array
    signs: Array


def _within(index: Array, count: int, weights: Array) -> bool:
    fits = index.shape == weights.shape and bool(((index >= 0) & (index < count)).all())
    return fits and bool((np.isfinite(weights) & (weights >= 0.0)).all())


def gathered_of(walls: Walls, node: Node, form: Form) -> Gathered | None:
    """Add the inequalities up, None if one of them does not hold on the node."""
    n, k = walls.dimension, walls.count
    tangents = len(form.tangents)
    last = 3 * k + 1 + 2 * n
    if not _within(form.which, last + tangents, form.weights):
        return None
    if tangents and (
        walls.central or form.tangents.shape[1] != n or len(form.ends) != tangents
    ):
        return None
    columns = np.zeros((form.which.size, n + 1))
    along = np.zeros((form.which.size, n))
    own = np.full(form.which.size, -1)
    signs = np.ones(form.which.size)
    for place, h in enumerate(form.which.tolist()):
        if h < 3 * k:
            kind, wall = divmod(h, k)
            order = node.sides[Y, wall] if node.sides[X, wall] == -node.sides[Y, wall] else 0
            side = float(node.sides[kind, wall] if kind != Z else order)
            if side == 0.0:
                return None
            if kind != Z:
                columns[place] = side * np.append(walls.normals[wall], -walls.levels[wall])
                own[place], signs[place] = wall, side
            along[place] = side * walls.normals[wall] if kind != X else 0.0
        elif h == 3 * k:
            columns[place, n] = 1.0
        elif h < last:
            signal, entry = divmod(h - 3 * k - 1, n)
            if not walls.nonnegative:
                return None
            columns[place, entry] = 1.0
            along[place, entry] = float(signal == Y)
        else:
            a, signal = form.tangents[h - last], int(form.ends[h - last])
            if not np.isfinite(a).all() or signal not in (X, Y):
                return None
            columns[place] = np.append(-a, walls.radius * norm_upper(a) * (1.0 + 1e-14))
            along[place] = -a if signal == Y else 0.0
    d = form.weights @ along
    if node.direction is not None:
        d = d + form.tau * node.direction
    size = float((form.weights[:, None] * np.abs(along)).sum())
    size += form.tau * float(np.abs(node.direction).sum()) if node.direction is not None else 0
    error = gamma(form.which.size + 8) * size
    return Gathered(d, error, form.weights @ columns, columns, own, signs)


def looseness(
    walls: Walls, node: Node, form: Form, gathered: Gathered, variables: Array
) -> float | None:
    """Return by how much q must be changed so that ``q >= v + w``, None if that is not known.

    The part of ``v + w - q`` in x and the constant is to be <= 0 on the node: because it is so
    on the whole ball; or wall by wall; or because a small change of mu and q makes it 0.
    """
    n = walls.dimension
    crossed = np.zeros((len(form.nu), n + 1))
    crossed[: len(variables), :n] = walls.normals[variables]
    crossed[: len(variables), n] = -walls.levels[variables]
    if len(form.nu) > len(variables):
        crossed[-1, n] = 1.0
    rest = gathered.rest - form.nu @ crossed
    size = float((form.weights[:, None] * np.abs(gathered.columns)).sum())
    size += float((np.abs(form.nu)[:, None] * np.abs(crossed)).sum())
    error = gamma(form.which.size + len(form.nu) + 8) * size
    if _wall_by_wall(walls, node, form, gathered, variables):
        return 0.0
    if not walls.central:
        most = walls.radius * (norm_upper(rest[:n]) + error) * (1.0 + 1e-14)
        return 0.0 if most + rest[n] + 2.0 * error <= 0.0 else None
    used = gathered.columns[form.weights > 0.0][:, :n]
    change = _repair(rest[:n], error, np.vstack([crossed[:, :n], used]))
    positive = form.weights[form.weights > 0.0]
    if not change <= float(positive.min(initial=math.inf)):
        return None
    # every coefficient of q moves by at most `change`, its part in d by that times a normal
    return change * (math.sqrt(len(form.nu)) + n * (1.0 + norm_upper(walls.normals)))


def _wall_by_wall(
    walls: Walls, node: Node, form: Form, gathered: Gathered, variables: Array
) -> bool:
    """Tell whether only walls that are crossed occur, and q is enough at each of them."""
    used = form.weights > 0.0
    plain = gathered.columns[:, :].any(axis=1) & used
    if not np.isin(gathered.own[plain], variables).all():
        return False
    sums, sizes = np.zeros(walls.count), np.zeros(walls.count)
    np.add.at(sums, gathered.own[plain], (form.weights * gathered.signs)[plain])
    np.add.at(sizes, gathered.own[plain], form.weights[plain])
    if form.nu.size > variables.size and form.nu[-1] < 0.0:
        return False
    sign = node.sides[X, variables].astype(np.float64)
    spare = sign * form.nu[: len(variables)] - sign * sums[variables]
    return bool((spare >= gamma(form.which.size + 8) * sizes[variables]).all())


def _repair(rest: Array, error: float, columns: Array) -> float:
    """Return how much coefficients of the columns must change to make `rest` vanish exactly.

    Columns (H, n) that span are chosen; with Y an approximate inverse of their matrix V and
    ``|I - V Y| <= 1/2`` one has ``|V^-1| <= 2 |Y|``.  Infinite if they do not span.
    """
    n = len(rest)
    chosen: list[int] = []
    left = columns.copy()
    for _ in range(n):
        sizes = (left**2).sum(axis=1)
        best = int(sizes.argmax()) if sizes.size else -1
        if best < 0 or sizes[best] <= 1e-16:
            return math.inf
        chosen.append(best)
        unit = left[best] / math.sqrt(sizes[best])
        left = left - np.outer(left @ unit, unit)
    matrix = columns[chosen].T
    inverse = np.linalg.inv(matrix)
    defect = np.abs(np.eye(n) - matrix @ inverse).sum()
    defect += gamma(n + 8) * float((np.abs(matrix) @ np.abs(inverse)).sum())
    if not defect <= 0.5:
        return math.inf
    return up(2.0 * norm_upper(inverse) * (norm_upper(rest) + error * math.sqrt(n)), 8)
