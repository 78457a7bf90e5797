"""Circular convolution with several filters by fast transforms, and its frame operator.

The frame operator of real filters h_f is the circular convolution with the symbol
``sum_f |H_f|^2``, H_f the (unnormalised) discrete Fourier transform of h_f over the signal's
shape: its values are the eigenvalues, on real signals as on complex ones.

A computed value of H_f is off by at most ``k |H_f|_2 = k sqrt(S) |h_f|_2`` (S samples), a
largest entry being at most the norm, so each term of the symbol by ``e_f (2 max|H_f| + e_f)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.fft import fftn, ifftn, irfftn, rfftn

from recover.core.arrays import Array
from recover.core.rounding import TINY, U, gamma, up
from recover.frames.fft import fft_error, is_single
from recover.frames.structure import Diagonal

__all__ = ["FilterBank", "transform_error"]


def transform_error(shape: tuple[int, ...]) -> float:
    """Return k with ``|computed - exact|_2 <= k |exact|_2`` for a transform over all axes."""
    relative = sum(fft_error(n) for n in shape)
    return up(relative * (1.0 + 2.0 * relative + 8.0 * U), 2)


@dataclass(frozen=True, eq=False)
class FilterBank:
    """Circular convolution of arrays of `shape` with filters given by their spectra.

    Parameters
    ----------
    shape : tuple of int
        Shape of the signal.
    spectra : array [shape=(filters, *half), complex]
        Transforms of the real filters, one-sided in the last axis.
    errors : array [shape=(filters,)]
        Bounds on the error of each entry of a filter's spectrum.
    real_signal : bool
        Whether signals, and so coefficients, are real.
    """

    shape: tuple[int, ...]
    spectra: Array
    errors: Array
    real_signal: bool

    def analysis(self, x: Array) -> Array:
        """Return the convolutions, shape (..., filters, *shape)."""
        spectra = self._spectra_for(x)
        forward = rfftn if self.real_signal else fftn
        transform = np.asarray(forward(x, axes=self._axes))
        return self._back(np.expand_dims(transform, -len(self.shape) - 1) * spectra)

    def synthesis(self, c: Array) -> Array:
        """Return the sum of the correlations with the filters, shape (..., *shape)."""
        spectra = self._spectra_for(c)
        if self.real_signal and np.iscomplexobj(c):
            c = c.real
        forward = rfftn if self.real_signal else fftn
        transform = np.asarray(forward(c, axes=self._axes))
        transform *= spectra.conj()
        return self._back(transform.sum(axis=-len(self.shape) - 1))

    def symbol(self, kept: Array) -> Diagonal:
        """Return ``sum |H_f|^2`` over the kept filters, one-sided in the last axis.

        Parameters
        ----------
        kept : array of bool [shape=(filters,)]
        """
        squares = np.square(self.spectra.real) + np.square(self.spectra.imag)
        entries = squares[kept].sum(axis=0)
        largest = np.sqrt(squares.reshape(squares.shape[0], -1).max(axis=1))
        terms = self.errors * (2.0 * largest + self.errors)
        rounding = gamma(self.errors.size + 6) * float(entries.max(initial=0.0))
        slack = up(
            float(terms[kept].sum()) * (1.0 + 64.0 * U * self.errors.size)
            + rounding
            + TINY * self.errors.size,
            4,
        )
        return Diagonal(entries, slack)

    def roundoff(self) -> float:
        """Return e with ``|computed - exact analysis(x)| <= e |x|``."""
        k = transform_error(self.shape)
        known = self.symbol(np.ones(self.errors.size, dtype=bool))
        norm = math.sqrt(float(known.entries.max()) + known.slack)
        spectra = math.sqrt(float(np.square(self.errors).sum()))
        # transform, product with spectra that are themselves off, and transform back
        return up(((2.0 * k + gamma(10)) * norm + spectra) * (1.0 + 4.0 * k + 64.0 * U), 4)

    def dual_filters(self) -> Array:
        """Return the filters of the canonical dual, shape (filters, *shape), real."""
        symbol = self.symbol(np.ones(self.errors.size, dtype=bool)).entries
        axes = self._axes
        return np.asarray(irfftn(self.spectra / symbol, s=self.shape, axes=axes))

    @cached_property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-len(self.shape), 0))

    def _back(self, transform: Array) -> Array:
        if self.real_signal:
            return np.asarray(irfftn(transform, s=self.shape, axes=self._axes))
        return np.asarray(ifftn(transform, axes=self._axes))

    def _spectra_for(self, x: Array) -> Array:
        return self._single if is_single(x) else self._double

    @cached_property
    def _double(self) -> Array:
        """The spectra on the frequencies of the transforms used."""
        if self.real_signal:
            return self.spectra
        # H(-k) = conj H(k) for real filters fills the second half of the last axis
        n, half = self.shape[-1], self.spectra.shape[-1]
        rest = self.spectra[..., 1 : n - half + 1].conj()[..., ::-1]
        others = tuple(range(1, len(self.shape)))
        rest = np.roll(np.flip(rest, others), 1, others) if others else rest
        return np.concatenate([self.spectra, rest], axis=-1)

    @cached_property
    def _single(self) -> Array:
        return self._double.astype(np.complex64)
