"""Elser's difference map, several starts at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.models.problem import Problem
from recover.solve.base import Candidates, Method
from recover.solve.phase_task import refuse_unless_modulus
from recover.solve.reflections import Moved, Reflected, begin, chosen, proceed, several

__all__ = ["DifferenceMap"]


@dataclass(frozen=True)
class DifferenceMap(Method[Reflected]):
    """The iteration ``u -> u + beta (P_A f_B(u) - P_B f_A(u))``.

    P_A projects on the coefficients of the domain's signals, P_B on those with the measured
    magnitudes; ``f_A = P_A - (P_A - 1) / beta`` and ``f_B = P_B + (P_B - 1) / beta``.  It ends
    with gradient steps.  Two analyses and two syntheses a step, one each for beta = 1.

    Parameters
    ----------
    beta : float in (0, 1]
        Strength; 1 is the Douglas-Rachford iteration.
    restarts : int >= 1
        Random starts that are run at once.
    max_iter : int
        The most steps; the last part of them are gradient steps.
    tol : float
        The misfit of the magnitudes, relative to them, at which it stops.

    References
    ----------
    .. [1] V. Elser, "Phase retrieval by iterated projections", J. Opt. Soc. Amer. A 20 (2003).
    """

    beta: float = 0.7
    restarts: int = 1
    max_iter: int = 2000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        if not 0.0 < self.beta <= 1.0:
            raise ParameterError(f"beta must lie in (0, 1], got {self.beta}")
        if self.restarts < 1:
            raise ParameterError(f"restarts must be >= 1, got {self.restarts}")

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_modulus(problem)

    def init(
        self, problem: Problem, start: Array | None, rng: np.random.Generator
    ) -> Reflected:
        return begin(problem, start, self.restarts, rng)

    def step(self, problem: Problem, state: Reflected) -> Reflected:
        return proceed(problem, state, self._update, max_iter=self.max_iter, tol=self.tol)

    def signal(self, problem: Problem, state: Reflected) -> Array:
        return chosen(problem, state)

    def candidates(self, problem: Problem, state: Reflected) -> Candidates:
        """Return the signals and residuals of all starts."""
        return several(problem, state)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()

    def _update(self, state: Reflected) -> Moved:
        planes, u = state.planes, state.u
        b = u.real.dtype.type(self.beta)
        q = planes.measure(u)
        t, x = planes.valid(q + (q - u) / b)
        if self.beta == 1.0:
            change = t - planes.measure(u)
        else:
            own, _ = planes.valid(u)
            change = t - planes.measure(own - (own - u) / b)
        return u + b * change, state.s, x, change, 1.0
