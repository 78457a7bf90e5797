"""Luke's relaxed averaged alternating reflections, several starts at once."""

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

__all__ = ["RelaxedAveragedReflections"]


@dataclass(frozen=True)
class RelaxedAveragedReflections(Method[Reflected]):
    """The iteration ``u -> beta (R_A R_B u + u) / 2 + (1 - beta) P_B u``.

    R = 2 P - 1 are the reflections at the coefficients of the domain's signals (A) and at those
    with the measured magnitudes (B).  It rests near, not at, the solution for beta < 1; the
    gradient steps at its end lead there.  Steadier with noise than `HybridInputOutput`, and
    more often caught.  One analysis and one synthesis a step.

    Parameters
    ----------
    beta : float in (0, 1)
        The relaxation.
    restarts : int >= 1
        Random starts that are run at once.
    max_iter : int
        The most steps; the last part of them are gradient steps.
    tol : float
        The misfit of the magnitudes, relative to them, at which it stops.

    References
    ----------
    .. [1] D. R. Luke, "Relaxed averaged alternating reflections for diffraction imaging",
       Inverse Problems 21 (2005).
    """

    beta: float = 0.9
    restarts: int = 1
    max_iter: int = 2000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        if not 0.0 < self.beta < 1.0:
            raise ParameterError(f"beta must lie in (0, 1), got {self.beta}")
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
        t, x = planes.valid(2 * q - u)
        return b * (u + t) + (1 - 2 * b) * q, state.s, x, t - q, 1.0
