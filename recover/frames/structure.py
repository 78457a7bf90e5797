"""Optional structure of a frame, by which sub-frames are proved without a dense matrix.

A frame that has one of these structures just defines the method; nothing is registered.
``keep`` and ``removed`` are boolean arrays of shape `coef_shape`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from recover.core.arrays import Array

__all__ = ["Bands", "Diagonal", "HasBands", "HasDiagonal", "HasGramKernel", "HasRows"]


class Diagonal(NamedTuple):
    """A diagonal frame operator: its entries, and a bound on each entry's error."""

    entries: Array
    slack: float


class Bands(NamedTuple):
    """A banded frame operator in LAPACK lower storage, and a bound on its spectral-norm error."""

    bands: Array
    slack: float


@runtime_checkable
class HasDiagonal(Protocol):
    """The frame operator of some sub-frames is exactly diagonal."""

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the diagonal of the kept atoms' frame operator, None if it is not diagonal."""
        ...


@runtime_checkable
class HasBands(Protocol):
    """The frame operator is a banded real symmetric matrix (compactly supported atoms)."""

    def subframe_bands(self, keep: Array) -> Bands | None:
        """Return the bands of the kept atoms' frame operator, None if too wide to be useful."""
        ...


@runtime_checkable
class HasGramKernel(Protocol):
    """The entrywise absolute Gram matrix of the atoms can be bounded fast (a convolution)."""

    def absolute_gram(self, p: Array) -> tuple[Array, float]:
        """Return an upper bound of ``|G| p`` for p >= 0 of `coef_shape`, and its absolute error.

        ``|G|_ij >= |<phi_i, phi_j>|`` (an entrywise majorant is allowed), acting on real
        coefficient vectors in the sense of the frame's signal space.
        """
        ...


@runtime_checkable
class HasRows(Protocol):
    """The analysis operator is a matrix that is held exactly."""

    @property
    def rows(self) -> Array:
        """The matrix (coef_size, signal_size), without any rounding error."""
        ...
