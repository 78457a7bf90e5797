"""Frames whose vectors are small stencils on a grid, and their sparse normal matrices.

A signal is a stack of planes, shape (channels, height, width).  The frame operator of such a
frame couples a pixel to a few neighbours only: assembled for the unknown samples alone, it is a
sparse matrix that costs in proportion to their number, not to the image's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.stack import Stack

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Coupling", "DType", "HasStencil", "NormalEquations", "normal_equations"]

DType = np.dtype[Any]
_DENSE = 4096  # unknowns up to which a frame without stencils is assembled from its matrix


class Coupling(NamedTuple):
    """The entries of a frame operator between pixels and their neighbours at one offset.

    Parameters
    ----------
    down, right : int
        The offset of the neighbours.
    block : array [shape=(pixels, channels, channels) or (pixels,)]
        ``S[(c, p), (d, p + offset)]``; one number stands for that times the identity.
        Zero where the neighbour is outside the grid.
    """

    down: int
    right: int
    block: Array


@runtime_checkable
class HasStencil(Protocol):
    """The frame operator couples only near pixels, all planes of them."""

    def couplings(
        self, rows: Array, columns: Array, dtype: np.dtype[Any]
    ) -> Iterator[Coupling]:
        """Yield the frame operator's entries in the rows of the given pixels."""
        ...


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """The quadratic ``|T v|^2`` as a function of the unknown samples of v alone.

    Parameters
    ----------
    matrix : csr_array [shape=(n, n)]
        ``T_U^* T_U``; its gradient's half is ``matrix @ v_U - right``.
    right : array [shape=(n,)]
        ``-T_U^* T v`` of the known samples.
    places : array of int [shape=(n,)]
        Flat indices of the unknown samples in the signal, in the matrix's order: pixel by
        pixel, the channels of a pixel together.
    """

    matrix: csr_array
    right: Array
    places: Array


def normal_equations(frame: Frame, unknown: Array, known: Array) -> NormalEquations:
    """Return the normal equations of ``min |frame.analysis(v)|`` over the unknown samples.

    Parameters
    ----------
    frame : Frame
        With stencils (`HasStencil`), or a small one.
    unknown : array of bool [shape=frame.signal_shape]
    known : array [shape=frame.signal_shape, real]
        The values of the other samples; its dtype is that of the result.

    Raises
    ------
    ParameterError
        If the frame has no stencils and is too large to be assembled from its matrix.
    """
    parts = _parts(frame)
    if parts is None:
        return _from_matrix(frame, unknown, known)
    return _Assembly(unknown, known).run(parts)


def _parts(frame: Frame) -> list[tuple[HasStencil, float]] | None:
    """Return the stencil frames that make up `frame`, with the squares of their weights."""
    if isinstance(frame, HasStencil):
        return [(frame, 1.0)]
    if not isinstance(frame, Stack):
        return None
    found: list[tuple[HasStencil, float]] = []
    for part, weight in zip(frame.frames, frame.weights, strict=True):
        inner = _parts(part)
        if inner is None:
            return None
        found += [(leaf, square * float(weight) ** 2) for leaf, square in inner]
    return found


class _Assembly:
    """The unknown samples of a picture, and the matrix rows that belong to them."""

    def __init__(self, unknown: Array, known: Array) -> None:
        self.channels, self.height, self.width = unknown.shape
        self.known = known
        pixels = np.flatnonzero(unknown.any(axis=0))
        self.rows, self.columns = np.divmod(pixels, self.width)
        here = unknown.reshape(self.channels, -1).T[pixels]
        self.which, self.channel = np.nonzero(here)  # pixel by pixel
        self.flat = pixels[self.which]
        number = np.full(unknown.size, -1, dtype=np.int32)
        self.places = self.channel * (self.height * self.width) + self.flat
        number[self.places] = np.arange(self.places.size, dtype=np.int32)
        self.number = number.reshape(self.channels, -1)

    def run(self, parts: list[tuple[HasStencil, float]]) -> NormalEquations:
        """Return the sum of all parts' normal equations."""
        from scipy.sparse import csr_array

        blocks = self._sum(parts)
        n, number, known = self.places.size, self.number.reshape(-1), self.known.reshape(-1)
        right = np.zeros(n, dtype=known.dtype)
        targets, values = [], []
        for (down, right_by), block in blocks.items():
            flat, inside = self._neighbours(down, right_by)
            for entry, other in self._entries(block):
                place = other * (self.height * self.width) + flat
                column = np.where(inside, number[place], -1)
                outer = np.flatnonzero(inside & (column < 0))
                right[outer] -= entry[outer] * known[place[outer]]
                targets.append(column)
                values.append(entry)
        columns, data = np.stack(targets, axis=1), np.stack(values, axis=1)
        kept = columns >= 0
        ends = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
        matrix = csr_array((data[kept], columns[kept], ends), shape=(n, n))
        return NormalEquations(matrix, right, self.places)

    def _entries(self, block: Array) -> Iterator[tuple[Array, Array | int]]:
        """Yield a block's entries for every unknown sample, and the channels they lead to."""
        if block.ndim == 1:
            yield block[self.which], self.channel  # a multiple of the identity
            return
        for other in range(self.channels):
            yield block[self.which, self.channel, other], other

    def _sum(self, parts: list[tuple[HasStencil, float]]) -> dict[tuple[int, int], Array]:
        total: dict[tuple[int, int], Array] = {}
        for part, square in parts:
            for coupling in part.couplings(self.rows, self.columns, self.known.dtype):
                key = (coupling.down, coupling.right)
                block = coupling.block * np.asarray(square, dtype=self.known.dtype)
                total[key] = _added(total[key], block) if key in total else block
        return total

    def _neighbours(self, down: int, right: int) -> tuple[Array, Array]:
        """Return the flat neighbours of every unknown sample, and which are on the grid."""
        row, column = self.rows + down, self.columns + right
        inside = (row >= 0) & (row < self.height) & (column >= 0) & (column < self.width)
        flat = np.where(inside, row * self.width + column, 0)
        return flat[self.which], inside[self.which]


def _added(a: Array, b: Array) -> Array:
    """Return the sum of two blocks, either of which may be a multiple of the identity."""
    if a.ndim == b.ndim:
        return np.asarray(a + b)
    wide, thin = (a, b) if a.ndim > b.ndim else (b, a)
    out = wide.copy()
    diagonal = np.arange(wide.shape[1])
    out[:, diagonal, diagonal] += thin[:, None]
    return out


def _from_matrix(frame: Frame, unknown: Array, known: Array) -> NormalEquations:
    from scipy.sparse import csr_array

    places = np.flatnonzero(unknown)
    if places.size > _DENSE or not (frame.real_signal and frame.real_coefs):
        raise ParameterError(
            f"frame must be made of stencils, or real with at most {_DENSE} unknown samples, "
            f"got {type(frame).__name__} with {places.size}"
        )
    rows = frame.matrix()[:, places]
    rest = np.where(unknown, 0.0, known.astype(np.float64))
    right = -(rows.T @ frame.analysis(rest).reshape(-1))
    matrix = csr_array((rows.T @ rows).astype(known.dtype))
    return NormalEquations(matrix, right.astype(known.dtype), places)
