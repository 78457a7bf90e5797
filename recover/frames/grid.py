"""Neighbours on a grid of pixels: differences along edges, their adjoint, factors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import up
from recover.frames.base import Frame, FrameBounds

__all__ = [
    "FOUR",
    "degrees",
    "differences",
    "differences_adjoint",
    "edge_count",
    "edge_means",
    "gathered",
    "pixel_factors",
    "products",
    "small_or_closed",
]

FOUR = ((0, 1), (0, -1), (1, 0), (-1, 0))  # (down, right) of the neighbours
_SMALL = 1024  # signal entries up to which the bounds of a frame are proved from its matrix


def pixel_factors(shape: tuple[int, ...], factors: npt.ArrayLike | None) -> Array:
    """Return factors (height, width), checked; raises `ParameterError` if they do not fit."""
    if len(shape) != 3:
        raise ParameterError(f"shape must be (channels, height, width), got {shape}")
    if factors is None:
        return np.ones(shape[1:])
    array = as_numeric("factors", factors)
    if array.shape != shape[1:] or array.dtype.kind == "c" or (array < 0.0).any():
        raise ParameterError(
            f"factors must be real and >= 0 with shape {shape[1:]}, got shape {array.shape}"
        )
    return array


def edge_count(height: int, width: int) -> int:
    """Return the number of pairs of neighbours."""
    return height * (width - 1) + (height - 1) * width


def differences(x: Array) -> Array:
    """Return ``v_q - v_p``, rightwards then downwards, of (..., height, width) as (..., edges).

    The order is that of `products` and `edge_means`.
    """
    return _joined(np.diff(x, axis=-1), np.diff(x, axis=-2))


def differences_adjoint(c: Array, height: int, width: int) -> Array:
    """Return the adjoint of `differences`."""
    across = c[..., : height * (width - 1)].reshape(*c.shape[:-1], height, width - 1)
    along = c[..., height * (width - 1) :].reshape(*c.shape[:-1], height - 1, width)
    out = np.zeros((*c.shape[:-1], height, width), dtype=c.dtype)
    out[..., 1:] += across
    out[..., :-1] -= across
    out[..., 1:, :] += along
    out[..., :-1, :] -= along
    return out


def products(x: Array) -> Array:
    """Return ``x_p x_q`` for every edge."""
    return _joined(x[..., 1:] * x[..., :-1], x[..., 1:, :] * x[..., :-1, :])


def edge_means(x: Array) -> Array:
    """Return ``(x_p + x_q) / 2`` for every edge."""
    half = np.asarray(0.5, dtype=x.dtype)
    return _joined((x[..., 1:] + x[..., :-1]) * half, (x[..., 1:, :] + x[..., :-1, :]) * half)


def gathered(values: Array, rows: Array, columns: Array) -> Array:
    """Return ``values[..., rows, columns]``, zero outside the grid."""
    height, width = values.shape[-2:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    flat = np.where(inside, rows * width + columns, 0)
    taken = values.reshape(*values.shape[:-2], -1)[..., flat]
    return np.asarray(np.where(inside, taken, np.zeros((), dtype=values.dtype)))


def degrees(height: int, width: int) -> Array:
    """Return the number of neighbours of every pixel."""
    across = np.full(width, 2.0)
    across[0] -= 1.0
    across[-1] -= 1.0
    along = np.full(height, 2.0)
    along[0] -= 1.0
    along[-1] -= 1.0
    return np.asarray(along[:, None] + across)


def small_or_closed(frame: Frame, upper: float) -> FrameBounds:
    """Return proved bounds: from the matrix of a small frame, else 0 and the closed form."""
    if frame.signal_size <= _SMALL:
        from recover.frames.bounds import proved_bounds

        return proved_bounds(frame)
    return FrameBounds(0.0, up(upper), PROVED, "sums of moduli")


def _joined(across: Array, along: Array) -> Array:
    batch = across.shape[:-2]
    return np.concatenate([across.reshape(*batch, -1), along.reshape(*batch, -1)], axis=-1)
