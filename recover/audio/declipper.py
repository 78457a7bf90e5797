"""Declipping a stream with a fixed latency."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recover.audio.channel import moved_beyond
from recover.audio.levels import ChannelLevels, as_frames, clipped_mask, given_levels
from recover.audio.measurement import Levels, as_floating, channel_problem, levels_per_channel
from recover.audio.restore import restore
from recover.audio.settings import quality_named
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.progress import Progress

__all__ = ["Declipper"]

_SHORTEST = 8  # samples of latency
_PAST = 0.4  # seconds of what has gone by that help to recover what comes


class Declipper:
    """Recovers the clipped samples of a stream whose levels are known.

    What is pushed comes back `latency` later, reliable samples bit for bit, recovered ones at
    or beyond the level.  The stream is recovered in segments of half the latency, each with the
    other half as context after it; where clipped samples go on from one segment to the next the
    two recoveries are crossfaded.  The segments lie where the stream began, so the output does
    not depend on how it is cut into blocks.

    Parameters
    ----------
    rate : float > 0
        Samples per second.
    channels : int >= 1
        Channels of the stream.
    low, high : float, sequence of float (one per channel), or None
        The levels; None or infinite for a side that is not clipped.
    latency : float > 0
        Seconds, 8 samples at least.  Windows are no longer than it allows, so that a quarter of
        a second or more is needed for tonal music.
    quality : {"fast", "quality", "extreme", "auto"}
        See `recover.audio.settings.Quality`.

    Raises
    ------
    ParameterError
        If a number is out of range or a low level is not below its high one.

    Examples
    --------
    >>> import numpy as np
    >>> from recover.audio import Declipper
    >>> stream = Declipper(8000, low=-0.5, high=0.5, latency=0.01)
    >>> tone = 0.7 * np.sin(0.3 * np.arange(400))
    >>> clipped = np.clip(tone, -0.5, 0.5)
    >>> blocks = [stream.push(clipped[:150]), stream.push(clipped[150:]), stream.flush()]
    >>> [len(block) for block in blocks]
    [70, 250, 80]
    """

    _input: Array
    _output: Array
    _total: int
    _segment: int
    _first: int
    _returned: int

    def __init__(
        self,
        rate: float,
        channels: int = 1,
        *,
        low: Levels,
        high: Levels,
        latency: float,
        quality: str = "fast",
    ) -> None:
        if not (math.isfinite(rate) and rate > 0.0):
            raise ParameterError(f"rate must be positive and finite, got {rate}")
        if channels < 1:
            raise ParameterError(f"channels must be >= 1, got {channels}")
        samples = round(latency * rate) if math.isfinite(latency) else 0
        if samples < _SHORTEST:
            raise ParameterError(
                f"latency must be at least {_SHORTEST} samples ({_SHORTEST / rate:g} s), got "
                f"{latency} s"
            )
        self._rate, self._channels, self._latency = rate, channels, samples
        self._quality = quality_named(quality)
        below = levels_per_channel("low", low, channels)
        above = levels_per_channel("high", high, channels)
        self._levels: tuple[ChannelLevels, ...] = tuple(
            given_levels(np.zeros(1), bottom, top)
            for bottom, top in zip(below, above, strict=True)
        )
        self._hop = samples // 2
        self._context = samples - self._hop
        self._fade = max(self._context // 2, 1)
        self._past = max(round(_PAST * rate), samples)
        self._begin()

    @property
    def latency(self) -> int:
        """Samples by which the output is later than the input."""
        return self._latency

    def push(self, block: npt.ArrayLike) -> Array:
        """Take over the next samples and return those that are due.

        Parameters
        ----------
        block : array [shape=(n,) or (n, channels), real]
            Any length, none included.  All blocks of a stream have one dtype.

        Returns
        -------
        array [shape=(m,) or (m, channels)]
            Of the block's dtype (float64 for integers).  After N samples in all,
            ``N - latency`` have come back, or none.

        Raises
        ------
        ParameterError
            If the block does not fit the stream or is not finite; the stream goes on
            without it.
        """
        frames = self._checked(block)
        self._input = np.concatenate([self._input.astype(frames.dtype), frames])
        self._total += len(frames)
        while (self._segment + 1) * self._hop + self._context <= self._total:
            self._recover(self._segment * self._hop, (self._segment + 1) * self._hop)
            self._segment += 1
        due = self._take(max(self._total - self._latency, 0))
        self._forget()
        return due[:, 0] if np.ndim(block) == 1 else due

    def flush(self) -> Array:
        """Return what is left, shape (m,) for a mono stream, and begin anew."""
        while self._segment * self._hop < self._total:
            stop = min((self._segment + 1) * self._hop, self._total)
            self._recover(self._segment * self._hop, stop)
            self._segment += 1
        rest = self._take(self._total)
        flat = self._flat
        self._begin()
        return rest[:, 0] if flat else rest

    def _begin(self) -> None:
        self._input = np.zeros((0, self._channels), dtype=np.float32)
        self._output = np.zeros((0, self._channels), dtype=np.float32)
        self._first = 0  # place of the first sample of _input in the stream
        self._total, self._segment, self._returned = 0, 0, 0
        self._tails: list[Array | None] = [None] * self._channels
        self._started = False
        self._flat = self._channels == 1

    def _checked(self, block: npt.ArrayLike) -> Array:
        given = np.asarray(block)
        if given.size == 0 and given.ndim in (1, 2):
            shape = (0, self._channels)
            if given.ndim == 2 and given.shape[1] != self._channels:
                raise self._misfit(given)
            return np.zeros(shape, dtype=self._input.dtype)
        frames = as_floating(as_frames(given))
        if frames.shape[1] != self._channels:
            raise self._misfit(given)
        if self._started and frames.dtype != self._input.dtype:
            raise ParameterError(
                f"the stream's blocks have dtype {self._input.dtype}, got {frames.dtype}; "
                "convert the block"
            )
        if not self._started:
            self._flat = given.ndim == 1
            self._output = self._output.astype(frames.dtype)
        self._started = True
        return frames

    def _misfit(self, given: Array) -> ParameterError:
        return ParameterError(
            f"a block must have shape (n, {self._channels})"
            f"{' or (n,)' if self._channels == 1 else ''}, got {given.shape}"
        )

    def _recover(self, start: int, stop: int) -> None:
        """Append the output of one segment."""
        begin = max(start - self._past, 0)
        end = min(stop + self._context, self._total)
        data = self._input[begin - self._first : end - self._first]
        out = data[start - begin : stop - begin].copy()
        for k, levels in enumerate(self._levels):
            y = np.ascontiguousarray(data[:, k])
            mask = clipped_mask(y, levels.low, levels.high, 0.0)
            tail, self._tails[k] = self._tails[k], None
            here = slice(start - begin, stop - begin)
            if not mask[here].any():
                continue
            problem = channel_problem(y, levels)
            rng = np.random.default_rng(0)
            x = restore(
                problem,
                self._rate,
                quality=self._quality,
                method=None,
                rng=rng,
                watch=_go_on,
            ).signal.astype(np.float64)
            self._tails[k] = x[stop - begin : stop - begin + self._fade].copy()
            if tail is not None:
                n = min(len(tail), stop - start)
                rising = (np.arange(n) + 0.5) / len(tail)
                part = slice(start - begin, start - begin + n)
                x[part] = rising * x[part] + (1.0 - rising) * tail[:n]
            beyond = moved_beyond(x[here], y[here], levels, 0.0)
            out[:, k] = np.where(mask[here], beyond, y[here])
        self._output = np.concatenate([self._output, out])

    def _take(self, until: int) -> Array:
        count = until - self._returned
        due, self._output = self._output[:count], self._output[count:]
        self._returned = until
        return due

    def _forget(self) -> None:
        keep = max(self._segment * self._hop - self._past, 0)
        self._input = self._input[keep - self._first :]
        self._first = keep


def _go_on(_progress: Progress, /) -> bool:
    return False
