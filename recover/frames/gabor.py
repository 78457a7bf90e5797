"""The painless Gabor frame: a short-time Fourier transform with its exact adjoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.fft import fft, ifft, irfft, rfft

from recover.core.arrays import Array, frozen
from recover.core.rigor import PROVED
from recover.core.rounding import TINY, U, down, gamma, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.boundary import Boundary
from recover.frames.fft import fft_error, is_single, one_sided_size
from recover.frames.gabor_grid import GaborGrid
from recover.frames.gabor_structure import (
    GaborAtoms,
    absolute_gram,
    absolute_gram_error,
    gabor_bands,
    gabor_diagonal,
)
from recover.frames.gabor_window import (
    as_window,
    divided,
    hann_window,
    over_one_hop,
    require_cover,
    require_sizes,
)
from recover.frames.structure import Bands, Diagonal

__all__ = ["Gabor"]


@dataclass(frozen=True, eq=False, init=False)
class Gabor(Frame):
    """Translates and modulations of a window no longer than the number of channels.

    ``analysis(x)[n, k] = W_k M^(-1/2) sum_l window[l] x[s + l] exp(-2 pi i k l / M)`` with
    ``s = starts[n]`` and M = `channels`: each frame is a unitary transform of the windowed
    signal. Real signals have bins 0 to M // 2, with the weights W = sqrt(2) but for bins 0 and
    M / 2, so that norms and frame bounds are those of all M bins; complex signals have all M
    bins and W = 1. As M is at least the window's size, the frame operator is the multiplication
    by ``sum_n window[t - starts[n]]^2`` [1]_.

    With `Boundary.CIRCULAR` frames start at 0, hop, 2 hop, ... and the signal repeats, after
    zeros up to a multiple of `hop` that is no less than the window's size. With
    `Boundary.ZERO_PADDED` all frames that meet the signal are taken, so the first ones start
    before it.

    Parameters
    ----------
    length : int >= 1
        Samples of the signal.
    window : array [shape=(size,), real]
        Samples of the window. Held after `tight` has changed it.
    hop : int >= 1
        Samples between frames.
    channels : int >= size, optional
        Length of the transforms; the window's size by default.
    boundary : Boundary
        What the windows meet beyond the ends of the signal.
    tight : bool
        Divide the window by the square root of the frame operator's diagonal: the canonical
        tight frame, with both bounds 1 [1]_.
    real_signal : bool
        Whether signals are real; coefficients are complex either way.

    Raises
    ------
    ParameterError
        If a size is out of range or the window is not a finite real vector.
    NotAFrameError
        If some samples are met by no window, as for a hop beyond the window's size.

    References
    ----------
    .. [1] I. Daubechies, A. Grossmann, Y. Meyer, "Painless nonorthogonal expansions",
       J. Math. Phys. 27 (1986) 1271-1283.
    """

    length: int
    window: Array
    hop: int
    channels: int
    boundary: Boundary
    signals_are_real: bool

    def __init__(
        self,
        length: int,
        window: npt.ArrayLike,
        hop: int,
        channels: int | None = None,
        *,
        boundary: Boundary = Boundary.CIRCULAR,
        tight: bool = False,
        real_signal: bool = True,
    ) -> None:
        values = as_window(window)
        size = values.size
        channels = size if channels is None else channels
        require_sizes(length, size, hop, channels)
        diagonal = over_one_hop(values, hop)
        require_cover(diagonal[:length], size, hop)
        if tight:
            values = divided(values, np.sqrt(diagonal))
        object.__setattr__(self, "length", int(length))
        object.__setattr__(self, "window", frozen(values))
        object.__setattr__(self, "hop", int(hop))
        object.__setattr__(self, "channels", int(channels))
        object.__setattr__(self, "boundary", boundary)
        object.__setattr__(self, "signals_are_real", real_signal)

    @classmethod
    def hann(
        cls,
        length: int,
        size: int,
        hop: int,
        channels: int | None = None,
        *,
        boundary: Boundary = Boundary.CIRCULAR,
        tight: bool = False,
        real_signal: bool = True,
    ) -> Self:
        """Return the frame of the periodic Hann window ``sin(pi l / size)^2``."""
        return cls(
            length,
            hann_window(size),
            hop,
            channels,
            boundary=boundary,
            tight=tight,
            real_signal=real_signal,
        )

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return (self.length,)

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (
            self.frames,
            one_sided_size(self.channels) if self.real_signal else self.channels,
        )

    @property
    def real_signal(self) -> bool:
        return self.signals_are_real

    @property
    def real_coefs(self) -> bool:
        return False

    @cached_property
    def grid(self) -> GaborGrid:
        """The places of the frames."""
        return GaborGrid(self.length, self.window.size, self.hop, self.boundary)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.grid.frames

    @property
    def starts(self) -> Array:
        """First sample of each frame, shape (frames,); negative before the signal."""
        return np.arange(self.frames) * self.hop - self.grid.lead

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        window = self._window_single if is_single(x) else self._window_double
        wide = np.result_type(window.dtype, np.complex64)
        dtype = wide if np.iscomplexobj(x) else window.dtype
        pieces = self.grid.cut(x, dtype)
        batch = pieces.shape[:-2]
        c = np.empty((*batch, *self.coef_shape), dtype=wide)
        transform = rfft if self.real_signal else fft
        for run in self.grid.chunks(math.prod(batch) * self.channels):
            framed = np.empty((*batch, run.stop - run.start, self.channels), dtype=dtype)
            np.multiply(pieces[..., run, :], window, out=framed[..., : window.size])
            framed[..., window.size :] = 0.0
            c[..., run, :] = transform(framed, overwrite_x=True)
        for edge in self._unpaired:
            c[..., edge] *= math.sqrt(0.5)
        return c

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        window = self._window_single if is_single(c) else self._window_double
        wide = np.result_type(window.dtype, np.complex64)
        batch = c.shape[:-2]
        total = self.grid.empty_sum(batch, window.dtype if self.real_signal else wide)
        if self.real_signal:
            window = window * window.dtype.type(0.5)
        for run in self.grid.chunks(math.prod(batch) * self.channels):
            spectra: Array = np.array(c[..., run, :], dtype=wide)
            for edge in self._unpaired:
                spectra[..., edge] *= math.sqrt(2.0)
            framed = self._inverse(spectra)[..., : window.size]
            framed *= window
            self.grid.overlap_add(total, run, framed)
        return self.grid.on_signal(total)

    def bounds(self) -> FrameBounds:
        diagonal = over_one_hop(self.window, self.hop)[: self.length]
        error, underflow = gamma(self.grid.overlap + 2), TINY * self.grid.overlap
        return FrameBounds(
            max(down(float(diagonal.min()) * (1.0 - error) - underflow, 2), 0.0),
            up(float(diagonal.max()) * (1.0 + error) + underflow, 2),
            PROVED,
            "diagonal frame operator (painless case)",
        )

    def roundoff(self) -> float:
        # Each frame: the scaled window and its product with the signal (at most 6 roundings),
        # the transform, and the unpaired bins' weight (2 roundings); norms add up as those of
        # the analysis.
        relative = up(fft_error(self.channels) + gamma(8)) * (1.0 + 16.0 * U)
        return up(relative * math.sqrt(self.bounds().upper), 4)

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the diagonal where whole frames are kept, else None."""
        return gabor_diagonal(self._atoms, keep)

    def subframe_bands(self, keep: Array) -> Bands | None:
        """Return the kept atoms' frame operator in band storage, None if it is too wide."""
        return gabor_bands(self._atoms, keep, self.bounds().upper)

    def absolute_gram(self, p: Array) -> Array:
        """Apply a majorant of the absolute Gram matrix of the atoms."""
        return absolute_gram(self._atoms, p)

    def absolute_gram_error(self, p: Array) -> float:
        """Bound the error of `absolute_gram`."""
        return absolute_gram_error(self._atoms, p)

    def canonical_dual(self) -> Gabor:
        """Return the frame of the window divided by the frame operator's diagonal."""
        return Gabor(
            self.length,
            divided(self.window, over_one_hop(self.window, self.hop)),
            self.hop,
            self.channels,
            boundary=self.boundary,
            real_signal=self.real_signal,
        )

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        sizes = (self.length, self.hop, self.channels)
        return ("Gabor", *sizes, self.boundary.name, self.real_signal, self.window)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        size, hop = int(rng.integers(5, 9)), int(rng.integers(2, 5))
        return cls(
            int(rng.integers(7, 30)),
            rng.standard_normal(size),
            hop,
            size + int(rng.integers(0, 3)),
            boundary=list(Boundary)[int(rng.integers(2))],
            tight=bool(rng.integers(2)),
            real_signal=bool(rng.integers(2)),
        )

    @property
    def _atoms(self) -> GaborAtoms:
        return GaborAtoms(self.grid, self.window, self.channels, self.real_signal)

    @cached_property
    def _unpaired(self) -> tuple[int, ...]:
        """Bins of a one-sided transform that are their own conjugate."""
        if not self.real_signal:
            return ()
        return (0, self.channels // 2) if self.channels % 2 == 0 else (0,)

    def _inverse(self, spectra: Array) -> Array:
        """Return the frames of one or two-sided spectra, not normalised; may write to them."""
        if self.real_signal:
            return np.asarray(irfft(spectra, n=self.channels, norm="forward", overwrite_x=True))
        return np.asarray(ifft(spectra, norm="forward", overwrite_x=True))

    @cached_property
    def _window_double(self) -> Array:
        """The window with the transform's scale, and sqrt(2) where bins stand for pairs."""
        return self.window * math.sqrt((2.0 if self.real_signal else 1.0) / self.channels)

    @cached_property
    def _window_single(self) -> Array:
        return self._window_double.astype(np.float32)
