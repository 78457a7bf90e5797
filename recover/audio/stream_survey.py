"""What a long recording holds, found by reading it in blocks: extremes, levels, islands."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from recover.audio.account import ChannelDigest, RunningDigest
from recover.audio.channel import nothing_reliable
from recover.audio.levels import ChannelLevels
from recover.audio.measurement import (
    Levels,
    channel_problem,
    levels_per_channel,
    resolve_levels,
)
from recover.audio.stretches import Islands, Stretch
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.io.audio_read import AudioSource

__all__ = ["CHUNK", "Survey", "chunk_frames", "find_levels", "survey"]

CHUNK = 2**19  # samples of all channels that are handled at a time
_LOUDEST = 30  # seconds in which each side's level is looked for
_NEAR = 0.97  # of a second's extreme: what lies beyond counts as near it


@dataclass(frozen=True, eq=False)
class Survey:
    """What must be known before a long recording is recovered.

    Parameters
    ----------
    levels : tuple of ChannelLevels
        With the figures of the whole recording.
    stretches : tuple of tuple of Stretch
        Per channel, what is to be recovered.
    digests : tuple of ChannelDigest
        Per channel, those of its problem and of its data.
    fixed : tuple of int
        Per channel, the samples that the data fix.
    clipped : array of int [shape=(chunks,)]
        Clipped samples of all channels in each chunk of `chunk_frames` frames.
    """

    levels: tuple[ChannelLevels, ...]
    stretches: tuple[tuple[Stretch, ...], ...]
    digests: tuple[ChannelDigest, ...]
    fixed: tuple[int, ...]
    clipped: Array

    @property
    def count(self) -> int:
        """Clipped samples of all channels."""
        return int(self.clipped.sum())


def chunk_frames(source: AudioSource) -> int:
    """Return the frames that are handled at a time."""
    return max(CHUNK // source.channels, 1)


def find_levels(
    source: AudioSource, low: Levels, high: Levels, tolerance: float
) -> tuple[tuple[ChannelLevels, ...], Array]:
    """Return the channels' levels, and the least and the largest sample.

    Levels are looked for in the seconds with the most extreme samples, up to half a minute for
    each side, where as many samples as possible lie near the extreme.

    Parameters
    ----------
    source : AudioSource
    low, high, tolerance
        See `recover.audio.declip`.

    Returns
    -------
    levels : tuple of ChannelLevels
        Their fraction and runs are those of the seconds looked at.
    extremes : array [shape=(2, 1)]
        In the recording's dtype.
    """
    size = max(min(source.rate, chunk_frames(source)), 1)
    tops: list[Array] = []
    for _, block in source.blocks(size):
        high_end, low_end = block.max(axis=0), block.min(axis=0)
        near = [
            np.count_nonzero(block >= _NEAR * high_end, axis=0),
            np.count_nonzero(block <= _NEAR * low_end, axis=0),
        ]
        tops.append(np.array([high_end, near[0], -low_end, near[1]], dtype=np.float64))
    figures = np.stack(tops)  # (blocks, 4, channels)
    below = levels_per_channel("low", low, source.channels)
    above = levels_per_channel("high", high, source.channels)
    levels = []
    for k in range(source.channels):
        y = _loudest(source, figures[:, :, k], size, k)
        levels.append(resolve_levels(y[:, None], below[k], above[k], tolerance)[0])
    extremes = np.array([[-figures[:, 2].max()], [figures[:, 0].max()]])
    return tuple(levels), extremes.astype(source.dtype)


def survey(source: AudioSource, levels: tuple[ChannelLevels, ...], tolerance: float) -> Survey:
    """Return where a long recording is clipped, with its channels' digests.

    Raises
    ------
    ParameterError
        If every sample of a channel is clipped.
    """
    islands = [Islands(source.rate) for _ in levels]
    digests = [RunningDigest(level, source.frames, source.dtype) for level in levels]
    fixed = [0] * source.channels
    clipped = []
    for _, block in source.blocks(chunk_frames(source)):
        inside = 0
        for k, level in enumerate(levels):
            y = np.ascontiguousarray(block[:, k])
            mask = level.mask(y, tolerance)
            islands[k].push(mask)
            inside += int(np.count_nonzero(mask))
            problem = channel_problem(y, level, tolerance)
            digests[k].update(problem.y)
            fixed[k] += problem.knowledge.fixed_count
        clipped.append(inside)
    for k, level in enumerate(levels):
        if islands[k].count == source.frames:
            raise nothing_reliable(k, level)
    counted = tuple(
        dataclasses.replace(
            level,
            fraction=found.count / source.frames,
            runs=found.runs,
            longest=found.longest,
        )
        for level, found in zip(levels, islands, strict=True)
    )
    return Survey(
        levels=counted,
        stretches=tuple(found.stretches() for found in islands),
        digests=tuple(digest.digests() for digest in digests),
        fixed=tuple(fixed),
        clipped=np.array(clipped),
    )


def _loudest(source: AudioSource, figures: Array, size: int, channel: int) -> Array:
    """Return the blocks with the most extreme samples of one channel, in order of time."""
    chosen: set[int] = set()
    for side in (0, 2):
        order = np.lexsort((figures[:, side + 1], figures[:, side]))
        chosen.update(order[-_LOUDEST:].tolist())
    if not chosen:
        raise ParameterError("the recording holds no samples; there is nothing to recover")
    return np.concatenate(
        [
            source.read(k * size, min(size, source.frames - k * size))[:, channel]
            for k in sorted(chosen)
        ]
    )
