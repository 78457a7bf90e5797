"""At which levels a recording was clipped: per channel and per sign, with a confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from recover.audio.detect_soft import knee_width, soft_level
from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError

__all__ = ["ChannelLevels", "Kind", "detect_levels", "given_levels"]

_BANDS = (0.0, 0.0005, 0.002, 0.01, 0.03)  # width of the suspected flat top, in amplitudes
_NEXT = 0.0005  # width that stands for an exact flat top where the band below is measured
_MIN_SAMPLES = 8
_MANY_CHANNELS = 128  # with more, and fewer samples, the axes were taken for each other
_MIN_PAIRS = 4  # neighbours that are both at the top
_MIN_LONG_RUNS = (
    2  # runs of at least three samples: a smooth peak has at most two equal samples
)
# The band below is three times as wide: parabolic tops of one height, the worst smooth case,
# put as many samples there as into the top band.
_WIDER = 3.0
_MIN_RATIO = 2.0
_MAX_QUANTUM = 0.1  # of the amplitude: a wider gap below the top is no step of a format
_MIN_HEIGHT = 0.05  # of the range, between the median and a level: gated silence is no clipping
# Samples at full scale may be no more than the overshoots of a coder: a blurred level counts
# that is lower than the exact one by this factor and has this many times its samples.
_BELOW = 0.985
_MORE = 2.0


class Kind(Enum):
    """How sharply a channel was clipped; the values are the help text."""

    NONE = "not clipped"
    EXACT = "at exact levels"
    SOFT = "at levels that coding or soft limiting has blurred"


@dataclass(frozen=True)
class ChannelLevels:
    """Where one channel is clipped.

    Parameters
    ----------
    low, high : float or None
        The levels in signal units; None where that side is not clipped.
    fraction : float in [0, 1]
        Share of the samples at or beyond the levels.
    confidence : float in [0, 1]
        The smallest share, over the sides found, of samples at a level that a smooth density
        would not put there; where nothing was found, one less that share.
    runs, longest : int
        Number of runs of clipped samples, and length of the longest.
    tolerance : float >= 0
        Clipped samples lie within this distance of a level, or beyond it, and reliable ones may
        be wrong by as much; 0 for exact clipping.
    """

    low: float | None
    high: float | None
    fraction: float
    confidence: float
    runs: int
    longest: int
    tolerance: float = 0.0

    @property
    def kind(self) -> Kind:
        """How sharply the channel was clipped."""
        if self.low is None and self.high is None:
            return Kind.NONE
        return Kind.SOFT if self.tolerance > 0.0 else Kind.EXACT

    def band(self, tolerance: float = 0.0) -> float:
        """Return the larger of the levels' own tolerance and the one asked for."""
        return max(self.tolerance, tolerance)

    def mask(self, y: Array, tolerance: float = 0.0) -> Array:
        """Return which samples are within the tolerance of a level, or beyond it."""
        return clipped_mask(y, self.low, self.high, self.band(tolerance))

    @property
    def clipped(self) -> bool:
        """Whether any sample is at a level."""
        return self.fraction > 0.0


def detect_levels(samples: npt.ArrayLike) -> tuple[ChannelLevels, ...]:
    """Find the clipping levels of a recording.

    A side counts as clipped when far more samples lie in a thin band at the extreme than in the
    equally thin band below it, among them neighbours.  Exact flat tops are tried first, then
    bands up to 3 % of the amplitude (which is counted from the median, so an offset does not
    matter).  Where nothing is flat, a knee in the density of the amplitudes is looked for, as
    clipping before lossy coding or a soft limiter leaves it; it gives a tolerance too, and so
    does a flat top below which a limiter's output piles up.

    Parameters
    ----------
    samples : array [shape=(n,) or (n, channels), real]
        Any unit, integers included.

    Returns
    -------
    tuple of ChannelLevels
        One for each channel.

    Raises
    ------
    ParameterError
        If the samples are not real and finite, or there are none.
    """
    frames = as_frames(samples)
    return tuple(_detect(frames[:, channel]) for channel in range(frames.shape[1]))


def given_levels(
    samples: npt.ArrayLike,
    low: float | None,
    high: float | None,
    *,
    tolerance: float = 0.0,
    confidence: float = 1.0,
    blur: float = 0.0,
) -> ChannelLevels:
    """Return the account of one channel, shape (n,), for levels that are known.

    `tolerance` widens what is counted; `blur` is the levels' own tolerance.

    Raises
    ------
    ParameterError
        If the low level is not below the high one or a value is NaN.
    """
    y = np.asarray(samples)
    below = None if low is None or math.isinf(low) else float(low)
    above = None if high is None or math.isinf(high) else float(high)
    for name, level in (("low", below), ("high", above)):
        if level is not None and math.isnan(level):
            raise ParameterError(f"{name} must be a number, got NaN")
    if below is not None and above is not None and not below < above:
        raise ParameterError(
            f"low must be below high, got low={below:g} and high={above:g}; swap them"
        )
    mask = clipped_mask(y, below, above, max(tolerance, blur))
    starts, stops = runs_of(mask)
    return ChannelLevels(
        low=below,
        high=above,
        fraction=float(np.count_nonzero(mask)) / y.size,
        confidence=confidence,
        runs=len(starts),
        longest=int((stops - starts).max(initial=0)),
        tolerance=blur,
    )


def clipped_mask(y: Array, low: float | None, high: float | None, tolerance: float) -> Array:
    """Return which samples are within `tolerance` of a level, or beyond it."""
    mask = np.zeros(y.shape, dtype=bool)
    if low is not None:
        mask |= y <= low + tolerance
    if high is not None:
        mask |= y >= high - tolerance
    return mask


def runs_of(mask: Array) -> tuple[Array, Array]:
    """Return first index and end (exclusive) of each run of True in a boolean vector."""
    edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    if mask[0]:
        edges = np.concatenate([[0], edges])
    if mask[-1]:
        edges = np.concatenate([edges, [len(mask)]])
    return edges[::2], edges[1::2]


def as_frames(samples: npt.ArrayLike) -> Array:
    """Return samples as a real, finite, non-empty array (n, channels); the dtype stays."""
    array = np.asarray(samples)
    if array.dtype.kind not in "iu":
        array = as_numeric("samples", array)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.kind == "c":
        raise ParameterError(
            f"samples must be real with shape (n,) or (n, channels), got {array.shape} "
            f"and dtype {array.dtype}"
        )
    if 0 in array.shape:
        raise ParameterError(f"samples must not be empty, got shape {array.shape}")
    if array.shape[1] > max(array.shape[0], _MANY_CHANNELS):
        raise ParameterError(
            f"samples have the shape (n, channels), got {array.shape[1]} channels of "
            f"{array.shape[0]} samples each; transpose them"
        )
    return array


def _detect(y: Array) -> ChannelLevels:
    wide = y.astype(np.float64)
    least, largest = float(wide.min()), float(wide.max())
    middle, span = float(np.median(wide)), largest - least
    if span > 0.0 and middle in (least, largest):
        # most samples are at one end: clipped at both ends, or pulses on a flat ground
        centre = 0.5 * (least + largest)
        tops = (_flat_top(wide, centre, span)[0], _flat_top(-wide, -centre, span)[0])
        if None not in tops:
            middle = centre
        elif not ((wide > least) & (wide < largest)).any():
            return given_levels(wide, None, None, confidence=0.0)
    high, high_share, high_blur = _side(wide, middle, span)
    low, low_share, low_blur = _side(-wide, -middle, span)
    sides = ((high, high_share), (low, low_share))
    shares = [share for level, share in sides if level is not None]
    found = min(shares) if shares else 1.0 - max(high_share, low_share)
    bottom, blur = None if low is None else -low, max(high_blur, low_blur)
    return given_levels(wide, bottom, high, confidence=found, blur=blur)


def _side(y: Array, middle: float, span: float) -> tuple[float | None, float, float]:
    """Return the upper level or None, its confidence, and its tolerance."""
    exact, share = _flat_top(y, middle, span)
    if float(y.max()) - middle <= _MIN_HEIGHT * span:
        return None, share, 0.0
    soft = soft_level(y - middle)
    if soft is None:
        blur = 0.0 if exact is None else knee_width(y - middle, exact - middle)
        return exact, share, blur
    level = middle + soft.level
    if exact is not None:
        lower = soft.level < _BELOW * (exact - middle)
        inside = np.count_nonzero(y >= level - soft.tolerance)
        if not (lower and inside >= _MORE * np.count_nonzero(y >= exact)):
            return exact, share, knee_width(y - middle, exact - middle)
    return level, soft.confidence, soft.tolerance


def _flat_top(y: Array, middle: float, span: float) -> tuple[float | None, float]:
    """Return the upper level or None, and the share of the top that smoothness leaves open."""
    peak = float(y.max())
    amplitude = peak - middle
    if amplitude <= _MIN_HEIGHT * span:
        return None, 0.0
    lower = y[y < peak]
    quantum = peak - float(lower.max()) if lower.size else 0.0
    if quantum > _MAX_QUANTUM * amplitude:
        quantum = 0.0
    best = 0.0
    for width in _BANDS:
        edge = peak - width * amplitude
        top = y >= edge
        at_top = int(np.count_nonzero(top))
        depth = _WIDER * max(max(width, _NEXT) * amplitude, quantum)
        next_band = int(np.count_nonzero(y >= edge - depth)) - at_top
        if at_top < _MIN_SAMPLES:
            continue
        starts, stops = runs_of(top)
        lengths = stops - starts
        pairs = int((lengths - 1).sum())
        long_runs = int(np.count_nonzero(lengths >= 3))
        if pairs < _MIN_PAIRS or long_runs < _MIN_LONG_RUNS:
            continue
        share = max(0.0, 1.0 - (next_band + 3) / at_top)
        if at_top >= _MIN_RATIO * (next_band + 3):
            return edge, share
        best = max(best, min(share, 0.5))
    return None, best
