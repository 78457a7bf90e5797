"""The second eigenvalue of the Laplacian of a circle or line of samples, proved.

The form ``sum_t w_t |z[t+1] x[t] - z[t] x[t+1]|^2`` has off-diagonal entries
``-w_t conj(x[t]) x[t+1]``; multiplying z by the phases of x makes them real, so its eigenvalues
are those of the real form of the moduli.  To add ``u u^T`` to a symmetric matrix with the
eigenvalues l_1 <= l_2 lifts the least one to at most l_2, and so does deleting a row with its
column (Cauchy's interlacing): the least eigenvalue after either bounds l_2 from below.  The
first, with u along the kernel, is sharp and dense; the second leaves a tridiagonal matrix.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh_tridiagonal

from recover.core.arrays import Array
from recover.core.eigen import eigmin_lower, eigmin_lower_banded
from recover.core.rounding import U, down, norm_upper, up

__all__ = ["DEFLATED", "PINNED", "chain_lower", "edge_weights", "find_chain"]

DEFLATED, PINNED = "deflated", "pinned"
DENSE = 512  # samples up to which the sharp route is taken
PINS = 24  # samples that are tried for the other


def edge_weights(sizes: Array, tau: float, *, closed: bool) -> Array:
    """Return the weights w_t of the edges (t, t + 1), the last one closing the circle.

    Parameters
    ----------
    sizes : array [shape=(n,)]
        Moduli of the samples.
    tau : float
        The bound of the change of squared moduli.
    closed : bool
        Whether the last sample is next to the first.
    """
    # moduli are rounded: their squares are taken low
    squares = np.maximum(sizes, np.roll(sizes, -1)) ** 2 * (1.0 - 8.0 * U)
    safe = np.where(squares > 0.0, squares, 1.0)
    weights = np.where(squares > 0.0, 1.0 - tau / safe * (1.0 + 4.0 * U) - 4.0 * U, 0.0)
    weights = np.maximum(weights, 0.0)
    if not closed or sizes.size < 3:
        weights[-1] = 0.0
    return weights


def _entries(sizes: Array, weights: Array) -> tuple[Array, Array, float]:
    """Return the diagonal, the off-diagonal (circular) and the norm of their error."""
    after = np.roll(sizes, -1)
    diagonal = weights * after**2 + np.roll(weights * sizes**2, 1)
    off = -weights * sizes * after
    rows = diagonal + np.abs(off) + np.abs(np.roll(off, 1))
    return diagonal, off, up(16.0 * U * float(rows.max()), 2)


def chain_lower(
    sizes: Array, weights: Array, route: str, pin: int, *, at: float | None = None
) -> float:
    """Return a proved lower bound of the second eigenvalue, 0 if none (or not `at`).

    Parameters
    ----------
    sizes, weights : array [shape=(n,)]
    route : str
    pin : int
        The sample that is deleted by the pinned route.
    at : float, optional
        Only try to prove this value.
    """
    n = sizes.size
    diagonal, off, slack = _entries(sizes, weights)
    if route == DEFLATED and n <= DENSE:
        matrix = np.diag(diagonal)
        here, there = np.arange(n), np.roll(np.arange(n), -1)
        np.add.at(matrix, (here, there), off)
        np.add.at(matrix, (there, here), off)
        kernel = sizes / float(np.linalg.norm(sizes))
        matrix += 2.0 * float(diagonal.mean()) * np.outer(kernel, kernel)
        # the vector need not be the kernel; only the products and sums are rounded
        slack = up(slack + 8.0 * U * norm_upper(matrix), 2)
        return eigmin_lower(matrix, gram_slack=slack, at=at).value
    if route != PINNED or not 0 <= pin < n or n < 2:
        return 0.0
    order = np.roll(np.arange(n), -pin - 1)[: n - 1]
    bands = np.zeros((min(2, n - 1), n - 1))
    bands[0] = diagonal[order]
    if n > 2:
        bands[1, : n - 2] = off[order[:-1]]
    return eigmin_lower_banded(bands, slack=slack, at=at).value


def find_chain(sizes: Array, weights: Array) -> tuple[float, str, int]:
    """Return the best bound found, its route and its pinned sample."""
    n = sizes.size
    if n <= DENSE:
        return chain_lower(sizes, weights, DEFLATED, 0), DEFLATED, 0
    diagonal, off, _ = _entries(sizes, weights)
    best, pin = -1.0, 0
    for place in np.linspace(0, n, PINS, endpoint=False).astype(int):
        # the largest sample nearby: to delete a small one would cut the chain
        near = (place + np.arange(max(n // PINS, 1))) % n
        candidate = int(near[np.argmax(sizes[near])])
        order = np.roll(np.arange(n), -candidate - 1)[: n - 1]
        value = eigh_tridiagonal(
            diagonal[order], off[order[:-1]], eigvals_only=True, select="i", select_range=(0, 0)
        )[0]
        if value > best:
            best, pin = float(value), candidate
    value = chain_lower(sizes, weights, PINNED, pin)
    return down(value * (1.0 - 2.0**-36)), PINNED, pin
