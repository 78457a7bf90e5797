"""The frame algorithm on the sub-frame that the data fix."""

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
from recover.solve.fixed import FixedRows, refuse_undetermined, relative
from recover.solve.spectrum import Spectrum, check_spectrum, refuse_unproved, spectrum_of

__all__ = ["FrameAlgorithm"]


@dataclass(frozen=True, eq=False)
class _State:
    rows: FixedRows
    relaxation: Array
    x: Array
    gradient: Array
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class FrameAlgorithm(Method[_State]):
    """The Richardson iteration ``x += a (b - S_I x)`` for ``S_I x = b = sum_I value_i phi_i``.

    With proved bounds A, B of the fixed rows and the relaxation ``a = 2/(A + B)`` the error
    falls by ``(B - A)/(B + A)`` a step.  One analysis and one synthesis a step.

    Parameters
    ----------
    relaxation : float > 0, optional
        The factor a; 2/(A + B) by default.  Any a < 2/B converges.
    spectrum : (float, float), optional
        Bounds (A, B) of the fixed rows; proved by default.
    max_iter : int
        The most steps.
    tol : float
        The relative gradient at which it stops.

    References
    ----------
    .. [1] R. J. Duffin, A. C. Schaeffer, "A class of nonharmonic Fourier series", Trans. Amer.
       Math. Soc. 72 (1952).
    .. [2] K. Groechenig, "Acceleration of the frame algorithm", IEEE Trans. Signal Process. 41
       (1993).
    """

    relaxation: float | None = None
    spectrum: Spectrum | None = None
    max_iter: int = 20000
    tol: float = 1e-12

    def __post_init__(self) -> None:
        check_spectrum(self.spectrum)
        if self.relaxation is not None and not 0.0 < self.relaxation < math.inf:
            raise ParameterError(
                f"relaxation must be positive and finite, got {self.relaxation}; "
                "leave it out for 2/(A + B)"
            )

    def refuses(self, problem: Problem) -> str | None:
        if self.relaxation is not None:
            return refuse_undetermined(problem)
        return refuse_unproved(problem, self.spectrum)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        rows = FixedRows.of(problem)
        relaxation = self.relaxation
        if relaxation is None:
            relaxation = 2.0 / sum(spectrum_of(problem, self.spectrum))
        x = np.zeros(rows.frame.signal_shape, dtype=problem.dtype) if start is None else start
        gradient = rows.synthesis(rows.value if start is None else rows.misfit(start))
        factor = np.asarray(relaxation, dtype=x.real.dtype)
        return _State(rows, factor, x, gradient, _size(rows, gradient))

    def step(self, problem: Problem, state: _State) -> _State:
        rows, move = state.rows, state.relaxation * state.gradient
        gradient = state.gradient - rows.operator(move)
        return _State(rows, state.relaxation, state.x + move, gradient, _size(rows, gradient))

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def _size(rows: FixedRows, gradient: Array) -> float:
    return relative(math.sqrt(square(gradient)), rows.scale)
