"""What is left of a ball when some half-spaces are imposed: many such regions at once.

Let ``P = {y: <y, a_j> >= l_j for j in T, |y| <= R}``.  For every multiplier ``c >= 0`` and
every direction g,

    max over P of <y, g>  <=  R |g + sum_j c_j a_j| - sum_j c_j l_j,

because ``sum_j c_j (<y, a_j> - l_j) >= 0`` on P.  A negative right-hand side for ``g = 0``
proves that P is empty.  Whatever c is used, the inequality is true, so the multipliers may
come from plain floating-point arithmetic; only the right-hand side is rounded upward.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recover.certificates.search.arrangement import Arrangement
from recover.core.arrays import Array
from recover.core.rounding import gamma

__all__ = ["Reach", "Supports", "nearest_points", "reach"]

_FEASIBLE = (
    1e-10  # a constraint violated by less is taken as met; this steers, it proves nothing
)
_REGULAR = (
    1e-13  # relative shift of Gram matrices that may be singular; only multipliers depend
)


class Supports(NamedTuple):
    """The sides that hold up the point of least norm, and their multipliers.

    Parameters
    ----------
    sides : array of int [shape=(B, K)]
        -1 in unused places.
    weights : array [shape=(B, K)]
        The multipliers, >= 0.
    """

    sides: Array
    weights: Array

    def rows(self, which: Array) -> Supports:
        """Return some of them."""
        return Supports(self.sides[which], self.weights[which])


class Reach(NamedTuple):
    """What was proved about the regions.

    Parameters
    ----------
    empty : array of bool [shape=(B,)]
        The region is empty, with a margin.
    highest : array [shape=(B, H)]
        An upper bound of ``<y, normal_h> - level_h`` over the region.
    """

    empty: Array
    highest: Array


def nearest_points(
    arrangement: Arrangement, held: Array, start: Supports, levels: Array
) -> tuple[Supports, Array]:
    """Return the points of least norm in ``{y: <y, normal_h> >= level_h for held h}``.

    The active-set method of Lawson and Hanson on the dual, whose value rises in every step: add
    the side violated most, solve on the support, step back where a multiplier would turn
    negative.  Ends early where the point leaves the ball: then the region is empty.

    Parameters
    ----------
    arrangement : Arrangement
        The half-spaces.
    held : array of bool [shape=(B, H)]
        Those imposed.
    start : Supports
        A feasible start of the dual, such as the parent's solution.
    levels : array [shape=(H,)]
        Usually the arrangement's levels, or raised ones to ask for an interior point.

    Returns
    -------
    supports : Supports
    points : array [shape=(B, p)]

    References
    ----------
    .. [1] C. L. Lawson and R. J. Hanson, "Solving Least Squares Problems", SIAM (1995), ch. 23.
    """
    sides, weights = start.sides.copy(), start.weights.copy()
    slots = sides.shape[1]
    points = np.zeros((len(sides), arrangement.dimension))
    todo = np.arange(len(sides))
    settled = np.ones(len(sides), dtype=bool)  # the support was solved on without a step back
    for _ in range(8 * slots):
        # one place more than the fullest support needs
        taken = np.flatnonzero((sides[todo] >= 0).any(axis=0))
        width = min(slots, int(taken[-1]) + 2 if taken.size else 1)
        s, c = sides[todo, :width], weights[todo, :width]
        done, s, x = _add_violated(arrangement, held[todo], levels, Supports(s, c), settled)
        sides[todo, :width] = s
        points[todo] = x
        todo, s, c = todo[~done], s[~done], c[~done]
        if todo.size == 0:
            return Supports(sides, weights), points
        s, c, settled = _dual_step(arrangement, levels, s, c)
        sides[todo, :width], weights[todo, :width] = s, c
    points[todo] = _combined(weights[todo], _normals(arrangement, sides[todo]))
    return Supports(sides, weights), points


def _normals(arrangement: Arrangement, sides: Array) -> Array:
    normals: Array = arrangement.padded_normals[sides]  # the last row, zero, stands at -1
    return normals


def _combined(c: Array, normals: Array) -> Array:
    """Return the sums ``sum_k c_k a_k``, (B, p)."""
    sums: Array = (c[:, None, :] @ normals)[:, 0]
    return sums


def _add_violated(
    arrangement: Arrangement, held: Array, levels: Array, start: Supports, settled: Array
) -> tuple[Array, Array, Array]:
    """Return which regions are finished, the supports with the worst side added, the points."""
    s, c = start
    used = s >= 0
    points = _combined(c, _normals(arrangement, s))
    violation = np.where(held, levels - points @ arrangement.columns, -np.inf)
    where, slot = np.nonzero(used)
    violation[where, s[where, slot]] = -np.inf
    worst = violation.argmax(axis=1)
    index = np.arange(len(s))
    value = (c * np.where(used, levels[s], 0.0)).sum(axis=1)
    outside = value > arrangement.radius * np.sqrt((points**2).sum(axis=1)) * (1.0 + 1e-9)
    met = violation[index, worst] <= _FEASIBLE * np.maximum(np.abs(levels[worst]), 1.0)
    done: Array = settled & (outside | met | used.all(axis=1))
    add = np.flatnonzero(settled & ~done)
    s = s.copy()
    s[add, (~used).argmax(axis=1)[add]] = worst[add]
    return done, s, points


def _dual_step(
    arrangement: Arrangement, levels: Array, s: Array, c: Array
) -> tuple[Array, Array, Array]:
    """Solve on the supports; where that turns a multiplier negative, stop at the first zero."""
    used: Array = s >= 0
    gram = _gram(_normals(arrangement, s), used)
    solved = np.linalg.solve(gram, np.where(used, levels[s], 0.0)[:, :, None])[:, :, 0]
    negative = (solved <= 0.0) & used
    blocked: Array = np.any(negative, axis=1)
    if not blocked.any():
        return s, np.where(used, solved, 0.0), np.logical_not(blocked)
    with np.errstate(over="ignore"):  # an infinite ratio is the right one
        ratio = np.where(negative, c / np.maximum(c - solved, 1e-300), np.inf)
    step = np.where(blocked, ratio.min(axis=1), 1.0)
    moved = np.maximum(c + step[:, None] * (solved - c), 0.0)
    removed = negative & (ratio <= step[:, None] * (1.0 + 1e-12))
    moved = np.where(removed | ~used, 0.0, moved)
    return np.where(removed, -1, s), moved, np.logical_not(blocked)


def _gram(normals: Array, used: Array) -> Array:
    """Return the Gram matrices of the supports, the identity in unused places."""
    gram: Array = normals @ normals.transpose(0, 2, 1)
    diagonal = np.einsum("bkk->bk", gram)
    diagonal[...] = np.where(used, diagonal * (1.0 + _REGULAR) + 1e-300, 1.0)
    return gram


def reach(arrangement: Arrangement, supports: Supports) -> Reach:
    """Bound every side over the regions that the supports describe.

    Two multipliers are tried for each side.  On the flat where the support's constraints are
    equalities the best one is ``c = mu c_T - a`` (a: the coefficients of the side's normal in
    the support's normals); its negative entries are raised to 0.  The other is the multiple of
    c_T that is best for the cap ``<y, x_T> >= |x_T|^2``.

    Parameters
    ----------
    arrangement : Arrangement
        The half-spaces.
    supports : Supports
        From `nearest_points`.

    Returns
    -------
    Reach
        Rounded upward: computed sums of k terms are off by at most ``gamma_k`` times the sum of
        the moduli.
    """
    slots = max(int((supports.sides >= 0).sum(axis=1).max(initial=0)), 1)
    order = np.argsort(supports.sides < 0, axis=1, kind="stable")[:, :slots]
    s = np.take_along_axis(supports.sides, order, axis=1)
    used = s >= 0
    c = np.where(used, np.take_along_axis(supports.weights, order, axis=1), 0.0)
    normals = _normals(arrangement, s)
    levels = np.where(used, arrangement.levels[s], 0.0)
    # what a multiplier weighs in the moduli of the error, in their levels, and in the bound
    lengths = np.sqrt((normals**2).sum(axis=2))
    scales = np.stack([arrangement.radius * lengths + np.abs(levels), levels], axis=1)
    square = (c * levels).sum(axis=1)  # |x_T|^2, and the level of the cap
    depth = np.sqrt(np.maximum(arrangement.radius**2 - square, 1e-300))
    flat = normals.reshape(-1, normals.shape[2]) @ arrangement.columns
    along = flat.reshape(len(s), slots, -1)
    coefficients = np.linalg.inv(_gram(normals, used)) @ along
    squares = arrangement.norms**2
    across = np.sqrt(
        np.maximum(squares - np.einsum("bkh,bkh->bh", along, coefficients), 1e-300)
    )
    multipliers = (across / depth[:, None])[:, None, :] * c[:, :, None]
    multipliers -= coefficients  # 0 in unused places
    np.maximum(multipliers, 0.0, out=multipliers)
    sums = normals.transpose(0, 2, 1) @ multipliers
    highest = _dual_bound(arrangement, sums, scales @ multipliers, slots)
    point = _combined(c, normals)
    if slots > 1:  # for a single side both multipliers are the same
        inner = point @ arrangement.columns
        safe = np.where(square > 0.0, square, np.inf)[:, None]
        beyond = np.sqrt(np.maximum(squares - inner**2 / safe, 1e-300))
        multiple = np.maximum(beyond / depth[:, None] - inner / safe, 0.0)[:, None, :]
        capped = _dual_bound(
            arrangement,
            point[:, :, None] * multiple,
            (scales @ c[:, :, None]) * multiple,
            slots,
        )
        highest = np.minimum(highest, capped)
    return Reach(_empty(arrangement, normals, levels, c), highest)


def _dual_bound(arrangement: Arrangement, sums: Array, scaled: Array, slots: int) -> Array:
    """Return ``R |g + A^T c| - c . l - level`` rounded up, for every side g, (B, H).

    Parameters
    ----------
    sums : array [shape=(B, p, H)]
        ``A^T c``; overwritten.
    scaled : array [shape=(B, 2, H)]
        ``sum_k c_k (R |a_k| + |l_k|)`` and ``c . l``.
    """
    sums += arrangement.columns
    sizes = np.sqrt(np.einsum("bph,bph->bh", sums, sums))
    moduli = scaled[:, 0] + (
        arrangement.radius * arrangement.norms + np.abs(arrangement.levels)
    )
    error = 2.0 * gamma(slots + arrangement.dimension + 12) * moduli
    bound: Array = arrangement.radius * sizes - scaled[:, 1] - arrangement.levels + error
    return bound


def _empty(arrangement: Arrangement, normals: Array, levels: Array, c: Array) -> Array:
    """Tell for which regions ``R |A^T c| < c . l`` for sure."""
    size = np.sqrt((np.einsum("bk,bkp->bp", c, normals) ** 2).sum(axis=1))
    moduli = (c * np.sqrt((normals**2).sum(axis=2))).sum(axis=1)
    weight = (c * np.abs(levels)).sum(axis=1)
    # the margin keeps the verdict the same when the multipliers are computed anew
    margin = 1e-10 * (arrangement.radius * moduli + weight)
    outside: Array = arrangement.radius * size + margin < (c * levels).sum(axis=1)
    return outside
