"""The abstract frame: a linear analysis operator, its exact adjoint, and proved bounds.

A concrete frame is a final frozen dataclass in a file of its own.  It must offer the abstract
members below and may offer any protocol of `recover.frames.structure`, which lets a sub-frame
be proved without a dense matrix.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from recover.core.arrays import Array, require_shape
from recover.core.rigor import Rigor

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

__all__ = ["Frame", "FrameBounds"]

_MATRIX_BLOCK = 2**22  # entries of the identity that `matrix` pushes through analysis at once


@dataclass(frozen=True)
class FrameBounds:
    """Frame bounds ``lower |x|^2 <= |analysis(x)|^2 <= upper |x|^2`` over the signal space.

    Unpacks as ``lower, upper = frame.bounds()``.

    Parameters
    ----------
    lower, upper : float
        `lower` is at most the smallest eigenvalue of the frame operator and `upper` at least
        the largest, unless `rigor` says that they are estimates.
    rigor : Rigor
        How firmly both are known.
    how : str
        The closed form or proof used, in a few words.
    """

    lower: float
    upper: float
    rigor: Rigor
    how: str

    def __iter__(self) -> Iterator[float]:
        return iter((self.lower, self.upper))


class Frame(ABC):
    """A finite family of vectors ``phi_i`` with ``analysis(x)_i = <x, phi_i>``.

    Leading axes of every array are a batch.  float32 input gives float32 or complex64 output.
    With ``real_signal`` the signal space is real, also when the coefficients are complex; the
    inner product of coefficients is then the real part of the complex one, and `synthesis`
    returns real signals.
    """

    @property
    @abstractmethod
    def signal_shape(self) -> tuple[int, ...]:
        """Shape of one signal."""

    @property
    @abstractmethod
    def coef_shape(self) -> tuple[int, ...]:
        """Shape of the coefficients of one signal."""

    @property
    @abstractmethod
    def real_signal(self) -> bool:
        """Whether signals are real."""

    @property
    @abstractmethod
    def real_coefs(self) -> bool:
        """Whether coefficients are real (they are only for real signals)."""

    @abstractmethod
    def analysis(self, x: Array) -> Array:
        """Return the coefficients ``<x, phi_i>``, shape (..., *coef_shape)."""

    @abstractmethod
    def synthesis(self, c: Array) -> Array:
        """Return ``sum_i c_i phi_i``, shape (..., *signal_shape): the adjoint of `analysis`."""

    @abstractmethod
    def bounds(self) -> FrameBounds:
        """Return the frame bounds: a closed form where there is one, else a proof."""

    @abstractmethod
    def roundoff(self) -> float:
        """Return e with ``|computed - exact analysis(x)| <= e |x|`` for every float64 x.

        The norm of x, if not 0, is taken to lie within 1e-200 and 1e200, so that underflow of
        products is far below this bound. Infinity where no such bound is known: nothing is then
        proved from computed values.
        """

    @abstractmethod
    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        """Return what defines this frame; a certificate holds its hash and fits no other."""

    @classmethod
    @abstractmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        """Return a small instance for the law tests and for ``recover list``."""

    @property
    def signal_size(self) -> int:
        """Number of entries of one signal."""
        return math.prod(self.signal_shape)

    @property
    def coef_size(self) -> int:
        """Number of coefficients of one signal."""
        return math.prod(self.coef_shape)

    def check_signal(self, x: Array) -> Array:
        """Return `x` if it fits this frame.

        Raises
        ------
        ParameterError
            If the trailing axes are not `signal_shape`, or `x` is complex and must be real.
        """
        x = require_shape("signal", np.asarray(x), self.signal_shape)
        if self.real_signal and np.iscomplexobj(x):
            _refuse_complex(type(self).__name__)
        return x

    def check_coefs(self, c: Array) -> Array:
        """Return `c` if its trailing axes are `coef_shape`, else raise `ParameterError`."""
        return require_shape("coefficients", np.asarray(c), self.coef_shape)

    def matrix(self, columns: Array | None = None) -> Array:
        """Return the analysis operator as a matrix, shape (coef_size, signal_size).

        It is float64 or complex128. Column j is the analysis of the j-th unit vector; each
        column is off by at most `roundoff()` in l2. Meant for small frames.

        Parameters
        ----------
        columns : array of int, optional
            Those that are wanted, in this order; by default all.
        """
        wanted = np.arange(self.signal_size) if columns is None else np.asarray(columns)
        n = wanted.size
        dtype = np.float64 if self.real_coefs else np.complex128
        out = np.empty((self.coef_size, n), dtype=dtype)
        block = max(1, _MATRIX_BLOCK // max(self.signal_size, self.coef_size, 1))
        for start in range(0, n, block):
            stop = min(start + block, n)
            units = np.zeros((stop - start, self.signal_size))
            units[np.arange(stop - start), wanted[start:stop]] = 1.0
            found = self.analysis(units.reshape(stop - start, *self.signal_shape))
            out[:, start:stop] = found.reshape(stop - start, -1).T
        return out

    def as_linear_operator(self) -> LinearOperator:
        """Return this frame as a scipy LinearOperator on flattened arrays.

        With ``real_signal`` and complex coefficients, `rmatvec` is the adjoint for the real
        inner product: it returns the real part.
        """
        from scipy.sparse.linalg import LinearOperator

        def matvec(x: Array) -> Array:
            return self.analysis(x.reshape(self.signal_shape)).reshape(-1)

        def rmatvec(c: Array) -> Array:
            return self.synthesis(c.reshape(self.coef_shape)).reshape(-1)

        dtype = np.dtype(np.float64 if self.real_coefs else np.complex128)
        return LinearOperator(
            shape=(self.coef_size, self.signal_size),
            matvec=matvec,
            rmatvec=rmatvec,
            dtype=dtype,
        )


def _refuse_complex(name: str) -> None:
    from recover.core.errors import ParameterError

    raise ParameterError(
        f"signal must be real for this {name} (real_signal=True), got complex values; "
        "pass its real part or build the frame with real_signal=False"
    )
