"""A recording as a measurement: its levels, and the problem that each channel is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recover.audio.levels import ChannelLevels, as_frames, detect_levels, given_levels
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.identity import Identity
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.saturation import Saturation

__all__ = [
    "Levels",
    "as_floating",
    "channel_problem",
    "channel_problems",
    "levels_per_channel",
    "resolve_levels",
]

Levels = float | Sequence[float | None] | None
_SNAP = 1e-3


def resolve_levels(
    frames: Array, low: Levels, high: Levels, tolerance: float
) -> tuple[ChannelLevels, ...]:
    """Return the levels of every channel; those that are None are detected.

    A level is where the samples stop.  One that is given as a decimal may miss them by its own
    rounding, and then no sample would count as clipped although all that are stop just short of
    it: a level beyond the last sample by less than a thousandth is moved to that sample.

    Raises
    ------
    ParameterError
        If there is not one level per channel, or a low level is not below its high one.
    """
    channels = frames.shape[1]
    below, above = (
        levels_per_channel("low", low, channels),
        levels_per_channel("high", high, channels),
    )
    resolved = []
    for k in range(channels):
        y, confidence, blur = frames[:, k], 1.0, 0.0
        bottom = _snapped(below[k], float(y.min()))
        top = _snapped(above[k], float(y.max()))
        if bottom is None or top is None:
            found = detect_levels(y)[0]
            if (bottom is None and found.low is not None) or (
                top is None and found.high is not None
            ):
                blur = found.tolerance
            bottom = found.low if bottom is None else bottom
            top = found.high if top is None else top
            confidence = found.confidence
        resolved.append(
            given_levels(y, bottom, top, tolerance=tolerance, confidence=confidence, blur=blur)
        )
    return tuple(resolved)


def _snapped(level: float | None, last: float) -> float | None:
    """Return the last sample if the level lies beyond it by less than a thousandth."""
    if level is None or math.isinf(level) or level * last <= 0.0:
        return level
    beyond = abs(level) - abs(last)
    return last if 0.0 < beyond <= _SNAP * abs(level) else level


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
    width = levels.band(tolerance)
    noise = Noise(each=width) if width > 0.0 else Noise(l2=0.0)
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
        channel_problem(as_floating(frames[:, k]), level, tolerance)
        for k, level in enumerate(levels)
    )


def as_floating(y: Array) -> Array:
    """Return integers as float64 and floating samples as they are."""
    return y.astype(np.float64) if y.dtype.kind in "iu" else y


def levels_per_channel(name: str, value: Levels, channels: int) -> list[float | None]:
    """Return one level per channel, None where it is to be found.

    Raises
    ------
    ParameterError
        If there are neither one nor as many as channels, or some are no numbers.
    """
    if value is None or isinstance(value, int | float):
        return [None if value is None else float(value)] * channels
    try:
        values: list[float | None] = [None if v is None else float(v) for v in value]
    except (TypeError, ValueError):
        raise ParameterError(
            f"{name} must be one level or one per channel, each a number or None, got {value!r}"
        ) from None
    if len(values) != channels:
        raise ParameterError(
            f"{name} must be one level or one per channel ({channels}), got {len(values)}"
        )
    return values
