"""Recovering one channel, stretch by stretch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recover.audio.levels import ChannelLevels, clipped_mask
from recover.audio.measurement import channel_problem
from recover.audio.restore import MethodChoice, restore
from recover.audio.result import StretchAccount
from recover.audio.settings import Quality
from recover.audio.stretches import Stretch, cut
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.models.problem import Problem
from recover.solve.base import Progress, Watch

__all__ = ["ChannelJob", "StretchProgress"]

_PERCENT = 100  # steps that a stretch counts for in the progress


class StretchProgress:
    """Turns the progress of runs within stretches into one progress."""

    def __init__(self, watch: Watch | None, stretches: int) -> None:
        self._watch = watch
        self._total = _PERCENT * stretches
        self._done = 0
        self.stopped = False

    def __call__(self, progress: Progress) -> bool:
        if self._watch is not None and not self.stopped:
            part = _PERCENT * progress.step // max(progress.total, 1)
            step = min(self._done + part, self._total)
            self.stopped = bool(self._watch(Progress(step, self._total, progress.value)))
        return self.stopped

    def next_stretch(self) -> None:
        """Count a stretch as done."""
        self._done += _PERCENT


@dataclass(frozen=True, eq=False)
class ChannelJob:
    """The work on one channel.

    Parameters
    ----------
    channel : int
        Its index.
    y : array of floating [shape=(n,)]
        Its samples.
    levels : ChannelLevels
        Where it is clipped.
    tolerance, rate : float
        See `recover.audio.declip`.

    Raises
    ------
    ParameterError
        If every sample is clipped.
    """

    channel: int
    y: Array
    levels: ChannelLevels
    tolerance: float
    rate: float
    mask: Array = field(init=False)
    stretches: tuple[Stretch, ...] = field(init=False)

    def __post_init__(self) -> None:
        mask = clipped_mask(self.y, self.levels.low, self.levels.high, self.tolerance)
        if mask.all():
            raise ParameterError(
                f"every sample of channel {self.channel} is at or beyond the levels "
                f"[{self.levels.low}, {self.levels.high}], so nothing is known of the signal; "
                "check the levels"
            )
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "stretches", cut(mask, self.rate))

    @property
    def problem(self) -> Problem:
        """The whole channel as a problem."""
        return channel_problem(self.y, self.levels, self.tolerance)

    def run(
        self,
        quality: Quality,
        method: MethodChoice,
        rng: np.random.Generator,
        progress: StretchProgress,
    ) -> tuple[Array, list[StretchAccount]]:
        """Return the recovered channel and what was done."""
        blend = np.zeros(len(self.y))
        accounts = []
        for stretch in self.stretches:
            if progress.stopped:
                break
            part = slice(stretch.start, stretch.stop)
            problem = channel_problem(self.y[part], self.levels, self.tolerance)
            piece = restore(
                problem, self.rate, quality=quality, method=method, rng=rng, watch=progress
            )
            blend[part] += stretch.weights() * piece.signal
            accounts.append(
                StretchAccount(
                    channel=self.channel,
                    start=stretch.start,
                    stop=stretch.stop,
                    method=piece.method,
                    window=piece.window,
                    iterations=piece.iterations,
                    residual=piece.residual,
                    estimated_input_sdr=piece.estimated_input_sdr,
                    status=piece.status,
                )
            )
            progress.next_stretch()
        return np.where(self.mask, self._beyond(blend), self.y), accounts

    def _beyond(self, blend: Array) -> Array:
        """Return the blend moved beyond the level by the rounding of the sum of weights."""
        dtype = self.y.dtype
        at_top = self.y.astype(np.float64)
        low, high = self.levels.low, self.levels.high
        lower, upper = np.full(len(self.y), -np.inf), np.full(len(self.y), np.inf)
        if high is not None:
            top = self.y >= high - self.tolerance
            lower[top] = np.minimum(at_top[top], high) - self.tolerance
        if low is not None:
            bottom = self.y <= low + self.tolerance
            upper[bottom] = np.maximum(at_top[bottom], low) + self.tolerance
        return np.clip(blend, lower, upper).astype(dtype)
