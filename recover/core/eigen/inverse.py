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
from recover.core.eigen.blocks import Blocks
from recover.core.eigen.factor import factored
from recover.core.errors import ParameterError
from recover.core.rounding import TINY, U, gamma

__all__ = ["inverse_roots", "probable_inverse_roots"]

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


def probable_inverse_roots(
    blocks: Blocks, lower: Array, slack: Array, *, probes: int, delta: float, seed: int
) -> Array:
    """Return upper bounds of ``sqrt((A^-1)_ii)`` that all hold with probability 1 - delta.

    For independent normal g the entries of ``x = A^-1 L sqrt(D) g`` have the variances
    ``(A^-1)_ii``, so the sum of squares over k draws is that times a chi-square variable, below
    ``k y`` with a probability of at most ``(y e^(1 - y))^(k/2)`` for y < 1.  A solve with the
    residual R moves it by at most ``sqrt((A^-1)_ii) |R|_F / sqrt(lambda)``.

    Parameters
    ----------
    blocks, lower, slack
        As in `inverse_roots`.
    probes : int
        Solves: 64 give bounds about 2.4 times the root, 256 about 1.5 times.
    delta : float in (0, 1)
        Probability of failure, over the draws.
    seed : int
        Of the draws.
    """
    if not 0.0 < delta < 1.0:
        raise ParameterError(f"delta must lie in (0, 1), got {delta}")
    roots = np.full(blocks.label.size, math.inf)
    if not (lower > 0.0).any():
        return roots
    part, rows = blocks.part(lower > 0.0)
    level = _quantile(probes, delta / rows.size)
    start = factored(sparse.csc_array(part.matrix))
    if start is None:
        return roots
    least, loose = lower[lower > 0.0], slack[lower > 0.0]
    spread = np.sqrt(np.maximum(start.pivots, 0.0))
    place = start.lu.perm_c
    in_order = np.empty(rows.size)
    in_order[place] = spread
    scaled = sparse.csr_array(start.lu.L)
    rng = np.random.default_rng(seed)
    total, residual = np.zeros(rows.size), np.zeros(rows.size)
    for _ in range(0, probes, 16):
        draws = rng.standard_normal((rows.size, 16))
        right = (scaled @ (in_order[:, None] * draws))[place]
        x = start.lu.solve(right)
        total += np.square(x).sum(axis=1)
        residual += np.square(right - part.matrix @ x).sum(axis=1)
    share = np.bincount(part.label, weights=residual)
    # the margin of the elimination, the matrix's own error, and a residual's rounding
    off = (part.largest(start.margin) + loose) / least
    count = 16 * len(range(0, probes, 16))
    true = np.sqrt(count * level * np.maximum(1.0 - 2.0 * off, 0.0))
    true = true - 2.0 * np.sqrt(share / least) - 1e-6
    with np.errstate(divide="ignore"):
        found = np.sqrt(total) / true[part.label] * (1.0 + 1e-9)
    roots[rows] = np.where(true[part.label] > 0.0, found, math.inf)
    return roots


def _quantile(probes: int, delta: float) -> float:
    """Return y < 1 with ``(y e^(1 - y))^(probes / 2) <= delta``."""
    wanted = 2.0 * math.log(delta) / probes
    low, high = 1e-12, 1.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        if math.log(middle) + 1.0 - middle <= wanted:
            low = middle
        else:
            high = middle
    return low
