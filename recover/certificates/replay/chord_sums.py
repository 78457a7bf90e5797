"""Sums of inequalities over the nodes of a search over segments, with their rounding."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recover.certificates.replay.chord_model import Form, Node
from recover.certificates.replay.walls import Walls, X, Y, Z
from recover.core.arrays import Array
from recover.core.rounding import gamma, norm_upper

__all__ = ["Gathered", "empty_holds", "gathered_of", "looseness"]

_SPARE = 8  # roundings that a sum's terms go through besides the additions
_OVER = 1.0 + 1e-14  # undoes some roundings
_TWICE = 2.0 + 1e-14
_DEPENDENT = 1e-16  # squares of columns that are left out of a basis


def empty_holds(walls: Walls, sides: Array, index: Array, weights: Array) -> bool:
    """Prove that no open set of the domain has the sides (K,), by ``weights >= 0``.

    ``R |sum mu a| < sum mu l`` for the half-spaces ``<., a> >= l``; or ``sum mu a = 0`` for
    half-spaces through the origin.
    """
    n, k = walls.dimension, walls.count
    if index.size == 0 or not _within(index, k + n, weights):
        return False
    if (index >= k).any() and not walls.nonnegative:
        return False
    # the walls on their sides, then the faces of the domain
    side = np.append(sides, np.ones(n))[index]
    if (side == 0.0).any():
        return False
    a = side[:, None] * np.vstack([walls.normals, np.eye(n)])[index]
    total = weights @ a
    terms = gamma(len(index) + _SPARE)
    error = terms * float((weights[:, None] * np.abs(a)).sum())
    if walls.central:
        return _repair(total, error, a) < float(weights.min())
    level = side * np.append(walls.levels, np.zeros(n))[index]
    need = walls.radius * (norm_upper(total) + error)
    have = float(weights @ level) - terms * float(weights @ np.abs(level))
    return need * _OVER < have


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
    if len(form.ends) != tangents or (tangents and walls.central):
        return None
    if tangents and form.tangents.shape[1] != n:
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
            columns[place] = np.append(-a, walls.radius * norm_upper(a) * _OVER)
            along[place] = -a if signal == Y else 0.0
    g = np.zeros(n) if node.direction is None else node.direction
    size = float((form.weights[:, None] * np.abs(along)).sum() + form.tau * np.abs(g).sum())
    d = form.weights @ along + form.tau * g
    error = gamma(form.which.size + _SPARE) * size
    return Gathered(d, error, form.weights @ columns, columns, own, signs)


def looseness(
    walls: Walls, node: Node, form: Form, gathered: Gathered, variables: Array
) -> float:
    """Return by how much q must be changed for ``q >= v + w``, infinity if that is not known.

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
    error = gamma(form.which.size + len(form.nu) + _SPARE) * size
    if _wall_by_wall(walls, node, form, gathered, variables):
        return 0.0
    if not walls.central:
        most = walls.radius * (norm_upper(rest[:n]) + error) * _OVER
        return 0.0 if most + error <= -(rest[n] + error) else math.inf
    used = gathered.columns[form.weights > 0.0][:, :n]
    change = _repair(rest[:n], error, np.vstack([crossed[:, :n], used]))
    positive = form.weights[form.weights > 0.0]
    if not change <= float(positive.min(initial=math.inf)):
        return math.inf
    # every coefficient of q moves by at most `change`, its part in d by that times a normal
    return change * (math.sqrt(len(form.nu)) + n * (1.0 + norm_upper(walls.normals)))


def _wall_by_wall(
    walls: Walls, node: Node, form: Form, gathered: Gathered, variables: Array
) -> bool:
    """Tell whether only walls that are crossed occur, and q is enough at each of them."""
    used = form.weights > 0.0
    plain = gathered.columns.any(axis=1) & used
    if not np.isin(gathered.own[plain], variables).all():
        return False
    sums, sizes = np.zeros(walls.count), np.zeros(walls.count)
    np.add.at(sums, gathered.own[plain], (form.weights * gathered.signs)[plain])
    np.add.at(sizes, gathered.own[plain], form.weights[plain])
    if form.nu.size > variables.size and form.nu[-1] < 0.0:
        return False
    sign = node.sides[X, variables]
    spare = sign * form.nu[: len(variables)] - sign * sums[variables]
    return bool((spare >= gamma(form.which.size + _SPARE) * sizes[variables]).all())


def _repair(rest: Array, error: float, columns: Array) -> float:
    """Return how much coefficients of the columns must change to make `rest` vanish exactly.

    The entries of `rest` are off by at most `error` in sum, so that it is in norm.

    Columns (H, n) that span are chosen; with Y an approximate inverse of their matrix V and
    ``|I - V Y| <= 1/2`` one has ``|V^-1| <= 2 |Y|``.  Infinite if they do not span.
    """
    n = len(rest)
    chosen: list[int] = []
    left = columns.copy()
    for _ in range(n):
        sizes = (left**2).sum(axis=1)
        if sizes.max() <= _DEPENDENT:
            return math.inf
        best = int(sizes.argmax())
        chosen.append(best)
        unit = left[best] / math.sqrt(sizes[best])
        left = left - np.outer(left @ unit, unit)
    matrix = columns[chosen].T
    inverse = np.linalg.inv(matrix)
    rounding = gamma(n + _SPARE) * (np.abs(matrix) @ np.abs(inverse))
    if not (np.abs(np.eye(n) - matrix @ inverse) + rounding).sum() <= 0.5:
        return math.inf
    return _TWICE * norm_upper(inverse) * (norm_upper(rest) + error)
