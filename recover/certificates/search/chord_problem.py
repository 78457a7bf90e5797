"""The quadratic forms that close the nodes of a search over segments."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recover.certificates.replay.chord_model import Crossing, Node, Target, crossing_of
from recover.certificates.replay.walls import Walls, Z
from recover.certificates.search.chord_regions import Region, region_of
from recover.core.arrays import Array

__all__ = [
    "Problem",
    "Setting",
    "cone_of",
    "factor_of",
    "first_share",
    "inverse_forms",
    "least",
    "problem_of",
    "tau_of",
    "unit_share",
    "whole_form",
]


class Setting(NamedTuple):
    """What the rows contribute that leave their bands, see `Crossing`."""

    functions: Array  # (K, 2 n + 1): distance of x from the walls that are crossed
    ahead: Array  # the same of y
    at_x: Array
    at_y: Array
    constant: float
    spans: bool  # whether these walls determine x


def setting_of(walls: Walls, crossing: Crossing) -> Setting:
    """Return the contributions as functions of (x, d, 1)."""
    which = crossing.walls
    normals, levels = walls.normals[which], walls.levels[which, None]
    blank = np.zeros_like(normals)
    seen = normals if walls.central else np.hstack([normals, -levels])
    spans = len(which) >= seen.shape[1] and bool(
        np.linalg.svd(seen, compute_uv=False)[-1] > 1e-5
    )
    return Setting(
        np.hstack([normals, blank, -levels]),
        np.hstack([normals, normals, -levels]),
        crossing.at_x[which],
        crossing.at_y[which],
        crossing.constant,
        spans,
    )


class Problem(NamedTuple):
    """A node that is to be closed."""

    walls: Walls
    node: Node
    target: Target
    low: Array  # the form that is negative on the node
    cone: float  # what of the double cone is in it
    both: Array  # of the rows in their bands at both ends
    across: Array
    region: Region
    setting: Setting


def problem_of(walls: Walls, node: Node, target: Target) -> Problem:
    """Return the problem of a node with a direction."""
    g = node.direction
    assert g is not None
    n = walls.dimension
    crossing = crossing_of(walls, node.sides)
    kept = crossing.inside.astype(np.float64)
    linear = (walls.states(node.sides[Z]) == 0).astype(np.float64)
    between = target.share * linear + (1.0 - target.share) * kept
    shift = target.value * np.eye(n)
    low = (between @ walls.outer).reshape(n, n) - shift
    both = (kept @ walls.outer).reshape(n, n) - shift
    cone = 0.0
    if node.aside is not None:
        # as much of the double cone as makes the form positive aside
        cone = 0.5 * target.value + 2.0 * max(-float(node.aside @ low @ node.aside), 0.0)
        low += cone * cone_of(node)
    across = np.linalg.svd(g[None])[2][1:].T
    region = region_of(walls, node, crossing.walls)
    setting = setting_of(walls, crossing)
    return Problem(walls, node, target, low, cone, both, across, region, setting)


def unit_share(problem: Problem) -> float:
    """Return a natural size of the share of the second form."""
    beyond, value = least(problem.across, problem.low), problem.target.value
    return value / beyond if math.isfinite(beyond) and beyond > 0.01 * value else 0.3


def first_share(problem: Problem) -> float | None:
    """Return the least share of the second form that leaves one negative direction."""
    floor = 1e-9 * problem.target.value
    if _one_left(problem, 0.0, floor):
        return 0.0
    sigma = 0.1 * unit_share(problem)
    for _ in range(10):
        if _one_left(problem, sigma, floor):
            return sigma
        sigma *= 2.5
    return None


def _one_left(problem: Problem, sigma: float, floor: float) -> bool:
    """Tell whether the mixture is positive across the direction."""
    mixture = problem.both + sigma * problem.low
    if least(problem.across, mixture) > floor:
        return True
    if not problem.setting.spans:
        return False
    n = problem.walls.dimension
    whole = whole_form(problem.walls, problem.setting, mixture)
    basis = np.zeros((2 * n + 1, 2 * n))
    basis[:n, :n], basis[-1, -1] = np.eye(n), 1.0
    basis[n : 2 * n, n : 2 * n - 1] = problem.across
    if problem.walls.central:
        basis = basis[:, :-1]
    return least(basis, whole) > floor


def whole_form(walls: Walls, setting: Setting, inner: Array) -> Array:
    """Return the form in (x, d, 1)."""
    n = walls.dimension
    whole = np.zeros((2 * n + 1, 2 * n + 1))
    whole[n : 2 * n, n : 2 * n] = inner
    whole += (setting.functions.T * setting.at_x) @ setting.functions
    whole += (setting.ahead.T * setting.at_y) @ setting.ahead
    whole[-1, -1] += setting.constant
    return whole


def cone_of(node: Node) -> Array:
    """Return the form that is <= 0 in the node's double cone of directions."""
    assert node.direction is not None
    assert node.aside is not None
    square = node.slope**2 * np.outer(node.direction, node.direction)
    form: Array = np.outer(node.aside, node.aside) - square
    return form


def least(across: Array, matrix: Array) -> float:
    """Return the smallest eigenvalue on the columns of `across`, infinity if there are none."""
    if across.shape[1] == 0:
        return math.inf
    return float(np.linalg.eigvalsh(across.T @ matrix @ across)[0])


def tau_of(matrix: Array, g: Array) -> float:
    """Return tau such that the matrix plus ``tau^2 g g^T`` is well positive."""
    along = float(inverse_forms(matrix, g[None])[0])
    return math.sqrt(-2.0 / along) if along < 0.0 else 0.0


def inverse_forms(matrix: Array, vectors: Array) -> Array:
    """Return ``v^T matrix^-1 v`` of vectors (B, n); a zero eigenvalue counts as a tiny one."""
    values, basis = np.linalg.eigh(matrix)
    tiny = 1e-14 * max(float(np.abs(values).max()), 1e-300)
    safe = np.where(np.abs(values) < tiny, tiny, values)
    forms: Array = (vectors @ basis) ** 2 @ (1.0 / safe)
    return forms


def factor_of(matrix: Array) -> Array | None:
    """Return the Cholesky factor, None if there is none."""
    try:
        factor: Array = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None
    return factor
