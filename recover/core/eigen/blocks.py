"""Block route: the smallest eigenvalue of every block of a sparse matrix, by one elimination.

A symmetric matrix whose graph falls into connected components is block diagonal.  With the
factors of `factor`, all pivots positive,

``x^T A x = x^T L D L^T x + x^T (A - L D L^T) x >= -|A - L D L^T|_2 |x|^2``.

The blocks do not meet: one whose pivots are positive is proved whatever becomes of the others.
Applied to ``A - s`` with one s for each block this proves ``lambda_min >= s - margin`` of each.

A band of the same matrix, as `banded` needs it, has as many entries as the component is wide
in every row; an order of least degree keeps about ``n log n`` in two dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from recover.core.arrays import Array, require_finite
from recover.core.eigen.factor import Factored, factored
from recover.core.errors import ParameterError
from recover.core.rounding import U, gamma

__all__ = ["Blocks"]

ITERATIONS = 12  # of the inverse iteration that says where to try
TRIES = 3
NEARBY = 1e-13
BATCH = 2**15  # rows that are eliminated together: bounds the memory
SHARES = (0.97, 0.85, 0.5, 0.2)  # of what is left of the estimate after its residual


@dataclass(frozen=True, eq=False)
class Blocks:
    """The connected blocks of a symmetric sparse matrix.

    Parameters
    ----------
    matrix : sparse array [shape=(n, n), exactly symmetric]
    label : array of int [shape=(n,)]
        The block of each row, 0, 1, 2, ... in the order of their first rows.
    """

    matrix: sparse.csr_array
    label: Array

    @staticmethod
    def of(matrix: sparse.csr_array) -> Blocks:
        """Find the blocks of a matrix.

        Raises
        ------
        ParameterError
            If the matrix is not square, finite, exactly symmetric, and real of at most double
            precision.
        """
        if not np.can_cast(matrix.dtype, np.float64):
            raise ParameterError(f"matrix must be real, in float64, got dtype {matrix.dtype}")
        csr = sparse.csr_array(matrix).astype(np.float64)
        csr.sum_duplicates()
        rows, columns = csr.shape
        if rows == 0 or rows != columns:
            raise ParameterError(f"matrix must be square and not empty, got {csr.shape}")
        require_finite("matrix", csr.data)
        if abs(csr - sparse.csr_array(csr.T)).max() > 0.0:
            raise ParameterError("matrix must be exactly symmetric; take (A + A^T) / 2")
        _, raw = connected_components(csr)
        _, first = np.unique(raw, return_index=True)
        rank = np.empty(first.size, dtype=np.int64)
        rank[np.argsort(first)] = np.arange(first.size)
        return Blocks(csr, rank[raw])

    @cached_property
    def sizes(self) -> Array:
        """Rows of each block."""
        return np.bincount(self.label)

    @cached_property
    def count(self) -> int:
        """Number of blocks."""
        return int(self.label.max()) + 1

    @cached_property
    def factors(self) -> Factored | None:
        """The matrix, eliminated; None if that failed."""
        return factored(sparse.csc_array(self.matrix))

    def part(self, chosen: Array) -> tuple[Blocks, Array]:
        """Return some of the blocks, and the indices of their rows.

        Parameters
        ----------
        chosen : array of bool [shape=(count,)]
        """
        rows = np.flatnonzero(chosen[self.label])
        if chosen.all():  # spares a copy, and what is eliminated already
            return self, rows
        rank = np.cumsum(chosen) - 1
        inner = sparse.csr_array(self.matrix[rows][:, rows])
        return Blocks(inner, rank[self.label[rows]]), rows

    def largest(self, values: Array) -> Array:
        """Return the largest entry of each block."""
        out = np.full(self.count, -math.inf)
        np.maximum.at(out, self.label, values)
        return out

    def proved(self, at: Array, slack: Array) -> Array:
        """Tell for which blocks ``lambda_min >= at`` is proved, with one elimination.

        Parameters
        ----------
        at : array [shape=(count,)]
        slack : array [shape=(count,)]
            Bounds of the spectral norm of the error of each block.
        """
        done = np.zeros(self.count, dtype=bool)
        for chosen in self._batches((at > 0.0) & np.isfinite(at) & np.isfinite(slack)):
            part, _ = self.part(chosen)
            done[chosen] = part._proved(at[chosen], slack[chosen])
        return done

    def lower_bounds(self, slack: Array, most: int) -> Array:
        """Return proved lower bounds of the blocks' smallest eigenvalues, 0 where none is.

        Parameters
        ----------
        slack : array [shape=(count,)]
            Bounds of the spectral norm of the error of each block.
        most : int
            Rows of the largest block that is tried.
        """
        best = np.zeros(self.count)
        for chosen in self._batches(self.sizes <= most):
            part, _ = self.part(chosen)
            best[chosen] = part._lower_bounds(slack[chosen])
        return best

    def _batches(self, wanted: Array) -> Iterator[Array]:
        """Yield masks of a block and others that together have fewer than `BATCH` rows."""
        blocks = np.flatnonzero(wanted)
        batch = np.cumsum(self.sizes[blocks]) // BATCH
        for number in np.unique(batch):
            chosen = np.zeros(self.count, dtype=bool)
            chosen[blocks[batch == number]] = True
            yield chosen

    def _proved(self, at: Array, slack: Array) -> Array:
        margin = _margins(self)
        done = np.zeros(self.count, dtype=bool)
        for _ in range(TRIES):
            # what is subtracted must cover the margin, which is known after the elimination
            shift = (at + slack + margin) * (1.0 + 4.0 * U)
            outcome = _eliminated(self, shift)
            if outcome is None:
                break
            done |= outcome[0] & (outcome[1] <= margin)
            again = outcome[0] & ~done & (outcome[1] <= at)
            if not again.any():
                break
            margin = np.where(again, 2.0 * outcome[1], margin)
        return done

    def _lower_bounds(self, slack: Array) -> Array:
        best = np.zeros(self.count)
        aims = self._aims()
        for share in SHARES:
            target = share * aims - slack
            open_ = (best == 0.0) & (target > 0.0)
            if not open_.any():
                break
            part, _ = self.part(open_)
            done = part._proved(target[open_], slack[open_])
            best[np.flatnonzero(open_)[done]] = target[open_][done]
        return best

    def _aims(self) -> Array:
        """Estimate the smallest eigenvalue of every block from below (not proved)."""
        start = self.factors
        if start is None:
            # a singular block: an estimate may as well be that of a matrix close by
            moved = sparse.csc_array(self.matrix)
            diagonal = moved.diagonal()
            moved.setdiag(diagonal + NEARBY * float(np.abs(diagonal).max()))
            start = factored(moved)
        if start is None:
            return np.zeros(self.count)
        x = np.random.default_rng(0).standard_normal(self.label.size)
        usable = self.largest(~start.positive) == 0.0
        x = np.where(usable[self.label], x, 0.0)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            for _ in range(ITERATIONS):
                x = start.lu.solve(x)
                x = x / self.largest(np.abs(x))[self.label]
                x = np.where(np.isfinite(x), x, 0.0)
            image, square = self.matrix @ x, self._sums(x * x)
            value = self._sums(x * image) / square
            away = self._sums(np.square(image / value[self.label] - x)) / square
        # next to the eigenvalue the estimate is too large by about its residual^2 over the gap
        aims = value * np.maximum(1.0 - np.sqrt(away), 0.5)
        return np.where(usable & np.isfinite(aims), np.maximum(aims, 0.0), 0.0)

    def _sums(self, values: Array) -> Array:
        return np.bincount(self.label, weights=values)


def _margins(blocks: Blocks) -> Array:
    """Return a first guess of each block's margin: a few roundings of its largest row."""
    rows = abs(blocks.matrix) @ np.ones(blocks.label.size)
    return 64.0 * gamma(64) * blocks.largest(rows)


def _shifted(blocks: Blocks, shift: Array) -> Factored | None:
    """Eliminate ``A - shift``, with the diagonal rounded downwards."""
    lowered = np.nextafter(blocks.matrix.diagonal() - shift[blocks.label], -math.inf)
    moved = sparse.csc_array(blocks.matrix)
    moved.setdiag(lowered)
    return factored(moved)


def _eliminated(blocks: Blocks, shift: Array) -> tuple[Array, Array] | None:
    """Return per block whether all pivots of ``A - shift`` are positive, and the margin."""
    outcome = _shifted(blocks, shift)
    if outcome is None:
        return None
    return blocks.largest(~outcome.positive) == 0.0, blocks.largest(outcome.margin)
