"""Conjugate gradients on the sub-frame that the data fix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import CglsState, cgls_start, cgls_step
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.fixed import FixedRows, refuse_undetermined, relative

__all__ = ["ConjugateGradient"]


@dataclass(frozen=True, eq=False)
class _State:
    rows: FixedRows
    inner: CglsState
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class ConjugateGradient(Method[_State]):
    """Conjugate gradients for ``S_I x = sum_I value_i phi_i``; needs no frame bounds.

    With ``q = (sqrt(B/A) - 1) / (sqrt(B/A) + 1)`` the error in the norm of ``S_I`` is at most
    ``2 q^k`` times the first.  One analysis and one synthesis a step.

    Parameters
    ----------
    max_iter : int
        The most steps.
    tol : float
        The relative gradient at which it stops.

    References
    ----------
    .. [1] K. Groechenig, "Acceleration of the frame algorithm", IEEE Trans. Signal Process. 41
       (1993).
    """

    max_iter: int = 2000
    tol: float = 1e-12

    def refuses(self, problem: Problem) -> str | None:
        return refuse_undetermined(problem)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        rows = FixedRows.of(problem)
        if start is None:
            x, misfit = np.zeros(rows.frame.signal_shape, dtype=problem.dtype), rows.value
        else:
            x, misfit = start, rows.misfit(start)
        return _state(rows, cgls_start(rows.synthesis, misfit, x))

    def step(self, problem: Problem, state: _State) -> _State:
        rows = state.rows
        return _state(rows, cgls_step(rows.analysis, rows.synthesis, state.inner))

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.inner.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def _state(rows: FixedRows, inner: CglsState) -> _State:
    return _State(rows, inner, relative(math.sqrt(inner.square), rows.scale))
