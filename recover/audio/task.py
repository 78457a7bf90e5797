"""One stretch of one channel, recovered in parts of one window each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.audio.levels import ChannelLevels
from recover.audio.measurement import channel_problem
from recover.audio.restore import MethodChoice, Restored, restore
from recover.audio.result import StretchAccount
from recover.audio.settings import Quality
from recover.audio.stretches import Stretch
from recover.audio.windows import parts_of_one_window
from recover.core.arrays import Array
from recover.solve.base import Progress, Watch

__all__ = ["RecoveredStretch", "StretchTask"]


@dataclass(frozen=True, eq=False)
class RecoveredStretch:
    """What became of a stretch.

    Parameters
    ----------
    signal : array [shape=(n,)]
        The recovered samples.
    accounts : tuple of StretchAccount
        How, part by part.
    """

    signal: Array
    accounts: tuple[StretchAccount, ...]


@dataclass(frozen=True, eq=False)
class StretchTask:
    """One stretch of one channel with all that its recovery needs.

    Where the content changes, so that another window becomes best, the stretch is cut; the
    parts overlap and are crossfaded, which leaves reliable samples as they are.

    Parameters
    ----------
    channel : int
        Its channel.
    stretch : Stretch
        Its place.
    y : array of floating [shape=(stretch.stop - stretch.start,)]
        Its samples.
    levels : ChannelLevels
        Where the channel is clipped.
    tolerance, rate : float
        See `recover.audio.declip`.
    quality : Quality
    method : Method, str or None
        See `recover.audio.declip`.  A given method is run on the whole stretch.
    """

    channel: int
    stretch: Stretch
    y: Array
    levels: ChannelLevels
    tolerance: float
    rate: float
    quality: Quality
    method: MethodChoice

    def run(self, rng: np.random.Generator, watch: Watch) -> RecoveredStretch:
        """Return the recovered stretch; what comes after a stop is zero."""
        parts: tuple[Stretch, ...] = (Stretch(0, len(self.y)),)
        if self.method is None:
            mask = self.levels.mask(self.y, self.tolerance)
            parts = parts_of_one_window(self.y, mask, self.rate)
        blend = np.zeros(len(self.y))
        accounts: list[StretchAccount] = []
        share = _Share(watch, len(parts))
        for part in parts:
            place = slice(part.start, part.stop)
            piece = restore(
                channel_problem(self.y[place], self.levels, self.tolerance),
                self.rate,
                quality=self.quality,
                method=self.method,
                rng=rng,
                watch=share,
            )
            blend[place] += part.weights() * piece.signal
            accounts.append(self._account(part, piece))
            if share.stopped:
                break
            share.next_part()
        return RecoveredStretch(blend, tuple(accounts))

    def _account(self, part: Stretch, piece: Restored) -> StretchAccount:
        return StretchAccount(
            channel=self.channel,
            start=self.stretch.start + part.start,
            stop=self.stretch.start + part.stop,
            method=piece.method,
            window=piece.window,
            iterations=piece.iterations,
            residual=piece.residual,
            estimated_input_sdr=piece.estimated_input_sdr,
            status=piece.status,
        )


class _Share:
    """Turns the progress of one part into that of the stretch."""

    def __init__(self, watch: Watch, parts: int) -> None:
        self._watch, self._parts, self._done = watch, parts, 0
        self.stopped = False

    def __call__(self, progress: Progress, /) -> bool:
        step = self._done * progress.total + progress.step
        told = Progress(step, self._parts * progress.total, progress.value)
        self.stopped = bool(self._watch(told))
        return self.stopped

    def next_part(self) -> None:
        self._done += 1
