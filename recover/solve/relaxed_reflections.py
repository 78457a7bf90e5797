"""Relaxed reflect-reflect between the range of analysis and the consistent coefficients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.linear import square
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.dual import CanonicalDual
from recover.solve.fixed import relative
from recover.solve.spectral import starting_signal

__all__ = ["RelaxedReflections"]


@dataclass(frozen=True, eq=False)
class _State:
    dual: CanonicalDual
    scale: float
    iterate: Array
    x: Array
    best: Array
    best_gap: float
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class RelaxedReflections(Method[_State]):
    """The iteration ``u += beta (P(2 R u - u) - R u)`` on coefficients.

    R projects on the coefficients of the domain's signals (analysis after the canonical dual
    and the domain's projection) and P on those consistent with the data (`Model.project`).  A
    fixed point has ``R u`` in both sets.  Unlike alternating projections it does not stop at
    near misses, so it solves phaseless problems where those stagnate; with noisy data it does
    not settle, and the signal is that of the smallest gap seen.  One analysis and one dual a
    step.

    Parameters
    ----------
    beta : float in (0, 2)
        The relaxation; 1 is the Douglas-Rachford iteration.
    max_iter : int
        The most steps.
    tol : float
        The gap ``|P(2 R u - u) - R u|``, relative to the data, at which it stops.

    References
    ----------
    .. [1] V. Elser, "The complexity of bit retrieval", IEEE Trans. Inform. Theory 64 (2018).
    .. [2] H. H. Bauschke, P. L. Combettes, D. R. Luke, "Phase retrieval, error reduction
       algorithm, and Fienup variants: a view from convex optimization", J. Opt. Soc. Amer. A
       19 (2002).
    """

    beta: float = 0.8
    max_iter: int = 5000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        if not 0.0 < self.beta < 2.0:
            raise ParameterError(f"beta must lie in (0, 2), got {self.beta}")

    def refuses(self, problem: Problem) -> str | None:
        return None

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        frame = problem.model.frame
        x = problem.domain.project(starting_signal(problem, start, rng))
        x = x.astype(problem.dtype, copy=False)
        zero = frame.analysis(np.zeros_like(x))
        scale = math.sqrt(square(problem.model.project(zero, problem.y)))
        return _State(
            CanonicalDual.of(problem), scale, frame.analysis(x), x, x, math.inf, math.inf
        )

    def step(self, problem: Problem, state: _State) -> _State:
        frame, u = problem.model.frame, state.iterate
        x = problem.domain.project(state.dual(u, state.x)).astype(problem.dtype, copy=False)
        t = frame.analysis(x)
        gap = problem.model.project(t + t - u, problem.y).astype(t.dtype, copy=False) - t
        residual = relative(math.sqrt(square(gap)), state.scale)
        better = residual < state.best_gap
        return _State(
            state.dual,
            state.scale,
            u + np.asarray(self.beta, dtype=t.real.dtype) * gap,
            x,
            x if better else state.best,
            min(residual, state.best_gap),
            residual,
        )

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.best

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()
