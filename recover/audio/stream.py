"""Recovering a long recording from file to file in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recover.audio.account import certify_long
from recover.audio.channel import StretchProgress, moved_beyond
from recover.audio.declip import worst_status
from recover.audio.levels import ChannelLevels
from recover.audio.measurement import Levels
from recover.audio.result import AudioResult, Excerpt, StretchAccount
from recover.audio.settings import Quality
from recover.audio.stream_jobs import StretchRunner, run_in_order
from recover.audio.stream_patch import Blend, Patch
from recover.audio.stream_survey import Survey, chunk_frames, find_levels, survey
from recover.audio.task import StretchTask
from recover.core.arrays import Array
from recover.io.audio_read import AudioSource
from recover.solve.base import Watch

__all__ = ["LongRecording"]

_EXCERPT = 20.0  # seconds that the result holds of a long recording


@dataclass(eq=False)
class LongRecording:
    """A recording that is read, recovered and written in blocks.

    Call `prepare`, `recover` and `blocks` in this order; then `result` gives the account.

    Parameters
    ----------
    source : AudioSource
        The open recording.
    low, high, tolerance
        See `recover.audio.declip`.
    quality : Quality
    jobs : int
        Processes.
    seed : int
    mix : float
        Share of the recovered signal in the output.
    runner : StretchRunner or None
        Works on the stretches instead of processes on this machine.
    """

    source: AudioSource
    low: Levels
    high: Levels
    tolerance: float
    quality: Quality
    jobs: int
    seed: int
    mix: float
    runner: StretchRunner | None = None

    def prepare(self) -> Array:
        """Find levels and islands; returns the least and the largest sample, shape (2, 1)."""
        found, self._extremes = find_levels(self.source, self.low, self.high, self.tolerance)
        self._survey = survey(self.source, found, self.tolerance)
        self._accounts: list[StretchAccount] = []
        self._stopped = False
        return self._extremes

    @property
    def clipped(self) -> bool:
        """Whether anything is to be recovered."""
        return self._survey.count > 0

    @property
    def levels(self) -> tuple[ChannelLevels, ...]:
        """The channels' levels, once prepared."""
        return self._survey.levels

    def recover(self, patch: Patch, watch: Watch | None) -> Array:
        """Put the recovered samples into `patch`; returns the extremes of the output."""
        size = chunk_frames(self.source)
        chunks = len(self._survey.clipped)
        order = _in_order(self._survey)
        progress = StretchProgress(watch, len(order))
        blend = Blend(size, self.source.channels)
        done = 0
        ran = run_in_order(
            self._tasks(order),
            jobs=self.jobs,
            seed=self.seed,
            progress=progress,
            runner=self.runner,
        )
        for index, (task, piece) in enumerate(ran):
            stretch = task.stretch
            blend.add(task.channel, stretch.start, stretch.weights() * piece.signal)
            self._accounts.extend(piece.accounts)
            if index + 1 < len(order):
                upcoming = order[index + 1][0] // size
                for chunk in range(done, upcoming):
                    self._finish(chunk, blend, patch)
                done = max(done, upcoming)
        for chunk in range(done, chunks):
            self._finish(chunk, blend, patch)
        self._stopped = progress.stopped
        return self._extremes

    def blocks(self, patch: Patch) -> Iterator[tuple[Array, Array]]:
        """Yield (input, output) block by block; gathers the excerpt for `result`."""
        patch.rewind()
        first, last = self._excerpt()
        kept: list[tuple[Array, Array]] = []
        for index, (_, y) in enumerate(self.source.blocks(chunk_frames(self.source))):
            x, mask = y, np.zeros(y.shape, dtype=bool)
            if self._survey.clipped[index]:
                mask = self._mask(y)
                x = y.copy()
                x[mask] = patch.take(int(np.count_nonzero(mask)))
            if first <= index < last:
                kept.append((x, mask))
            yield y, self._mixed(y, x)
        self._kept = kept

    def result(self, *, certify: bool) -> AudioResult:
        """Return the account, with an excerpt of the most clipped seconds."""
        source, found = self.source, self._survey
        certificate = certify_long(
            found.levels, found.digests, found.fixed, source.frames, self.tolerance,
            asked=certify,
        )  # fmt: skip
        samples = np.concatenate([x for x, _ in self._kept])
        return AudioResult(
            samples=samples,
            rate=source.rate,
            levels=found.levels,
            recovered=np.concatenate([mask for _, mask in self._kept]),
            status=worst_status(self._accounts, stopped=self._stopped),
            certificate=certificate,
            stretches=tuple(self._accounts),
            note=self._note(),
            excerpt=Excerpt(
                self._excerpt()[0] * chunk_frames(source),
                source.frames,
                found.count,
                len(samples),
            ),
        )

    def _tasks(self, order: list[tuple[int, int, int]]) -> Iterator[StretchTask]:
        for start, channel, index in order:
            stretch = self._survey.stretches[channel][index]
            y = self.source.read(start, stretch.stop - start)[:, channel]
            yield StretchTask(
                channel=channel,
                stretch=stretch,
                y=np.ascontiguousarray(y),
                levels=self._survey.levels[channel],
                tolerance=self.tolerance,
                rate=self.source.rate,
                quality=self.quality,
                method=None,
            )

    def _finish(self, index: int, blend: Blend, patch: Patch) -> None:
        """Append the recovered samples of a chunk to which nothing more is added."""
        size = chunk_frames(self.source)
        start = index * size
        frames = min(size, self.source.frames - start)
        sums = blend.pop(index, frames)
        if not self._survey.clipped[index]:
            return
        y = self.source.read(start, frames)
        x = np.empty_like(y)
        for k, level in enumerate(self._survey.levels):
            x[:, k] = moved_beyond(sums[:, k], y[:, k], level, self.tolerance)
        mask = self._mask(y)
        patch.append(x[mask])
        mixed = self._mixed(y[mask], x[mask])
        self._extremes[0, 0] = min(self._extremes[0, 0], mixed.min())
        self._extremes[1, 0] = max(self._extremes[1, 0], mixed.max())

    def _mask(self, y: Array) -> Array:
        return np.stack(
            [
                level.mask(y[:, k], self.tolerance)
                for k, level in enumerate(self._survey.levels)
            ],
            axis=1,
        )

    def _mixed(self, y: Array, x: Array) -> Array:
        if self.mix == 1.0:
            return x
        share = (y + self.mix * (x - y)).astype(y.dtype)
        return np.where(x == y, y, share)

    def _note(self) -> str:
        found, source = self._survey, self.source
        if found.count:
            share = 100.0 * found.count / (source.frames * source.channels)
            channels = sum(level.clipped for level in found.levels)
            return (
                f"recovered {found.count} clipped samples ({share:.3g} %) in {channels} of "
                f"{source.channels} channel(s)"
            )
        if not self._extremes.any():
            return "the recording is silent; nothing was changed"
        if any(level.low is not None or level.high is not None for level in found.levels):
            return "no sample is at the given levels; nothing was changed"
        return "no clipping was found; nothing was changed"

    def _excerpt(self) -> tuple[int, int]:
        """Return the chunks (first, end) of the most clipped seconds."""
        counts = self._survey.clipped
        seconds = chunk_frames(self.source) / self.source.rate
        width = min(max(int(_EXCERPT / seconds), 1), len(counts))
        sums = np.convolve(counts, np.ones(width, dtype=np.int64), mode="valid")
        first = int(np.argmax(sums))
        return first, first + width


def _in_order(found: Survey) -> list[tuple[int, int, int]]:
    """Return (start, channel, index) of all stretches in order of time."""
    return sorted(
        (stretch.start, channel, index)
        for channel, stretches in enumerate(found.stretches)
        for index, stretch in enumerate(stretches)
    )
