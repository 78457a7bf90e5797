"""Chebyshev acceleration of the frame algorithm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import square
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.fixed import FixedRows, relative
from recover.solve.spectrum import Spectrum, check_spectrum, refuse_unproved, spectrum_of

__all__ = ["Chebyshev"]


@dataclass(frozen=True, eq=False)
class _State:
    rows: FixedRows
    bounds: Spectrum
    x: Array
    gradient: Array
    move: Array
    ratio: float
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class Chebyshev(Method[_State]):
    """Chebyshev iteration for ``S_I x = sum_I value_i phi_i`` with proved frame bounds A, B.

    After k steps the error is at most ``2 q^k/(1 + q^(2k))`` times the first, with
    ``q = (sqrt(B/A) - 1)/(sqrt(B/A) + 1)``.  One analysis and one synthesis a step, and no
    inner product that the iteration depends on.

    Parameters
    ----------
    spectrum : (float, float), optional
        Bounds (A, B) of the fixed rows; proved by default.  It diverges where B is too small.
    max_iter : int
        The most steps.
    tol : float
        The relative gradient at which it stops.

    References
    ----------
    .. [1] K. Groechenig, "Acceleration of the frame algorithm", IEEE Trans. Signal Process. 41
       (1993).
    .. [2] Y. Saad, "Iterative Methods for Sparse Linear Systems", 2nd ed., SIAM (2003),
       Algorithm 12.1.
    """

    spectrum: Spectrum | None = None
    max_iter: int = 20000
    tol: float = 1e-12

    def __post_init__(self) -> None:
        check_spectrum(self.spectrum)

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unproved(problem, self.spectrum)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        rows = FixedRows.of(problem)
        bounds = spectrum_of(problem, self.spectrum)
        x = np.zeros(rows.frame.signal_shape, dtype=problem.dtype) if start is None else start
        gradient = rows.synthesis(rows.value if start is None else rows.misfit(start))
        centre, half = _centre_and_half(bounds)
        move = gradient * np.asarray(1.0 / centre, dtype=x.real.dtype)
        residual = relative(math.sqrt(square(gradient)), rows.scale)
        return _State(rows, bounds, x, gradient, move, half / centre, residual)

    def step(self, problem: Problem, state: _State) -> _State:
        rows = state.rows
        centre, half = _centre_and_half(state.bounds)
        gradient = state.gradient - rows.operator(state.move)
        # Saad's rho, and 2 rho/delta written so that a tight frame (delta = 0) is no exception
        divisor = 2.0 * centre - half * state.ratio
        ratio = half / divisor
        again = np.asarray(ratio * state.ratio, dtype=gradient.real.dtype)
        fresh = np.asarray(2.0 / divisor, dtype=gradient.real.dtype)
        residual = relative(math.sqrt(square(gradient)), rows.scale)
        return _State(
            rows,
            state.bounds,
            state.x + state.move,
            gradient,
            again * state.move + fresh * gradient,
            ratio,
            residual,
        )

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def _centre_and_half(bounds: Spectrum) -> tuple[float, float]:
    return (bounds.upper + bounds.lower) / 2.0, (bounds.upper - bounds.lower) / 2.0
