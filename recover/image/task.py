"""What is asked of `declip` for each picture of a file: the same when it is verified again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.levels import ChannelLevel
from recover.image.measurement import mask_levels
from recover.image.stack import as_stack
from recover.io.image_file import ImageFile
from recover.io.image_read import read_image

__all__ = ["Task", "masked_levels", "read_mask", "tasks_of"]


@dataclass(frozen=True, eq=False)
class Task:
    """One picture with its levels.

    Parameters
    ----------
    picture : array [shape=(h, w) or (h, w, channels)]
        As it stands in the file.
    low, high : array or None
        One level for each channel or pixel, infinite where there is none; None for a side on
        which nothing is clipped.
    channel_axis : int or None
    mask : array of bool [shape of picture] or None
    """

    picture: Array
    low: Array | None
    high: Array | None
    channel_axis: int | None
    mask: Array | None


def tasks_of(image: ImageFile, levels: Sequence[ChannelLevel]) -> list[Task]:
    """Return the pictures of a file with the levels that were settled.

    Parameters
    ----------
    image : ImageFile
        Its mask, if it has one, takes the place of the levels.
    levels : sequence of ChannelLevel
        One for each channel.
    """
    pictures = as_stack(image.pixels, stack=image.stack)
    if image.mask is not None:
        masks = as_stack(image.mask, stack=image.stack)
        highs = as_stack(mask_levels(image.pixels, image.mask), stack=image.stack)
        return [
            Task(picture, None, high if mask.any() else None, image.channel_axis, mask)
            for picture, high, mask in zip(pictures, highs, masks, strict=True)
        ]
    low = _side([each.low for each in levels], -np.inf)
    high = _side([each.high for each in levels], np.inf)
    if low is None and high is None:
        # what is not there is not looked for again
        high = np.full(len(levels), np.inf)
    return [Task(picture, low, high, image.channel_axis, None) for picture in pictures]


def masked_levels(image: ImageFile, mask: Array) -> tuple[ChannelLevel, ...]:
    """Return the account of every channel for a mask that is known."""
    pixels = image.pixels if image.colour else image.pixels[..., None]
    own = mask if image.colour else mask[..., None]
    found = []
    for c in range(pixels.shape[-1]):
        inside = pixels[..., c][own[..., c]]
        high = float(inside.min()) if inside.size else None
        found.append(ChannelLevel(None, high, inside.size / own[..., c].size, 1.0))
    return tuple(found)


def read_mask(path: str, image: ImageFile) -> Array:
    """Return the mask in a file, brought to the image's shape.

    Raises
    ------
    ParameterError
        If it has another shape.
    FileError
        If it cannot be read.
    """
    mask: Array = read_image(path).pixels != 0
    if mask.shape == image.pixels.shape:
        return mask
    if image.colour and mask.shape == image.pixels.shape[:-1]:
        return np.repeat(mask[..., None], image.pixels.shape[-1], axis=-1)
    raise ParameterError(
        f"mask {path} has shape {mask.shape}, the image {image.pixels.shape}; give one value "
        "for each pixel or sample"
    )


def _side(ends: Sequence[float | None], missing: float) -> Array | None:
    level = np.array([missing if end is None else end for end in ends])
    return level if np.isfinite(level).any() else None
