"""Gradients of one channel predicted from those of the others, with local slopes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric, frozen
from recover.core.errors import ParameterError
from recover.core.rounding import gamma, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.coarse import at_pixels, coarse_shape
from recover.frames.grid import (
    FOUR,
    differences,
    differences_adjoint,
    edge_count,
    edge_means,
    small_or_closed,
)
from recover.frames.stencil import Coupling, DType

__all__ = ["CrossChannelGradient"]


@dataclass(frozen=True, eq=False, init=False)
class CrossChannelGradient(Frame):
    """Coefficients ``sqrt(w_cd) ((v_c)_q - (v_c)_p - a_cd ((v_d)_q - (v_d)_p))``.

    One for each edge pq of the grid and ordered pair of channels c != d.  The slope a_cd and
    the weight w_cd of an edge are the means of their values at its ends, which are those of the
    maps, interpolated bilinearly.

    Parameters
    ----------
    shape : (channels, height, width)
        Shape of the signal; at least two channels.
    slopes : array [shape=(channels * (channels - 1), rows, columns)]
        The maps a_cd, for (c, d) in lexicographic order.
    weights : array [shape of slopes, >= 0]
        The maps w_cd.
    step : int >= 1
        Pixels per map entry along each axis: the maps have ``ceil(height / step)`` rows and
        ``ceil(width / step)`` columns, each entry in the middle of its pixels.
    """

    shape: tuple[int, ...]
    slopes: Array
    weights: Array
    step: int

    def __init__(
        self,
        shape: tuple[int, int, int],
        slopes: npt.ArrayLike,
        weights: npt.ArrayLike,
        step: int = 1,
    ) -> None:
        channels, height, width = shape
        if channels < 2:
            raise ParameterError(f"shape must have at least two channels, got {shape}")
        wanted = (channels * (channels - 1), *coarse_shape(height, width, step))
        maps = as_numeric("slopes", slopes), as_numeric("weights", weights)
        for name, array in zip(("slopes", "weights"), maps, strict=True):
            if array.shape != wanted or array.dtype.kind == "c":
                raise ParameterError(
                    f"{name} must be real with shape {wanted}, got {array.shape}"
                )
        if (maps[1] < 0.0).any():
            raise ParameterError("weights must be >= 0, got a negative one")
        object.__setattr__(self, "shape", (channels, height, width))
        object.__setattr__(self, "slopes", frozen(maps[0]))
        object.__setattr__(self, "weights", frozen(maps[1]))
        object.__setattr__(self, "step", step)

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (len(self.slopes), edge_count(self.shape[1], self.shape[2]))

    @property
    def real_signal(self) -> bool:
        return True

    @property
    def real_coefs(self) -> bool:
        return True

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The ordered pairs of channels, as `slopes` lists them."""
        channels = range(self.shape[0])
        return [(c, d) for c in channels for d in channels if c != d]

    def analysis(self, x: Array) -> Array:
        steps = differences(self.check_signal(x))
        first, second = np.array(self.pairs).T
        slope, root = (each.astype(x.dtype) for each in self._edges)
        return np.asarray(root * (steps[..., first, :] - slope * steps[..., second, :]))

    def synthesis(self, c: Array) -> Array:
        slope, root = (each.astype(c.dtype) for each in self._edges)
        scaled = self.check_coefs(c) * root
        edges = edge_count(self.shape[1], self.shape[2])
        steps = np.zeros((*c.shape[:-2], self.shape[0], edges), dtype=c.dtype)
        for k, (first, second) in enumerate(self.pairs):
            steps[..., first, :] += scaled[..., k, :]
            steps[..., second, :] -= slope[k] * scaled[..., k, :]
        return differences_adjoint(steps, self.shape[1], self.shape[2])

    def couplings(self, rows: Array, columns: Array, kind: DType) -> Iterator[Coupling]:
        """Yield the entries of the frame operator in the rows of the given pixels."""
        channels, height, width = self.shape
        number, maps = self._maps_around(rows, columns, kind)
        own = maps[..., number[rows * width + columns]]
        centre = np.zeros((channels, channels, rows.size), dtype=kind)
        for down, right in FOUR:
            row, column = rows + down, columns + right
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            there = maps[..., number[np.where(inside, row * width + column, 0)]]
            block = self._block(own, there, inside)
            centre += block
            yield Coupling(down, right, np.moveaxis(-block, -1, 0))
        yield Coupling(0, 0, np.moveaxis(centre, -1, 0))

    def _maps_around(self, rows: Array, columns: Array, kind: DType) -> tuple[Array, Array]:
        """Return slopes and weights at pixels and their neighbours, and where each stands."""
        height, width = self.shape[1:]
        seen = np.zeros((height, width), dtype=bool)
        seen[0, 0] = True  # stands for all that lies outside
        seen[rows, columns] = True
        for down, right in FOUR:
            row, column = rows + down, columns + right
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            seen[row[inside], column[inside]] = True
        flat = np.flatnonzero(seen)
        number = np.zeros(height * width, dtype=np.int32)
        number[flat] = np.arange(flat.size, dtype=np.int32)
        return number, self._maps_at(*np.divmod(flat, width), kind)

    def _block(self, own: Array, there: Array, inside: Array) -> Array:
        """Return ``sum w (e_c - a e_d)(e_c - a e_d)^T`` for edges, shape (c, c, edges)."""
        half = np.asarray(0.5, dtype=own.dtype)
        slope, weight = (own + there) * half
        weight = weight * inside
        channels = self.shape[0]
        block = np.zeros((channels, channels, slope.shape[1]), dtype=own.dtype)
        for k, (c, d) in enumerate(self.pairs):
            cross = weight[k] * slope[k]
            block[c, c] += weight[k]
            block[d, d] += cross * slope[k]
            block[c, d] -= cross
            block[d, c] -= cross
        return block

    def _maps_at(self, rows: Array, columns: Array, dtype: DType) -> Array:
        """Return slopes and weights at pixels, shape (2, pairs, pixels)."""
        return np.stack(
            [
                at_pixels(each, rows, columns, self.step, dtype)
                for each in (self.slopes, self.weights)
            ]
        )

    @cached_property
    def _edges(self) -> tuple[Array, Array]:
        """Slopes and roots of weights for all edges, shape (pairs, edges)."""
        _channels, height, width = self.shape
        rows, columns = (each.reshape(-1) for each in np.mgrid[:height, :width])
        maps = self._maps_at(rows, columns, np.dtype(np.float64))
        slope, weight = edge_means(maps.reshape(2, -1, height, width))
        return slope, np.sqrt(weight)

    def bounds(self) -> FrameBounds:
        return small_or_closed(self, self._norm() ** 2)

    def roundoff(self) -> float:
        return up(gamma(12) * self._norm(), 2)

    def _norm(self) -> float:
        """Return a bound: each edge's block has norm at most its trace, four edges a pixel."""
        weight = self.weights.max(axis=(1, 2)).astype(np.float64)
        slope = np.abs(self.slopes).max(axis=(1, 2)).astype(np.float64)
        trace = float((weight * (1.0 + slope * slope)).sum())
        return up(float(np.sqrt(8.0 * trace)) * (1.0 + gamma(40)), 2)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("CrossChannelGradient", *self.shape, self.step, self.slopes, self.weights)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        channels, step = int(rng.integers(2, 4)), int(rng.integers(1, 3))
        height, width = int(rng.integers(1, 4)), int(rng.integers(2, 5))
        shape = (channels * (channels - 1), *coarse_shape(height, width, step))
        slopes, weights = rng.uniform(0.2, 4.0, size=shape), rng.uniform(0.0, 2.0, size=shape)
        return cls((channels, height, width), slopes, weights, step)
