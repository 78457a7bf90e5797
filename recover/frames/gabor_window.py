"""Windows of painless Gabor frames: checks, and the diagonal of the frame operator."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric
from recover.core.errors import NotAFrameError, ParameterError

__all__ = [
    "as_window",
    "divided",
    "hann_window",
    "over_one_hop",
    "require_cover",
    "require_sizes",
]


def as_window(window: npt.ArrayLike) -> Array:
    """Return a finite, real, non-empty float64 vector, or raise `ParameterError`."""
    values = as_numeric("window", window)
    if values.ndim != 1 or values.size == 0 or np.iscomplexobj(values):
        raise ParameterError(
            f"window must be a real vector of at least one sample, got shape {values.shape} "
            f"and dtype {values.dtype}"
        )
    return values.astype(np.float64)


def hann_window(size: int) -> Array:
    """Return the periodic Hann window ``sin(pi l / size)^2``."""
    if size < 2:
        raise ParameterError(f"size of a Hann window must be >= 2 samples, got {size}")
    return np.asarray(np.sin(np.pi * np.arange(size) / size) ** 2)


def require_sizes(length: int, size: int, hop: int, channels: int) -> None:
    """Raise `ParameterError` if a size is out of range."""
    for name, value in (("length", length), ("hop", hop)):
        if value < 1:
            raise ParameterError(f"{name} must be >= 1 sample, got {value}")
    if channels < size:
        raise ParameterError(
            f"channels must be >= the window's size {size}, got {channels}; "
            "take more channels or a shorter window"
        )


def require_cover(diagonal: Array, size: int, hop: int) -> None:
    """Raise `NotAFrameError` if the frame operator's diagonal has a zero."""
    gaps = int(np.count_nonzero(diagonal <= 0.0))
    if gaps > 0:
        raise NotAFrameError(
            f"hop {hop} with a window of {size} samples leaves {gaps} of {diagonal.size} "
            "samples per hop without any window; take a smaller hop"
        )


def over_one_hop(window: Array, hop: int) -> Array:
    """Return ``sum_k window[r + k hop]^2`` for r < hop, one period of the frame operator."""
    overlap = -(-window.size // hop)
    squares = np.zeros(overlap * hop)
    squares[: window.size] = np.square(window)
    return np.asarray(squares.reshape(overlap, hop).sum(axis=0))


def divided(window: Array, factor: Array) -> Array:
    """Return the window divided by a function of period `factor.size`.

    Where the factor is zero so is the window; it stays zero.
    """
    safe = np.where(factor > 0.0, factor, 1.0)
    return np.asarray(window / safe[np.arange(window.size) % factor.size])
