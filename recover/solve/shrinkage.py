"""Persistent empirical Wiener shrinkage, fused and in cache-sized strips of coefficients."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array

__all__ = ["PersistentShrinkage"]

_STRIP = 2**16  # coefficients handled at a time: with their energies they fit a core's cache
_VECTOR = 4  # transforms of equal length are fastest four at a time
# Multiply-adds of one matrix product: small enough that no linear-algebra library starts
# threads for it, whose waiting would cost more than the product.
_PRODUCT = 2**17
_ROWS, _MOST_ROWS = 8, 64  # of one product; more where rows are short


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
    extent : tuple of int
        Size of the box along the first axes, odd but for the first: an even size n reaches as
        far as n + 1, and the outermost rows count half.  Cut down to what a short axis can
        mirror.
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
        h, self._rows = self._half[0], shape[0]
        outermost = 0.5 if sizes[0] == 2 * h else 1.0
        weights = [1.0] * (2 * h + 1)
        weights[0] = weights[-1] = outermost
        self._count = sum(weights) * math.prod(2 * each + 1 for each in self._half[1:])
        width = max(1, math.prod(shape[1:]))
        rows = _STRIP // width
        self._strip = max(_VECTOR, rows - rows % _VECTOR)
        # energies of rows self._first - h, ...; those of rows that are done are given up
        deep = min(3 * self._strip + 3 * h + 1, self._rows) + 2 * h
        self._energy = np.empty((deep, *shape[1:]), dtype=dtype)
        self._first = self._done = 0
        self._moduli = np.empty((min(self._strip, self._rows), *shape[1:]), dtype=dtype)
        self._factors = [np.empty_like(self._moduli) for _ in range(2)]
        tile = min(max(_ROWS, _STRIP // (16 * width)), _MOST_ROWS)
        # row i of the band sums rows i to i + 2 h of the energies
        self._band = np.zeros((tile, tile + 2 * h), dtype=dtype)
        for i in range(tile):
            self._band[i, i : i + 2 * h + 1] = weights
        self._columns = max(_PRODUCT // self._band.size, 1)

    def strips(self) -> list[tuple[int, int, int]]:
        """Return (start, stop, ahead): rows due once `ahead` rows have been absorbed.

        `ahead` is a whole number of strips, or all rows.
        """
        h, rows, strip = self._half[0], self._rows, self._strip
        starts = range(0, rows, strip)
        stops = [min(start + strip, rows) for start in starts]
        # the mirrored rows above the first need h rows more than the strip itself
        needed = [max(stop + h, 2 * h + 1) for stop in stops]
        return [
            (start, stop, min(-(-need // strip) * strip, rows))
            for start, stop, need in zip(starts, stops, needed, strict=True)
        ]

    def absorb(self, v: Array, start: int) -> None:
        """Take over the rows `v` from row `start` on, in order, a strip or more at a time."""
        h, rows = self._half[0], self._rows
        if start == 0:
            self._first = self._done = 0
        for low in range(0, len(v), self._strip):
            part = v[low : low + self._strip]
            place = self._room(start + low, len(part))
            moduli = self._moduli[: len(part)]
            np.abs(part, out=moduli)
            np.multiply(moduli, moduli, out=self._energy[place : place + len(part)])
        stop = start + len(v)
        if self._first == 0 and start <= 2 * h < stop:
            self._energy[:h] = self._energy[2 * h : h : -1]
        if stop == rows and h > 0:
            end = h + rows - self._first
            self._energy[end : end + h] = self._energy[end - 2 : end - 2 - h : -1]

    def remainder(self, start: int, stop: int, threshold: float) -> Array:
        """Return ``min(1, t^2 / E)``, the factor of ``v - S(v)``, for rows start to stop.

        Parameters
        ----------
        start, stop : int
            A strip whose neighbourhoods have been absorbed.
        threshold : float > 0
            t above, in the units of the coefficients.

        Returns
        -------
        array
            Valid until the next call.
        """
        level = np.asarray(threshold * threshold * self._count, dtype=self._energy.dtype)
        factor, other = (work[: stop - start] for work in self._factors)
        near = slice(start - self._first, stop - self._first + 2 * self._half[0])
        self._sum_rows(self._energy[near], factor)
        self._done = stop
        for axis, h in enumerate(self._half[1:], start=1):
            if h > 0:
                _box_sum(factor, h, axis, other)
                factor, other = other, factor
        np.maximum(factor, level, out=factor)
        np.divide(level, factor, out=factor)
        return factor

    def _room(self, start: int, count: int) -> int:
        """Return the place of `count` rows' energies, giving up those of no further use."""
        h = self._half[0]
        place = h + start - self._first
        if place + count + h > len(self._energy):
            kept = self._energy[self._done - self._first : place]
            self._energy[: len(kept)] = kept
            self._first = self._done
            place = len(kept)
        return place

    def _sum_rows(self, energy: Array, out: Array) -> None:
        """Write the weighted sums of ``2 h + 1`` consecutive rows.

        As a product with a band matrix, which reads and writes everything once; nothing is
        subtracted, so small sums beside large ones keep their relative accuracy.
        """
        h = self._half[0]
        if h == 0:
            out[...] = energy
            return
        flat, sums = energy.reshape(len(energy), -1), out.reshape(len(out), -1)
        tile = len(self._band)
        for low in range(0, len(sums), tile):
            rows = min(tile, len(sums) - low)
            band = self._band[:rows, : rows + 2 * h]
            for left in range(0, sums.shape[1], self._columns):
                right = left + self._columns
                np.matmul(
                    band,
                    flat[low : low + rows + 2 * h, left:right],
                    out=sums[low : low + rows, left:right],
                )


def _box_sum(energy: Array, h: int, axis: int, out: Array) -> None:
    """Write the sums of ``2 h + 1 >= 3`` neighbours along an axis, mirrored at its ends."""
    n = energy.shape[axis]
    # neighbours along the axis are `step` apart in memory: whole arrays are added, which is
    # fastest, and the ends, which get strangers, are written again
    step = math.prod(energy.shape[axis + 1 :])
    flat, sums = energy.reshape(-1), out.reshape(-1)
    np.add(flat[:-step], flat[step:], out=sums[:-step])
    sums[-step:] = flat[-step:]
    sums[step:] += flat[:-step]
    for d in range(2, h + 1):
        sums[d * step :] += flat[: -d * step]
        sums[: -d * step] += flat[d * step :]
    for i in range(h):
        for place in (i, n - 1 - i):
            end = _at(out, axis, place)
            end[...] = _at(energy, axis, place)
            for d in range(1, h + 1):
                end += _at(energy, axis, _mirrored(place - d, n))
                end += _at(energy, axis, _mirrored(place + d, n))


def _mirrored(i: int, n: int) -> int:
    """Return the index that stands for `i` beyond the ends of n entries."""
    return n - 1 - abs(n - 1 - abs(i))


def _at(a: Array, axis: int, index: int) -> Array:
    """Return the view of `a` at one index along an axis."""
    view: Array = np.moveaxis(a, axis, 0)[index]
    return view
