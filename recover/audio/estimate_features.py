"""What an error estimate is made of: a second view, a second clipping, the segment itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np
from scipy import fft

from recover.audio.autoregressive import GapBands
from recover.audio.estimate_conditioning import amplification
from recover.audio.estimate_density import Sparsity, sparsity_of
from recover.audio.levels import ChannelLevels, given_levels, runs_of
from recover.audio.measurement import channel_problem
from recover.audio.segments import cosine_support
from recover.audio.settings import choose_frames, neighbourhood_of
from recover.audio.stretches import cut
from recover.core.arrays import Array
from recover.frames import Gabor
from recover.models.problem import Problem
from recover.solve.loop import solve
from recover.solve.social import SocialSparsity

__all__ = [
    "Features",
    "Views",
    "as_measured",
    "features_of",
    "make_views",
    "scale_of",
    "segment_kappa",
    "segments_of",
    "spread_of",
]

_SECONDS = 0.05
_ITERATIONS = 60
_LAST = 1e-3
_FIRST_VIEW = 0.02  # the second view starts near the result
_FIRST_AGAIN = 0.1
_AGAIN = 0.7  # of the level: where the result is clipped again
_FLOOR = 1e-12  # energies below it, relative to the level's, count as this
_LARGEST_KAPPA = 80.0  # dB
_SPECTRAL_FLOOR = 1e-10  # of the largest power in a segment


@dataclass(frozen=True, eq=False)
class Views:
    """Two further recoveries of one channel.

    Parameters
    ----------
    second : array [shape=(n,)]
        The clipped channel recovered in its second-best window, from the result.
    again : array [shape=(n,)]
        The result, clipped again at 0.7 of the levels and recovered from that.
    sparsity : Sparsity
        How few coefficients the result has in the window that is best for it.
    """

    second: Array
    again: Array
    sparsity: Sparsity


@dataclass(frozen=True)
class Features:
    """The predictors of a segment's error.

    Parameters
    ----------
    disagreement : float
        Energy of result less second view on the clipped samples, in dB relative to `scale`.
    reclipping : float
        Energy of result less its recovery from a second clipping, the same way.
    flatness : float
        Spectral flatness of the recovered segment in dB, at most 0.
    gap : float
        Decimal logarithm of the longest gap in ms.
    fraction : float
        Decimal logarithm of the segment's share of clipped samples.
    kappa : float
        `estimate_conditioning.amplification` of the segment in dB, at most 80.
    window : float
        Binary logarithm of the length, in seconds, of the window that is best for the clipped
        signal: the longer, the more its content is like tones, which are recovered better.
    density : float
        Decimal logarithm of the share of coefficients in that window that the recovered signal
        has around the segment, counted as (sum of moduli)^2 / (sum of squares).
    spread : float
        Energy of the gaps' two-sigma bands, in dB relative to `scale`; where a gap has none,
        that of what was restored.
    """

    disagreement: float
    reclipping: float
    flatness: float
    gap: float
    fraction: float
    kappa: float
    window: float
    density: float
    spread: float

    def row(self) -> Array:
        """Return the predictors between a leading 1 and a product, float64, shape (11,).

        The product is that of the window and the two recoveries: of tones, two recoveries that
        agree tell more than of noise, where both fall short alike.
        """
        product = (self.disagreement + self.reclipping) * self.window
        return np.array([1.0, *astuple(self), product])


def as_measured(samples: Array, recovered: Array, levels: ChannelLevels) -> Array:
    """Return a recovered channel, shape (n,), as measured: clipped again at its levels."""
    low = -math.inf if levels.low is None else levels.low
    high = math.inf if levels.high is None else levels.high
    return np.where(recovered, np.clip(samples, low, high), samples)


def segments_of(length: int, rate: float) -> tuple[tuple[int, int], ...]:
    """Return start and stop of the segments of about 50 ms; the last one may be longer."""
    size = min(2 ** round(math.log2(_SECONDS * rate)), length)
    starts = list(range(0, max(length - size // 2, 1), size))
    return tuple(zip(starts, [*starts[1:], length], strict=True))


def make_views(
    y: Array,
    result: Array,
    mask: Array,
    levels: ChannelLevels,
    rate: float,
    *,
    step: Callable[[], bool] | None = None,
) -> Views:
    """Recover one channel twice more, stretch by stretch.

    Parameters
    ----------
    y, result : array of floating [shape=(n,)]
        The clipped and the recovered channel.
    mask : array of bool [shape=(n,)]
        What was recovered.
    levels : ChannelLevels
    rate : float
    step : callable, optional
        Called after each of the two recoveries of a stretch; where it returns True the work
        ends, and the views are of no use.
    """
    second, again = result.copy(), result.copy()
    low, high = _inner_levels(y, levels)
    pieces = []
    for stretch in cut(mask, rate):
        part = slice(stretch.start, stretch.stop)
        frames = choose_frames(y[part], rate)
        pieces.append(sparsity_of(result[part], frames[0], stretch.start))
        problem = channel_problem(y[part], levels)
        second[part] = _recover(
            problem, frames[-1], rate, first=_FIRST_VIEW, start=result[part]
        )
        if step is not None and step():
            break
        inner = np.clip(result[part], low, high)
        problem = channel_problem(inner, given_levels(inner, low, high))
        again[part] = _recover(problem, frames[0], rate, first=_FIRST_AGAIN, start=None)
        if step is not None and step():
            break
    return Views(second, again, Sparsity(tuple(pieces)))


def scale_of(y: Array, mask: Array, levels: ChannelLevels) -> Array:
    """Return each clipped sample's squared distance of its level from the middle, else 0.

    The middle is half-way between the levels; with one level only it is the median.
    """
    middle = _middle(y, levels)
    high = 0.0 if levels.high is None else levels.high - middle
    low = 0.0 if levels.low is None else levels.low - middle
    above = y > middle
    return np.where(mask, np.where(above, high * high, low * low), 0.0)


def spread_of(y: Array, result: Array, bands: GapBands) -> Array:
    """Return each clipped sample's share of its gap's squared two-sigma band, else 0.

    Where a gap has no band it is the square of what was restored, as if all of it were wrong.

    Parameters
    ----------
    y, result : array of floating [shape=(n,)]
        The clipped and the recovered channel.
    bands : GapBands
        Of the channel.
    """
    restored = np.square(result.astype(np.float64) - y)
    spread = np.zeros(len(y))
    for start, stop, band in zip(bands.starts, bands.stops, bands.bands, strict=True):
        known = math.isfinite(band)
        spread[start:stop] = band * band / (stop - start) if known else restored[start:stop]
    return spread


def features_of(
    part: slice,
    result: Array,
    mask: Array,
    *,
    views: Views,
    spread: Array,
    scale: float,
    rate: float,
) -> Features:
    """Return the predictors of one segment that holds clipped samples.

    Parameters
    ----------
    part : slice
        The segment.
    result : array of floating [shape=(n,)]
        The recovered channel.
    mask : array of bool [shape=(n,)]
        What was recovered.
    views : Views
    spread : array of float64 [shape=(n,)]
        See `spread_of`.
    scale : float > 0
        Sum of `scale_of` over the segment.
    rate : float
    """
    inside = mask[part]
    x = result[part].astype(np.float64)

    def decibels(squares: Array) -> float:
        return 10.0 * math.log10(max(float(squares.sum()) / scale, _FLOOR))

    def apart(other: Array) -> float:
        return decibels(np.square((x - other[part])[inside]))

    starts, stops = runs_of(inside)
    kappa = segment_kappa(x, inside)
    power = np.square(np.abs(fft.rfft(x * np.hanning(len(x) + 2)[1:-1])))
    power = np.maximum(power, _SPECTRAL_FLOOR * power.max())
    flatness = float(np.mean(np.log10(power)) - np.log10(np.mean(power)))
    window, density = views.sparsity.at(part.start, part.stop)
    return Features(
        disagreement=apart(views.second),
        reclipping=apart(views.again),
        flatness=10.0 * flatness,
        gap=math.log10(1e3 * float((stops - starts).max()) / rate),
        fraction=math.log10(float(inside.mean())),
        kappa=min(20.0 * math.log10(kappa), _LARGEST_KAPPA),
        window=math.log2(window / rate),
        density=math.log10(density),
        spread=decibels(spread[part]),
    )


def segment_kappa(x: Array, mask: Array) -> float:
    """Return `amplification` of a segment for the support of its strongest cosines."""
    return amplification(cosine_support(x)[0], mask)


def _recover(
    problem: Problem, frame: Gabor, rate: float, *, first: float, start: Array | None
) -> Array:
    method = SocialSparsity(
        frame,
        max_iter=_ITERATIONS,
        first=first,
        last=_LAST,
        neighbourhood=neighbourhood_of(frame, rate),
    )
    return solve(problem, method, start=start).signal


def _middle(y: Array, levels: ChannelLevels) -> float:
    if levels.low is None or levels.high is None:
        return float(np.median(y))
    return 0.5 * (levels.low + levels.high)


def _inner_levels(y: Array, levels: ChannelLevels) -> tuple[float, float]:
    middle = _middle(y, levels)
    low = -math.inf if levels.low is None else middle + _AGAIN * (levels.low - middle)
    high = math.inf if levels.high is None else middle + _AGAIN * (levels.high - middle)
    return low, high
