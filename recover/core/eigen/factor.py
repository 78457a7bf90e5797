"""Gaussian elimination of a sparse symmetric matrix, with a bound of what it is off by.

Elimination with the pivots on the diagonal, in an order that keeps the factors sparse, gives
``L U`` with ``|A - L U| <= gamma_k |L| |U|`` entrywise, k the most terms of an inner product
[1]_.  With D the diagonal of U and F = U - D L^T,

``|A - L D L^T| <= |L| (gamma_k |U| + |F|)``,

and the norm of a symmetric matrix is at most its largest sum of moduli in a row: two products
with vectors.  Nothing is asked of the elimination's symmetry.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM (2002),
   Theorem 9.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen.bound import UNDERFLOW
from recover.core.rounding import U, gamma

if TYPE_CHECKING:
    from scipy.sparse.linalg import SuperLU

__all__ = ["Factored", "factored"]


@dataclass(frozen=True, eq=False)
class Factored:
    """A symmetric sparse matrix, eliminated.

    Parameters
    ----------
    lu : SuperLU
        Its factors.
    pivots : array [shape=(n,)]
        The pivot of each row.
    margin : array [shape=(n,)]
        Upper bounds of the sums of moduli in the rows of ``A - L D L^T``, whose largest over
        a connected block bounds the block's norm; infinite where a pivot is no number.
    """

    lu: SuperLU
    pivots: Array
    margin: Array

    @property
    def positive(self) -> Array:
        """Whether the pivot of each row is positive and its margin finite."""
        return np.asarray((self.pivots > 0.0) & np.isfinite(self.margin))


def factored(matrix: sparse.csc_array) -> Factored | None:
    """Eliminate a symmetric matrix with its pivots on the diagonal.

    Parameters
    ----------
    matrix : sparse array [shape=(n, n), exactly symmetric]

    Returns
    -------
    Factored or None
        None if a pivot vanished or the elimination had to leave the diagonal.
    """
    from scipy.sparse.linalg import splu

    try:
        lu = splu(
            matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:
        return None
    if not np.array_equal(lu.perm_r, lu.perm_c):
        return None
    lower, across = sparse.csc_array(lu.L), sparse.csc_array(lu.U.T)
    lower.sort_indices()
    across.sort_indices()
    pivots = across.diagonal()
    counts = [np.diff(across.indptr), np.bincount(lower.indices), np.diff(lower.indptr)]
    # the product with a reciprocal, a fused or an unfused sum: a few roundings more than terms
    terms = max(int(each.max()) for each in counts) + 4
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = lower.data * np.repeat(pivots, counts[2])  # L D, whose transpose is D L^T
        inner = (
            gamma(terms) * _sums(across, across.data)
            + _asymmetry(lower, scaled, across)
            + 4.0 * U * _sums(lower, scaled)  # the rounding of L D, and of the difference
        )
        moduli = sparse.csc_array((np.abs(lower.data), lower.indices, lower.indptr))
        margin = (moduli @ inner) * (1.0 + gamma(4 * terms + 64))
    # products that underflow; a quotient that does is off by TINY times a pivot of its block,
    # far below that pivot's own margin
    margin = margin + UNDERFLOW
    place = lu.perm_c
    return Factored(lu, pivots[place], np.where(np.isfinite(margin), margin, math.inf)[place])


def _sums(matrix: sparse.csc_array, data: Array) -> Array:
    """Return the columns' sums of moduli of other data on a matrix without empty columns."""
    return np.asarray(np.add.reduceat(np.abs(data), matrix.indptr[:-1]))


def _asymmetry(lower: sparse.csc_array, scaled: Array, across: sparse.csc_array) -> Array:
    """Return the columns' sums of moduli of the difference of U^T from L D."""
    if np.array_equal(lower.indptr, across.indptr) and np.array_equal(
        lower.indices, across.indices
    ):
        return _sums(lower, across.data - scaled)
    other = sparse.csc_array((scaled, lower.indices, lower.indptr))
    return np.asarray(abs(across - other).sum(axis=0))
