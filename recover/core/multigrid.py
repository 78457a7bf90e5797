"""A multigrid preconditioner for sparse symmetric matrices on the samples of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recover.core.arrays import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Multigrid", "build_multigrid"]

_DIRECT = 300  # unknowns solved by a factor
_DEEPEST = 12
_SMOOTHING = 1.3  # over the largest eigenvalue: below 2, so that the cycle stays positive
_POWER_STEPS = 8
_MARGIN = 1.1  # power iterations come from below
_SHIFT = 1e-5  # of the largest diagonal entry, for a factor in single precision


@dataclass(frozen=True, eq=False)
class _Level:
    """One grid: the matrix, its smoother, and the way to the next grid."""

    matrix: csr_array
    smoother: csr_array | Array
    prolongation: csr_array
    restriction: csr_array


@dataclass(frozen=True, eq=False)
class Multigrid:
    """A symmetric positive definite approximation of an inverse.

    Parameters
    ----------
    levels : tuple
        Grids from fine to coarse.
    factor : tuple (array, bool)
        Cholesky factor of the coarsest matrix.
    """

    levels: tuple[_Level, ...]
    factor: tuple[Array, bool]

    def __call__(self, residual: Array) -> Array:
        """Return one V-cycle for `residual`, from zero."""
        return self._cycle(0, residual)

    def _cycle(self, depth: int, residual: Array) -> Array:
        if depth == len(self.levels):
            from scipy.linalg import cho_solve

            return np.asarray(cho_solve(self.factor, residual, check_finite=False))
        level = self.levels[depth]
        x = _smoothed(level, residual)
        inner = level.restriction @ (residual - level.matrix @ x)
        x = x + level.prolongation @ self._cycle(depth + 1, inner)
        return np.asarray(x + _smoothed(level, residual - level.matrix @ x))


def _smoothed(level: _Level, residual: Array) -> Array:
    if isinstance(level.smoother, np.ndarray):
        return np.asarray(level.smoother * residual)
    return np.asarray(level.smoother @ residual)


def build_multigrid(matrix: csr_array, places: Array) -> Multigrid:
    """Return the preconditioner of a positive semidefinite matrix.

    The next grid has every other row and column of the last one, as far as they are unknown;
    prolongation is bilinear (zero beyond the unknowns), the coarse matrices are Galerkin's.

    Parameters
    ----------
    matrix : csr_array [shape=(n, n)]
    places : array of int [shape=(k, n)]
        Coordinates of the unknowns; the last two are row and column, the first ones say which
        plane.

    References
    ----------
    .. [1] W. L. Briggs, V. E. Henson, S. F. McCormick, "A Multigrid Tutorial", SIAM (2000).
    """
    levels: list[_Level] = []
    while matrix.shape[0] > _DIRECT and len(levels) < _DEEPEST:
        prolongation, coarse = _prolongation(places, matrix.dtype)
        if not 0 < prolongation.shape[1] < matrix.shape[0]:
            break
        restriction = prolongation.T.tocsr()
        smoother = _block_jacobi(matrix, places)
        levels.append(_Level(matrix, smoother, prolongation, restriction))
        matrix = restriction @ (matrix @ prolongation)
        places = coarse
    if matrix.shape[0] > _DIRECT:
        levels.append(_last(matrix, places))
        matrix = matrix[:0, :0]
    return Multigrid(tuple(levels), _factor(matrix))


def _block_jacobi(matrix: csr_array, places: Array) -> csr_array | Array:
    """Return the inverse of the blocks of each pixel's planes, damped to a contraction."""
    from scipy.sparse import csr_array

    n, plane = matrix.shape[0], _planes(places)
    pixel = _numbered(_pixel_keys(places))
    count, planes = int(pixel.max()) + 1, int(plane.max()) + 1
    number = np.full((count, planes), -1, dtype=np.int32)
    number[pixel, plane] = np.arange(n, dtype=np.int32)
    inverse = _inverses(_lifted(_blocks(matrix, pixel, plane, number), number.T >= 0))
    target = number[pixel]
    kept = target >= 0
    ends = np.concatenate([[0], np.cumsum(np.count_nonzero(kept, axis=1))]).astype(np.int32)
    entries = np.empty((n, planes), dtype=matrix.dtype)
    for other in range(planes):
        entries[:, other] = inverse[plane, other, pixel]
    jacobi = csr_array((entries[kept], target[kept], ends), shape=(n, n))
    largest = _largest(matrix, jacobi)
    damping = _SMOOTHING / (_MARGIN * largest) if largest > 0.0 else 1.0
    jacobi.data *= np.asarray(damping, dtype=matrix.dtype)
    return np.asarray(jacobi.diagonal()) if planes == 1 else jacobi


def _blocks(matrix: csr_array, pixel: Array, plane: Array, number: Array) -> Array:
    """Return the entries between the planes of each pixel, shape (planes, planes, pixels)."""
    count, planes = number.shape
    blocks = np.zeros((planes, planes, count))
    if (np.diff(pixel) >= 0).all():  # pixel by pixel: they lie next to the diagonal
        for off in range(planes):
            entry, head = matrix.diagonal(off), len(pixel) - off
            same = np.flatnonzero(pixel[:head] == pixel[off:])
            first, second, where = plane[same], plane[same + off], pixel[same]
            blocks[first, second, where] = blocks[second, first, where] = entry[same]
        return blocks
    rows = np.repeat(np.arange(len(pixel)), np.diff(matrix.indptr))
    inside = pixel[rows] == pixel[matrix.indices]
    rows, columns = rows[inside], matrix.indices[inside]
    blocks[plane[rows], plane[columns], pixel[rows]] = matrix.data[inside]
    return blocks


def _lifted(blocks: Array, present: Array) -> Array:
    """Return the blocks raised by rounding's size, those of absent planes an identity."""
    diagonal = np.arange(len(blocks))
    trace = np.trace(blocks)
    lift = np.where(trace > 0.0, _SHIFT * trace, 1.0)
    blocks[diagonal, diagonal] += np.where(present, lift, 1.0)
    return blocks


def _numbered(keys: Array) -> Array:
    """Return the place of each key among the distinct ones."""
    steps = np.diff(keys)
    if (steps >= 0).all():  # pixel by pixel, as stencils are assembled
        return np.concatenate([[0], np.cumsum(steps > 0)])
    return np.asarray(np.unique(keys, return_inverse=True)[1])


def _inverses(blocks: Array) -> Array:
    """Return the inverses of many small positive definite matrices, by Gauss and Jordan.

    Parameters
    ----------
    blocks : array [shape=(k, k, n)]
        Overwritten.
    """
    for k in range(len(blocks)):
        pivot = 1.0 / blocks[k, k]
        blocks[k, k] = 1.0
        row = blocks[k] * pivot
        for other in range(len(blocks)):
            if other != k:
                factor = blocks[other, k].copy()
                blocks[other, k] = 0.0
                blocks[other] -= factor * row
        blocks[k] = row
    return blocks


def _largest(matrix: csr_array, jacobi: csr_array) -> float:
    """Estimate the largest eigenvalue of ``jacobi @ matrix`` by power iterations."""
    x = np.ones(matrix.shape[0], dtype=matrix.dtype)
    x[1::2] = -1.0  # rough, as the largest eigenvectors are
    x[::3] *= 0.5
    largest = 0.0
    for _ in range(_POWER_STEPS):
        y = jacobi @ (matrix @ x)
        largest = float(np.linalg.norm(y) / np.linalg.norm(x))
        if largest == 0.0:
            break
        x = y / np.asarray(largest, dtype=y.dtype)
    return largest


def _last(matrix: csr_array, places: Array) -> _Level:
    """Return a level without a coarser grid."""
    from scipy.sparse import csr_array

    none = csr_array((matrix.shape[0], 0), dtype=matrix.dtype)
    return _Level(matrix, _block_jacobi(matrix, places), none, none.T.tocsr())


def _factor(matrix: csr_array) -> tuple[Array, bool]:
    """Return the Cholesky factor, the diagonal raised by rounding's size."""
    from scipy.linalg import cho_factor

    dense = matrix.toarray().astype(np.float64)
    if dense.size:
        lift = _SHIFT * float(dense.diagonal().max())
        dense[np.diag_indices_from(dense)] += lift if lift > 0.0 else 1.0
    upper, low = cho_factor(dense) if dense.size else (dense, False)
    return np.asarray(upper, dtype=matrix.dtype), bool(low)


def _prolongation(places: Array, dtype: np.dtype[Any]) -> tuple[csr_array, Array]:
    """Return bilinear interpolation from every other row and column, and their places."""
    from scipy.sparse import csr_array

    plane, row, column = _planes(places), places[-2], places[-1]
    rows, columns = int(row.max()) // 2 + 2, int(column.max()) // 2 + 2
    even = (row % 2 == 0) & (column % 2 == 0)
    number = np.full((int(plane.max()) + 1) * rows * columns, -1, dtype=np.int32)
    chosen = np.flatnonzero(even)
    key = (plane * rows + row // 2) * columns + column // 2
    number[key[chosen]] = np.arange(chosen.size, dtype=np.int32)
    targets, weights = [], []
    odd_row, odd_column = row % 2, column % 2
    share = np.where(odd_row == 1, 0.5, 1.0) * np.where(odd_column == 1, 0.5, 1.0)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        used = (down <= odd_row) & (right <= odd_column)
        target = np.where(used, number[key + (down * columns + right)], np.int32(-1))
        targets.append(target)
        weights.append(share)
    target, weight = np.stack(targets, axis=1), np.stack(weights, axis=1).astype(dtype)
    kept = target >= 0
    ends = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    shape = (row.size, chosen.size)
    matrix = csr_array((weight[kept], target[kept], ends), shape=shape)
    coarse = places[:, chosen].copy()
    coarse[-2:] //= 2
    return matrix, coarse


def _planes(places: Array) -> Array:
    """Return one number for all leading coordinates."""
    if len(places) == 2:
        return np.zeros(places.shape[1], dtype=np.intp)
    plane = places[0]
    for each in places[1:-2]:
        plane = plane * (int(each.max()) + 1) + each
    return np.asarray(plane)


def _pixel_keys(places: Array) -> Array:
    """Return one number for row and column."""
    return np.asarray(places[-2] * (int(places[-1].max()) + 1) + places[-1])
