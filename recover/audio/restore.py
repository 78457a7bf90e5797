"""Recovering one stretch of one channel: the window, the trial, the run and the second run."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from recover.audio.settings import (
    TRIAL,
    Effort,
    Quality,
    choose_frame,
    effort_for,
    effort_of,
    neighbourhood_of,
)
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames import Gabor
from recover.models.problem import Problem
from recover.solve.base import AnyMethod, Solution, Status, Watch
from recover.solve.loop import solve
from recover.solve.social import SocialSparsity
from recover.solve.spade import AnalysisSPADE

__all__ = ["MethodChoice", "Restored", "restore"]

MethodChoice = SocialSparsity | AnalysisSPADE | str | None


@dataclass(frozen=True, eq=False)
class Restored:
    """One recovered stretch and how it was made."""

    signal: Array
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
    method : SocialSparsity, AnalysisSPADE, str or None
        The method with its parameters, whose frame is replaced; or its name.
    rng : Generator
        For the method.
    watch : callable
        Returns True to stop.
    """
    frame = choose_frame(problem.y, rate)
    chosen = _given(method, frame)
    if chosen is not None:
        return _account(problem, frame, solve(problem, chosen, rng=rng, watch=watch))

    def run(effort: Effort, watched: Watch | None) -> Solution:
        social = SocialSparsity(
            frame,
            max_iter=effort.max_iter,
            first=effort.first,
            last=effort.last,
            overshoot=effort.overshoot,
            neighbourhood=neighbourhood_of(frame, rate),
        )
        return solve(problem, social, rng=rng, watch=watched)

    effort = effort_of(quality)
    if effort is None:
        effort = effort_for(_estimated_input_sdr(problem, run(TRIAL, None).signal))
    return _account(problem, frame, run(effort, watch))


def _given(method: MethodChoice, frame: Gabor) -> AnyMethod | None:
    """Return the method that the user gave, on this stretch's frame."""
    if method is None:
        return None
    if isinstance(method, str):
        named = {cls.__name__: cls for cls in (SocialSparsity, AnalysisSPADE)}
        if method not in named:
            raise ParameterError(f"method must be one of {', '.join(named)}, got {method!r}")
        return named[method](frame)
    return dataclasses.replace(method, frame=frame)


def _account(problem: Problem, frame: Gabor, solution: Solution) -> Restored:
    residuals = solution.residuals
    return Restored(
        signal=solution.signal,
        method=solution.method,
        window=frame.window.size,
        iterations=len(residuals),
        residual=float(residuals[-1]) if len(residuals) else 0.0,
        estimated_input_sdr=_estimated_input_sdr(problem, solution.signal),
        status=solution.status,
    )


def _estimated_input_sdr(problem: Problem, signal: Array) -> float:
    """Return the input's SDR in dB if the recovered signal were the truth."""
    lost = float(np.linalg.norm(signal.astype(np.float64) - problem.y))
    whole = float(np.linalg.norm(signal.astype(np.float64)))
    return math.inf if lost == 0.0 else 20.0 * math.log10(whole / lost)
