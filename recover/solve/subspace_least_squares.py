"""Least squares within the subspace that a prior names."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.linear import CglsState, cgls_start, cgls_step, square
from recover.frames.bounds import real_matrix
from recover.models.problem import Problem
from recover.priors.subspace import Subspace
from recover.solve.base import Method, Status
from recover.solve.fixed import FixedRows, fits_dense, relative

__all__ = ["SubspaceLeastSquares"]


@dataclass(frozen=True, eq=False)
class _State:
    rows: FixedRows
    prior: Subspace
    inner: CglsState
    scale: float
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class SubspaceLeastSquares(Method[_State]):
    """Fit ``x = sum_k c_k d_k`` of the prior's subspace to the coefficients that the data fix.

    Small problems are solved directly in float64, larger ones by conjugate gradients on the
    coefficients c.  What the data only bound is not used: a violation of it shows that the
    signal is not in the subspace.

    Parameters
    ----------
    max_iter : int
        The most steps of conjugate gradients.
    tol : float
        The relative gradient at which they stop.
    """

    max_iter: int = 2000
    tol: float = 1e-12

    def refuses(self, problem: Problem) -> str | None:
        prior = problem.prior
        if not isinstance(prior, Subspace):
            return (
                "it needs a Subspace prior; use DualFrame or OneSidedLeastSquares without one"
            )
        if not fits_dense(prior.frame):
            return None
        basis, image, _ = _dense(problem, prior)
        needed, have = int(np.linalg.matrix_rank(basis)), int(np.linalg.matrix_rank(image))
        if have < needed:
            return (
                f"the {problem.knowledge.fixed_count} coefficients that the data fix determine "
                f"{have} of the subspace's {needed} dimensions; give a smaller subspace"
            )
        return None

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        rows, prior = FixedRows.of(problem), _prior(problem)
        if fits_dense(prior.frame):
            basis, image, value = _dense(problem, prior)
            coefs, *_ = np.linalg.lstsq(image, value, rcond=None)
            x = (basis @ coefs).reshape(prior.signal_shape).astype(problem.dtype)
            gradient = prior.frame.analysis(rows.synthesis(rows.misfit(x)))
            scale = math.sqrt(square(prior.frame.analysis(rows.synthesis(rows.value))))
            inner = CglsState(x, x, rows.value, 0.0)
            residual = relative(math.sqrt(square(gradient)), scale)
            return _State(rows, prior, inner, scale, residual, Status.DIRECT)
        gradient = prior.frame.analysis(rows.synthesis(rows.value))
        inner = cgls_start(_pull(rows, prior), rows.value, np.zeros_like(gradient))
        scale = math.sqrt(inner.square)
        return _State(rows, prior, inner, scale, relative(scale, scale))

    def step(self, problem: Problem, state: _State) -> _State:
        rows, prior = state.rows, state.prior
        inner = cgls_step(
            lambda c: rows.analysis(prior.frame.synthesis(c)), _pull(rows, prior), state.inner
        )
        return _State(
            rows, prior, inner, state.scale, relative(math.sqrt(inner.square), state.scale)
        )

    def signal(self, problem: Problem, state: _State) -> Array:
        if state.finished is Status.DIRECT:
            return state.inner.x
        return state.prior.frame.synthesis(state.inner.x).astype(problem.dtype, copy=False)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def _prior(problem: Problem) -> Subspace:
    if not isinstance(problem.prior, Subspace):
        raise ParameterError("prior must be a Subspace for SubspaceLeastSquares, got none")
    return problem.prior


def _dense(problem: Problem, prior: Subspace) -> tuple[Array, Array, Array]:
    """Return the spanning vectors as columns, their fixed coefficients, and the values."""
    frame, known = problem.model.frame, problem.knowledge
    vectors, _ = real_matrix(prior.frame, np.ones(prior.frame.coef_shape, dtype=bool))
    vectors = vectors.conj()
    image = frame.analysis(vectors.reshape(-1, *frame.signal_shape))[:, known.fixed]
    value = known.value[known.fixed]
    if frame.real_signal and not frame.real_coefs:
        image = np.concatenate([image.real, image.imag], axis=1)
        value = np.concatenate([value.real, value.imag])
    return vectors.T, image.T, value


def _pull(rows: FixedRows, prior: Subspace) -> Callable[[Array], Array]:
    """Return the adjoint of the fixed coefficients as a function of the prior's."""
    return lambda c: prior.frame.analysis(rows.synthesis(c))
