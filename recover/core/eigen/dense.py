"""Dense route: an eigenvalue estimate, then one shifted floating-point Cholesky as the proof.

If the Cholesky factorisation of a symmetric float64 matrix A runs to completion in floating
point, its factor satisfies ``R^T R = A + D`` with ``|D_ij| <= gamma_k |r_i|.|r_j|`` where
k = min(i, j) + 1 counts the roundings of an entry (Higham, Theorem 10.3; here
k = min(i, j) + 2, since some libraries multiply by the rounded reciprocal of a pivot). The
diagonal gives ``|r_i|^2 <= a_ii / (1 - gamma_k)``, so with
``c_i = gamma_(i+2) / (1 - gamma_(i+2))`` we have ``|D_ij| <= sqrt(c_i a_ii) sqrt(c_j a_jj)``
and ``|D|_2 <= sum_i c_i a_ii``. As ``R^T R`` is positive semidefinite,
``lambda_min(A) >= -sum_i c_i a_ii``. With A at most ``G - s I`` (diagonal rounded down,
off-diagonal entries exact) this is ``lambda_min(G) >= s - sum_i c_i a_ii``, a
margin of about ``(n / 2) U trace(G - s I)``. Any summation order and fused operations are
covered. Matrices are scaled by a power of two to entries below 1 first, so underflow adds less
than ``2**-970``.

References
----------
.. [1] S. M. Rump, "Verification of positive definiteness", BIT 46 (2006) 433-452.
.. [2] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM (2002),
   Theorems 10.3 to 10.7.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigvalsh, lapack

from recover.core.arrays import Array
from recover.core.eigen.bound import (
    UNDERFLOW,
    EigenBound,
    realified,
    require_matrix,
    require_slack,
    require_target,
)
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import (
    U,
    binary_exponent,
    down,
    gamma,
    scale,
    scaled_up,
    sum_upper,
    up,
    up_array,
)

__all__ = ["eigmax_upper", "eigmin_lower", "eigmin_lower_symmetric"]

ROUTE = "cholesky"
# How far below the estimate to try, in margins beyond the one that is the price of the proof.
RETREATS = (0.25, 1.0, 4.0, 16.0)


def eigmin_lower(
    gram: Array, *, gram_slack: float = 0.0, at: float | None = None
) -> EigenBound:
    """Return a proved lower bound of the smallest eigenvalue of a Gram matrix.

    Parameters
    ----------
    gram : array [shape=(n, n), exactly symmetric or Hermitian]
        A Gram matrix up to `gram_slack`: the exact one is positive semidefinite, so 0 is always
        a bound. For matrices of any sign see `eigmin_lower_symmetric`.
    gram_slack : float >= 0
        Bound on the spectral norm of ``gram - exact`` (`gram_of` gives it).
    at : float, optional
        Do not search: only try to prove this value, with one factorisation.

    Returns
    -------
    EigenBound
        At most the exact smallest eigenvalue. In a search, below it by about
        ``n U trace(gram) + gram_slack``. Value 0 with a reason if nothing positive (or not
        `at`) could be proved; never less than 0.

    Raises
    ------
    ParameterError
        If `gram` is not a finite Hermitian matrix, if it is indefinite beyond rounding, or if
        `gram_slack` or `at` is not a usable number.

    References
    ----------
    .. [1] Rump (2006); Higham (2002), Theorem 10.3; see the module's derivation.
    """
    bound = eigmin_lower_symmetric(gram, slack=gram_slack, at=at)
    doubt = 32.0 * (bound.slack + 4.0 * U * float(np.abs(gram).max()))
    if at is None and bound.value < -doubt:
        raise ParameterError(
            f"gram must be positive semidefinite up to gram_slack={gram_slack:g}, got a "
            f"smallest eigenvalue near {bound.value:g}; use eigmin_lower_symmetric for others"
        )
    if bound.value >= 0.0:
        return bound
    reason = bound.reason or "the Gram matrix is singular to working precision"
    return EigenBound(0.0, PROVED, ROUTE, bound.slack, reason)


def eigmin_lower_symmetric(
    matrix: Array, *, slack: float = 0.0, at: float | None = None
) -> EigenBound:
    """Return a proved lower bound of the smallest eigenvalue of any Hermitian matrix.

    Parameters
    ----------
    matrix : array [shape=(n, n), exactly symmetric or Hermitian]
        Taken as exact up to `slack`.
    slack : float >= 0
        Bound on the spectral norm of the error of `matrix`.
    at : float, optional
        Only try to prove this value.

    Returns
    -------
    EigenBound
        Value minus infinity with a reason if `at` could not be proved.

    Raises
    ------
    ParameterError
        As `eigmin_lower`, but for indefinite matrices, which are fine here.
    """
    problem = _prepare("matrix", matrix, slack)
    target = require_target(at)
    if math.isinf(problem.slack):
        return EigenBound(-math.inf, PROVED, ROUTE, math.inf, "the matrix's error is unbounded")
    return _search(problem) if target is None else _prove(problem, target)


def eigmax_upper(
    gram: Array, *, gram_slack: float = 0.0, at: float | None = None
) -> EigenBound:
    """Return a proved upper bound of the largest eigenvalue of a Hermitian matrix of any sign.

    Cholesky of ``s I - gram``, that is, minus the lower bound for ``-gram``.

    Parameters
    ----------
    gram : array [shape=(n, n), exactly symmetric or Hermitian]
        Taken as exact up to `gram_slack`.
    gram_slack : float >= 0
        Bound on the spectral norm of the error of `gram`.
    at : float, optional
        Only try to prove this value.

    Returns
    -------
    EigenBound
        At least the exact largest eigenvalue; infinity with a reason if `at` could not be
        proved.

    Raises
    ------
    ParameterError
        If `gram` is not a finite Hermitian matrix, or `gram_slack` or `at` is no usable number.
    """
    negative = eigmin_lower_symmetric(
        -require_matrix("gram", gram), slack=gram_slack, at=None if at is None else -at
    )
    return EigenBound(0.0 - negative.value, PROVED, ROUTE, negative.slack, negative.reason)


class _Problem(NamedTuple):
    matrix: Array  # real, symmetric, scaled to entries below 1
    exponent: int  # the given matrix is this one times 2**exponent
    slack: float  # in units of the given matrix; covers what the scaling lost


def _prepare(name: str, value: Array, slack: float) -> _Problem:
    matrix = require_matrix(name, value)
    if matrix.shape[0] != matrix.shape[1]:
        raise ParameterError(f"{name} must be square, got shape {matrix.shape}")
    if not np.array_equal(matrix, matrix.conj().T):
        gap = float(np.abs(matrix - matrix.conj().T).max())
        raise ParameterError(
            f"{name} must be exactly Hermitian, got a largest asymmetry of {gap:g}; take "
            "(G + G^H) / 2 and add the norm of (G - G^H) / 2 to the slack"
        )
    allowance = require_slack("slack", slack)
    exponent = binary_exponent(matrix)
    scaled = scale(matrix, -exponent)
    if not np.array_equal(scale(scaled, exponent), matrix):  # entries rounded to subnormals
        allowance = up(allowance + scaled_up(UNDERFLOW, exponent))
    return _Problem(realified(scaled), exponent, allowance)


def _margin(diagonal: Array) -> float:
    """Return ``sum_i c_i a_ii`` rounded up (the module's derivation), underflow included."""
    n = diagonal.size
    k = np.arange(1, n + 1) + 2.0
    # gamma / (1 - gamma) = k U / (1 - 2 k U)
    terms = up_array(up_array(k * U / (1.0 - 2.0 * k * U)) * np.maximum(diagonal, 0.0))
    return sum_upper(terms) + UNDERFLOW


def _prove(problem: _Problem, target: float) -> EigenBound:
    """Try to prove the lower bound `target`, with one factorisation."""
    wanted = scaled_up(target, -problem.exponent)
    slack = scaled_up(problem.slack, -problem.exponent)
    diagonal = np.diagonal(problem.matrix)
    # the margin is that of a smaller shift, hence at least the one of the shift that is used
    margin = _margin(np.nextafter(diagonal - wanted, np.inf))
    allowance = up(margin + slack)
    total = scaled_up(allowance, problem.exponent)
    if _is_positive(problem.matrix, up(wanted + allowance)):
        return EigenBound(target, PROVED, ROUTE, total)
    if _gershgorin(problem.matrix, slack) >= wanted:
        return EigenBound(target, PROVED, ROUTE, problem.slack)
    return EigenBound(
        -math.inf, PROVED, ROUTE, total, f"the Cholesky test at {target:g} failed"
    )


def _search(problem: _Problem) -> EigenBound:
    """Prove a value just below an eigenvalue estimate."""
    matrix = problem.matrix
    estimate = float(eigvalsh(matrix)[0])
    margin = _margin(np.diagonal(matrix) - estimate)
    slack = scaled_up(problem.slack, -problem.exponent)
    # the estimate's own error, since a margin may be 0 (multiples of the identity)
    doubt = margin + 4.0 * U * float(np.abs(matrix).max())
    for retreat in RETREATS:
        candidate = estimate - slack - margin - retreat * doubt
        bound = _prove(problem, _unscaled_down(candidate, problem.exponent))
        if bound.value > -math.inf:
            return bound
    value = _unscaled_down(_gershgorin(matrix, slack), problem.exponent)
    return EigenBound(value, PROVED, ROUTE, problem.slack)


def _gershgorin(matrix: Array, slack: float) -> float:
    """Return ``min_i (a_ii - sum_(j != i) |a_ij|) - slack`` rounded down; exact if diagonal."""
    diagonal = np.diagonal(matrix)
    moduli = np.abs(matrix)
    np.fill_diagonal(moduli, 0.0)
    rows = moduli.sum(axis=1)
    rows = np.where(rows > 0.0, rows * (1.0 + 2.0 * gamma(len(matrix) + 2)), 0.0)
    gaps = np.where(rows > 0.0, np.nextafter(diagonal - rows, -np.inf), diagonal)
    lower = float(gaps.min())
    return down(lower - slack) if slack > 0.0 else lower


def _unscaled_down(x: float, exponent: int) -> float:
    return 0.0 - scaled_up(-x, exponent)


def _is_positive(matrix: Array, shift: float) -> bool:
    """Tell whether the Cholesky factorisation of a matrix <= ``matrix - shift I`` completes."""
    if not math.isfinite(shift):
        return False
    shifted = np.array(matrix, order="F")
    diagonal = np.nextafter(np.diagonal(matrix) - shift, -np.inf)
    if not (diagonal > 0.0).all():
        return False
    np.fill_diagonal(shifted, diagonal)
    factor, info = lapack.dpotrf(shifted, overwrite_a=1)
    # a NaN anywhere in the factor would reach the diagonal, which some libraries do not test
    pivots = np.diagonal(factor)
    return bool(info == 0 and (pivots > 0.0).all() and np.isfinite(pivots).all())
