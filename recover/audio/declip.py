"""Declipping a recording: levels, stretches, the method, and the account of the result."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.audio.account import certify_recording
from recover.audio.levels import (
    ChannelLevels,
    as_frames,
    clipped_mask,
    detect_levels,
    given_levels,
)
from recover.audio.restore import MethodChoice, restore
from recover.audio.result import AudioResult, StretchAccount
from recover.audio.settings import Quality, quality_named
from recover.audio.stretches import Stretch, cut
from recover.core.arrays import Array, as_generator
from recover.core.errors import ParameterError
from recover.frames.identity import Identity
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.solve.base import Progress, Status, Watch

__all__ = ["channel_problem", "channel_problems", "declip", "resolve_levels"]

Levels = float | Sequence[float] | None
_PERCENT = 100  # steps that a stretch counts for in the progress


def declip(
    samples: npt.ArrayLike,
    rate: float,
    *,
    low: Levels = None,
    high: Levels = None,
    tolerance: float = 0.0,
    quality: str = "auto",
    method: MethodChoice = None,
    certify: bool = True,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> AudioResult:
    """Recover the samples of a recording that were clipped.

    Reliable samples come back bit for bit; recovered ones lie at or beyond the level.  Channels
    are recovered one by one, in stretches around what is clipped.

    Parameters
    ----------
    samples : array [shape=(n,) or (n, channels), real]
        Any unit.  Integers come back as float64 in their own unit.
    rate : float > 0
        Samples per second; it sets the windows' length.
    low, high : float, sequence of float (one per channel), or None
        The levels; both None to detect them.  An infinite level means not clipped on that side,
        and so does None where the other level is given.
    tolerance : float >= 0
        Samples within this distance of a level count as clipped, and recovered ones may lie
        this far inside it.
    quality : {"auto", "quality", "fast", "extreme"}
        Trade of time against quality, see `recover.audio.settings.Quality`.
    method : Method, str or None
        A `SocialSparsity` or `AnalysisSPADE`, whose frame is replaced by the one chosen for
        each stretch, or one of these names; None chooses.
    certify : bool
        Whether to certify the result.
    rng : int or Generator
        Passed to the method.
    watch : callable, optional
        Called with a `Progress` in hundredths of a stretch; return True to stop: what is not
        recovered then stays at its level.

    Returns
    -------
    AudioResult

    Raises
    ------
    ParameterError
        If the samples are not real and finite, levels are out of order, or every sample of a
        channel is clipped.
    """
    frames = as_frames(samples)
    if not (math.isfinite(rate) and rate > 0.0):
        raise ParameterError(f"rate must be positive and finite, got {rate}")
    if not (math.isfinite(tolerance) and tolerance >= 0.0):
        raise ParameterError(f"tolerance must be finite and >= 0, got {tolerance}")
    effort = quality_named(quality)
    levels = resolve_levels(frames, low, high, tolerance)
    wide = _floating(frames)
    jobs = [_Job(k, wide[:, k], level, tolerance, rate) for k, level in enumerate(levels)]
    total = _PERCENT * sum(len(job.stretches) for job in jobs)
    progress = _Counter(watch, total)
    generator = as_generator(rng)
    out = wide.copy()
    accounts: list[StretchAccount] = []
    for job in jobs:
        if job.stretches:
            out[:, job.channel], done = job.run(effort, method, generator, progress)
            accounts.extend(done)
    masks = np.stack([job.mask for job in jobs], axis=1)
    certificate = certify_recording([job.problem for job in jobs], out, asked=certify)
    shape = np.shape(samples)
    return AudioResult(
        samples=out.reshape(shape),
        rate=int(rate),
        levels=levels,
        recovered=masks.reshape(shape),
        status=_worst(accounts, stopped=progress.stopped),
        certificate=certificate,
        stretches=tuple(accounts),
        note=_note(frames, levels, masks),
    )


def resolve_levels(
    frames: Array, low: Levels, high: Levels, tolerance: float
) -> tuple[ChannelLevels, ...]:
    """Return the levels of every channel: detected where none is given."""
    channels = frames.shape[1]
    if low is None and high is None:
        found = detect_levels(frames)
        if tolerance == 0.0:
            return found
        return tuple(
            given_levels(
                frames[:, k], f.low, f.high, tolerance=tolerance, confidence=f.confidence
            )
            for k, f in enumerate(found)
        )
    below, above = _per_channel("low", low, channels), _per_channel("high", high, channels)
    return tuple(
        given_levels(frames[:, k], below[k], above[k], tolerance=tolerance)
        for k in range(channels)
    )


def channel_problem(y: Array, levels: ChannelLevels, tolerance: float = 0.0) -> Problem:
    """Return the measurement that one channel is: saturated samples, each its own coefficient.

    Samples beyond a level that the user gave are taken to be at it.
    """
    low = -math.inf if levels.low is None else levels.low
    high = math.inf if levels.high is None else levels.high
    data = np.clip(y, np.asarray(low, dtype=y.dtype), np.asarray(high, dtype=y.dtype))
    # levels as the data's precision holds them, so that no sample lies outside by rounding
    bottom, top = (float(data.dtype.type(level)) for level in (low, high))
    model = Saturation(Identity(len(y)), bottom, top)
    noise = Noise(each=tolerance) if tolerance > 0.0 else Noise(l2=0.0)
    return Problem(model, data, noise=noise)


def channel_problems(
    samples: npt.ArrayLike, levels: Sequence[ChannelLevels], tolerance: float = 0.0
) -> tuple[Problem, ...]:
    """Return the measurements of all channels, as a recording's certificate speaks of them.

    Parameters
    ----------
    samples : array [shape=(n,) or (n, channels), real]
        The clipped recording.
    levels : sequence of ChannelLevels
        One for each channel, such as `AudioResult.levels`.
    tolerance : float
        As it was given to `declip`.
    """
    frames = as_frames(samples)
    if len(levels) != frames.shape[1]:
        raise ParameterError(
            f"levels must hold one entry per channel ({frames.shape[1]}), got {len(levels)}"
        )
    return tuple(
        channel_problem(_floating(frames[:, k]), level, tolerance)
        for k, level in enumerate(levels)
    )


def _floating(y: Array) -> Array:
    return y.astype(np.float64) if y.dtype.kind in "iu" else y


class _Counter:
    """Turns the progress of runs within stretches into one progress."""

    def __init__(self, watch: Watch | None, total: int) -> None:
        self._watch = watch
        self._total = total
        self._done = 0
        self.stopped = False

    def __call__(self, progress: Progress) -> bool:
        if self._watch is not None and not self.stopped:
            part = _PERCENT * progress.step // max(progress.total, 1)
            step = min(self._done + part, self._total)
            self.stopped = bool(self._watch(Progress(step, self._total, progress.value)))
        return self.stopped

    def next_stretch(self) -> None:
        self._done += _PERCENT


@dataclass(frozen=True, eq=False)
class _Job:
    """The work on one channel."""

    channel: int
    y: Array
    levels: ChannelLevels
    tolerance: float
    rate: float
    mask: Array = dataclasses.field(init=False)
    stretches: tuple[Stretch, ...] = dataclasses.field(init=False)

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
        progress: _Counter,
    ) -> tuple[Array, list[StretchAccount]]:
        """Return the recovered channel and what was done."""
        blend = np.zeros(len(self.y))
        accounts = []
        for stretch in self.stretches:
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


def _per_channel(name: str, value: Levels, channels: int) -> list[float | None]:
    if value is None or isinstance(value, int | float):
        return [None if value is None else float(value)] * channels
    values = [float(v) for v in value]
    if len(values) != channels:
        raise ParameterError(
            f"{name} must be one level or one per channel ({channels}), got {len(values)}"
        )
    return list(values)


def _worst(accounts: list[StretchAccount], *, stopped: bool) -> Status:
    if stopped:
        return Status.STOPPED
    if not accounts:
        return Status.DIRECT
    order = [Status.CONVERGED, Status.COMPLETED, Status.MAX_ITER, Status.DIVERGED]
    return max((a.status for a in accounts), key=order.index)


def _note(frames: Array, levels: tuple[ChannelLevels, ...], masks: Array) -> str:
    if masks.any():
        count = int(np.count_nonzero(masks))
        share = 100.0 * count / masks.size
        channels = int(np.count_nonzero(masks.any(axis=0)))
        return (
            f"recovered {count} clipped samples ({share:.3g} %) in {channels} of "
            f"{masks.shape[1]} channel(s)"
        )
    if not frames.any():
        return "the recording is silent; nothing was changed"
    if any(level.low is not None or level.high is not None for level in levels):
        return "no sample is at the given levels; nothing was changed"
    return "no clipping was found; nothing was changed"
