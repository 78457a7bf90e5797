"""Alternating projections between the consistent coefficients and the range of analysis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import square
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.dual import CanonicalDual
from recover.solve.fixed import relative
from recover.solve.spectral import starting_signal

__all__ = ["AlternatingProjections"]


@dataclass(frozen=True, eq=False)
class _State:
    dual: CanonicalDual
    scale: float
    x: Array
    target: Array
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class AlternatingProjections(Method[_State]):
    """The iteration ``x -> D(dual(P(analysis(x))))``.

    P is the projection on the coefficients consistent with the data (`Model.project`), `dual`
    the canonical dual, so that ``analysis dual`` projects on the range, and D the projection on
    the problem's domain.  With `Modulus` it is the Gerchberg-Saxton algorithm, with a support
    error reduction.  The distance of the coefficients to the consistent ones never grows where
    the domain is everything or the frame is tight.  Phaseless problems start from a spectral
    estimate.  One analysis and one dual a step.

    Parameters
    ----------
    max_iter : int
        The most steps.
    tol : float
        The distance to the consistent coefficients, relative to the data, at which it stops.

    References
    ----------
    .. [1] R. W. Gerchberg, W. O. Saxton, "A practical algorithm for the determination of the
       phase", Optik 35 (1972).
    .. [2] J. R. Fienup, "Phase retrieval algorithms: a comparison", Appl. Opt. 21 (1982).
    """

    max_iter: int = 5000
    tol: float = 1e-10

    def refuses(self, problem: Problem) -> str | None:
        return None

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        x = problem.domain.project(starting_signal(problem, start, rng))
        scale = math.sqrt(square(problem.model.project(_zero(problem), problem.y)))
        return _state(problem, CanonicalDual.of(problem), scale, x)

    def step(self, problem: Problem, state: _State) -> _State:
        x = problem.domain.project(state.dual(state.target, state.x))
        return _state(problem, state.dual, state.scale, x)

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def _state(problem: Problem, dual: CanonicalDual, scale: float, x: Array) -> _State:
    x = x.astype(problem.dtype, copy=False)
    t = problem.model.frame.analysis(x)
    target = problem.model.project(t, problem.y).astype(t.dtype, copy=False)
    return _State(dual, scale, x, target, relative(math.sqrt(square(target - t)), scale))


def _zero(problem: Problem) -> Array:
    frame = problem.model.frame
    return frame.analysis(np.zeros(frame.signal_shape, dtype=problem.dtype))
