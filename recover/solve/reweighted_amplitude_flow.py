"""Reweighted amplitude flow with Barzilai-Borwein steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.models.problem import Problem
from recover.solve.base import Candidates, Method, Status
from recover.solve.flow import Flow, flow_start, flow_status, flow_step
from recover.solve.phase_task import PhaseTask, refuse_unless_modulus
from recover.solve.starts import first_signals

__all__ = ["ReweightedAmplitudeFlow"]

REWEIGHT_REAL, REWEIGHT_COMPLEX = 10.0, 5.0  # of the paper


@dataclass(frozen=True, eq=False)
class _State:
    task: PhaseTask
    flow: Flow
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class ReweightedAmplitudeFlow(Method[_State]):
    """Gradient descent on the misfit of amplitudes, doubtful phases weighing less.

    It starts from a spectral estimate, which must be a good one, and takes the steps of
    Barzilai and Borwein, preconditioned where the frame operator is diagonal.  When the noise
    explains the misfit the weights are dropped, so that it ends at the least-squares signal.
    One analysis and one synthesis a step.

    Parameters
    ----------
    reweight : float >= 0, optional
        The b of the weights ``|z| / (|z| + b y)``; 10 for real and 5 for complex coefficients
        by default, 0 for none.
    restarts : int >= 1
        Starts that are run at once; all but the first are turned towards random signals.
    max_iter : int
        The most steps.
    tol : float
        The misfit of the magnitudes, relative to them, at which it stops.

    References
    ----------
    .. [1] G. Wang, G. B. Giannakis, Y. Saad, J. Chen, "Phase retrieval via reweighted amplitude
       flow", IEEE Trans. Signal Process. 66 (2018).
    """

    reweight: float | None = None
    restarts: int = 1
    max_iter: int = 2000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        if self.reweight is not None and not 0.0 <= self.reweight < np.inf:
            raise ParameterError(f"reweight must be finite and >= 0, got {self.reweight}")
        if self.restarts < 1:
            raise ParameterError(f"restarts must be >= 1, got {self.restarts}")

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_modulus(problem)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        task = PhaseTask.of(problem, rng)
        x = first_signals(problem, task, start, self.restarts, rng)
        usual = REWEIGHT_REAL if task.frame.real_coefs else REWEIGHT_COMPLEX
        weight = usual if self.reweight is None else self.reweight
        return self._state(problem, task, flow_start(task, x, weight))

    def step(self, problem: Problem, state: _State) -> _State:
        task, flow = state.task, state.flow
        if flow.weight > 0.0 and flow.residuals.min() <= task.discrepancy:
            flow = flow_start(task, flow.x, 0.0)
        return self._state(problem, task, flow_step(task, flow))

    def signal(self, problem: Problem, state: _State) -> Array:
        best = int(np.argmin(state.flow.residuals))
        return state.task.leave(state.flow.x, problem, best)

    def candidates(self, problem: Problem, state: _State) -> Candidates:
        """Return the signals and residuals of all starts."""
        return state.task.candidates(state.flow.x, state.flow.residuals, problem)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()

    def _state(self, problem: Problem, task: PhaseTask, flow: Flow) -> _State:
        tol = max(self.tol, task.floor)
        residual = float(flow.residuals.min())
        return _State(task, flow, residual, flow_status(task, flow, tol))
