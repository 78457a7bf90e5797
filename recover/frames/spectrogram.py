"""The short-time Fourier transform in the layout of spectrogram software."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, rfft

from recover.core.arrays import Array, frozen
from recover.core.errors import NotAFrameError, ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import TINY, U, down, gamma, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.fft import fft_error, is_single, one_sided_size, one_sided_weights
from recover.frames.gabor_window import as_window, require_sizes
from recover.frames.structure import Diagonal

__all__ = ["Spectrogram"]

CHUNK = 2**16  # array entries that are transformed at once, about a second-level cache


@dataclass(frozen=True, eq=False, init=False)
class Spectrogram(Frame):
    """Transforms of windowed frames of a real signal, at given places.

    ``analysis(x)[n, k] = W_k M^(-1/2) sum_l window[l] x[s_n + l] exp(-2 pi i k l / M)`` with M
    the window's size, ``s_n = n hop - lead``, bins 0 to M // 2 with the weights W of one-sided
    transforms (sqrt(2) for bins that stand for a pair), and x zero beyond its ends.  With the
    lead of `centered` this is the layout of librosa, with the frames first, other weights and
    an exact adjoint: librosa's magnitudes are ``M^(1/2) |analysis(x)| / W``.

    The frame operator is the multiplication by ``sum_n window[t - s_n]^2`` [1]_.

    Parameters
    ----------
    length : int >= 1
        Samples of the signal.
    window : array [shape=(M,), real]
        The window, with zeros where the transform is longer than it.
    hop : int >= 1
        Samples between frames.
    lead : int >= 0
        Samples by which the first frame starts before the signal.
    frames : int >= 1
        Number of frames.

    Raises
    ------
    ParameterError
        If a size is out of range or the window is not a finite real vector.
    NotAFrameError
        If some samples are met by no window.

    References
    ----------
    .. [1] I. Daubechies, A. Grossmann, Y. Meyer, "Painless nonorthogonal expansions",
       J. Math. Phys. 27 (1986) 1271-1283.
    """

    length: int
    window: Array
    hop: int
    lead: int
    frames: int

    def __init__(
        self, length: int, window: npt.ArrayLike, hop: int, lead: int, frames: int
    ) -> None:
        values = as_window(window)
        require_sizes(length, values.size, hop, values.size)
        if lead < 0:
            raise ParameterError(f"lead must be >= 0 samples, got {lead}")
        if frames < 1:
            raise ParameterError(
                f"frames must be >= 1, got {frames}; take a longer signal or a shorter window"
            )
        object.__setattr__(self, "length", int(length))
        object.__setattr__(self, "window", frozen(values))
        object.__setattr__(self, "hop", int(hop))
        object.__setattr__(self, "lead", int(lead))
        object.__setattr__(self, "frames", int(frames))
        missed = int(np.count_nonzero(self.diagonal <= 0.0))
        if missed > 0:
            raise NotAFrameError(
                f"hop {hop} with a window of {values.size} samples leaves {missed} of {length} "
                "samples without any window; take a smaller hop, centred frames, or the length "
                "that the frames cover"
            )

    @classmethod
    def centered(cls, length: int, window: npt.ArrayLike, hop: int) -> Self:
        """Return frames centred on the samples 0, hop, 2 hop, ... up to the signal's end."""
        size = np.asarray(window).size
        lead = size // 2
        return cls(length, window, hop, lead, 1 + (length + 2 * lead - size) // max(hop, 1))

    @classmethod
    def inside(cls, length: int, window: npt.ArrayLike, hop: int) -> Self:
        """Return all frames at 0, hop, 2 hop, ... that lie inside the signal."""
        size = np.asarray(window).size
        return cls(length, window, hop, 0, 1 + (length - size) // max(hop, 1))

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return (self.length,)

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (self.frames, one_sided_size(self.window.size))

    @property
    def real_signal(self) -> bool:
        return True

    @property
    def real_coefs(self) -> bool:
        return False

    @cached_property
    def weights(self) -> Array:
        """The weights W of the bins, shape (M // 2 + 1,)."""
        return frozen(one_sided_weights(self.window.size))

    @cached_property
    def diagonal(self) -> Array:
        """The frame operator's diagonal, shape (length,)."""
        total = np.zeros((self._blocks, self.hop))
        squares = np.broadcast_to(np.square(self.window), (self.frames, self.window.size))
        self._add(total, 0, squares)
        return frozen(self._on_signal(total))

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        window = self._single if is_single(x) else self._double
        size = self.window.size
        padded = np.zeros((*x.shape[:-1], self._blocks * self.hop), dtype=window.dtype)
        padded[..., self.lead : self.lead + self.length] = x
        pieces = sliding_window_view(padded, size, axis=-1)[..., :: self.hop, :]
        c = np.empty(
            (*x.shape[:-1], *self.coef_shape), dtype=np.result_type(window, np.complex64)
        )
        for run in self._runs(math.prod(x.shape[:-1])):
            c[..., run, :] = rfft(pieces[..., run, :] * window, overwrite_x=True)
        for edge in self._unpaired:
            c[..., edge] *= math.sqrt(0.5)
        return c

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        window = self._single if is_single(c) else self._double
        half = window * window.dtype.type(0.5)
        batch = c.shape[:-2]
        total = np.zeros((*batch, self._blocks, self.hop), dtype=window.dtype)
        for run in self._runs(math.prod(batch)):
            spectra = np.array(c[..., run, :], dtype=np.result_type(window, np.complex64))
            for edge in self._unpaired:
                spectra[..., edge] *= math.sqrt(2.0)
            framed = np.asarray(irfft(spectra, n=window.size, norm="forward", overwrite_x=True))
            framed *= half
            self._add(total, run.start, framed)
        return self._on_signal(total)

    def bounds(self) -> FrameBounds:
        relative = gamma(self.overlap + 2)
        slack = TINY * self.overlap
        return FrameBounds(
            max(down(float(self.diagonal.min()) * (1.0 - relative) - slack, 2), 0.0),
            up(float(self.diagonal.max()) * (1.0 + relative) + slack, 2),
            PROVED,
            "diagonal frame operator (painless case)",
        )

    def roundoff(self) -> float:
        # as for Gabor: the scaled window and its product, the transform, the unpaired weight
        relative = up(fft_error(self.window.size) + gamma(8)) * (1.0 + 16.0 * U)
        return up(relative * math.sqrt(self.bounds().upper), 4)

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the diagonal where whole frames are kept, else None."""
        kept = np.asarray(keep.any(axis=1))
        if not np.array_equal(kept, keep.all(axis=1)):
            return None
        total = np.zeros((self._blocks, self.hop))
        self._add(total, 0, kept[:, None] * np.square(self.window))
        entries = self._on_signal(total)
        rounding = gamma(self.overlap + 2) * float(entries.max(initial=0.0))
        return Diagonal(entries, up(rounding + TINY * self.overlap, 2))

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Spectrogram", self.length, self.hop, self.lead, self.frames, self.window)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        size, hop = int(rng.integers(5, 10)), int(rng.integers(1, 3))
        frames, lead = int(rng.integers(3, 7)), int(rng.integers(0, size // 2 + 1))
        length = (frames - 1) * hop + size - lead - int(rng.integers(0, size // 2))
        return cls(length, rng.standard_normal(size), hop, lead, frames)

    @property
    def overlap(self) -> int:
        """Number of hops that a window spans, rounded up."""
        return -(-self.window.size // self.hop)

    @property
    def _blocks(self) -> int:
        """Hops in the buffer that holds all frames and the signal."""
        needed = -(-(self.lead + self.length) // self.hop)
        return max(self.frames - 1 + self.overlap, needed)

    @cached_property
    def _unpaired(self) -> tuple[int, ...]:
        return (0, -1) if self.window.size % 2 == 0 else (0,)

    @cached_property
    def _double(self) -> Array:
        """The window with the transform's scale and sqrt(2), as most bins stand for pairs."""
        return self.window * math.sqrt(2.0 / self.window.size)

    @cached_property
    def _single(self) -> Array:
        return self._double.astype(np.float32)

    def _runs(self, batch: int) -> list[slice]:
        step = max(CHUNK // max(batch * self.window.size, 1), 1)
        return [slice(n, min(n + step, self.frames)) for n in range(0, self.frames, step)]

    def _add(self, total: Array, first: int, framed: Array) -> None:
        """Add frames, the first of them number `first`, to the buffer at their places."""
        count = framed.shape[-2]
        for k in range(self.overlap):  # the k-th hop of a window, for all frames at once
            part = framed[..., k * self.hop : (k + 1) * self.hop]
            total[..., first + k : first + k + count, : part.shape[-1]] += part

    def _on_signal(self, total: Array) -> Array:
        flat: Array = total.reshape(*total.shape[:-2], -1)
        return flat[..., self.lead : self.lead + self.length]
