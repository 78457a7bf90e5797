"""A bank of circular convolutions with real filters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.fft import rfftn

from recover.core.arrays import Array, as_numeric, frozen
from recover.core.errors import NotAFrameError, ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import down, norm_upper, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.convolution_bands import convolution_bands
from recover.frames.filterbank import FilterBank, transform_error
from recover.frames.shapes import as_shape
from recover.frames.structure import Bands, Diagonal

__all__ = ["Convolution"]


@dataclass(frozen=True, eq=False, init=False)
class Convolution(Frame):
    """``analysis(x)[f, t] = sum_s filters[f, s] x[t - s]``, indices modulo the shape.

    Parameters
    ----------
    filters : array [shape=(filters, ...), real]
        One filter of the signal's rank in each row, index 0 at its origin.
    shape : int or tuple of int
        Shape of the signal, no smaller than the filters'.
    real_signal : bool
        Whether signals, and so coefficients, are real.

    Raises
    ------
    ParameterError
        If the filters are not real and finite, or of another rank or larger than the signal.
    """

    filters: Array
    shape: tuple[int, ...]
    signals_are_real: bool

    def __init__(
        self,
        filters: npt.ArrayLike,
        shape: int | tuple[int, ...],
        real_signal: bool = True,
    ) -> None:
        sizes = as_shape("shape", shape)
        kernels = as_numeric("filters", filters)
        if np.iscomplexobj(kernels) or kernels.ndim != len(sizes) + 1 or kernels.size == 0:
            raise ParameterError(
                f"filters must be real with shape (filters, ...) and rank {len(sizes) + 1}, "
                f"got shape {kernels.shape} and dtype {kernels.dtype}"
            )
        if any(k > n for k, n in zip(kernels.shape[1:], sizes, strict=True)):
            raise ParameterError(
                f"filters must be no larger than the signal {sizes}, got {kernels.shape[1:]}; "
                "add up what lies one period apart"
            )
        object.__setattr__(self, "filters", frozen(kernels.astype(np.float64)))
        object.__setattr__(self, "shape", sizes)
        object.__setattr__(self, "signals_are_real", real_signal)

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (self.filters.shape[0], *self.shape)

    @property
    def real_signal(self) -> bool:
        return self.signals_are_real

    @property
    def real_coefs(self) -> bool:
        return self.signals_are_real

    @cached_property
    def bank(self) -> FilterBank:
        """The filters' spectra."""
        axes = tuple(range(1, self.filters.ndim))
        spectra = np.asarray(rfftn(self.filters, s=self.shape, axes=axes))
        scale = transform_error(self.shape) * math.sqrt(math.prod(self.shape))
        errors = np.array([up(scale * norm_upper(h), 2) for h in self.filters])
        return FilterBank(self.shape, spectra, errors, self.real_signal)

    def analysis(self, x: Array) -> Array:
        return self.bank.analysis(self.check_signal(x))

    def synthesis(self, c: Array) -> Array:
        return self.bank.synthesis(self.check_coefs(c))

    def bounds(self) -> FrameBounds:
        known = self.bank.symbol(np.ones(self.filters.shape[0], dtype=bool))
        lower = max(down(float(known.entries.min()) - known.slack), 0.0)
        upper = up(float(known.entries.max()) + known.slack)
        return FrameBounds(lower, upper, PROVED, "symbol of a circular convolution")

    def roundoff(self) -> float:
        return self.bank.roundoff()

    def subframe_symbol(self, keep: Array) -> Diagonal | None:
        """Return the symbol where whole filters are kept, else None."""
        flat = keep.reshape(keep.shape[0], -1)
        kept = np.asarray(flat.any(axis=1))
        if not np.array_equal(kept, flat.all(axis=1)):
            return None
        return self.bank.symbol(kept)

    def subframe_bands(self, keep: Array) -> Bands | None:
        """Return the kept vectors' frame operator of a vector, None if it is too wide."""
        if len(self.shape) > 1:
            return None
        return convolution_bands(list(self.filters), np.zeros(len(self.filters)), keep)

    def canonical_dual(self) -> Frame:
        """Return the bank of the dual filters, as long as the signal."""
        if self.bounds().lower == 0.0:
            raise NotAFrameError(
                "the filters' spectra have a common zero, so no dual exists; add a filter that "
                "passes the frequencies that the others stop"
            )
        return Convolution(self.bank.dual_filters(), self.shape, self.real_signal)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Convolution", self.filters, *self.shape, self.real_signal)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        shape = tuple(int(n) for n in rng.integers(4, 9, size=int(rng.integers(1, 3))))
        kernel = tuple(int(k) for k in rng.integers(1, 4, size=len(shape)))
        return cls(rng.standard_normal((3, *kernel)), shape, bool(rng.integers(2)))
