"""Recovering one stretch of one channel: the window, the trial, the run and the second run."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from recover.audio.regions import solve_in_regions
from recover.audio.settings import (
    TRIAL,
    Effort,
    Quality,
    choose_frames,
    effort_for,
    neighbourhood_of,
    wants_trial,
)
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames import Gabor
from recover.models.problem import Problem
from recover.solve.autoregressive import Autoregressive
from recover.solve.base import AnyMethod, Progress, Solution, Status, Watch
from recover.solve.loop import solve
from recover.solve.social import SocialSparsity
from recover.solve.social_ista import SocialISTA
from recover.solve.spade import AnalysisSPADE
from recover.solve.weighted_l1 import WeightedL1

__all__ = ["MethodChoice", "Restored", "restore"]

MethodChoice = (
    SocialSparsity | AnalysisSPADE | SocialISTA | WeightedL1 | Autoregressive | str | None
)
_ON_FRAMES = {
    cls.__name__: cls for cls in (SocialSparsity, AnalysisSPADE, SocialISTA, WeightedL1)
}
_NAMES = (*_ON_FRAMES, Autoregressive.__name__)


@dataclass(frozen=True, eq=False)
class Restored:
    """One recovered stretch and how it was made.

    Parameters
    ----------
    signal : array [shape=(n,)]
        Two thirds of `first` and one third of `second`: both agree with the data, so their
        mean does.
    first : array [shape=(n,)]
        The recovery in the best window.
    second : array [shape=(n,)] or None
        The recovery in the second-best window, started from the first; None if there was none.
        How far the two are apart says much about the error.
    method : str
        Name of the method.
    window : int
        Samples of the best window.
    iterations : int
        Of the first recovery.
    residual : float
        Its last residual.
    estimated_input_sdr : float
        In dB, as if `signal` were the truth.
    status : Status
        How the first recovery ended.
    """

    signal: Array
    first: Array
    second: Array | None
    method: str
    window: int
    iterations: int
    residual: float
    estimated_input_sdr: float
    status: Status


def restore(
    problem: Problem,
    rate: float,
    *,
    quality: Quality,
    method: MethodChoice,
    rng: np.random.Generator,
    watch: Watch,
) -> Restored:
    """Recover one stretch.

    Parameters
    ----------
    problem : Problem
        Saturated samples of one channel.
    rate : float
        Samples per second.
    quality : Quality
        How much effort to take.
    method : Method, str or None
        The method with its parameters, whose frame is replaced; or its name.
    rng : Generator
        For the method.
    watch : callable
        Returns True to stop.
    """
    frames = choose_frames(problem.y, rate)
    chosen = _given(method, frames[0])
    if chosen is not None:
        return _account(problem, frames[0], solve(problem, chosen, rng=rng, watch=watch), None)
    effort = effort_for(quality)
    if wants_trial(quality, 1.0 - problem.knowledge.fixed_count / problem.y.size):
        trial = solve(problem, _social(frames[0], rate, TRIAL), rng=rng)
        effort = effort_for(quality, _estimated_input_sdr(problem, trial.signal))
    total = effort.max_iter + effort.view_iter
    first = solve_in_regions(
        problem,
        _social(frames[0], rate, effort),
        frames[0],
        start=None,
        rng=rng,
        watch=_Phase(watch, 0, total),
    )
    second = None
    if len(frames) > 1 and effort.view_iter and first.status is not Status.STOPPED:
        second = solve_in_regions(
            problem,
            _social(frames[1], rate, _view(effort)),
            frames[1],
            start=first.signal,
            rng=rng,
            watch=_Phase(watch, effort.max_iter, total),
        ).signal
    return _account(problem, frames[0], first, second)


class _Phase:
    """Turns the progress of one of two runs into that of both."""

    def __init__(self, watch: Watch, done: int, total: int) -> None:
        self._watch, self._done, self._total = watch, done, total

    def __call__(self, progress: Progress, /) -> bool:
        step = self._done + progress.step
        return bool(self._watch(Progress(step, self._total, progress.value)))


def _view(effort: Effort) -> Effort:
    return Effort(effort.view_iter, effort.view_first, effort.view_last, 1.0)


def _social(frame: Gabor, rate: float, effort: Effort) -> SocialSparsity:
    return SocialSparsity(
        frame,
        max_iter=effort.max_iter,
        first=effort.first,
        last=effort.last,
        overshoot=effort.overshoot,
        neighbourhood=neighbourhood_of(frame, rate),
    )


def _given(method: MethodChoice, frame: Gabor) -> AnyMethod | None:
    """Return the method that the user gave, on this stretch's frame."""
    if method is None:
        return None
    if isinstance(method, str):
        if method not in _NAMES:
            raise ParameterError(f"method must be one of {', '.join(_NAMES)}, got {method!r}")
        return _ON_FRAMES[method](frame) if method in _ON_FRAMES else Autoregressive()
    if isinstance(method, Autoregressive):
        return method
    return dataclasses.replace(method, frame=frame)


def _account(problem: Problem, frame: Gabor, first: Solution, second: Array | None) -> Restored:
    residuals = first.residuals
    signal = first.signal
    if second is not None:  # equal samples stay equal, bit for bit
        wide = signal.astype(np.float64)
        wide += (second.astype(np.float64) - wide) / 3.0
        known = problem.knowledge
        exact = known.fixed & (known.lower == known.upper)
        clipped = np.clip(wide, known.lower, known.upper)
        signal = np.where(exact, signal, clipped).astype(problem.dtype)
    return Restored(
        signal=signal,
        first=first.signal,
        second=second,
        method=first.method,
        window=frame.window.size,
        iterations=len(residuals),
        residual=float(residuals[-1]) if len(residuals) else 0.0,
        estimated_input_sdr=_estimated_input_sdr(problem, signal),
        status=first.status,
    )


def _estimated_input_sdr(problem: Problem, signal: Array) -> float:
    """Return the input's SDR in dB if the recovered signal were the truth."""
    lost = float(np.linalg.norm(signal.astype(np.float64) - problem.y))
    whole = float(np.linalg.norm(signal.astype(np.float64)))
    return math.inf if lost == 0.0 else 20.0 * math.log10(whole / lost)
