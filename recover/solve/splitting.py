"""The coefficient half of a social-sparsity iteration: analysis, shrinkage, synthesis."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, rfft

from recover.core.arrays import Array
from recover.frames.base import Frame
from recover.frames.gabor import Gabor
from recover.solve.shrinkage import PersistentShrinkage

__all__ = ["FrameSplitting", "GaborSplitting", "Splitting", "splitting_for"]


class Splitting(ABC):
    """Owns the dual variable u of ``z = A x`` for a tight frame A of bound B."""

    @abstractmethod
    def advance(self, x: Array, threshold: float) -> Array:
        """Replace u by ``v - S(v)`` for ``v = A x + u`` and return ``A* u`` for the new u.

        Parameters
        ----------
        x : array [shape=(n,)]
            Signal, in the precision of the splitting.
        threshold : float > 0
            Of the shrinkage S.

        Returns
        -------
        array [shape=(n,)]
            Valid until the call after the next.
        """


class FrameSplitting(Splitting):
    """Works on any frame, with whole arrays of coefficients."""

    def __init__(self, frame: Frame, extent: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._frame = frame
        self._shrink = PersistentShrinkage(frame.coef_shape, extent, dtype)
        self._dual = np.zeros_like(frame.analysis(np.zeros(frame.signal_shape, dtype=dtype)))

    def advance(self, x: Array, threshold: float) -> Array:
        v = self._frame.analysis(x)
        done = 0
        for start, stop, ahead in self._shrink.strips():
            if ahead > done:
                v[done:ahead] += self._dual[done:ahead]
                self._shrink.absorb(v[done:ahead], done)
                done = ahead
            factor = self._shrink.remainder(start, stop, threshold)
            np.multiply(v[start:stop], factor, out=self._dual[start:stop])
        return self._frame.synthesis(self._dual)


class GaborSplitting(Splitting):
    """Does for a Gabor frame of real signals what `FrameSplitting` does, strip by strip.

    Each strip of frames is transformed, shrunk and transformed back while it is in the cache,
    in work space that is allocated once.
    """

    def __init__(self, frame: Gabor, extent: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._frame = frame
        self._grid = frame.grid
        self._shrink = PersistentShrinkage(frame.coef_shape, extent, dtype)
        self._strips = self._shrink.strips()
        self._dtype = np.dtype(dtype)
        kind = np.result_type(self._dtype, np.complex64)
        frames, bins = frame.coef_shape
        # rows of zeros fill the last group of transforms that are done at once
        self._dual = np.zeros((_filled(frames), bins), dtype=kind)
        rows = _filled(max(stop - start for start, stop, _ in self._strips))
        self._framed = np.zeros((rows, frame.channels), dtype=self._dtype)
        self._sums = [self._grid.empty_sum((), self._dtype) for _ in range(2)]
        self._unpaired = (0, -1) if frame.channels % 2 == 0 else (0,)
        # the transform's scale, and sqrt(2) for the pairs of bins that one bin stands for
        scale = math.sqrt(2.0 / frame.channels)
        self._analysis_window = (frame.window * scale).astype(self._dtype)
        self._synthesis_window = (frame.window / scale).astype(self._dtype)

    def advance(self, x: Array, threshold: float) -> Array:
        pieces = self._grid.cut(x, self._dtype)
        self._sums.reverse()
        total = self._sums[0]
        total[...] = 0.0
        coming = iter(self._strips)
        ready: deque[Array] = deque()
        done = 0
        for start, stop, ahead in self._strips:
            while done < ahead:
                first, done, _ = next(coming)
                ready.append(self._analysed(pieces[first:done], first, done))
                self._shrink.absorb(ready[-1], first)
            factor = self._shrink.remainder(start, stop, threshold)
            np.multiply(ready.popleft(), factor, out=self._dual[start:stop])
            self._synthesise(slice(start, stop), total)
        return self._grid.on_signal(total)

    def _analysed(self, pieces: Array, start: int, stop: int) -> Array:
        """Return ``A x + u`` of the frames start to stop."""
        rows, size = stop - start, self._grid.size
        framed = self._framed[: _filled(rows)]
        np.multiply(pieces, self._analysis_window, out=framed[:rows, :size])
        c = np.asarray(rfft(framed))[:rows]
        for edge in self._unpaired:
            c[:, edge] *= math.sqrt(0.5)
        c += self._dual[start:stop]
        return c

    def _synthesise(self, run: slice, total: Array) -> None:
        """Add the synthesis of a strip to its place."""
        rows = run.stop - run.start
        dual = self._dual[run.start : run.start + _filled(rows)]
        kept = [dual[:, edge].copy() for edge in self._unpaired]
        for edge in self._unpaired:
            dual[:, edge] *= math.sqrt(2.0)
        framed = np.asarray(irfft(dual, n=self._frame.channels))
        for edge, column in zip(self._unpaired, kept, strict=True):
            dual[:, edge] = column
        framed = framed[:rows, : self._grid.size]
        framed *= self._synthesis_window
        self._grid.overlap_add(total, run, framed)


def _filled(rows: int) -> int:
    """Return the rows that transforms of `rows` rows take, which come in fours.

    One left over is done by itself; two or three take longer than four at once.
    """
    return rows if rows % 4 < 2 else rows + 4 - rows % 4


def splitting_for(frame: Frame, extent: tuple[int, ...], dtype: npt.DTypeLike) -> Splitting:
    """Return the fastest splitting for a frame.

    Parameters
    ----------
    frame : Frame
        A tight frame for real signals.
    extent : tuple of odd int
        Of the shrinkage's neighbourhood.
    dtype : dtype
        float32 or float64.
    """
    if isinstance(frame, Gabor):
        return GaborSplitting(frame, extent, dtype)
    return FrameSplitting(frame, extent, dtype)
