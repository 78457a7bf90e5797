"""Fienup's hybrid input-output, several starts at once."""

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

__all__ = ["HybridInputOutput", "hybrid_update"]

BETA_REAL, BETA_COMPLEX = 0.9, 0.7


@dataclass(frozen=True)
class HybridInputOutput(Method[Reflected]):
    """Where the object with the measured magnitudes keeps the rules it is taken, else fed back.

    ``s -> where(allowed, s', s - beta s')`` for the signal s' of the coefficients with measured
    magnitudes, with the coefficients outside the range of analysis fed back likewise.  The
    classical method for Fourier magnitudes and a support; it ends with gradient steps.  One
    analysis and one synthesis a step.

    Parameters
    ----------
    beta : float in (0, 1], optional
        Strength of the feedback; 0.9 for real and 0.7 for complex signals by default.
    restarts : int >= 1
        Random starts that are run at once.
    max_iter : int
        The most steps; the last part of them are gradient steps.
    tol : float
        The misfit of the magnitudes, relative to them, at which it stops.

    References
    ----------
    .. [1] J. R. Fienup, "Phase retrieval algorithms: a comparison", Appl. Opt. 21 (1982).
    """

    beta: float | None = None
    restarts: int = 1
    max_iter: int = 2000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        if self.beta is not None and not 0.0 < self.beta <= 1.0:
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
        usual = BETA_REAL if problem.model.frame.real_signal else BETA_COMPLEX
        beta = usual if self.beta is None else self.beta
        return proceed(
            problem,
            state,
            lambda now: hybrid_update(now, beta),
            max_iter=self.max_iter,
            tol=self.tol,
        )

    def signal(self, problem: Problem, state: Reflected) -> Array:
        return chosen(problem, state)

    def candidates(self, problem: Problem, state: Reflected) -> Candidates:
        """Return the signals and residuals of all starts."""
        return several(problem, state)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def hybrid_update(state: Reflected, beta: float) -> Moved:
    """Return what follows from a state.

    The signals s of the coefficients follow by the same rule, so that no further transform is
    needed for them.
    """
    planes, u, s = state.planes, state.u, state.s
    fed = planes.measure(u, beta)
    sq = planes.signal(fed) * (1.0 / beta)
    allowed = planes.allowed(sq)
    turned = (1.0 + beta) * sq - s
    x, following = sq, sq
    if allowed is not None:
        zero = np.zeros((), sq.dtype)
        x, turned = np.where(allowed, sq, zero), np.where(allowed, turned, zero)
        following = np.where(allowed, sq, s - beta * sq)
    change = planes.frame.analysis(turned)
    change -= fed
    return np.add(u, change, out=fed), following, x, change, beta
