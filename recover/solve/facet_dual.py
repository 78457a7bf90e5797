"""Inversion of ReLU layers facet by facet, and how it compares with the whole active set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import OutOfScopeError
from recover.core.hull import facets_around_origin, meets_orthant
from recover.frames.structure import HasRows
from recover.models.domains import Ball
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.solve.base import Method, Status
from recover.solve.fixed import relative

__all__ = ["FacetAmplification", "FacetDual", "estimate_amplification"]

LARGEST = 10  # dimensions; the number of facets grows beyond all bounds
REGULAR = 1e-10  # relative to the largest singular value of all rows


@dataclass(frozen=True, eq=False)
class FacetAmplification:
    """By how much noise can grow, for each active facet and for all active rows at once.

    Parameters
    ----------
    facets : array of int [shape=(k, n)]
        The rows of each facet whose rows are all active.
    each : array [shape=(k,)]
        ``1 / sqrt(A_F)``, A_F the smallest eigenvalue of the facet's frame operator; infinite
        where the facet's rows do not span.
    whole : float
        ``1 / sqrt(A_I)`` for the set I of all active rows: at most the least of `each`, as
        A_I >= A_F for every F in I.
    """

    facets: Array
    each: Array
    whole: float


def estimate_amplification(problem: Problem) -> FacetAmplification:
    """Return the amplification of each facet-wise formula next to that of the whole active set.

    Estimates in floating point; certificates prove theirs.

    Parameters
    ----------
    problem : Problem
        ReLU data of a small real frame that holds its rows.

    Raises
    ------
    OutOfScopeError
        If `FacetDual` refuses the problem.
    """
    reason = FacetDual().refuses(problem)
    if reason is not None:
        raise OutOfScopeError(f"facets: {reason}")
    rows, facets = _active_facets(problem)
    smallest = np.linalg.svd(rows[facets], compute_uv=False)[:, -1]
    floor = REGULAR * float(np.linalg.norm(rows, 2))
    each = np.where(smallest > floor, 1.0 / np.maximum(smallest, floor), np.inf)
    active = rows[problem.knowledge.fixed.reshape(-1)]
    whole = 1.0 / float(np.linalg.svd(active, compute_uv=False)[-1])
    return FacetAmplification(facets, each, whole)


@dataclass(frozen=True, eq=False)
class _State:
    x: Array
    residual: float
    finished: Status = Status.DIRECT


@dataclass(frozen=True)
class FacetDual(Method[_State]):
    """The facet-wise formula ``x = sum_F (y_i + bias_i) dual_i`` over one active facet F.

    F is a facet of the polytope of the rows' directions, all of whose rows are active, and the
    dual is that of its n rows alone.  On the ball and on the sphere every facet counts, on the
    non-negative part of a ball those whose cones meet it (the problem's domain decides); the
    published biases promise an active facet for every signal there (`polytope_bias`).  Of
    several active facets the best conditioned one is taken.  Using all active rows
    (`DualFrame`) never amplifies noise more.

    Parameters
    ----------
    max_iter, tol
        Not used: the formula is direct.

    References
    ----------
    .. [1] D. Haider, M. Ehler and P. Balazs, "Convex geometry of ReLU-layers, injectivity on
       the ball and local reconstruction", ICML (2023), arXiv 2307.09672.
    """

    max_iter: int = 1
    tol: float = 0.0

    def refuses(self, problem: Problem) -> str | None:
        frame = problem.model.frame
        if not isinstance(problem.model, ReLU):
            return (
                f"facets are for ReLU data, not {type(problem.model).__name__}; use DualFrame"
            )
        if not isinstance(frame, HasRows):
            return f"facets need explicit rows, which {type(frame).__name__} lacks; use Dense"
        if not 2 <= frame.signal_size <= LARGEST:
            return (
                f"facets are for 2 to {LARGEST} dimensions, got {frame.signal_size}; "
                "use DualFrame"
            )
        try:
            rows, facets = _active_facets(problem)
        except OutOfScopeError as error:
            return str(error)
        floor = REGULAR * float(np.linalg.norm(rows, 2))
        if not (_smallest(rows, facets) > floor).any():
            return "no facet has all of its rows active; use DualFrame or OneSidedLeastSquares"
        return None

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        rows, facets = _active_facets(problem)
        facet = facets[int(_smallest(rows, facets).argmax())]
        value = problem.knowledge.value.reshape(-1)[facet]
        x = np.linalg.solve(rows[facet], value)
        left = rows[facet].T @ (value - rows[facet] @ x)
        scale = float(np.linalg.norm(rows[facet].T @ value))
        signal = x.reshape(problem.model.frame.signal_shape).astype(problem.dtype)
        return _State(signal, relative(math.sqrt(float(left @ left)), scale))

    def step(self, problem: Problem, state: _State) -> _State:
        return state

    def signal(self, problem: Problem, state: _State) -> Array:
        return problem.domain.project(state.x).astype(problem.dtype, copy=False)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def _smallest(rows: Array, facets: Array) -> Array:
    smallest: Array = np.linalg.svd(rows[facets], compute_uv=False)[:, -1]
    return smallest


def _active_facets(problem: Problem) -> tuple[Array, Array]:
    """Return the rows in float64, and the facets (k, n) whose rows are all active."""
    frame = problem.model.frame
    if not isinstance(frame, HasRows):
        raise OutOfScopeError(f"{type(frame).__name__} does not hold its rows")
    rows = np.asarray(frame.rows, dtype=np.float64)
    sizes = np.linalg.norm(rows, axis=1)
    used = np.flatnonzero(sizes > 0.0)
    facets = used[facets_around_origin(rows[used] / sizes[used, None])]
    active = facets[problem.knowledge.fixed.reshape(-1)[facets].all(axis=1)]
    domain = problem.domain
    if isinstance(domain, Ball) and domain.nonnegative:
        active = active[[meets_orthant(rows[facet]) for facet in active]]
    return rows, active.reshape(-1, rows.shape[1])
