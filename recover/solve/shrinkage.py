"""Persistent empirical Wiener shrinkage, fused and in cache-sized strips of coefficients."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array

__all__ = ["PersistentShrinkage"]

_STRIP = 2**16  # coefficients handled at a time: with their energies they fit a core's cache


class PersistentShrinkage:
    """The shrinkage ``S(v) = v max(0, 1 - t^2 / E)``, E the mean energy of a neighbourhood.

    Neighbourhoods are boxes over the first axes of the coefficients, mirrored at the borders
    (persistent empirical Wiener, or PEW).  Rows, the entries along the first axis, are handed
    over in order by `absorb`; the factor of ``v - S(v)`` is then asked for in strips of rows.
    The instance only owns work space.

    Parameters
    ----------
    shape : tuple of int
        Shape of the coefficients.
    extent : tuple of odd int
        Size of the box along the first axes; cut down to what a short axis can mirror.
    dtype : dtype
        The real floating type of the coefficients.

    References
    ----------
    .. [1] K. Siedenburg, M. Kowalski, M. Doerfler, "Audio declipping with social sparsity",
       ICASSP 2014.
    """

    def __init__(
        self, shape: tuple[int, ...], extent: tuple[int, ...], dtype: npt.DTypeLike
    ) -> None:
        sizes = (*extent, *(1,) * (len(shape) - len(extent)))
        self._half = tuple(min(e // 2, n - 1) for e, n in zip(sizes, shape, strict=True))
        self._count = math.prod(2 * h + 1 for h in self._half)
        h = self._half[0]
        self._energy = np.empty((shape[0] + 2 * h, *shape[1:]), dtype=dtype)
        self._rows = shape[0]
        # a multiple of four rows, for transforms that treat four at a time
        rows = _STRIP // max(1, math.prod(shape[1:]))
        self._strip = max(4, rows - rows % 4)

    def strips(self) -> list[tuple[int, int, int]]:
        """Return (start, stop, ahead): rows due once `ahead` rows have been absorbed."""
        h, rows = self._half[0], self._rows
        starts = range(0, rows, self._strip)
        stops = [min(start + self._strip, rows) for start in starts]
        # the mirrored rows above the first need h rows more than the strip itself
        return [
            (start, stop, min(max(stop + h, 2 * h + 1), rows))
            for start, stop in zip(starts, stops, strict=True)
        ]

    def absorb(self, v: Array, start: int) -> None:
        """Take over the rows `v` from row `start` on, in order."""
        h, rows = self._half[0], self._rows
        stop = start + len(v)
        energy = self._energy[h + start : h + stop]
        np.abs(v, out=energy)
        np.multiply(energy, energy, out=energy)
        for axis in range(1, energy.ndim):
            _box_sum(energy, self._half[axis], axis)
        if start <= h < stop:
            self._energy[:h] = self._energy[2 * h : h : -1]
        if stop == rows and h > 0:
            self._energy[h + rows :] = self._energy[h + rows - 2 : rows - 2 : -1]

    def remainder(self, start: int, stop: int, threshold: float) -> Array:
        """Return ``min(1, t^2 / E)``, the factor of ``v - S(v)``, for rows start to stop.

        Parameters
        ----------
        start, stop : int
            Rows whose neighbourhoods have been absorbed.
        threshold : float > 0
            t above, in the units of the coefficients.
        """
        level = np.asarray(threshold * threshold * self._count, dtype=self._energy.dtype)
        factor = _running_sum(self._energy[start : stop + 2 * self._half[0]], self._half[0], 0)
        np.maximum(factor, level, out=factor)
        np.divide(level, factor, out=factor)
        return factor


def _box_sum(energy: Array, h: int, axis: int) -> None:
    """Replace entries by their sums over ``2 h + 1`` neighbours, mirrored, along an axis."""
    if h == 0:
        return
    head = _along(energy, axis, slice(h, 0, -1))
    tail = _along(energy, axis, slice(-2, -2 - h, -1))
    energy[...] = _running_sum(np.concatenate([head, energy, tail], axis=axis), h, axis)


def _along(a: Array, axis: int, part: slice) -> Array:
    """Return the view of `a` that `part` selects along one axis."""
    return a[(*(slice(None),) * axis, part)]


def _running_sum(a: Array, h: int, axis: int) -> Array:
    """Return the sums of ``2 h + 1`` consecutive entries along an axis, as a new array.

    Partial sums of doubling length are reused; nothing is subtracted, so small sums beside
    large ones keep their relative accuracy.
    """
    n = a.shape[axis] - 2 * h
    out = _along(a, axis, slice(0, n)).copy()
    length, offset, power, partial = h, 1, 1, a
    while length:  # 2 h + 1 = 1 + 2 h: after the first entry come the bits of 2 h
        end = partial.shape[axis]
        partial = _along(partial, axis, slice(0, end - power)) + _along(
            partial, axis, slice(power, end)
        )
        power *= 2
        if length & 1:
            out += _along(partial, axis, slice(offset, offset + n))
            offset += power
        length >>= 1
    return out
