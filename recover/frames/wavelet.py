"""The undecimated (stationary, a trous) wavelet frame of an array."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, reduce
from importlib import import_module
from itertools import product
from typing import Self

import numpy as np
from scipy.fft import fft

from recover.core.arrays import Array, frozen
from recover.core.errors import NotAFrameError, ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import U, down, gamma, norm_upper, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.convolution import Convolution
from recover.frames.convolution_bands import convolution_bands
from recover.frames.fft import fft_error
from recover.frames.filterbank import FilterBank
from recover.frames.shapes import as_shape
from recover.frames.structure import Bands, Diagonal

__all__ = ["Wavelet"]


@dataclass(frozen=True, eq=False, init=False)
class Wavelet(Frame):
    """Circular wavelet transform without decimation, one band of the signal's shape per filter.

    Level j convolves the approximation of level j - 1 along each axis with the wavelet's
    analysis filters, scaled by 1/sqrt(2), with 2^(j-1) - 1 zeros between taps [1]_. In each
    axis ``|low|^2 + |high|^2 = 1`` for an orthogonal wavelet, so the frame is then a Parseval
    frame.
    The bands are ordered as those of ``pywt.swtn(..., trim_approx=True, norm=True)``: the last
    approximation, then the details from the last level to the first, each in the order ad, da,
    dd of two dimensions (a: low, d: high); and have its values, but for any length.

    Parameters
    ----------
    name : str
        A discrete wavelet of PyWavelets, as "db4".
    levels : int >= 1
        Number of levels, with ``2**levels`` at most the smallest size.
    shape : int or tuple of int
        Shape of the signal.
    real_signal : bool
        Whether signals, and so coefficients, are real.

    Raises
    ------
    ParameterError
        If the wavelet is not known or there are too few or too many levels.

    References
    ----------
    .. [1] M. J. Shensa, "The discrete wavelet transform: wedding the a trous and Mallat
       algorithms", IEEE Trans. Signal Process. 40 (1992) 2464-2482.
    """

    name: str
    levels: int
    shape: tuple[int, ...]
    signals_are_real: bool
    low: Array
    high: Array

    def __init__(
        self, name: str, levels: int, shape: int | tuple[int, ...], real_signal: bool = True
    ) -> None:
        sizes = as_shape("shape", shape)
        if levels < 1 or 2**levels > min(sizes):
            raise ParameterError(
                f"levels must be >= 1 with 2**levels <= {min(sizes)}, the smallest size, "
                f"got {levels}"
            )
        low, high = _analysis_filters(name)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "levels", int(levels))
        object.__setattr__(self, "shape", sizes)
        object.__setattr__(self, "signals_are_real", real_signal)
        object.__setattr__(self, "low", frozen(low * math.sqrt(0.5)))
        object.__setattr__(self, "high", frozen(high * math.sqrt(0.5)))

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (len(self._bands), *self.shape)

    @property
    def real_signal(self) -> bool:
        return self.signals_are_real

    @property
    def real_coefs(self) -> bool:
        return self.signals_are_real

    @cached_property
    def bank(self) -> FilterBank:
        """The filters' spectra."""
        axes = [_AxisSpectra.of(self.low, self.high, n, self.levels) for n in self.shape]
        half = self.shape[-1] // 2 + 1
        spectra, errors = [], []
        for level, letters in self._bands:
            factors = [
                axis.low[level] if letter == "a" else axis.high[level]
                for axis, letter in zip(axes, letters, strict=True)
            ]
            factors[-1] = factors[-1][:half]
            spectra.append(reduce(np.multiply.outer, factors))
            errors.append(_product_error([axis.error for axis in axes], axes, level))
        return FilterBank(self.shape, np.array(spectra), np.array(errors), self.real_signal)

    def analysis(self, x: Array) -> Array:
        return self.bank.analysis(self.check_signal(x))

    def synthesis(self, c: Array) -> Array:
        return self.bank.synthesis(self.check_coefs(c))

    def bounds(self) -> FrameBounds:
        known = self.bank.symbol(np.ones(len(self._bands), dtype=bool))
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
        filters, errors, masks = [], [], []
        taps = self.low.size
        for (level, letters), mask in zip(self._bands, keep, strict=True):
            chain = [self.low] * level + [self.low if letters == "a" else self.high]
            spread = [_with_zeros(h, 2**j) for j, h in enumerate(chain)]
            filters.append(reduce(np.convolve, spread))
            size = math.prod(float(np.abs(h).sum()) for h in chain)
            errors.append(gamma(len(chain) * (taps + 2)) * size * (1.0 + 1e-10))
            # a level's filters start half their length before the sample
            masks.append(np.roll(mask, taps // 2 * (2 ** len(chain) - 1)))
        return convolution_bands(filters, np.array(errors), np.array(masks))

    def canonical_dual(self) -> Frame:
        """Return the bank of the dual filters, as long as the signal."""
        if self.bounds().lower == 0.0:
            raise NotAFrameError(
                f"the filters of {self.name!r} have a common zero at shape {self.shape}; "
                "take another wavelet"
            )
        return Convolution(self.bank.dual_filters(), self.shape, self.real_signal)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Wavelet", self.low, self.high, self.levels, *self.shape, self.real_signal)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        names = ("haar", "db2", "bior2.2", "sym4")
        shape = tuple(int(n) for n in rng.integers(4, 10, size=int(rng.integers(1, 3))))
        real = bool(rng.integers(2))
        return cls(names[int(rng.integers(4))], int(rng.integers(1, 3)), shape, real)

    @cached_property
    def _bands(self) -> list[tuple[int, str]]:
        """Level index (0 is the first) and letters of each band."""
        letters = ["".join(word) for word in product("ad", repeat=len(self.shape))]
        details = [
            (level, word) for level in range(self.levels - 1, -1, -1) for word in letters[1:]
        ]
        return [(self.levels - 1, letters[0]), *details]


@dataclass(frozen=True, eq=False)
class _AxisSpectra:
    """Spectra of the accumulated filters along one axis, for each level."""

    low: list[Array]
    high: list[Array]
    error: float
    size: float

    @classmethod
    def of(cls, low: Array, high: Array, n: int, levels: int) -> Self:
        base = []
        for h in (low, high):
            wrapped = np.zeros(n)
            np.add.at(wrapped, (np.arange(h.size) - h.size // 2) % n, h)
            base.append(np.asarray(fft(wrapped)))
        lows, highs = [], []
        passed = np.ones(n, dtype=np.complex128)
        frequency = np.arange(n)
        for level in range(levels):
            spread = frequency * 2**level % n
            highs.append(passed * base[1][spread])
            passed = passed * base[0][spread]
            lows.append(passed)
        largest = max(1.0, *(float(np.abs(h).max()) for h in base))
        scale = (fft_error(n) + gamma(4 * low.size)) * math.sqrt(n)
        error = scale * max(norm_upper(low), norm_upper(high)) * math.sqrt(low.size)
        return cls(lows, highs, up(error, 2), largest * (1.0 + 4.0 * U))


def _product_error(errors: list[float], axes: list[_AxisSpectra], level: int) -> float:
    """Bound the error of a product of `level` + 1 factors for each axis, all but rounding."""
    size = math.prod((axis.size + axis.error) ** (level + 1) for axis in axes)
    relative = sum((level + 1) * error for error in errors)
    return up(size * (relative + gamma(6 * len(axes) * (level + 2))) * (1.0 + 1e-10), 2)


def _with_zeros(taps: Array, step: int) -> Array:
    """Return the filter with `step` - 1 zeros between its taps."""
    spread = np.zeros((taps.size - 1) * step + 1)
    spread[::step] = taps
    return spread


def _analysis_filters(name: str) -> tuple[Array, Array]:
    pywt = import_module("pywt")  # loaded on use; its compiled names have no types

    known = pywt.wavelist(kind="discrete")
    if name not in known:
        raise ParameterError(
            f"name must be a discrete wavelet of PyWavelets, got {name!r}; see pywt.wavelist()"
        )
    wavelet = pywt.Wavelet(name)
    return np.array(wavelet.dec_lo), np.array(wavelet.dec_hi)
