"""Non-negative least squares, for matrices without columns too."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array

__all__ = ["nonnegative_least_squares"]


def nonnegative_least_squares(
    matrix: Array, goal: Array, *, rounds: int = 30
) -> tuple[Array, float]:
    """Return the x >= 0 that brings ``matrix @ x`` nearest to a goal, and the distance left.

    Every use goes through here: scipy 1.17 ends the process on a matrix without columns.

    Parameters
    ----------
    matrix : array [shape=(m, n), real]
    goal : array [shape=(m,), real]
    rounds : int
        Iterations allowed for each row or column, whichever are more.

    Raises
    ------
    RuntimeError
        If that many iterations were not enough.
    """
    from scipy.optimize import nnls

    if matrix.shape[1] == 0:
        return np.empty(0), float(np.linalg.norm(goal))
    solution, left = nnls(matrix, goal, maxiter=rounds * max(matrix.shape))
    return solution, float(left)
