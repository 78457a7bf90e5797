"""At which levels the channels of an image are clipped, found from the samples alone."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, require_finite
from recover.core.errors import ParameterError

__all__ = ["ChannelLevel", "channel_axis_in", "clipped_mask", "detect_levels", "names_of"]

_MIN_SAMPLES = 8
_MIN_PAIRS = 4  # neighbours that are both at the top: single hot pixels are no clipping
_NEXT = 8  # values below the top that are compared with it
_MIN_RATIO = 2.5  # of the samples at the top to those at any of the next values
_FULL_RATIO = 1.5  # the same where the top is the largest value of an integer type
_FURTHER = 40  # values below the top that show how full a value usually is
_SLOPE = 3.0  # times as many samples as usual are too many
_SCATTERED = 0.25  # of the samples at the top, beside it: coding has blurred the level
# A blurred top (raw data, lossy coding): in shares of the channel's range.
_REACH = 0.06  # how far below the largest sample the pile may lie: overshoots of a coder
_BIN = 0.0025
_WIDEST = 0.025  # of the pile itself
_EDGE = 0.15  # bins with this share of the fullest one belong to the pile
_PILE_RATIO = 4.0  # density of the pile to that below it
_ABOVE = 0.15  # share of the pile that may lie above it
_MIN_PILE = 64
_MIN_PILE_SHARE = 5e-4  # of all samples
_MIN_PILE_PAIRS = 0.5  # of the pile's samples have a neighbour in it


@dataclass(frozen=True)
class ChannelLevel:
    """Where one channel is clipped.

    Parameters
    ----------
    low, high : float or None
        The levels in the image's units; None where that side is not clipped.  Samples at or
        beyond a level are clipped.
    fraction : float in [0, 1]
        Share of the channel's samples that are clipped.
    confidence : float in [0, 1]
        How firmly the levels are known: the smallest share, over the sides found, of the
        samples at a level that a smooth histogram would not put there (where nothing was
        found, one less that share); 1 if they were given.
    spread : float >= 0
        Clipped samples were found up to this far beyond a level, as the read-out of a raw file
        or lossy coding scatters them; 0 for exact clipping.
    """

    low: float | None
    high: float | None
    fraction: float
    confidence: float
    spread: float = 0.0

    @property
    def clipped(self) -> bool:
        """Whether any sample is clipped."""
        return self.fraction > 0.0


def names_of(count: int) -> tuple[str, ...]:
    """Return what so many channels are called in tables and notes."""
    named = {1: ("grey",), 3: ("red", "green", "blue")}
    return named.get(count, tuple(f"channel {k + 1}" for k in range(count)))


@dataclass(frozen=True)
class _Top:
    """The upper end of a channel's histogram; an infinite level where it is not clipped."""

    level: float
    share: float
    spread: float = 0.0


def detect_levels(
    image: npt.ArrayLike, channel_axis: int | None = None
) -> tuple[ChannelLevel, ...]:
    """Find the levels at which an image is clipped, channel by channel.

    A side counts as clipped when far more samples have the extreme value than have any of the
    values next to it, some of them neighbours in the picture.  Where no single value stands
    out, a pile of samples near the extreme is looked for, at most 2.5 % of the range wide
    and several times as dense as the histogram below it: the white level of raw files, and
    clipping that lossy coding has blurred.  The level is then the lower edge of the pile.

    Zero is where light ends, so samples piled up there are never taken for clipped; give
    ``low=0`` to `declip` to have them so.

    Parameters
    ----------
    image : array [shape=(h, w), (n, h, w) or with channels, real]
        Any unit; 8 to 16-bit integers and floating-point alike.
    channel_axis : int, optional
        The axis of the channels; None for an image of one channel.

    Returns
    -------
    tuple of ChannelLevel
        One for each channel.

    Raises
    ------
    ParameterError
        If the image is not real and finite, is empty, or has no such axis.
    """
    return tuple(_detect(plane) for plane in _planes(image, channel_axis))


def channel_axis_in(given: int | None) -> int | None:
    """Return an axis that was given; raises `ParameterError` if it is no whole number."""
    try:
        return None if given is None else operator.index(given)
    except TypeError:
        raise ParameterError(
            f"channel_axis must be a whole number or None, got {given!r}; -1 is the last axis"
        ) from None


def _planes(image: npt.ArrayLike, channel_axis: int | None) -> Array:
    """Return an image as a real, finite, non-empty array (channels, ...); a view if possible.

    Raises
    ------
    ParameterError
        If the image is not real and finite, is empty, has fewer than two axes besides that of
        the channels, or has no such axis.
    """
    array = np.asarray(image)
    if array.dtype.kind not in "iuf":
        raise ParameterError(
            f"image must hold real numbers, got dtype {array.dtype}; give integers or floats"
        )
    channel_axis = channel_axis_in(channel_axis)
    if channel_axis is not None and not -array.ndim <= channel_axis < array.ndim:
        raise ParameterError(
            f"channel_axis must be an axis of the image, got {channel_axis} for shape "
            f"{array.shape}"
        )
    planes = array[None] if channel_axis is None else np.moveaxis(array, channel_axis, 0)
    if planes.ndim < 3:
        raise ParameterError(
            f"image must have at least two axes besides the channels, got shape {array.shape} "
            f"with channel_axis={channel_axis}"
        )
    if 0 in array.shape:
        raise ParameterError(f"image must not be empty, got shape {array.shape}")
    require_finite("image", array)
    return planes


def clipped_mask(plane: Array, low: float | None, high: float | None) -> Array:
    """Return which samples are at a level or beyond it."""
    mask = np.zeros(plane.shape, dtype=bool)
    if low is not None:
        mask |= plane <= low
    if high is not None:
        mask |= plane >= high
    return mask


def _detect(plane: Array) -> ChannelLevel:
    wide = plane.astype(np.float64)
    least, most = float(wide.min()), float(wide.max())
    full = plane.dtype.kind in "iu" and most == np.iinfo(plane.dtype).max
    if least == most:
        return (
            ChannelLevel(None, most, 1.0, 1.0) if full else ChannelLevel(None, None, 0.0, 0.0)
        )
    top = _top(wide, most - least, _FULL_RATIO if full else _MIN_RATIO)
    if math.isinf(top.level):
        pile = _pile(wide, most, most - least)
        top = top if math.isinf(pile.level) and pile.share <= top.share else pile
    # at the dark end a pile is the background's own distribution
    bottom = _top(-wide, most - least, _MIN_RATIO) if least != 0.0 else _Top(math.inf, 0.0)
    high = None if math.isinf(top.level) else top.level
    low = None if math.isinf(bottom.level) else -bottom.level
    shares = [side.share for side in (top, bottom) if not math.isinf(side.level)]
    return ChannelLevel(
        low=low,
        high=high,
        fraction=float(np.count_nonzero(clipped_mask(wide, low, high))) / wide.size,
        confidence=min(shares) if shares else 1.0 - max(top.share, bottom.share),
        spread=max(top.spread, bottom.spread),
    )


def _top(y: Array, span: float, ratio: float) -> _Top:
    """Return the largest value as the level, if the histogram's upper end stands out."""
    peak, reach = float(y.max()), _REACH
    values, counts = np.unique(y[y >= peak - reach * span], return_counts=True)
    while values.size <= _FURTHER and reach < 1.0:
        reach *= 2.0
        values, counts = np.unique(y[y >= peak - reach * span], return_counts=True)
    return _exact(y, values, counts, ratio)


def _exact(y: Array, values: Array, counts: Array, ratio: float) -> _Top:
    """Return the largest value as the level, if it stands out from the next values."""
    peak, at_top = float(values[-1]), int(counts[-1])
    if at_top < _MIN_SAMPLES:
        return _Top(math.inf, 0.0)
    expected = float(counts[-1 - _NEXT : -1].max())
    share = max(0.0, 1.0 - expected / at_top)
    if at_top < ratio * expected or _neighbours(y == peak) < _MIN_PAIRS:
        return _Top(math.inf, min(share, 0.5))
    level = _blurred_down(values, counts, float(y.max() - y.min()))
    return _Top(level, share, peak - level)


def _blurred_down(values: Array, counts: Array, span: float) -> float:
    """Return the peak, or the value down to which coding has scattered what was at it.

    Lossy coding leaves a slope of samples next to the largest value that was a single spike;
    where they are few in relation to the spike, the spike was never blurred.
    """
    usual = float(np.median(counts[-1 - _FURTHER : -1]))
    first = len(values) - 1
    while (
        first > len(values) - 1 - _NEXT
        and counts[first - 1] >= _SLOPE * max(usual, 1.0)
        and counts[first - 1] <= counts[first]
        and values[-1] - values[first - 1] <= _WIDEST * span
    ):
        first -= 1
    scattered = float(counts[first:-1].sum()) - usual * (len(values) - 1 - first)
    return float(values[first] if scattered >= _SCATTERED * counts[-1] else values[-1])


def _pile(y: Array, peak: float, span: float) -> _Top:
    """Return the lower edge of a dense and narrow pile of samples near the upper end."""
    none = _Top(math.inf, 0.0)
    tail = y[y >= peak - _REACH * span]
    values = np.unique(tail)
    if tail.size < max(_MIN_PILE, _MIN_PILE_SHARE * y.size) or values.size < 2:
        return none
    quantum = float(np.diff(values).min())
    width = max(_BIN * span, quantum)
    if quantum > 0.2 * width:
        width = quantum * max(1, round(width / quantum))
    counts = _histogram(tail, peak + 0.5 * quantum, width)
    fullest = int(np.argmax(counts))
    first = last = fullest
    while last + 1 < counts.size and counts[last + 1] >= _EDGE * counts[fullest]:
        last += 1
    while first > 0 and counts[first - 1] >= _EDGE * counts[fullest]:
        first -= 1
    bins = last - first + 1
    if bins * width > max(_WIDEST * span, 3.0 * quantum) or last + 1 >= counts.size:
        return none
    inside, above = int(counts[first : last + 1].sum()), int(counts[:first].sum())
    below = counts[last + 1 : last + 1 + 2 * bins]
    density = inside / bins / max(float(below.mean()), 1.0)
    if inside < max(_MIN_PILE, _MIN_PILE_SHARE * y.size) or above > _ABOVE * inside:
        return none
    edge = peak + 0.5 * quantum - (last + 1) * width
    level = float(values[np.searchsorted(values, edge)])
    share = max(0.0, 1.0 - 1.0 / density - above / inside)
    mask = y >= level
    if density < _PILE_RATIO or _neighbours(mask) < _MIN_PILE_PAIRS * np.count_nonzero(mask):
        return _Top(math.inf, min(share, 0.5))
    return _Top(level, share, peak - level)


def _histogram(tail: Array, edge: float, width: float) -> Array:
    """Return counts in bins of `width` from `edge` downwards."""
    index = np.floor((edge - tail) / width).astype(np.int64)
    return np.bincount(np.maximum(index, 0))


def _neighbours(mask: Array) -> int:
    """Return the number of pairs of neighbours along the last two axes that are both True."""
    across = np.count_nonzero(mask[..., 1:] & mask[..., :-1])
    return int(across + np.count_nonzero(mask[..., 1:, :] & mask[..., :-1, :]))
