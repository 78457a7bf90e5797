"""Where an image's rows, columns and channels are, for what draws it."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array

__all__ = ["is_stack", "picture_of"]


def is_stack(shape: tuple[int, ...], channels: int) -> bool:
    """Return whether an array of so many channels counts pictures along its first axis.

    Parameters
    ----------
    shape : tuple of int
        Of a picture (h, w), one with channels along any axis, or a stack (n, h, w) or
        (n, h, w, channels).
    channels : int
        1 for a mosaic.
    """
    return len(shape) == 4 or (len(shape) == 3 and channels == 1 and shape[-1] != 1)


def picture_of(array: Array, channels: int, index: int = 0) -> Array:
    """Return one picture of an array, shape (h, w, channels).

    Parameters
    ----------
    array : array
        See `is_stack` for its shape.
    channels : int
        1 for a mosaic.
    index : int
        Which picture of a stack.
    """
    picture = array[index] if is_stack(array.shape, channels) else array
    if picture.ndim == 2:
        return picture[..., None]
    axis = next((axis for axis in (-1, 0, 1) if picture.shape[axis] == channels), -1)
    return np.asarray(np.moveaxis(picture, axis, -1))
