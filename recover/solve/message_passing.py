"""Damped approximate message passing for magnitudes of random frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.models.problem import Problem
from recover.solve.base import Candidates, Method, Status
from recover.solve.flow import Flow, flow_start, flow_status, flow_step
from recover.solve.phase_task import PhaseTask, dots, refuse_unless_modulus
from recover.solve.reweighted_amplitude_flow import REWEIGHT_COMPLEX, REWEIGHT_REAL
from recover.solve.starts import first_signals

__all__ = ["ApproximateMessagePassing"]

FLOOR = 0.05  # least share of the variance that a measurement is taken to remove
HANDOVER = 0.005  # relative misfit at which gradient steps take over


@dataclass(frozen=True, eq=False)
class _Messages:
    """The estimate, its variance, and the scaled residuals of all starts."""

    x: Array
    variance: Array
    score: Array
    coefs: Array
    residuals: Array


@dataclass(frozen=True, eq=False)
class _State:
    task: PhaseTask
    spread: float
    noise: float
    messages: _Messages | None
    flow: Flow | None
    count: int
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class ApproximateMessagePassing(Method[_State]):
    """Generalised approximate message passing with scalar variances, then gradient steps.

    For frames of independent random vectors it needs the fewest measurements of all known
    methods of polynomial time.  The posterior mean of a coefficient given its magnitude is
    ``y tanh(y p / V)`` (real) or ``y I1/I0(2 y |p| / V) p / |p|`` (complex).  It is damped,
    and the share of variance that a measurement removes has a floor: without both it diverges
    near the threshold.  When the misfit is small, or the steps are used up, the flow of
    `ReweightedAmplitudeFlow` takes over.  One analysis and one synthesis a step.

    Parameters
    ----------
    damping : float in (0, 1]
        Share of the new messages in each step.
    passes : int >= 1
        The most steps of message passing.
    restarts : int >= 1
        Starts that are run at once; all but the first are turned towards random signals.
    max_iter : int
        The most steps of both kinds.
    tol : float
        The misfit of the magnitudes, relative to them, at which it stops.

    References
    ----------
    .. [1] P. Schniter, S. Rangan, "Compressive phase retrieval via generalized approximate
       message passing", IEEE Trans. Signal Process. 63 (2015).
    .. [2] J. Ma, J. Xu, A. Maleki, "Optimization-based AMP for phase retrieval: the impact of
       initialization and l2 regularization", IEEE Trans. Inform. Theory 65 (2019).
    """

    damping: float = 0.8
    passes: int = 400
    restarts: int = 1
    max_iter: int = 2000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        if not 0.0 < self.damping <= 1.0:
            raise ParameterError(f"damping must lie in (0, 1], got {self.damping}")
        if self.restarts < 1 or self.passes < 1:
            raise ParameterError(
                f"restarts and passes must be >= 1, got {self.restarts} and {self.passes}"
            )

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_modulus(problem)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        task = PhaseTask.of(problem, rng)
        x = first_signals(problem, task, start, self.restarts, rng)
        n = task.frame.signal_size
        # energy of the data over that of a column: the mean square of the signal's entries
        spread = task.norm**2 / (task.typical * n)
        noise = (task.discrepancy * task.norm) ** 2 / max(task.frame.coef_size, 1)
        z = task.frame.analysis(x)
        residuals = task.residual_of(np.abs(z) - task.y)
        if residuals.min() <= HANDOVER or spread == 0.0:
            return self._flowing(problem, task, x)
        # a fit cannot tell how far off it is: nothing is claimed for the start
        doubt = np.full(residuals.shape, spread)
        first = _Messages(x, doubt, np.zeros_like(z), z, residuals)
        residual = float(residuals.min())
        return _State(task, spread, noise, first, None, 0, residual)

    def step(self, problem: Problem, state: _State) -> _State:
        task, messages = state.task, state.messages
        if messages is None:
            if state.flow is None:
                raise AssertionError("a state holds messages or a flow")
            flow = state.flow
            if flow.weight > 0.0 and flow.residuals.min() <= task.discrepancy:
                flow = flow_start(task, flow.x, 0.0)
            return self._state(problem, task, flow_step(task, flow))
        following = _pass(task, messages, self.damping, state.spread, state.noise)
        best = float(following.residuals.min())
        if best <= max(HANDOVER, task.discrepancy) or state.count + 1 >= self.passes:
            return self._flowing(problem, task, following.x)
        return _State(task, state.spread, state.noise, following, None, state.count + 1, best)

    def signal(self, problem: Problem, state: _State) -> Array:
        found = self.candidates(problem, state)
        return np.asarray(found.signals[int(np.argmin(found.residuals))])

    def candidates(self, problem: Problem, state: _State) -> Candidates:
        """Return the signals and residuals of all starts."""
        held = state.flow if state.messages is None else state.messages
        if held is None:
            raise AssertionError("a state holds messages or a flow")
        return state.task.candidates(held.x, held.residuals, problem)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()

    def _flowing(self, problem: Problem, task: PhaseTask, x: Array) -> _State:
        weight = REWEIGHT_REAL if task.frame.real_coefs else REWEIGHT_COMPLEX
        return self._state(problem, task, flow_start(task, task.project(x), weight))

    def _state(self, problem: Problem, task: PhaseTask, flow: Flow) -> _State:
        tol = max(self.tol, task.floor)
        status = flow_status(task, flow, tol)
        return _State(task, 0.0, 0.0, None, flow, 0, float(flow.residuals.min()), status)


def _pass(
    task: PhaseTask, old: _Messages, damping: float, spread: float, noise: float
) -> _Messages:
    """Return the messages after one round: coefficients, then signals."""
    m, n = task.frame.coef_size, task.frame.signal_size
    real = task.y.dtype.type
    column = (-1, *(1,) * (old.coefs.ndim - 1))
    inside = (-1, *(1,) * task.axes)
    prior = task.typical * n / m * old.variance  # of each coefficient
    p = old.coefs - prior.astype(task.y.dtype).reshape(column) * old.score
    mean, left = _posterior(task, p, prior.reshape(column), noise)
    removed = np.maximum(1.0 - left.reshape(left.shape[0], -1).mean(axis=1) / prior, FLOOR)
    score = (mean - p) / prior.astype(task.y.dtype).reshape(column)
    score = real(damping) * score + real(1.0 - damping) * old.score
    informed = prior / (removed * task.typical)  # variance of the pseudo-observation of x
    r = old.x + informed.astype(task.y.dtype).reshape(inside) * task.frame.synthesis(score)
    shrunk = (spread / (spread + informed)).astype(task.y.dtype).reshape(inside)
    x = real(damping) * (shrunk * r) + real(1.0 - damping) * old.x
    variance = damping * spread * informed / (spread + informed)
    variance += (1.0 - damping) * old.variance
    z = task.frame.analysis(x)
    # the shrinking prior makes estimates short: their length is fitted before they are judged
    size = np.abs(z)
    fit = dots(size, np.broadcast_to(task.y, size.shape)) / np.maximum(dots(size, size), 1e-300)
    gaps = fit.astype(task.y.dtype).reshape(column) * size - task.y
    return _Messages(x, variance, score, z, task.residual_of(gaps))


def _posterior(task: PhaseTask, p: Array, prior: Array, noise: float) -> tuple[Array, Array]:
    """Return mean and variance of coefficients of normal prior given their magnitudes."""
    size, total = np.abs(p), (prior + noise).astype(task.y.dtype)
    if task.frame.real_coefs:
        certainty = np.tanh(task.y * size / total)
    else:
        from scipy.special import i0e, i1e

        concentration = 2.0 * task.y * size / total
        certainty = i1e(concentration) / i0e(concentration)
    share = (prior / (prior + noise)).astype(task.y.dtype)
    target = task.y * certainty
    # with noise: a normal law around p met by one around the noisy magnitude
    scaled = np.divide(target, size, out=np.zeros_like(target), where=size > 0.0)
    mean = p + share * (scaled * p - p)
    left = np.square(share * task.y) * (1.0 - np.square(certainty))
    return mean, left + (1.0 - share) * prior.astype(task.y.dtype)
