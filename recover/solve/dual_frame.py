"""Inversion by the canonical dual of the sub-frame that the data fix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import CglsState, cgls_start, cgls_step
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.fixed import FixedRows, fits_dense, refuse_undetermined, relative

__all__ = ["DualFrame"]


@dataclass(frozen=True, eq=False)
class _State:
    rows: FixedRows
    inner: CglsState
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class DualFrame(Method[_State]):
    """Least squares on the coefficients that the data fix: ``sum_I value_i dual_i``.

    Small frames are solved by QR in float64, whatever the precision of the data; frames too
    large for a matrix by conjugate gradients.  What the data only bound is not used.  The
    result is projected on the problem's domain, which brings it nearer to every signal of it.

    Parameters
    ----------
    max_iter : int
        The most steps of conjugate gradients.
    tol : float
        The relative gradient at which they stop.

    References
    ----------
    .. [1] O. Christensen, "An Introduction to Frames and Riesz Bases", 2nd ed., Birkhaeuser
       (2016), Theorem 1.1.5 (canonical dual).
    """

    max_iter: int = 2000
    tol: float = 1e-12

    def refuses(self, problem: Problem) -> str | None:
        return refuse_undetermined(problem)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        rows = FixedRows.of(problem)
        frame = rows.frame
        if fits_dense(frame):
            matrix, value = rows.matrix()
            q, r = np.linalg.qr(matrix)
            x = np.linalg.solve(r, q.conj().T @ value).astype(problem.dtype)
            signal = x.reshape(frame.signal_shape)
            gradient = rows.synthesis(rows.misfit(signal))
            residual = relative(float(np.linalg.norm(gradient)), rows.scale)
            return _State(
                rows, CglsState(signal, gradient, rows.value, 0.0), residual, Status.DIRECT
            )
        x = np.zeros(frame.signal_shape, dtype=problem.dtype) if start is None else start
        misfit = rows.value if start is None else rows.misfit(start)
        inner = cgls_start(rows.synthesis, misfit, x)
        return _State(rows, inner, relative(math.sqrt(inner.square), rows.scale))

    def step(self, problem: Problem, state: _State) -> _State:
        rows = state.rows
        inner = cgls_step(rows.analysis, rows.synthesis, state.inner)
        return _State(rows, inner, relative(math.sqrt(inner.square), rows.scale))

    def signal(self, problem: Problem, state: _State) -> Array:
        return problem.domain.project(state.inner.x).astype(problem.dtype, copy=False)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()
