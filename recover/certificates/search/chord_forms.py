"""Proposals that close the leaves of a search over segments, by non-negative least squares.

Everything here is plain floating point; `replay.chord_leaves` proves what is proposed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recover.certificates.replay.chord_leaves import form_holds
from recover.certificates.replay.chord_model import Form, Node, Target, crossing_of
from recover.certificates.replay.walls import Walls, X, Y, Z
from recover.certificates.search.chord_problem import (
    Problem,
    Setting,
    factor_of,
    first_share,
    least,
    problem_of,
    tau_of,
    unit_share,
    whole_form,
)
from recover.certificates.search.chord_regions import non_negative, tangents_at
from recover.core.arrays import Array

__all__ = ["Attempt", "propose_form"]

RELAXED = 1e-9  # regions are enlarged by this, so that rounding has room in the proof
REGULAR = 1e-11  # added where the form does not see a direction
ROUNDS = 25  # of tangents to the ball
SHARES = 16  # of the two forms that are tried
_NONE = np.empty(0)
_NO_INDEX = np.empty(0, dtype=np.int64)


class Attempt(NamedTuple):
    """A leaf that is closed, or the segment (x, d, 1) that stands in the way (or neither)."""

    form: Form | None
    obstacle: Array | None


def propose_form(walls: Walls, node: Node, target: Target) -> Attempt:
    """Try to close a node with a direction."""
    problem = problem_of(walls, node, target)
    form = _of_order(problem)
    return Attempt(form, None) if form is not None else _mixed(problem)


def _of_order(problem: Problem) -> Form | None:
    """Exclude the directions alone: no low cell is crossed in this order."""
    walls, node, region = problem.walls, problem.node, problem.region
    orders = (region.which // max(walls.count, 1) == Z) & (region.which < 3 * walls.count)
    g, n = node.direction, walls.dimension
    assert g is not None
    if not orders.any() or least(problem.across, problem.low) <= 1e-12 * problem.target.value:
        return None
    tau = tau_of(problem.low, g)
    factor = factor_of(problem.low + tau**2 * np.outer(g, g))
    if factor is None:
        return None
    functions = region.functions[orders, n : 2 * n]
    white = np.linalg.solve(factor, np.vstack([functions, tau * g]).T)
    mu = non_negative(white[:, :-1], -white[:, -1])
    if mu is None or np.linalg.norm(white[:, -1] + white[:, :-1] @ mu) > 1.0 - 1e-9:
        return None
    used = mu > 0.0
    which, weights = region.which[orders][used], mu[used]
    mix = (1.0, tau, problem.cone)
    form = Form(0, *mix, which, weights, _NONE, _NO_INDEX, np.empty((0, n)))
    return form if form_holds(walls, node, problem.target, form) else None


def _mixed(problem: Problem) -> Attempt:
    """Look for the share of the two forms that closes the node: raise it, then bisect.

    The least value of the mixture over the node is concave in the share; the second form at
    the segment that attains it tells on which side the best share lies.
    """
    n = problem.walls.dimension
    first = first_share(problem)
    if first is None:
        return Attempt(None, None)
    below, above, sigma, obstacle = first, math.inf, first, None
    plain = whole_form(problem.walls, problem.setting, problem.both)
    for _ in range(SHARES):
        form, point = _full(problem, sigma)
        if form is not None:
            return Attempt(form, None)
        if point is None:
            break
        obstacle, d = point, point[n : 2 * n]
        slope = float(d @ problem.low @ d)
        if (
            slope <= 1e-9 * problem.target.value * float(d @ d)
            and float(point @ plain @ point) < 0.0
        ):
            break  # both forms are negative there, so no mixture is not
        if slope < 0.0:
            above = sigma
            if sigma <= first:
                break
        else:
            below = sigma
        if math.isinf(above):
            sigma = 4.0 * sigma if sigma > 0.0 else unit_share(problem)
        else:
            sigma = (below + above) / 2.0
    return Attempt(None, obstacle)


def _full(problem: Problem, sigma: float) -> tuple[Form | None, Array | None]:
    """Exclude all segments of the node, or return one that is in the way."""
    walls, node, region, setting = (
        problem.walls, problem.node, problem.region, problem.setting
    )  # fmt: skip
    g, n = node.direction, walls.dimension
    assert g is not None
    mixture = problem.both + sigma * problem.low
    use_whole = setting.spans
    whole = whole_form(walls, setting, mixture)
    lift = np.concatenate([np.zeros(n), g, [0.0]])
    if use_whole:
        keep = slice(0, 2 * n + (not walls.central))
        tau = tau_of(whole[keep, keep], lift[keep])
    else:
        tau = tau_of(mixture, g)
    whole += tau**2 * np.outer(lift, lift) + REGULAR * np.eye(2 * n + 1)
    factor = factor_of(whole)
    if factor is None:
        return None, None
    v = np.zeros(2 * n + 1)
    v[n : 2 * n] = tau * g
    enlarged = region.functions.copy()
    relaxed = 0.0 if walls.central or use_whole else RELAXED
    enlarged[~region.tight, -1] += relaxed
    ends: list[int] = []
    tangents: list[Array] = []
    for _ in range(ROUNDS):
        white = np.linalg.solve(factor, np.vstack([enlarged, v]).T)
        mu = non_negative(white[:, :-1], -white[:, -1])
        if mu is None:
            return None, None
        reached = white[:, -1] + white[:, :-1] @ mu
        point = np.linalg.solve(factor.T, reached)
        if float(np.linalg.norm(reached)) < 1.0 - 1e-9:
            cuts = np.array(ends, dtype=np.int64), np.array(tangents).reshape(-1, n)
            multipliers = _Multipliers((sigma, tau, sigma * problem.cone), mu, *cuts, use_whole)
            form = _form(problem, multipliers, point)
            holds = form_holds(walls, node, problem.target, form)
            return (form, None) if holds else (None, point)
        if walls.central:
            break
        fresh = tangents_at(walls, point)
        if not fresh:
            break
        for signal, a in fresh:
            ends.append(signal)
            tangents.append(a)
            step = a if signal == Y else np.zeros(n)
            row = np.concatenate([-a, -step, [walls.radius + relaxed]])
            enlarged = np.vstack([enlarged, row])
    return None, point


class _Multipliers(NamedTuple):
    mix: tuple[float, float, float]  # sigma, tau, cone
    weights: Array
    ends: Array
    tangents: Array
    whole: bool


def _form(problem: Problem, made: _Multipliers, point: Array) -> Form:
    """Return the leaf in the variables of the proof."""
    walls, region, setting = problem.walls, problem.region, problem.setting
    n = walls.dimension
    mu, tangents = made.weights, made.tangents
    last = 3 * walls.count + 1 + 2 * n
    which = np.append(region.which, last + np.arange(len(tangents)))
    used = mu > 0.0
    mix = made.mix
    if made.whole:
        return Form(2, *mix, which[used], mu[used], _NONE, made.ends, tangents)
    nu = setting.at_x * (setting.functions @ point) + setting.at_y * (setting.ahead @ point)
    functions = setting.functions[:, [*range(n), 2 * n]]
    if setting.constant > 0.0:
        nu = np.append(nu, setting.constant * point[-1])
        functions = np.vstack([functions, np.eye(n + 1)[-1:]])
    relaxed = 0.0 if walls.central else RELAXED
    tangent = np.hstack([-tangents, np.full((len(tangents), 1), walls.radius + relaxed)])
    rest = region.functions[:, [*range(n), 2 * n]]
    crossed = region.tight & (region.which < 2 * walls.count)
    plain = rest.any(axis=1) & used[: len(rest)]
    if not tangents.size and crossed[plain].all():
        nu = _at_walls(walls, problem.node, nu, (region.which[plain], mu[plain]), setting)
    else:
        rest[~region.tight, -1] += relaxed
        mu, nu = _balanced(np.vstack([rest, tangent]), mu, functions, nu)
    return Form(1, *mix, which[used], mu[used], nu, made.ends, tangents)


def _balanced(rest: Array, mu: Array, functions: Array, nu: Array) -> tuple[Array, Array]:
    """Change multipliers a little so that ``mu @ rest = nu @ functions`` to rounding."""
    used = np.flatnonzero((mu > 0.0) & rest.any(axis=1))
    for _ in range(2):
        missing = mu @ rest - nu @ functions
        columns = np.vstack([functions, -mu[used, None] * rest[used]])
        change = np.linalg.lstsq(columns.T, missing, rcond=1e-9)[0]
        nu = nu + change[: len(nu)]
        mu = mu.copy()
        mu[used] *= np.maximum(1.0 + change[len(nu) :], 0.5)
    return mu, nu


def _at_walls(
    walls: Walls, node: Node, nu: Array, used: tuple[Array, Array], setting: Setting
) -> Array:
    """Return coefficients that are enough wall by wall, with room for rounding."""
    index, mu = used
    wall = index % max(walls.count, 1)
    signal = index // max(walls.count, 1)
    sums, sizes = np.zeros(walls.count), np.zeros(walls.count)
    np.add.at(sums, wall, mu * node.sides[signal, wall])
    np.add.at(sizes, wall, mu)
    which = crossing_of(walls, node.sides).walls
    exact = sums[which] + node.sides[X, which] * 1e-12 * sizes[which]
    if setting.constant > 0.0:
        return np.append(exact, max(float(nu[-1]), 0.0))
    return np.asarray(exact)
