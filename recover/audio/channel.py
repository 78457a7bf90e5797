"""Recovering one channel, stretch by stretch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recover.audio.levels import ChannelLevels
from recover.audio.measurement import channel_problem
from recover.audio.restore import MethodChoice
from recover.audio.result import StretchAccount
from recover.audio.settings import Quality
from recover.audio.stretches import Stretch, cut
from recover.audio.task import StretchTask
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.models.problem import Problem
from recover.solve.base import Progress, Watch

__all__ = [
    "ChannelJob",
    "StretchProgress",
    "moved_beyond",
    "nothing_reliable",
]

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

    def tell(self, value: float) -> None:
        """Report what is done, with a stretch's last residual."""
        self(Progress(0, 1, value))


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
        mask = self.levels.mask(self.y, self.tolerance)
        if mask.all():
            raise nothing_reliable(self.channel, self.levels)
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
        accounts: list[StretchAccount] = []
        for stretch in self.stretches:
            if progress.stopped:
                break
            part = slice(stretch.start, stretch.stop)
            task = StretchTask(
                channel=self.channel,
                stretch=stretch,
                y=self.y[part],
                levels=self.levels,
                tolerance=self.tolerance,
                rate=self.rate,
                quality=quality,
                method=method,
            )
            piece = task.run(rng, progress)
            blend[part] += stretch.weights() * piece.signal
            accounts.extend(piece.accounts)
            progress.next_stretch()
        beyond = moved_beyond(blend, self.y, self.levels, self.tolerance)
        return np.where(self.mask, beyond, self.y), accounts


def nothing_reliable(channel: int, levels: ChannelLevels) -> ParameterError:
    """Return the error for a channel of which every sample is clipped."""
    return ParameterError(
        f"every sample of channel {channel + 1} is at or beyond the levels "
        f"{_words(levels.low)} and {_words(levels.high)}, so nothing is known of the signal; "
        "check the levels"
    )


def _words(level: float | None) -> str:
    return "none" if level is None else f"{level:.6g}"


def moved_beyond(blend: Array, y: Array, levels: ChannelLevels, tolerance: float) -> Array:
    """Return the blend moved beyond the level by the rounding of the sum of weights.

    Parameters
    ----------
    blend : array of float64 [shape=(n,)]
        Weighted sum of recovered stretches.
    y : array of floating [shape=(n,)]
        The clipped samples.
    levels : ChannelLevels
    tolerance : float
    """
    at_top = y.astype(np.float64)
    tolerance = levels.band(tolerance)
    lower, upper = np.full(len(y), -np.inf), np.full(len(y), np.inf)
    if levels.high is not None:
        top = y >= levels.high - tolerance
        lower[top] = np.minimum(at_top[top], levels.high) - tolerance
    if levels.low is not None:
        bottom = y <= levels.low + tolerance
        upper[bottom] = np.maximum(at_top[bottom], levels.low) + tolerance
    return np.clip(blend, lower, upper).astype(y.dtype)
