"""Declipping a recording: levels, stretches, the method, and the account of the result."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recover.audio.account import certify_recording
from recover.audio.channel import ChannelJob, StretchProgress
from recover.audio.levels import ChannelLevels, as_frames
from recover.audio.measurement import Levels, as_floating, resolve_levels
from recover.audio.restore import MethodChoice
from recover.audio.result import AudioResult, StretchAccount
from recover.audio.settings import quality_named
from recover.core.arrays import Array, as_generator
from recover.core.errors import ParameterError
from recover.solve.base import Status, Watch

__all__ = ["declip", "worst_status"]


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
        The levels; None to detect them, of all channels or of one.  An infinite level means
        not clipped on that side.
    tolerance : float >= 0
        Samples within this distance of a level count as clipped, and recovered ones may lie
        this far inside it.
    quality : {"auto", "quality", "fast", "extreme"}
        Trade of time against quality, see `recover.audio.settings.Quality`.
    method : Method, str or None
        A `SocialSparsity`, `AnalysisSPADE`, `SocialISTA` or `WeightedL1`, whose frame is
        replaced by the one chosen for each stretch, or an `Autoregressive`; or one of these
        names; None chooses.
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
    wide = as_floating(frames)
    jobs = [ChannelJob(k, wide[:, k], level, tolerance, rate) for k, level in enumerate(levels)]
    progress = StretchProgress(watch, sum(len(job.stretches) for job in jobs))
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
        status=worst_status(accounts, stopped=progress.stopped),
        certificate=certificate,
        stretches=tuple(accounts),
        note=_note(frames, levels, masks),
    )


def worst_status(accounts: list[StretchAccount], *, stopped: bool) -> Status:
    """Return how the work on all stretches ended."""
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
