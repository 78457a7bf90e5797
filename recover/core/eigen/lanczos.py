"""Lanczos route: a bound that holds with a stated probability over its own random start.

Ritz values bound the smallest eigenvalue from above, so on their own they prove nothing. Let A
be real symmetric positive semidefinite of size N, v a unit eigenvector of its largest
eigenvalue L, b the unit start vector and ``t = |v.b|``. Then the largest Ritz value theta of k
steps satisfies

``L <= theta cosh(arcosh(1 / t) / (2 k - 1))**2``.

Proof: let ``theta <= (1 - e) L`` and L = 1. For every polynomial p of degree k - 1 the vector
``p(A) b`` gives ``sum_i (x_i - 1 + e) b_i^2 p(x_i)^2 <= 0`` over the eigenvalues x_i. Take
``p(x) = T_(2k-1)(y) / y`` with ``y^2 = 1 - x / (1 - e)``. Where ``x <= 1 - e`` the terms are at
least ``-(1 - e) b_i^2``; at x = 1 ``e p^2 = (1 - e) sinh(h)^2`` with
``h = (2 k - 1) artanh(sqrt(e))``. So ``t^2 sinh(h)^2 <= 1 - t^2``, that is
``cosh(h) <= 1 / t``; and ``1 / (1 - e) = cosh(artanh(sqrt(e)))^2``.

For b uniform on the sphere ``P(t < s) <= sqrt(2 N / pi) s`` (for N > 2 the density of a
coordinate is largest at 0), whence ``t >= delta / sqrt(2 N / pi)`` except with probability
delta: one event, on which the bound holds for every k at once, so that the number of steps may
depend on what was seen. If the Krylov space is invariant up to a remainder r, then
``t (L - theta) <= r`` on the same event. A complex Hermitian matrix counts as a real one of
twice the size, which has the same Lanczos coefficients. Used for ``A = upper I - S``:
``lambda_min(S) = upper - L``.

Assumption: all this is for exact arithmetic. The basis is reorthogonalised twice against all
earlier vectors, which keeps computed Ritz values within a modest multiple of ``k U upper`` of
exact ones for a slightly different operator; ``64 k U upper`` is deducted for it, which is not
proved. Errors of the operator are the caller's to keep at rounding level.

References
----------
.. [1] J. Kuczynski, H. Wozniakowski, "Estimating the largest eigenvalue by the power and
   Lanczos algorithms with a random start", SIAM J. Matrix Anal. Appl. 13 (1992) 1094-1122
   (the same rate, ``sqrt(N) exp(-(2 k - 1) sqrt(e))``; the proof above is self-contained).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array
from recover.core.eigen.bound import EigenBound
from recover.core.eigen.krylov import Ritz, lanczos_values
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED, probabilistic
from recover.core.rounding import U, down, up

__all__ = ["Extremes", "eigmin_probabilistic", "estimate_extremes"]

ROUTE = "lanczos"
LARGEST_ANGLE = 10.0  # beyond it the bound is useless, and far beyond it overflows
GOOD_ENOUGH = 0.05  # stop when the probabilistic allowance is this part of the bound


class Extremes(NamedTuple):
    """Estimates of extreme eigenvalues, both inside the spectrum up to rounding."""

    smallest: float
    largest: float


def eigmin_probabilistic(
    apply: Callable[[Array], Array],
    size: int,
    *,
    upper: float,
    delta: float,
    rng: np.random.Generator,
    max_steps: int = 200,
    is_complex: bool = False,
) -> EigenBound:
    """Return a lower bound of the smallest eigenvalue that holds with probability 1 - delta.

    Stops when bad luck costs a twentieth of the bound. See the module for its assumption.

    Parameters
    ----------
    apply : callable, array [shape=(size,)] -> array [shape=(size,)]
        A symmetric (Hermitian) positive semidefinite operator.
    size : int >= 1
    upper : float > 0
        Proved upper bound of the operator's largest eigenvalue.
    delta : float in (0, 1)
        Failure probability allowed, over the numbers drawn from `rng` only.
    rng : numpy.random.Generator
    max_steps : int >= 1
        Memory is that many vectors.
    is_complex : bool
        Whether the operator acts on complex vectors.

    Returns
    -------
    EigenBound
        Never less than 0; a 0 is proved (the operator is positive semidefinite). Useful where
        the smallest eigenvalue is above some hundredths of `upper`.

    Raises
    ------
    ParameterError
        If an argument is out of range, or `upper` is seen to be too small.

    References
    ----------
    .. [1] The module's proof; after Kuczynski, Wozniakowski (1992).
    """
    _check(size, upper, delta, max_steps)
    start = _start(rng, size, is_complex=is_complex)
    overlap = delta / math.sqrt(2.0 * (2 * size if is_complex else size) / math.pi)
    best, slack = 0.0, math.inf
    for ritz in lanczos_values(lambda v: upper * v - apply(v), start, max_steps):
        # a Krylov space that is the whole space needs no luck
        value, allowance = _lower(ritz, upper, 1.0 if ritz.steps == size else overlap)
        if value > best:
            best, slack = value, allowance
        if allowance <= GOOD_ENOUGH * best:
            break
    if best > 0.0:
        return EigenBound(best, probabilistic(delta), ROUTE, slack)
    reason = f"nothing positive holds with probability 1 - {delta:g} after {ritz.steps} steps"
    return EigenBound(0.0, PROVED, ROUTE, slack, reason)


def estimate_extremes(
    apply: Callable[[Array], Array],
    size: int,
    *,
    rng: np.random.Generator,
    steps: int = 60,
    is_complex: bool = False,
) -> Extremes:
    """Estimate the extreme eigenvalues of a Hermitian operator; this proves nothing.

    The smallest is estimated from above and the largest from below, the unsafe directions.

    Parameters
    ----------
    apply : callable, array [shape=(size,)] -> array [shape=(size,)]
    size : int >= 1
    rng : numpy.random.Generator
        For the start.
    steps : int >= 1
        Memory is that many vectors.
    is_complex : bool
        Whether the operator acts on complex vectors.

    Raises
    ------
    ParameterError
        If `size` or `steps` is out of range.
    """
    _check(size, 1.0, 0.5, steps)
    *_, last = lanczos_values(apply, _start(rng, size, is_complex=is_complex), steps)
    return Extremes(last.smallest, last.largest)


def _lower(ritz: Ritz, upper: float, overlap: float) -> tuple[float, float]:
    """Return the bound after some steps, and all that was taken off the Ritz value for it."""
    rounding = 64.0 * ritz.steps * U * upper
    if ritz.smallest < -rounding:
        raise ParameterError(
            f"upper must be at least the largest eigenvalue, got {upper:g}, and one of about "
            f"{upper - ritz.smallest:g} was seen; prove an upper bound with eigmax_upper"
        )
    theta = up(ritz.largest + rounding)
    if ritz.ended:
        top = up(theta + up(up(ritz.remainder + rounding) / overlap))
    else:
        angle = math.acosh(1.0 / overlap) / (2 * ritz.steps - 1)
        top = up(theta * math.cosh(angle) ** 2, 16) if angle < LARGEST_ANGLE else math.inf
    return down(upper - top), top - ritz.largest


def _start(rng: np.random.Generator, size: int, *, is_complex: bool) -> Array:
    """Return a Gaussian vector: its direction is uniform on the (real) sphere."""
    start = rng.standard_normal(size)
    return start + 1j * rng.standard_normal(size) if is_complex else start


def _check(size: int, upper: float, delta: float, max_steps: int) -> None:
    if size < 1:
        raise ParameterError(f"size must be >= 1, got {size}")
    if not 0.0 < upper < math.inf:
        raise ParameterError(
            f"upper must be > 0 and finite, got {upper}; prove one with eigmax_upper"
        )
    if not 0.0 < delta < 1.0:
        raise ParameterError(f"delta must lie in (0, 1), got {delta}; 1e-9 is usual")
    if max_steps < 1:
        raise ParameterError(f"max_steps (steps) must be >= 1, got {max_steps}")
