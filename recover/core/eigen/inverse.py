"""Upper bounds of the diagonal of the inverse of a sparse block-diagonal matrix.

For any y near column i of the inverse of a symmetric positive definite A, ``r = e_i - A y`` and
``a = (A^-1)_ii = y_i + <A^-1 e_i, r>``.  As ``|A^-1 e_i|_A = sqrt(a)`` and ``|r|`` in the dual
norm is at most ``|r| / sqrt(lambda)``, lambda a lower bound of A's smallest eigenvalue,

``a <= y_i + sqrt(a) t``, ``t = |r| / sqrt(lambda)``, so ``sqrt(a) <= t/2 + sqrt(t^2/4 + y_i)``.

Blocks do not meet, so one right-hand side asks for one column of each of them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen.blocks import Blocks, factored
from recover.core.rounding import TINY, U, gamma

__all__ = ["inverse_roots"]

AT_ONCE = 2**21  # entries of the columns that are held at a time


def inverse_roots(blocks: Blocks, lower: Array, slack: Array, most: int) -> Array:
    """Return upper bounds of ``sqrt((A^-1)_ii)``, infinite where none was sought.

    Parameters
    ----------
    blocks : Blocks
        The matrix, known up to `slack`.
    lower : array [shape=(blocks.count,)]
        Proved lower bounds of the exact blocks' smallest eigenvalues; 0 where there is none.
    slack : array [shape=(blocks.count,)]
        Bounds of the spectral norm of the error of each block.
    most : int
        Rows of the largest block whose columns are computed; time is that of as many solves.

    Returns
    -------
    array [shape=(n,)]
    """
    roots = np.full(blocks.label.size, math.inf)
    size, top = 1, int(blocks.sizes.max())
    while size <= min(top, most):
        chosen = (blocks.sizes >= size) & (blocks.sizes < 2 * size) & (lower > 0.0)
        chosen &= blocks.sizes <= most
        if chosen.any():
            part, rows = blocks.part(chosen)
            roots[rows] = _roots(part, lower[chosen], slack[chosen])
        size *= 2
    return roots


def _roots(blocks: Blocks, lower: Array, slack: Array) -> Array:
    n = blocks.label.size
    matrix = sparse.csc_array(blocks.matrix)
    start = factored(matrix)
    if start is None:
        return np.full(n, math.inf)
    order = np.argsort(blocks.label, kind="stable")
    first = np.concatenate([[0], np.cumsum(blocks.sizes)[:-1]])
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n) - first[blocks.label[order]]
    moduli = abs(blocks.matrix)
    terms = int(np.diff(blocks.matrix.indptr).max()) + 4
    out = np.full(n, math.inf)
    width = max(AT_ONCE // n, 1)
    largest = int(blocks.sizes.max())
    for begin in range(0, largest, width):
        span = np.arange(begin, min(begin + width, largest))
        mine = (rank >= begin) & (rank < begin + span.size)
        units = np.zeros((n, span.size), order="F")
        units[np.flatnonzero(mine), rank[mine] - begin] = 1.0
        columns = start.lu.solve(units)
        error = np.abs(units - blocks.matrix @ columns)
        # rounding of the residual, and the columns' share of the matrix's own error
        error += (gamma(2 * terms) * (1.0 + 16.0 * U)) * (moduli @ np.abs(columns) + units)
        sums, sizes = (
            np.add.reduceat(np.square(each)[order], first, axis=0) for each in (error, columns)
        )
        extra = (1.0 + gamma(2 * largest + 16)) * (
            np.sqrt(sums) + slack[:, None] * np.sqrt(sizes)
        )
        where = np.flatnonzero(mine)
        block, column = blocks.label[where], rank[where] - begin
        t = (extra[block, column] + math.sqrt(n) * TINY) / np.sqrt(lower[block])
        y = np.maximum(columns[where, column], 0.0)
        out[where] = (0.5 * t + np.sqrt(0.25 * t * t + y)) * (1.0 + 32.0 * U)
    return np.where(np.isnan(out), math.inf, out)
