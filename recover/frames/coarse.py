"""Maps on a coarse grid, read off at pixels by bilinear interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError

__all__ = ["at_pixels", "block_means", "coarse_shape"]


def coarse_shape(height: int, width: int, step: int) -> tuple[int, int]:
    """Return rows and columns of a map with an entry for every `step` times `step` pixels."""
    if step < 1:
        raise ParameterError(f"step must be >= 1, got {step}")
    return -(-height // step), -(-width // step)


def block_means(values: Array, step: int) -> Array:
    """Return means of (..., height, width) over blocks; those at the end may be smaller."""
    if step == 1:
        return values
    height, width = values.shape[-2:]
    rows, columns = coarse_shape(height, width, step)
    whole_rows, whole_columns = height // step, width // step
    out = np.empty((*values.shape[:-2], rows, columns), dtype=values.dtype)
    body = values[..., : whole_rows * step, : whole_columns * step]
    out[..., :whole_rows, :whole_columns] = _block_sums(body, step) / (step * step)
    if rows > whole_rows:
        rest = values[..., whole_rows * step :, : whole_columns * step]
        shape = (*values.shape[:-2], rest.shape[-2], whole_columns, step)
        out[..., -1, :whole_columns] = rest.reshape(shape).mean(axis=(-3, -1))
    if columns > whole_columns:
        rest = values[..., : whole_rows * step, whole_columns * step :]
        shape = (*values.shape[:-2], whole_rows, step, rest.shape[-1])
        out[..., :whole_rows, -1] = rest.reshape(shape).mean(axis=(-2, -1))
    if rows > whole_rows and columns > whole_columns:
        corner = values[..., whole_rows * step :, whole_columns * step :]
        out[..., -1, -1] = corner.mean(axis=(-2, -1))
    return out


def _block_sums(values: Array, step: int) -> Array:
    """Return sums over whole blocks: of strided views, which is faster than of short axes."""
    along = values[..., ::step, :].copy()
    for k in range(1, step):
        along += values[..., k::step, :]
    across = along[..., ::step].copy()
    for k in range(1, step):
        across += along[..., k::step]
    return np.asarray(across)


def at_pixels(
    maps: Array, rows: Array, columns: Array, step: int, dtype: np.dtype[Any]
) -> Array:
    """Return maps (..., rows, columns) at pixels, shape (..., pixels)."""
    if step == 1:
        return np.asarray(maps[..., rows, columns], dtype=dtype)
    height, width = maps.shape[-2:]
    y0, fy = _cell(rows, height, step, dtype)
    x0, fx = _cell(columns, width, step, dtype)
    y1, x1 = np.minimum(y0 + 1, height - 1), np.minimum(x0 + 1, width - 1)
    one = np.ones((), dtype=dtype)
    flat = maps.reshape(*maps.shape[:-2], -1).astype(dtype, copy=False)
    top = flat[..., y0 * width + x0] * (one - fx) + flat[..., y0 * width + x1] * fx
    bottom = flat[..., y1 * width + x0] * (one - fx) + flat[..., y1 * width + x1] * fx
    return np.asarray(top * (one - fy) + bottom * fy)


def _cell(index: Array, size: int, step: int, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Return the entry before each pixel and the fraction of the way to the next one."""
    place = np.clip((index + 0.5) / step - 0.5, 0.0, size - 1)
    whole = place.astype(np.intp)
    return whole, (place - whole).astype(dtype)
