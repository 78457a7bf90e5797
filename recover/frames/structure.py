"""Optional structure of a frame, by which sub-frames are proved without a dense matrix.

A frame that has one of these structures just defines the method; nothing is registered.
``keep`` and ``removed`` are boolean arrays of shape `coef_shape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from recover.core.arrays import Array
from recover.frames.base import Frame

__all__ = [
    "Bands",
    "Diagonal",
    "HasBands",
    "HasDiagonal",
    "HasDual",
    "HasGramKernel",
    "HasParts",
    "HasRows",
    "HasSymbol",
    "Part",
]


class Diagonal(NamedTuple):
    """A diagonal frame operator: its entries, and a bound on each entry's error."""

    entries: Array
    slack: float


class Bands(NamedTuple):
    """A banded frame operator in LAPACK lower storage, and a bound on its error's norm.

    ``bands[d, t] = S[t + d, t]``; if `folded`, the samples are in the order 0, n - 1, 1, n - 2,
    ..., which makes what is banded on a circle banded on a line.
    """

    bands: Array
    slack: float
    folded: bool = False


class Part(NamedTuple):
    """One frame of a union, the vectors kept of it, and the weight of its coefficients."""

    frame: Frame
    keep: Array
    weight: float


@runtime_checkable
class HasDiagonal(Protocol):
    """The frame operator of some sub-frames is exactly diagonal."""

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the diagonal of the kept atoms' frame operator, None if it is not diagonal."""
        ...


@runtime_checkable
class HasSymbol(Protocol):
    """The eigenvalues of some sub-frames' operators are known, as of circulants."""

    def subframe_symbol(self, keep: Array) -> Diagonal | None:
        """Return the eigenvalues of the kept atoms' frame operator, None if unknown."""
        ...


@runtime_checkable
class HasParts(Protocol):
    """The frame is a union of weighted frames of the same signals."""

    def subframe_parts(self, keep: Array) -> Sequence[Part]:
        """Return the parts with what `keep` keeps of each."""
        ...


@runtime_checkable
class HasDual(Protocol):
    """The canonical dual is known in closed form."""

    def canonical_dual(self) -> Frame:
        """Return the frame with ``dual.synthesis(frame.analysis(x)) = x`` of least norm."""
        ...


@runtime_checkable
class HasBands(Protocol):
    """The frame operator is, in some order, a banded matrix (compactly supported atoms)."""

    def subframe_bands(self, keep: Array) -> Bands | None:
        """Return the bands of the kept atoms' frame operator, None if too wide to be useful."""
        ...


@runtime_checkable
class HasGramKernel(Protocol):
    """The entrywise absolute Gram matrix of the atoms can be bounded fast (a convolution)."""

    def absolute_gram(self, p: Array) -> Array:
        """Return ``K p`` for p >= 0 of `coef_shape`, up to `absolute_gram_error`.

        K is a symmetric, entrywise non-negative matrix that majorises the norms of the pieces
        ``<phi_i, phi_j>`` of the Gram matrix, each taken as the map that it is on one (real or
        complex) coefficient; so that for every set J of vectors the norm of the part of the
        frame operator that they make is at most that of K on J. The vectors may be those of a
        larger signal space, of which the frame's are the restrictions.
        """
        ...

    def absolute_gram_error(self, p: Array) -> float:
        """Return a bound on the error of each entry of `absolute_gram` at `p`."""
        ...


@runtime_checkable
class HasRows(Protocol):
    """The analysis operator is a matrix that is held exactly."""

    @property
    def rows(self) -> Array:
        """The matrix (coef_size, signal_size), without any rounding error."""
        ...
