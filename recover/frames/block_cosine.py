"""Cosine transforms of overlapping square patches: in what pictures are sparse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from recover.core.arrays import Array, frozen
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import gamma, up
from recover.frames.base import Frame, FrameBounds

__all__ = ["BlockCosine"]


@dataclass(frozen=True)
class BlockCosine(Frame):
    """The orthonormal two-dimensional cosine transform of every patch of a picture.

    Patches begin at every `step`-th row and column and go around the picture's rim, so that
    each sample lies in as many of them; coefficients are scaled to make the frame Parseval.

    Parameters
    ----------
    shape : (height, width)
        Multiples of `size`.
    size : int >= 1
        Side of a patch.
    step : int >= 1
        Divides `size`.
    """

    shape: tuple[int, int]
    size: int = 16
    step: int = 4

    def __post_init__(self) -> None:
        if self.step < 1 or self.size < 1 or self.size % self.step:
            raise ParameterError(
                f"step must divide size, got step={self.step} and size={self.size}"
            )
        if any(n < 1 or n % self.size for n in self.shape):
            raise ParameterError(
                f"shape must be two multiples of size={self.size}, got {self.shape}; pad it"
            )

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        height, width = self.shape
        return ((height // self.step) * (width // self.step), self.size**2)

    @property
    def real_signal(self) -> bool:
        return True

    @property
    def real_coefs(self) -> bool:
        return True

    @cached_property
    def _cosines(self) -> Array:
        """The orthonormal transform's matrix, scaled so that the frame is Parseval."""
        n = self.size
        angles = np.pi * np.outer(np.arange(n), np.arange(n) + 0.5) / n
        matrix = np.sqrt(2.0 / n) * np.cos(angles)
        matrix[0] = np.sqrt(1.0 / n)
        return frozen(matrix * np.sqrt(self.step / n))

    @property
    def _shifts(self) -> Iterator[tuple[int, int]]:
        steps = range(0, self.size, self.step)
        return ((down, right) for down in steps for right in steps)

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        kind = np.result_type(x, np.float32)
        cosines = self._cosines.astype(kind)
        rows, columns = (n // self.size for n in self.shape)
        parts = []
        for down, right in self._shifts:
            moved = np.roll(x, (-down, -right), axis=(-2, -1)).astype(kind, copy=False)
            tiles = moved.reshape(*x.shape[:-2], rows, self.size, columns, self.size)
            patches = cosines @ np.moveaxis(tiles, -2, -3) @ cosines.T
            parts.append(patches.reshape(*x.shape[:-2], rows * columns, self.size**2))
        return np.concatenate(parts, axis=-2)

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        kind = np.result_type(c, np.float32)
        cosines = self._cosines.astype(kind)
        rows, columns = (n // self.size for n in self.shape)
        out = np.zeros((*c.shape[:-2], *self.shape), dtype=kind)
        count = rows * columns
        for k, (down, right) in enumerate(self._shifts):
            part = c[..., k * count : (k + 1) * count, :].astype(kind, copy=False)
            coefs = part.reshape(*c.shape[:-2], rows, columns, self.size, self.size)
            tiles = np.moveaxis(cosines.T @ coefs @ cosines, -3, -2)
            out += np.roll(tiles.reshape(out.shape), (down, right), axis=(-2, -1))
        return out

    def bounds(self) -> FrameBounds:
        return FrameBounds(1.0, 1.0, PROVED, "orthonormal transforms of shifted tilings")

    def roundoff(self) -> float:
        # two products with a matrix whose moduli have norm at most sqrt(size), and its cosines
        return up(gamma(2 * self.size + 40) * self.size, 2)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("BlockCosine", *self.shape, self.size, self.step)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        step = int(rng.integers(1, 3))
        size = 2 * step
        return cls((size * int(rng.integers(1, 4)), size * int(rng.integers(1, 3))), size, step)
