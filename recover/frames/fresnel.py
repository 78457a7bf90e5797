"""Near-field propagation to several planes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy.fft import fftfreq, fftn, ifftn

from recover.core.arrays import Array, frozen
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import U, down, gamma, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.fft import fft_error, is_single
from recover.frames.shapes import as_shape
from recover.frames.structure import Diagonal

__all__ = ["Fresnel"]


@dataclass(frozen=True, eq=False, init=False)
class Fresnel(Frame):
    """Fields at several distances behind a thin object, by the angular spectrum [1]_.

    ``analysis(x)[l] = F^-1 (H_l F x)`` with the unitary Fourier transform F and the paraxial
    transfer function ``H_l(f) = exp(-i pi wavelength distances[l] |f|^2)``, f the frequencies
    of samples of size `pixel_size`.  Each plane is a unitary map of the (periodic) object, so
    the frame is tight with bound L, the number of planes.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the object.
    wavelength : float > 0
        In the unit of `pixel_size` and `distances`.
    pixel_size : float > 0
        Width of a sample, along all axes.
    distances : sequence of float
        From the object to each plane; 0 is the object itself, negative is before it.
    real_signal : bool
        Whether objects are real; fields are complex either way.

    Raises
    ------
    ParameterError
        If a length is not positive, there is no distance, or one is not finite.

    References
    ----------
    .. [1] J. W. Goodman, "Introduction to Fourier Optics", 3rd ed., Roberts (2005), chapter 4.
    """

    shape: tuple[int, ...]
    wavelength: float
    pixel_size: float
    distances: tuple[float, ...]
    signals_are_real: bool

    def __init__(
        self,
        shape: int | tuple[int, ...],
        wavelength: float,
        pixel_size: float,
        distances: Sequence[float],
        real_signal: bool = False,
    ) -> None:
        planes = tuple(float(z) for z in distances)
        for name, value in (("wavelength", wavelength), ("pixel_size", pixel_size)):
            if not (math.isfinite(value) and value > 0.0):
                raise ParameterError(f"{name} must be positive and finite, got {value}")
        if not planes or not all(math.isfinite(z) for z in planes):
            raise ParameterError(
                f"distances must hold at least one finite number, got {planes}; "
                "one for each measured plane"
            )
        object.__setattr__(self, "shape", as_shape("shape", shape))
        object.__setattr__(self, "wavelength", float(wavelength))
        object.__setattr__(self, "pixel_size", float(pixel_size))
        object.__setattr__(self, "distances", planes)
        object.__setattr__(self, "signals_are_real", real_signal)

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (len(self.distances), *self.shape)

    @property
    def real_signal(self) -> bool:
        return self.signals_are_real

    @property
    def real_coefs(self) -> bool:
        return False

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        spectrum = np.asarray(fftn(x, axes=self._axes, norm="ortho"))
        transfer = self._single if is_single(x) else self.transfer
        planes = np.expand_dims(spectrum, -1 - len(self.shape)) * transfer
        return np.asarray(ifftn(planes, axes=self._axes, norm="ortho", overwrite_x=True))

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        spectra = np.asarray(fftn(c, axes=self._axes, norm="ortho"))
        transfer = self._single if is_single(c) else self.transfer
        spectra *= transfer.conj()
        total = spectra.sum(axis=-1 - len(self.shape))
        x = np.asarray(ifftn(total, axes=self._axes, norm="ortho", overwrite_x=True))
        return x.real.copy() if self.real_signal else x

    def bounds(self) -> FrameBounds:
        known = self._tight(len(self.distances))
        value, slack = float(known.entries.max()), known.slack
        return FrameBounds(down(value - slack), up(value + slack), PROVED, "unitary planes")

    def roundoff(self) -> float:
        # two transforms an axis, one complex product with a factor that is rounded itself
        relative = 2.0 * sum(fft_error(n) for n in self.shape) + gamma(16)
        return up(relative * (1.0 + 2.0 * relative) * math.sqrt(self.bounds().upper), 4)

    def adjoint_roundoff(self) -> float:
        """Return e with ``|computed - exact synthesis(c)| <= e |c|`` for every float64 c.

        The same transforms and products as in `roundoff`, and L - 1 additions, whose errors
        are relative to ``sum_l |c_l| <= sqrt(L) |c|``.
        """
        extra = gamma(len(self.distances) + 8)
        return up(self.roundoff() + up(extra * math.sqrt(self.bounds().upper), 2), 2)

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the multiple of 1 where whole planes are kept, else None."""
        axes = tuple(range(1, keep.ndim))
        kept = np.asarray(keep.any(axis=axes))
        if not np.array_equal(kept, keep.all(axis=axes)):
            return None
        return self._tight(int(np.count_nonzero(kept)))

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        lengths = (self.wavelength, self.pixel_size, *self.distances)
        return ("Fresnel", len(self.shape), *self.shape, *lengths, self.real_signal)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        shape = tuple(int(n) for n in rng.integers(2, 5, size=int(rng.integers(1, 3))))
        distances = rng.uniform(-3.0, 3.0, size=int(rng.integers(1, 4)))
        return cls(shape, 0.5, 1.0, distances.tolist(), bool(rng.integers(2)))

    @cached_property
    def transfer(self) -> Array:
        """The transfer functions, shape `coef_shape`, each entry of modulus 1."""
        squares = np.zeros(self.shape)
        for axis, n in enumerate(self.shape):
            frequency = fftfreq(n, d=self.pixel_size)
            squares = squares + np.square(frequency).reshape(
                -1, *(1,) * (len(self.shape) - 1 - axis)
            )
        depths = np.array(self.distances).reshape(-1, *(1,) * len(self.shape))
        angles = -np.pi * self.wavelength * depths * squares
        return frozen(np.cos(angles) + 1j * np.sin(angles))

    @cached_property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-len(self.shape), 0))

    @cached_property
    def _single(self) -> Array:
        return self.transfer.astype(np.complex64)

    def _tight(self, planes: int) -> Diagonal:
        # cos^2 + sin^2 of rounded cosines and sines: 1 within 8 U
        return Diagonal(np.full(self.shape, float(planes)), 16.0 * U * planes)
