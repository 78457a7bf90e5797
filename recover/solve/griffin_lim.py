"""Griffin and Lim's projections for magnitudes, with momentum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.dual import CanonicalDual
from recover.solve.fixed import relative
from recover.solve.magnitudes import moduli, with_moduli
from recover.solve.phase_task import refuse_unless_modulus
from recover.solve.spectral import starting_signal

__all__ = ["GriffinLim"]


@dataclass(frozen=True, eq=False)
class _State:
    dual: CanonicalDual
    scale: float
    x: Array
    consistent: Array
    target: Array
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class GriffinLim(Method[_State]):
    """The fast Griffin-Lim algorithm [2]_; without momentum that of Griffin and Lim [1]_.

    ``t <- analysis(dual(P(c)))`` and ``c <- t + momentum (t - t_before)``, with P the
    projection on the coefficients of the measured magnitudes and the canonical dual.  Without
    momentum the distance to the magnitudes never grows [1]_.  One analysis and one dual a step.

    Parameters
    ----------
    momentum : float in [0, 1)
        0.99 is common for spectrograms.
    max_iter : int
        The most steps.
    tol : float
        The distance from the magnitudes, relative to them, at which it stops.

    References
    ----------
    .. [1] D. Griffin, J. Lim, "Signal estimation from modified short-time Fourier transform",
       IEEE Trans. Acoust. Speech Signal Process. 32 (1984).
    .. [2] N. Perraudin, P. Balazs, P. L. Soendergaard, "A fast Griffin-Lim algorithm", WASPAA
       (2013).
    """

    momentum: float = 0.99
    max_iter: int = 200
    tol: float = 1e-8

    def __post_init__(self) -> None:
        if not 0.0 <= self.momentum < 1.0:
            raise ParameterError(f"momentum must lie in [0, 1), got {self.momentum}")

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_modulus(problem)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        x = problem.domain.project(starting_signal(problem, start, rng))
        x = x.astype(problem.dtype, copy=False)
        t = problem.model.frame.analysis(x)
        scale = float(np.linalg.norm(problem.y))
        return _State(CanonicalDual.of(problem), scale, x, t, t, math.inf)

    def step(self, problem: Problem, state: _State) -> _State:
        c = state.target
        x = state.dual(with_moduli(c, problem.y, np.empty_like(c)), state.x)
        x = problem.domain.project(x).astype(problem.dtype, copy=False)
        t = problem.model.frame.analysis(x)
        misfit = float(np.linalg.norm(moduli(t) - problem.y))
        following = t
        if self.momentum > 0.0:
            following = t - state.consistent
            following *= following.real.dtype.type(self.momentum)
            following += t
        return _State(state.dual, state.scale, x, t, following, relative(misfit, state.scale))

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(momentum=0.0, max_iter=2000)
