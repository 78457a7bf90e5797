"""One side of a picture as planes whose level is 1 and whose clipped samples lie above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.arguments import Side
from recover.image.boxes import Box

__all__ = ["Scaled"]


@dataclass(frozen=True, eq=False)
class Scaled:
    """A picture in units of its level: ``(x - origin) / (level - origin)``.

    For an upper level the origin is 0.  For a lower one it is the picture's largest value, so
    that what is clipped from below lies above 1 as well.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), floating]
    clipped : array of bool [shape of planes]
    level, origin : array [shape=(channels, 1, 1), or level per pixel]
    noise : float
        Standard deviation of the noise in units of the level, 0 where it is not material.
    """

    planes: Array
    clipped: Array
    level: Array
    origin: Array
    noise: float = 0.0

    @staticmethod
    def high(planes: Array, side: Side) -> Scaled:
        """Return the picture in units of its upper level.

        Raises
        ------
        ParameterError
            If a level at which samples are clipped is not positive.
        """
        wrong = side.clipped.any(axis=(1, 2)) & (side.level <= 0.0).any(axis=(1, 2))
        if wrong.any():
            raise ParameterError(
                f"high must be positive, got {float(side.level[wrong].min()):g}; subtract the "
                "black level or an offset first"
            )
        usable = np.where(side.level > 0.0, side.level, 1.0)
        # a channel that is not clipped has no level: the others', if it stays below them
        ends = np.where(np.isfinite(usable), usable, -np.inf).max()
        own = np.maximum(planes.max(axis=(1, 2), keepdims=True).astype(np.float64), ends)
        finite = np.where(np.isfinite(usable), usable, np.where(own > 0.0, own, 1.0))
        return Scaled(planes, side.clipped, finite, np.zeros((len(planes), 1, 1)))

    @staticmethod
    def low(planes: Array, side: Side) -> Scaled:
        """Return the picture, turned over, in units of its lower level."""
        top = planes.max(axis=(1, 2), keepdims=True).astype(np.float64)
        bottom = planes.min(axis=(1, 2), keepdims=True).astype(np.float64)
        finite = np.where(np.isfinite(side.level), side.level, bottom)
        return Scaled(planes, side.clipped, np.where(finite < top, finite, top - 1.0), top)

    @property
    def balance(self) -> Array:
        """The levels of the channels relative to the largest."""
        size = np.abs(self.level - self.origin).mean(axis=(1, 2))
        return np.asarray(size / size.max())

    def above(self, share: float) -> Array:
        """Return where samples are clipped or at least `share` of the level."""
        threshold = (self.origin + share * (self.level - self.origin)).astype(self._kind)
        upwards = self.level >= self.origin
        if upwards.all():
            return np.asarray(self.clipped | (self.planes >= threshold))
        return np.asarray(self.clipped | (self.planes <= threshold))

    def part(self, box: Box, share: float = 1.0) -> Array:
        """Return a part in units of `share` of the level, cut off there, as float32."""
        values = box.cut(self.planes)
        level, origin = self._cut(box)
        scale = (share * (level - origin)).astype(self._kind)
        normal = ((values - origin.astype(self._kind)) / scale).astype(np.float32)
        hidden = box.cut(self.clipped)
        one = np.float32(1.0)
        return np.asarray(np.where(hidden, one, np.minimum(normal, one)))

    def at(self, rows: Array, columns: Array) -> Array:
        """Return unclipped samples at pixels in units of the level, as float32.

        Parameters
        ----------
        rows, columns : array of int [broadcasting to one shape]

        Returns
        -------
        array [shape=(channels, *that shape)]
        """
        level = self._places(self.level, rows, columns)
        origin = self._places(self.origin, rows, columns)
        scale, start = (level - origin).astype(self._kind), origin.astype(self._kind)
        values = (self.planes[:, rows, columns] - start) / scale
        return np.asarray(values.astype(np.float32))

    def sample(self, limit: int) -> tuple[Array, Array]:
        """Return a regular sample of pixels in units of the level, and which are usable."""
        height, width = self.planes.shape[1:]
        stride = max(1, int(np.ceil(np.sqrt(height * width / limit))))
        box = Box(slice(0, height, stride), slice(0, width, stride), np.zeros((0, 0), bool))
        return self.part(box), ~box.cut(self.clipped)

    def write(self, out: Array, box: Box, where: Array, values: Array) -> None:
        """Put values, in units of the level, into samples of a part, at or beyond the level."""
        level, origin = self._cut(box)
        level = np.broadcast_to(level, where.shape)[where]
        origin = np.broadcast_to(origin, where.shape)[where]
        found = (origin + values.astype(np.float64) * (level - origin)).astype(out.dtype)
        edge = level.astype(out.dtype)
        upwards = level >= origin
        towards = np.where(upwards, np.inf, -np.inf).astype(out.dtype)
        short = np.where(upwards, edge < level, edge > level)
        edge = np.where(short, np.nextafter(edge, towards), edge)
        beyond = np.where(upwards, np.maximum(found, edge), np.minimum(found, edge))
        box.cut(out)[where] = beyond

    @staticmethod
    def _places(values: Array, rows: Array, columns: Array) -> Array:
        """Return a level, or levels per pixel, at pixels."""
        if values.shape[-1] > 1:
            return np.asarray(values[:, rows, columns])
        ones = (1,) * np.broadcast(rows, columns).ndim
        return values.reshape(-1, *ones)

    def _cut(self, box: Box) -> tuple[Array, Array]:
        level = self.level if self.level.shape[-1] == 1 else box.cut(self.level)
        return level, self.origin

    @property
    def _kind(self) -> np.dtype[Any]:
        return np.dtype(np.float64 if self.planes.dtype == np.float64 else np.float32)
