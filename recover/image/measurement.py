"""Which levels a file's image was clipped at: given, stated by the file, or found."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.levels import ChannelLevel, clipped_mask, detect_levels, names_of
from recover.io.image_file import ImageFile

__all__ = ["channel_names", "levels_of", "mask_levels", "planes_of", "regions_of"]

_SNAP = 1e-3  # a level typed as a decimal may miss the samples by this share
Given = float | Sequence[float] | None


def planes_of(source: ImageFile) -> Array:
    """Return the samples of an image without a mosaic as (channels, ...)."""
    pixels = source.pixels
    return np.moveaxis(pixels, -1, 0) if source.colour else pixels[None]


def channel_names(source: ImageFile) -> tuple[str, ...]:
    """Return how the channels are called in tables."""
    if source.raw is not None:
        return names_of(3)
    return names_of(source.pixels.shape[-1] if source.colour else 1)


def levels_of(
    source: ImageFile, low: Given, high: Given, tolerance: float
) -> tuple[ChannelLevel, ...]:
    """Return the levels of every channel: given, stated by the file, or detected.

    A level that is given is where the samples stop; one that misses the last sample by less
    than a thousandth, as a decimal may, is moved to it.

    Raises
    ------
    ParameterError
        If there is not one level for each channel, low is not below high, or no sample of the
        image reaches the levels given.
    """
    planes = planes_of(source)
    bottom, top = _per_channel("low", low, len(planes)), _per_channel("high", high, len(planes))
    stated = source.saturation
    if stated is not None and high is None and (planes >= stated).any():
        top = [stated] * len(planes)
    found = []
    for plane, below, above in zip(planes, bottom, top, strict=True):
        own = ChannelLevel(below, above, 0.0, 1.0)
        if below is None or above is None:
            seen = detect_levels(plane if plane.ndim > 1 else plane[None])[0]
            given = below is not None or above is not None
            own = ChannelLevel(
                seen.low if below is None else below,
                seen.high if above is None else above,
                0.0,
                1.0 if given else seen.confidence,
                seen.spread,
            )
        found.append(_account(plane, own, tolerance))
    _require_reached("high", top, planes, found)
    _require_reached("low", bottom, planes, found)
    return tuple(found)


def mask_levels(pixels: Array, mask: Array) -> Array:
    """Return a level for each pixel: what a masked sample shows is where it stopped.

    Where no sample is masked the level is the largest of the masked ones.

    Parameters
    ----------
    pixels, mask : array [shape of the image]
    """
    values = pixels.astype(np.float64)
    return np.where(mask, values, values[mask].max() if mask.any() else np.inf)


def regions_of(mask: Array, *, mosaic: bool = False) -> tuple[int, int]:
    """Return the number of connected regions of a mask, and the samples of the largest.

    Samples of one colour of a `mosaic` touch across the other colours between them.
    """
    from scipy import ndimage

    joined = (
        ndimage.binary_closing(mask, np.ones((3, 3), dtype=bool)) | mask if mosaic else mask
    )
    labels, count = ndimage.label(joined)
    if not count:
        return 0, 0
    return int(count), int(np.bincount(labels[mask])[1:].max())


def _account(plane: Array, level: ChannelLevel, tolerance: float) -> ChannelLevel:
    """Return the account of one channel for levels that are settled."""
    low, high = _moved(level.low, plane.min(), plane), _moved(level.high, plane.max(), plane)
    low = None if low is None or math.isinf(low) else low
    high = None if high is None or math.isinf(high) else high
    if low is not None and high is not None and not low < high:
        raise ParameterError(
            f"low must be below high, got low={low:g} and high={high:g}; swap them"
        )
    mask = clipped_mask(
        plane,
        None if low is None else low + tolerance,
        None if high is None else high - tolerance,
    )
    share = float(np.count_nonzero(mask)) / plane.size
    return dataclasses.replace(level, low=low, high=high, fraction=share)


def _moved(level: float | None, last: Array, plane: Array) -> float | None:
    """Return the last sample if the level lies beyond it by less than a thousandth."""
    if level is None or math.isinf(level):
        return level
    end = float(last)
    beyond = level > end if end == float(plane.max()) else level < end
    return end if beyond and abs(level - end) <= _SNAP * abs(level) else level


def _require_reached(
    name: str, given: Sequence[float | None], planes: Array, found: Sequence[ChannelLevel]
) -> None:
    """Raise `ParameterError` if finite levels were given and no sample is at one of them."""
    finite = [level for level in given if level is not None and math.isfinite(level)]
    if not finite or any(each.fraction > 0.0 for each in found):
        return
    end = planes.max() if name == "high" else planes.min()
    which = "largest" if name == "high" else "smallest"
    raise ParameterError(
        f"{name} is {finite[0]:g}, but the {which} sample is {float(end):g}: nothing is "
        f"clipped there; give a level that samples reach, or leave it out to have it found"
    )


def _per_channel(name: str, value: Given, channels: int) -> list[float | None]:
    if value is None or isinstance(value, int | float):
        level = None if value is None else float(value)
        if level is not None and math.isnan(level):
            raise ParameterError(f"{name} must be a number, got NaN")
        return [level] * channels
    values = [float(v) for v in value]
    if len(values) != channels:
        raise ParameterError(
            f"{name} must be one level or one per channel ({channels}), got {len(values)}"
        )
    return list(values)
