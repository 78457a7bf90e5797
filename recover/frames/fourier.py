"""The oversampled discrete Fourier transform of an array, scaled to be an isometry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy.fft import fft, ifft, irfft, rfft

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import U, gamma, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.fft import fft_error, is_single, one_sided_size, one_sided_weights
from recover.frames.shapes import as_shape
from recover.frames.structure import Diagonal

__all__ = ["Fourier"]


@dataclass(frozen=True, eq=False, init=False)
class Fourier(Frame):
    """Unitary discrete Fourier transform of the signal followed by zeros: a Parseval frame.

    ``analysis(x)[k] = W_k |N|^(-1/2) sum_t x[t] exp(-2 pi i sum_j k_j t_j / N_j)`` with
    ``N_j = oversample_j shape_j``, ``|N|`` their product and W = 1; with `one_sided` the last
    axis has the bins 0 to N // 2 only, and W = sqrt(2) but for those that are their own
    conjugates. Measured parts of it are `Masked` Fourier frames.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the signal.
    oversample : int >= 1 or tuple of int
        Factor for all axes or one for each.
    real_signal : bool
        Whether signals are real.
    one_sided : bool
        Leave out the bins that a real signal's others determine; the norm stays.

    Raises
    ------
    ParameterError
        If a size or a factor is below 1, or `one_sided` is asked of complex signals.
    """

    shape: tuple[int, ...]
    oversample: tuple[int, ...]
    signals_are_real: bool
    one_sided: bool

    def __init__(
        self,
        shape: int | tuple[int, ...],
        oversample: int | tuple[int, ...] = 1,
        real_signal: bool = False,
        one_sided: bool = False,
    ) -> None:
        sizes = as_shape("shape", shape)
        factors = (oversample,) * len(sizes) if isinstance(oversample, int) else oversample
        factors = as_shape("oversample", tuple(factors))
        if len(factors) != len(sizes):
            raise ParameterError(
                f"oversample must hold one factor for each of the {len(sizes)} axes, "
                f"got {factors}"
            )
        if one_sided and not real_signal:
            raise ParameterError(
                "one_sided must be False for complex signals, got True with "
                "real_signal=False; their negative frequencies are independent"
            )
        object.__setattr__(self, "shape", sizes)
        object.__setattr__(self, "oversample", factors)
        object.__setattr__(self, "signals_are_real", real_signal)
        object.__setattr__(self, "one_sided", one_sided)

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        sizes = self.padded_shape
        return (*sizes[:-1], one_sided_size(sizes[-1])) if self.one_sided else sizes

    @property
    def real_signal(self) -> bool:
        return self.signals_are_real

    @property
    def real_coefs(self) -> bool:
        return False

    @cached_property
    def padded_shape(self) -> tuple[int, ...]:
        """Lengths of the transforms."""
        return tuple(n * r for n, r in zip(self.shape, self.oversample, strict=True))

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        sizes = self.padded_shape
        # axis by axis, so that lines of padding are not transformed
        if not self.one_sided:  # the contiguous axis last: it is the cheapest
            for axis in range(-len(sizes), 0):
                x = np.asarray(fft(x, n=sizes[axis], axis=axis, norm="ortho"))
            return x
        c = np.asarray(rfft(x, n=sizes[-1], axis=-1, norm="ortho"))
        c *= self._weights(is_single(c))
        for axis in range(-2, -len(sizes) - 1, -1):
            c = np.asarray(fft(c, n=sizes[axis], axis=axis, norm="ortho", overwrite_x=True))
        return c

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        sizes, places = self.padded_shape, [slice(None)] * c.ndim
        order = range(-len(sizes), -1) if self.one_sided else range(-1, -len(sizes) - 1, -1)
        for axis in order:
            line = np.asarray(ifft(c, axis=axis, norm="ortho"))
            places[axis] = slice(self.shape[axis])
            c = line[tuple(places)]
            places[axis] = slice(None)
        if not self.one_sided:
            return c.real.copy() if self.real_signal else c
        paired = c * self._weights_inverse(is_single(c))
        x = np.asarray(irfft(paired, n=sizes[-1], axis=-1, norm="ortho", overwrite_x=True))
        return x[..., : self.shape[-1]]

    def bounds(self) -> FrameBounds:
        return FrameBounds(1.0, 1.0, PROVED, "isometry")

    def roundoff(self) -> float:
        relative = sum(fft_error(n) for n in self.padded_shape)
        # scaling and weights: 6 roundings; errors of one axis pass through the next ones
        own = gamma(6 + 2 * len(self.shape))
        return up((relative + own) * (1.0 + 2.0 * relative + 32.0 * U), 4)

    def subframe_symbol(self, keep: Array) -> Diagonal | None:
        """Return the eigenvalues for all bins, or any if there is no oversampling."""
        if keep.all():
            return Diagonal(np.ones(1), 0.0)
        if math.prod(self.oversample) > 1:
            return None
        kept = keep.astype(np.float64)
        if self.one_sided:
            n = self.shape[-1]
            for edge in (0, n // 2) if n % 2 == 0 else (0,):
                kept[..., edge] = _with_conjugates(kept[..., edge])
        elif self.real_signal:
            kept = _with_conjugates(kept)
        return Diagonal(kept, 0.0)

    def canonical_dual(self) -> Frame:
        """Return this frame: it is a Parseval frame."""
        return self

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        sides = (self.real_signal, self.one_sided)
        return ("Fourier", len(self.shape), *self.shape, *self.oversample, *sides)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        shape = tuple(int(n) for n in rng.integers(2, 6, size=int(rng.integers(1, 3))))
        factors = tuple(int(r) for r in rng.integers(1, 3, size=len(shape)))
        kind = int(rng.integers(3))
        return cls(shape, factors, real_signal=kind > 0, one_sided=kind > 1)

    def _weights(self, single: bool) -> Array:
        weights = one_sided_weights(self.padded_shape[-1])
        return weights.astype(np.float32) if single else weights

    def _weights_inverse(self, single: bool) -> Array:
        weights = 1.0 / one_sided_weights(self.padded_shape[-1])
        return weights.astype(np.float32) if single else weights


def _with_conjugates(kept: Array) -> Array:
    """Average over bins k and -k, which share what they measure of a real signal."""
    axes = tuple(range(kept.ndim))
    if not axes:
        return kept  # bin 0 or N / 2 of a vector is its own conjugate
    return np.asarray(0.5 * (kept + np.roll(np.flip(kept, axes), (1,) * kept.ndim, axes)))
