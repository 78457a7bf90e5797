"""The painless Gabor frame: a short-time Fourier transform with its exact adjoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import fft, ifft, irfft, rfft

from recover.core.arrays import Array, as_numeric, frozen
from recover.core.errors import NotAFrameError, ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import U, down, gamma, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.fft import fft_error, is_single, one_sided_size
from recover.frames.structure import Diagonal

__all__ = ["Boundary", "Gabor"]


class Boundary(Enum):
    """What the windows meet beyond the ends of the signal."""

    CIRCULAR = "the signal, repeated"
    ZERO_PADDED = "zeros"


@dataclass(frozen=True, eq=False, init=False)
class Gabor(Frame):
    """Translates and modulations of a window no longer than the number of channels.

    ``analysis(x)[n, k] = W_k M^(-1/2) sum_l window[l] x[start_n + l] exp(-2 pi i k l / M)`` with
    ``start_n = starts[n]`` and M = `channels`: each frame is a unitary transform of the windowed
    signal. Real signals have bins 0 to M // 2 with the weights W = sqrt(2) but for bins 0 and
    M / 2, so that norms and frame bounds are those of all M bins; complex signals have all M bins
    and W = 1. As M is at least the window's size, the frame operator is the multiplication by
    ``sum_n window[t - start_n]^2`` [1]_.

    With `Boundary.CIRCULAR` frames start at 0, hop, 2 hop, ... and the signal, followed by zeros
    up to a multiple of `hop` that is no less than the window's size, repeats. With
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
        values = _window(window)
        size = values.size
        for name, value in (("length", length), ("hop", hop)):
            if value < 1:
                raise ParameterError(f"{name} must be >= 1 sample, got {value}")
        if channels is None:
            channels = size
        if channels < size:
            raise ParameterError(
                f"channels must be >= the window's size {size}, got {channels}; "
                "take more channels or a shorter window"
            )
        diagonal = _periodic_diagonal(values, hop)
        _require_cover(diagonal[:length], size, hop)
        if tight:
            root = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
            values = values / root[np.arange(size) % hop]
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
        """Return the frame of the periodic Hann window ``sin(pi l / size)^2`` (see the class)."""
        if size < 2:
            raise ParameterError(f"size of a Hann window must be >= 2 samples, got {size}")
        window = np.sin(np.pi * np.arange(size) / size) ** 2
        return cls(
            length,
            window,
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
    def overlap(self) -> int:
        """Number of hops that a window spans, rounded up."""
        return -(-self.window.size // self.hop)

    @cached_property
    def frames(self) -> int:
        """Number of frames."""
        if self.boundary is Boundary.CIRCULAR:
            return -(-max(self.length, self.window.size) // self.hop)
        return -(-self.length // self.hop) + self.overlap - 1

    @property
    def starts(self) -> Array:
        """Index of the first sample of each frame, shape (frames,); negative before the signal."""
        return np.arange(self.frames) * self.hop - self.lead

    @cached_property
    def lead(self) -> int:
        """Samples by which the first frame starts before the signal, a multiple of the hop."""
        return 0 if self.boundary is Boundary.CIRCULAR else (self.overlap - 1) * self.hop

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        window = self._window_single if is_single(x) else self._window_double
        size = window.size
        padded = self._padded(x, window.dtype)
        pieces = sliding_window_view(padded, size, axis=-1)[..., :: self.hop, :]
        framed = np.empty((*pieces.shape[:-1], self.channels), dtype=padded.dtype)
        np.multiply(pieces, window, out=framed[..., :size])
        framed[..., size:] = 0.0
        if not self.real_signal:
            return np.asarray(fft(framed, overwrite_x=True))
        c = np.asarray(rfft(framed, overwrite_x=True))
        for edge in self._unpaired:
            c[..., edge] *= math.sqrt(0.5)
        return c

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        single = is_single(c)
        window = self._window_single if single else self._window_double
        complex_type = np.complex64 if single else np.complex128
        if not self.real_signal:
            full = np.asarray(ifft(c.astype(complex_type, copy=False), norm="forward"))
            return self._overlap_add(full, window)
        paired = np.array(c, dtype=complex_type)
        for edge in self._unpaired:
            paired[..., edge] *= math.sqrt(2.0)
        framed = np.asarray(irfft(paired, n=self.channels, norm="forward", overwrite_x=True))
        return self._overlap_add(framed, window * window.dtype.type(0.5))

    def bounds(self) -> FrameBounds:
        diagonal = _periodic_diagonal(self.window, self.hop)[: self.length]
        error = gamma(self.overlap + 2)
        return FrameBounds(
            max(down(float(diagonal.min()) * (1.0 - error), 2), 0.0),
            up(float(diagonal.max()) * (1.0 + error), 2),
            PROVED,
            "diagonal frame operator (painless case)",
        )

    def roundoff(self) -> float:
        # Each frame: the scaled window and its product with the signal (at most 6 roundings), the
        # transform, and the unpaired bins' weight (2 roundings). Norms add up as in |analysis(x)|.
        relative = up(fft_error(self.channels) + gamma(8)) * (1.0 + 16.0 * U)
        return up(relative * math.sqrt(self.bounds().upper), 4)

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        kept = keep.any(axis=1)
        if not np.array_equal(kept, keep.all(axis=1)):
            return None
        pieces = np.broadcast_to(
            kept[:, None].astype(np.float64), (self.frames, self.window.size)
        )
        entries = self._overlap_add(pieces, np.square(self.window))
        slack = up(gamma(self.overlap + 2) * float(entries.max(initial=0.0)))
        return Diagonal(entries, slack)

    def canonical_dual(self) -> Gabor:
        """Return the frame of the window divided by the frame operator's diagonal."""
        diagonal = _periodic_diagonal(self.window, self.hop)
        diagonal[diagonal == 0.0] = 1.0  # residues that no sample of the signal has
        return Gabor(
            self.length,
            self.window / diagonal[np.arange(self.window.size) % self.hop],
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

    @cached_property
    def _unpaired(self) -> tuple[int, ...]:
        """Bins of a one-sided transform that are their own conjugate."""
        return (0, self.channels // 2) if self.channels % 2 == 0 else (0,)

    @cached_property
    def _window_double(self) -> Array:
        """The window with the transform's scale, and sqrt(2) where bins stand for pairs."""
        return self.window * math.sqrt((2.0 if self.real_signal else 1.0) / self.channels)

    @cached_property
    def _window_single(self) -> Array:
        return self._window_double.astype(np.float32)

    def _padded(self, x: Array, real_type: np.dtype[np.floating]) -> Array:
        """Return the signal with what the frames meet before and after it."""
        kind = np.result_type(real_type, np.complex64) if np.iscomplexobj(x) else real_type
        blocks = self.frames + self.overlap - 1
        padded = np.zeros((*x.shape[:-1], blocks * self.hop), dtype=kind)
        padded[..., self.lead : self.lead + self.length] = x
        if self.boundary is Boundary.CIRCULAR:
            period = self.frames * self.hop
            padded[..., period:] = padded[..., : padded.shape[-1] - period]
        return padded

    def _overlap_add(self, framed: Array, window: Array) -> Array:
        """Return ``sum_n window * framed[n]`` at the places of the frames, on the signal."""
        hop, frames, size = self.hop, self.frames, window.size
        blocks = frames + self.overlap - 1
        total = np.zeros((*framed.shape[:-2], blocks, hop), dtype=framed.dtype)
        scratch = np.empty((*framed.shape[:-2], frames, min(hop, size)), dtype=framed.dtype)
        for k in range(self.overlap):  # hops within a window, all frames at once
            part = slice(k * hop, min((k + 1) * hop, size))
            width = part.stop - part.start
            product = np.multiply(framed[..., part], window[part], out=scratch[..., :width])
            total[..., k : k + frames, :width] += product
        flat = total.reshape(*framed.shape[:-2], blocks * hop)
        if self.boundary is Boundary.CIRCULAR:
            period = frames * hop
            flat[..., : blocks * hop - period] += flat[..., period:]
        return flat[..., self.lead : self.lead + self.length]


def _window(window: npt.ArrayLike) -> Array:
    values = as_numeric("window", window)
    if values.ndim != 1 or values.size == 0 or np.iscomplexobj(values):
        raise ParameterError(
            f"window must be a real vector of at least one sample, got shape {values.shape} "
            f"and dtype {values.dtype}"
        )
    return values.astype(np.float64)


def _periodic_diagonal(window: Array, hop: int) -> Array:
    """Return ``sum_k window[r + k hop]^2`` for r < hop: the frame operator over one hop."""
    overlap = -(-window.size // hop)
    squares = np.zeros(overlap * hop)
    squares[: window.size] = np.square(window)
    return np.asarray(squares.reshape(overlap, hop).sum(axis=0))


def _require_cover(diagonal: Array, size: int, hop: int) -> None:
    if diagonal.min() <= 0.0:
        raise NotAFrameError(
            f"hop {hop} with a window of {size} samples leaves {int(np.sum(diagonal <= 0.0))} of "
            f"{diagonal.size} samples per hop without any window; take a smaller hop"
        )
