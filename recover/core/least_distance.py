"""Least-distance programmes: the shortest vector that obeys linear inequalities."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.core.nonnegative import nonnegative_least_squares

__all__ = ["least_distance"]

_INFEASIBLE = 1e-12  # squared residual below which non-negative least squares fits exactly


def least_distance(rows: Array, bounds: Array) -> tuple[Array, Array] | None:
    """Return the shortest w with ``rows @ w >= bounds``, and its multipliers, or None.

    The multipliers m >= 0 satisfy ``w = rows^T m`` and vanish where a bound is not active:
    together with the inequalities these are the conditions of optimality.  None means that no
    vector obeys the inequalities, or none shorter than 10^6 times the natural length of the
    problem.

    Parameters
    ----------
    rows : array [shape=(p, n)]
        The left-hand sides.
    bounds : array [shape=(p,)]
        The right-hand sides; finite.

    References
    ----------
    .. [1] C. L. Lawson, R. J. Hanson, "Solving Least Squares Problems", SIAM (1995), chapter 23
       (LDP: the residual of ``min |[rows^T; bounds^T] u - e|`` over u >= 0 is the solution).
    """
    n = rows.shape[1]
    needed = bounds.max(initial=0.0)
    if needed <= 0.0:
        return np.zeros(n), np.zeros(bounds.size)
    size = np.linalg.norm(rows, axis=1)
    if (bounds[size == 0.0] > 0.0).any():
        return None
    # unit rows, and unit length of the farthest half-space: scale-free tests
    norms = np.where(size > 0.0, size, 1.0)
    distance = bounds / norms
    unit = float(distance.max())
    dual = np.vstack([(rows / norms[:, None]).T, distance / unit])
    target = np.zeros(n + 1)
    target[-1] = 1.0
    u, _ = nonnegative_least_squares(dual, target)
    residual = target - dual @ u
    energy = float(residual @ residual)
    if energy <= _INFEASIBLE:
        return None
    # the last entry of the residual equals its squared norm at the exact minimiser
    multipliers = u * (unit / residual[-1]) / norms
    return rows.T @ multipliers, multipliers
