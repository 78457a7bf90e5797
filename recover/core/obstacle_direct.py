"""Quadratic programmes with lower bounds on the variables, by elimination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recover.core.arrays import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["obstacle_minimiser"]

ROUNDS = 12


def obstacle_minimiser(matrix: csr_array, right: Array, floor: Array, start: Array) -> Array:
    """Minimise ``<u, A u> - 2 <b, u>`` over ``u >= floor`` with an active set.

    Each round frees the variables whose gradient points inwards, holds those that would fall
    below the floor, and eliminates the rest exactly; it ends when the set repeats, which for
    matrices near to diagonally dominant takes a few rounds.  A point reached earlier is
    returned if the rounds run out: always one with ``u >= floor``.

    Parameters
    ----------
    matrix : csr_array [shape=(n, n), symmetric positive definite]
    right, floor, start : array [shape=(n,)]
        `floor` may be minus infinity.

    References
    ----------
    .. [1] M. Hintermueller, K. Ito, K. Kunisch, "The primal-dual active set strategy as a
       semismooth Newton method", SIAM J. Optim. 13 (2002).
    """
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    u = np.maximum(start, floor)
    gradient = matrix @ u - right
    held = (u <= floor) & (gradient > 0.0)
    best, least = u, float(u @ (gradient - right))
    for _ in range(ROUNDS):
        free = np.flatnonzero(~held)
        new = np.where(held, floor, 0.0)
        if free.size:
            rest = (right - matrix @ new)[free]
            inner = csc_array(matrix[free][:, free])
            try:
                factor = splu(
                    inner,
                    permc_spec="MMD_AT_PLUS_A",
                    diag_pivot_thresh=0.0,
                    options={"SymmetricMode": True},
                )
            except RuntimeError:  # singular to working precision
                return best
            new[free] = factor.solve(rest)
        gradient = matrix @ new - right
        below = new < floor
        inside = np.maximum(new, floor)
        value = float(inside @ (matrix @ inside) - 2.0 * (right @ inside))
        if value < least:
            best, least = inside, value
        following = (held & (gradient > 0.0)) | below
        if np.array_equal(following, held):
            return inside
        held = following
    return best
