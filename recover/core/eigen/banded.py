"""Banded route: Cholesky of a shifted band matrix, with a margin that does not grow with n.

As in the dense route (see `dense`), a Cholesky factorisation that completes has
``R^T R = A + D``. In a band of half-width w an entry of the factor is made from at most w
products, the subtraction from a_ij and one division (or a product with a rounded reciprocal)
or root, so ``|D_ij| <= gamma_(w+3) |r_i|.|r_j| <= c sqrt(a_ii a_jj)`` with
``c = gamma_(w+3) / (1 - gamma_(w+3))``, and D_ij = 0 for ``|i - j| > w``: the factor has no
fill, and products with the zeros of a blocked algorithm are exact. Schur's test with the
weights ``sqrt(a_ii)`` gives

``|D|_2 <= c max_i sum_(|j - i| <= w) a_jj <= c (2 w + 1) max_i a_ii``,

the trace of a window of the diagonal instead of the whole trace. The proof of
``lambda_min(S) >= v`` is one factorisation of a matrix at most ``S - s I``,
``s = v + |D| + slack``.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM (2002),
   Theorem 10.3 (the band version above is this module's).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from recover.core.arrays import Array
from recover.core.eigen.bound import (
    UNDERFLOW,
    EigenBound,
    require_matrix,
    require_slack,
    require_target,
)
from recover.core.eigen.krylov import lanczos_values
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import binary_exponent, gamma, scaled_up, up

__all__ = ["eigmin_lower_banded"]

ROUTE = "banded"
RTOL = 1e-4  # a search ends when the bound is this close to an estimate of the eigenvalue
MAX_TRIALS = 12  # factorisations in a search
LANCZOS_STEPS = 20  # inverse iterations per factorisation at most


def eigmin_lower_banded(
    bands: Array, *, slack: float = 0.0, at: float | None = None
) -> EigenBound:
    """Return a proved lower bound of the smallest eigenvalue of a banded Gram matrix.

    Parameters
    ----------
    bands : array [shape=(w + 1, n)], real or complex
        LAPACK lower storage: ``bands[d, j] = S[j + d, j]``; entries past the end of a diagonal
        are ignored, the main diagonal is real. S is positive semidefinite up to `slack`.
    slack : float >= 0
        Bound on the spectral norm of the error of S (assembly).
    at : float, optional
        Do not search: only try to prove this value, with one factorisation.

    Returns
    -------
    EigenBound
        Never less than 0; value 0 with a reason if nothing positive (or not `at`) was proved.
        A search ends within a relative 1e-4 of an estimate, plus about twice the rounding
        margin. Time ``n w^2`` per factorisation, a few factorisations; memory about three times
        that of `bands`.

    Raises
    ------
    ParameterError
        If `bands` is not a finite matrix of at most n bands with a real main diagonal, or
        `slack` or `at` is no usable number.

    References
    ----------
    .. [1] Higham (2002), Theorem 10.3; see the module's derivation.
    """
    problem = _prepare(bands, require_slack("slack", slack))
    target = require_target(at)
    if math.isinf(problem.slack):
        return EigenBound(0.0, PROVED, ROUTE, math.inf, "the matrix's error is unbounded")
    if target is None:
        return _search(problem)
    if target <= 0.0:
        return EigenBound(0.0, PROVED, ROUTE, 0.0)
    return _try(problem, target).bound


class _Problem(NamedTuple):
    bands: Array  # real, Fortran order, scaled to entries below 1, zero past the ends
    exponent: int  # the given matrix is this one times 2**exponent
    slack: float  # in units of the given matrix


class _Trial(NamedTuple):
    bound: EigenBound
    shift: float  # what was subtracted from the scaled matrix
    allowance: float  # the part of it that is not the value to be proved
    factor: Array | None  # of the shifted matrix, None if it is not provably positive


def _prepare(bands: Array, slack: float) -> _Problem:
    array = np.asarray(bands)
    if array.ndim != 2 or not 1 <= array.shape[0] <= array.shape[1]:
        raise ParameterError(
            f"bands must have shape (w + 1, n) with w < n, got {array.shape}; "
            "drop the bands outside the matrix"
        )
    n = array.shape[1]
    clean = np.array(array, order="F")
    for d in range(array.shape[0]):
        clean[d, n - d :] = 0.0
    clean = require_matrix("bands", clean)
    if np.iscomplexobj(clean):
        if clean[0].imag.any():
            worst = float(np.abs(clean[0].imag).max())
            raise ParameterError(
                f"bands must have a real main diagonal, got imaginary parts up to {worst:g}"
            )
        clean = _realified_bands(clean)
    exponent = binary_exponent(clean)
    with np.errstate(under="ignore"):
        np.ldexp(clean, -exponent, out=clean)  # in place: the matrix may be half of the memory
    return _Problem(clean, exponent, slack)


def _realified_bands(bands: Array) -> Array:
    """Return the lower bands of the real matrix with blocks ``[[re, -im], [im, re]]``."""
    width, n = bands.shape
    real = np.zeros((2 * width, 2 * n), order="F")
    for d in range(width):
        real[2 * d, 0::2] = real[2 * d, 1::2] = bands[d].real
        real[2 * d + 1, 0::2] = bands[d].imag
        if d > 0:
            real[2 * d - 1, 1::2] = -bands[d].imag
    return real


def _margin(diagonal: Array, width: int) -> float:
    """Return ``c max_i sum_(|j - i| <= w) a_jj`` (the module's derivation), rounded up."""
    largest = float(np.convolve(np.maximum(diagonal, 0.0), np.ones(2 * width + 1)).max())
    window = up(largest * (1.0 + gamma(4 * width + 4)))  # the roundings of the sum
    c = 0.5 * gamma(2 * width + 6)  # gamma_k / (1 - gamma_k) is gamma_(2k) / 2
    return up(c * window) + UNDERFLOW


def _factor(bands: Array, shift: float) -> Array | None:
    """Return the factor of a matrix at most ``S - shift I``, None if it is not positive."""
    if not math.isfinite(shift):
        return None
    diagonal = np.nextafter(bands[0] - shift, -np.inf)
    if not (diagonal > 0.0).all():
        return None
    shifted = bands.copy(order="F")
    shifted[0] = diagonal
    factor, info = lapack.dpbtrf(shifted, lower=1, overwrite_ab=1)
    # a NaN anywhere in the factor would reach the diagonal, which some libraries do not test
    pivots = factor[0]
    if info != 0 or not ((pivots > 0.0).all() and np.isfinite(pivots).all()):
        return None
    return np.asarray(factor)


def _try(problem: _Problem, target: float) -> _Trial:
    """Try to prove the lower bound `target`, with one factorisation."""
    wanted = scaled_up(target, -problem.exponent)
    slack = scaled_up(problem.slack, -problem.exponent)
    # the margin is that of a smaller shift, hence at least the one of the shift that is used
    diagonal = np.nextafter(problem.bands[0] - wanted, np.inf)
    allowance = up(_margin(diagonal, problem.bands.shape[0] - 1) + slack)
    shift = up(wanted + allowance)
    factor = _factor(problem.bands, shift)
    total = scaled_up(allowance, problem.exponent)
    bound = EigenBound(target, PROVED, ROUTE, total)
    if factor is None:
        bound = EigenBound(0.0, PROVED, ROUTE, total, f"no Cholesky factor at {target:g}")
    return _Trial(bound, shift, allowance, factor)


def _search(problem: _Problem) -> EigenBound:
    """Prove values that climb towards the smallest eigenvalue.

    Inverse iteration with the factor of the best shift so far tells how far above it the
    eigenvalue is; the next value to be tried lies a rounding margin below that, after a failed
    trial further and further below.
    """
    best = _try(problem, 0.0)
    if best.factor is None:
        return replace(best.bound, reason="the matrix is singular to working precision")
    above, below = _distance(best.factor)
    failures = 0
    for _ in range(MAX_TRIALS):
        best = best._replace(factor=None)  # a factor is as large as the matrix: keep none
        aim = RTOL * (best.shift + above)
        if above <= aim + 1.5 * best.allowance:
            break
        # stay clear of clusters that the estimate cannot tell apart
        retreat = max(above - below, 0.25 * aim) * 8.0**failures
        step = max(above - retreat, above * 0.25 ** (failures + 1))
        candidate = best.shift + step - 2.0 * best.allowance
        target = 0.0 - scaled_up(-candidate, problem.exponent)
        if target <= best.bound.value:
            break
        trial = _try(problem, target)
        if trial.factor is None:
            failures += 1
        else:
            best, (above, below), failures = trial, _distance(trial.factor), 0
    return best.bound


def _distance(factor: Array) -> tuple[float, float]:
    """Estimate the smallest eigenvalue of the factored matrix from above, and cautiously.

    Lanczos on the inverse, from a fixed random start; the cautious value takes off the
    residual. Neither is proved.
    """

    def solve(vector: Array) -> Array:
        return np.asarray(lapack.dpbtrs(factor, vector, lower=1)[0]).ravel()

    start: Array = np.random.default_rng(0).standard_normal((factor.shape[1],))
    *_, ritz = lanczos_values(solve, start, LANCZOS_STEPS, RTOL)
    return 1.0 / ritz.largest, 1.0 / (ritz.largest + ritz.residual)
