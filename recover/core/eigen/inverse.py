"""Upper bounds of the diagonal of the inverse of a sparse block-diagonal matrix.

For any y near column i of the inverse of a symmetric positive definite A, ``r = e_i - A y`` and
``a = (A^-1)_ii = y_i + <A^-1 e_i, r>``.  As ``|A^-1 e_i|_A = sqrt(a)`` and ``|r|`` in the dual
norm is at most ``|r| / sqrt(lambda)``, lambda a lower bound of A's smallest eigenvalue,

``a <= y_i + sqrt(a) t``, ``t = |r| / sqrt(lambda)``, so ``sqrt(a) <= t/2 + sqrt(t^2/4 + y_i)``.

Blocks do not meet, so one right-hand side asks for one column of each of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen.blocks import Blocks
from recover.core.eigen.factor import Factored
from recover.core.errors import ParameterError
from recover.core.rounding import U, gamma

__all__ = ["Drawn", "inverse_roots", "probable_inverse"]

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
    start = blocks.factors
    if start is None:
        return np.full(n, math.inf)
    order = np.argsort(blocks.label)
    first = np.concatenate([[0], np.cumsum(blocks.sizes)[:-1]])
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n) - first[blocks.label[order]]
    moduli = abs(blocks.matrix)
    terms = int(np.diff(blocks.matrix.indptr).max()) + 4
    out = np.full(n, math.inf)
    width = max(AT_ONCE // n, 1)
    largest = int(blocks.sizes.max())
    # columns in units of 1 / lambda, so that their squares stay in range whatever A's scale
    unit = np.ldexp(1.0, np.frexp(lower)[1] - 1)
    for begin in range(0, largest, width):
        end = min(begin + width, largest)
        mine = (rank >= begin) & (rank < end)
        units = np.zeros((n, end - begin), order="F")
        units[np.flatnonzero(mine), rank[mine] - begin] = 1.0
        columns = start.lu.solve(units)
        error = np.abs(units - blocks.matrix @ columns)
        # rounding of the residual, and the columns' share of the matrix's own error
        error += gamma(2 * terms) * (moduli @ np.abs(columns) + units)
        sums, sizes = (
            np.add.reduceat(np.square(each)[order], first)
            for each in (error, columns * unit[blocks.label, None])
        )
        extra = (1.0 + gamma(2 * largest + 16)) * (
            np.sqrt(sums) + (slack / unit)[:, None] * np.sqrt(sizes)
        )
        where = np.flatnonzero(mine)
        block, column = blocks.label[where], rank[where] - begin
        t = extra[block, column] / np.sqrt(lower[block])
        y = np.maximum(columns[where, column], 0.0)
        out[where] = (0.5 * t + np.sqrt(0.25 * t * t + y)) * (1.0 + 32.0 * U)
    return np.where(np.isnan(out), math.inf, out)


class Drawn(NamedTuple):
    """Upper bounds that hold together with the probability asked for.

    Parameters
    ----------
    roots : array [shape=(n,)]
        Of ``sqrt((A^-1)_ii)``; infinite where none was sought.
    traces : array [shape=(blocks.count,)]
        Of the sums of ``(A^-1)_ii`` over each block's counted rows; infinite likewise.
    """

    roots: Array
    traces: Array


def probable_inverse(
    blocks: Blocks,
    lower: Array,
    slack: Array,
    counted: Array,
    *,
    probes: int,
    delta: float,
    seed: int,
) -> Drawn:
    """Return upper bounds of ``sqrt((A^-1)_ii)`` and of traces, with probability 1 - delta.

    For independent normal g the entries of ``x = A^-1 L sqrt(D) g`` have the variances
    ``(A^-1)_ii``, so the sum of squares over k draws is that times a chi-square variable, below
    ``k y`` with a probability of at most ``(y e^(1 - y))^(k/2)`` for y < 1.  A solve with the
    residual R moves it by at most ``sqrt((A^-1)_ii) |R|_F / sqrt(lambda)``.

    The sum Q of all squares over the counted rows of a block is ``sum a_j Z_j`` with
    chi-square Z_j of k degrees and a_j the eigenvalues of that part of A^-1: their sum is the
    trace T, none exceeds ``1 / lambda``, so ``sum a_j^2 <= T / lambda``, and
    ``k T <= Q + 2 sqrt(k x T / lambda)`` except with probability e^-x [1]_; hence
    ``sqrt(T) <= s + sqrt(s^2 + Q / k)`` for ``s^2 = x / (k lambda)``.

    Parameters
    ----------
    blocks, lower, slack
        As in `inverse_roots`.
    counted : array of bool [shape=(n,)]
        The rows that traces are taken over.
    probes : int
        Solves: 64 give roots about 2.4 times too large, 256 about 1.5 times.
    delta : float in (0, 1)
        Probability of failure, over the draws.
    seed : int
        Of the draws; which blocks have a bound does not change those of the others.

    References
    ----------
    .. [1] B. Laurent, P. Massart, "Adaptive estimation of a quadratic functional by model
       selection", Ann. Statist. 28 (2000), Lemma 1.
    """
    if not 0.0 < delta < 1.0:
        raise ParameterError(f"delta must lie in (0, 1), got {delta}")
    roots = np.full(blocks.label.size, math.inf)
    traces = np.full(blocks.count, math.inf)
    if not (lower > 0.0).any():
        return Drawn(roots, traces)
    part, rows = blocks.part(lower > 0.0)
    share = delta / (rows.size + part.count)
    start = part.factors
    if start is None:
        return Drawn(roots, traces)
    least, loose = lower[lower > 0.0], slack[lower > 0.0]
    rng = np.random.default_rng(seed)
    # numbers are drawn for all rows: which blocks have a bound changes none of the others'
    normal = (rng.standard_normal((roots.size, 16))[rows] for _ in range(0, probes, 16))
    total, residual = _draws(part, start, normal)
    count = 16 * len(range(0, probes, 16))
    missed = np.sqrt(np.bincount(part.label, weights=residual))
    # the margin of the elimination, and the matrix's own error
    off = (part.largest(start.margin) + loose) / least
    kept = np.maximum(1.0 - 2.0 * off, 0.0)
    # 1e-9 covers all roundings of what follows
    true = np.sqrt(count * _quantile(count, share) * kept) * (1.0 - 1e-9)
    true = true - 2.0 * missed / np.sqrt(least)
    inside = counted[rows]
    sums = np.bincount(part.label[inside], weights=total[inside], minlength=part.count)
    with np.errstate(divide="ignore"):
        found = np.sqrt(total) / true[part.label]
        moved = np.sqrt(sums) * (1.0 + 2.0 * off) + 2.0 * missed / least
        mean = np.square(moved) / (count * kept)
        step = -math.log(share) / (count * least)
        trace = np.square(np.sqrt(step) + np.sqrt(step + mean)) * (1.0 + 1e-9)
    good = true > 0.0
    roots[rows] = np.where(good[part.label], found, math.inf)
    traces[np.flatnonzero(lower > 0.0)] = np.where(good, trace, math.inf)
    return Drawn(roots, traces)


def _draws(part: Blocks, start: Factored, normal: Iterable[Array]) -> tuple[Array, Array]:
    """Return each row's sums of squares of the draws, and of bounds of their residuals."""
    n = part.label.size
    spread = np.sqrt(np.maximum(start.pivots, 0.0))
    place = start.lu.perm_c
    in_order = np.empty(n)
    in_order[place] = spread
    scaled = sparse.csr_array(start.lu.L)
    moduli, scaled_moduli = abs(part.matrix), abs(scaled)
    terms = int(np.diff(part.matrix.indptr).max() + np.diff(scaled.indptr).max()) + 4
    total, residual = np.zeros(n), np.zeros(n)
    for some in normal:
        draws = np.empty_like(some)
        draws[place] = some
        draws *= in_order[:, None]
        right = (scaled @ draws)[place]
        x = start.lu.solve(right)
        total += np.square(x).sum(axis=1)
        rounding = (scaled_moduli @ np.abs(draws))[place] + moduli @ np.abs(x)
        left = np.abs(right - part.matrix @ x) + gamma(2 * terms) * rounding
        residual += np.square(left).sum(axis=1)
    return total, residual


def _quantile(degrees: int, delta: float) -> float:
    """Return y < 1 with ``(y e^(1 - y))^(degrees / 2) <= delta``, 0 if it is tiny."""
    wanted = 2.0 * math.log(delta) / degrees
    low, high = 0.0, 1.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        if math.log(middle) + 1.0 - middle <= wanted:
            low = middle
        else:
            high = middle
    return low
