"""The frame algorithm on the measured values themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import square
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.fixed import relative
from recover.solve.nonlinear import (
    check_relaxation,
    full_relaxation,
    refuse_unless_relaxed,
)

__all__ = ["SaturatedFrameAlgorithm"]


@dataclass(frozen=True, eq=False)
class _State:
    relaxation: Array
    scale: float
    x: Array
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class SaturatedFrameAlgorithm(Method[_State]):
    """The iteration ``x += a synthesis(y - model(x))``.

    For saturated measurements it compares clipped with clipped values.  It applies to every
    convex model here: their non-linearities never fall and have slope at most 1, so that the
    iteration is gradient descent on the convex function ``sum_i R_i(t_i) - y_i t_i`` with
    ``R_i' = rho_i``, whose gradient is B-Lipschitz; it converges for every a < 2/B, and the
    gradient never grows.  For a Parseval frame (a = 1) the error falls at least by ``1 - A_I``
    a step once no fixed coefficient of the iterate is saturated, A_I the lower bound of the
    fixed rows: saturated rows can only add to the slope.  One analysis and one synthesis a
    step.

    Parameters
    ----------
    relaxation : float > 0, optional
        The factor a; by default 2/(A + B) of the whole frame, or 1/B where A is 0.
    max_iter : int
        The most steps.
    tol : float
        The relative gradient at which it stops.

    References
    ----------
    .. [1] W. Alharbi, D. Freeman, D. Ghoreishi, B. Johnson, N. L. Randrianarivony, "Declipping
       and the recovery of vectors from saturated measurements", arXiv 2402.03237.
    """

    relaxation: float | None = None
    max_iter: int = 20000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        check_relaxation(self.relaxation)

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_relaxed(problem, self.relaxation)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        frame = problem.model.frame
        zero = np.zeros(frame.signal_shape, dtype=problem.dtype)
        relaxation = full_relaxation(problem, self.relaxation)
        scale = math.sqrt(square(_gradient(problem, zero)))
        return _State(relaxation, scale, zero if start is None else start, math.inf)

    def step(self, problem: Problem, state: _State) -> _State:
        gradient = _gradient(problem, state.x)
        residual = relative(math.sqrt(square(gradient)), state.scale)
        x = state.x + state.relaxation * gradient
        return _State(state.relaxation, state.scale, x, residual)

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def _gradient(problem: Problem, x: Array) -> Array:
    """Return the synthesis of what the iterate's measurement lacks."""
    t = problem.model.frame.analysis(x)
    gap = problem.y - problem.model.apply(t)
    return problem.model.frame.synthesis(gap.astype(t.dtype, copy=False))
