"""The arguments of declipping, checked and brought to one shape: planes whose level is 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, require_finite
from recover.core.errors import ParameterError
from recover.image.levels import ChannelLevel, channel_axis_in

__all__ = [
    "ImageLevels",
    "Side",
    "Sides",
    "as_floating",
    "as_planes",
    "check_tolerance",
    "check_watch",
    "describe",
    "from_planes",
    "mask_planes",
    "side_of",
]

_EXACT = 2**53  # integers up to it are exact in float64
ImageLevels = float | Sequence[float | None] | Array | None
Sides = tuple["Side | None", "Side | None"]


@dataclass(frozen=True, eq=False)
class Side:
    """What is clipped on one side.

    Parameters
    ----------
    level : array [shape=(channels, 1, 1) or (channels, height, width)]
        The levels, in the image's units.
    clipped : array of bool [shape=(channels, height, width)]
        Where samples are at their level or beyond it.
    """

    level: Array
    clipped: Array


def as_planes(image: npt.ArrayLike, channel_axis: int | None) -> Array:
    """Return an image as real finite planes (channels, height, width); the dtype stays.

    Raises
    ------
    ParameterError
        If it is not a grey image, or a colour image with a channel axis, of real finite values.
    """
    array = np.asarray(image)
    if array.dtype.kind not in "iuf":
        raise ParameterError(
            f"image must hold integers or floating numbers, got dtype {array.dtype}"
        )
    channel_axis = channel_axis_in(channel_axis)
    if channel_axis is None:
        if array.ndim != 2:
            raise ParameterError(
                f"image must have shape (height, width) without channel_axis, got "
                f"{array.shape}; give channel_axis=-1 for colour"
            )
        planes = array[None]
    else:
        if array.ndim != 3 or not -3 <= channel_axis < 3:
            raise ParameterError(
                f"image must have three axes, channel_axis={channel_axis} one of them, got "
                f"shape {array.shape}"
            )
        planes = np.moveaxis(array, channel_axis, 0)
    if 0 in planes.shape:
        raise ParameterError(f"image must not be empty, got shape {array.shape}")
    require_finite("image", array)  # which names the place as the caller counts
    return planes


def as_floating(planes: Array) -> Array:
    """Return integers of up to 16 bits as float32, larger ones as float64.

    Raises
    ------
    ParameterError
        If integers of 64 bits are too large to be exact in float64.
    """
    if planes.dtype.kind in "iu":
        if planes.dtype.itemsize == 8 and max(int(planes.max()), -int(planes.min())) > _EXACT:
            raise ParameterError(
                f"image holds integers beyond 2^53, from {planes.min()} to {planes.max()}, "
                "which no float holds exactly; subtract an offset, or divide them"
            )
        return planes.astype(np.float32 if planes.dtype.itemsize <= 2 else np.float64)
    return planes.astype(np.float32) if planes.dtype == np.float16 else planes


def from_planes(planes: Array, channel_axis: int | None) -> Array:
    """Return planes (channels, height, width) in the layout that `as_planes` was given."""
    return planes[0] if channel_axis is None else np.moveaxis(planes, 0, channel_axis)


def side_of(
    name: str,
    planes: Array,
    level: ImageLevels,
    mask: Array | None,
    *,
    tolerance: float,
    channel_axis: int | None,
) -> Side | None:
    """Return what is clipped at the given levels, None where no level is given.

    Parameters
    ----------
    name : "low" or "high"
        The side.
    planes : array [shape=(channels, height, width)]
    level : float, one per channel, or one per pixel (in the image's layout), or None
        None for one of the channels means that it is not clipped on this side.
    mask : array of bool [shape of planes] or None
        The clipped samples; None to take those at the level.
    tolerance : float
        Samples this near to the level count as clipped.
    channel_axis : int or None

    Raises
    ------
    ParameterError
        If levels do not fit the image or are NaN.
    """
    if level is None:
        return None
    values = _levels(name, level, planes, channel_axis)
    if np.isnan(values).any():
        raise ParameterError(f"{name} must be a number, got NaN")
    if mask is not None:
        return Side(values, mask & np.isfinite(values))
    reached = planes >= values - tolerance if name == "high" else planes <= values + tolerance
    return Side(values, reached)


def describe(planes: Array, low: Side | None, high: Side | None) -> tuple[ChannelLevel, ...]:
    """Return the account of every channel for levels that were given."""
    found = []
    for c in range(len(planes)):
        clipped = np.zeros(planes[c].shape, dtype=bool)
        ends: list[float | None] = []
        for side, reduce in ((low, np.max), (high, np.min)):
            if side is None or not np.isfinite(side.level[c]).any():
                ends.append(None)
                continue
            clipped |= side.clipped[c]
            finite = side.level[c][np.isfinite(side.level[c])]
            ends.append(float(reduce(finite)))
        share = float(np.count_nonzero(clipped)) / clipped.size
        found.append(ChannelLevel(ends[0], ends[1], share, 1.0))
    return tuple(found)


def _levels(name: str, level: ImageLevels, planes: Array, axis: int | None) -> Array:
    """Return levels as (channels, 1, 1) or (channels, height, width)."""
    if isinstance(level, Sequence):
        nowhere = math.inf if name == "high" else -math.inf
        level = [nowhere if each is None else each for each in level]
    array = _numbers(name, level)
    if planes.dtype.kind == "f":
        # samples clipped at 0.9 hold what 0.9 is in their own precision
        array = array.astype(planes.dtype).astype(np.float64)
    channels = len(planes)
    if array.ndim == 0:
        return np.full((channels, 1, 1), float(array))
    if array.ndim == 1 and array.size == channels:
        return array[:, None, None]
    if array.ndim == 2 and array.shape == planes.shape[1:]:
        return np.broadcast_to(array, planes.shape)
    if array.ndim == 3 and axis is not None:
        moved = np.moveaxis(array, axis, 0)
        if moved.shape == planes.shape:
            return moved
    raise ParameterError(
        f"{name} must be one level, one per channel ({channels}) or one per pixel "
        f"{planes.shape[1:]}, got shape {array.shape}"
    )


def _numbers(name: str, level: ImageLevels) -> Array:
    try:
        return np.asarray(level, dtype=np.float64)
    except (TypeError, ValueError):
        raise ParameterError(
            f"{name} must be a number, one per channel or one per pixel, got {level!r:.80}"
        ) from None


def check_tolerance(tolerance: float) -> None:
    """Raise `ParameterError` unless the tolerance is finite and not negative."""
    try:
        fits = math.isfinite(tolerance) and tolerance >= 0.0
    except TypeError:
        fits = False
    if not fits:
        raise ParameterError(f"tolerance must be finite and >= 0, got {tolerance!r}")


def check_watch(watch: object) -> None:
    """Raise `ParameterError`, before any work, unless progress can be told."""
    if watch is not None and not callable(watch):
        raise ParameterError(f"watch must be a function of a Progress or None, got {watch!r}")


def mask_planes(mask: npt.ArrayLike | None, image: Array, axis: int | None) -> Array | None:
    """Return a mask as planes (channels, height, width).

    Parameters
    ----------
    mask : array of bool [shape of image, or (height, width) for all channels alike], or None
    image : array
        As it was given.
    axis : int or None
        That of the channels.

    Raises
    ------
    ParameterError
        If the mask is not boolean or has another shape.
    """
    if mask is None:
        return None
    array, shape = np.asarray(mask), _channels_first(image, axis).shape
    if array.dtype != np.bool_ or array.shape not in (image.shape, shape[1:]):
        raise ParameterError(
            f"mask must be a boolean array of shape {image.shape} or {shape[1:]}, got "
            f"dtype {array.dtype} and shape {array.shape}"
        )
    if array.shape == shape[1:]:
        return np.broadcast_to(array, shape)
    return _channels_first(array, axis)


def _channels_first(array: Array, axis: int | None) -> Array:
    return array[None] if axis is None else np.moveaxis(array, axis, 0)
