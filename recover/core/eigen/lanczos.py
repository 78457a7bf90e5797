"""Lanczos route: a bound that holds with a stated probability over its own random start.

Ritz values bound the smallest eigenvalue from above, so on their own they prove nothing. For a
real symmetric positive semidefinite A of size N and a start that is uniform on the sphere, k
steps give a largest Ritz value theta with

``P(theta < (1 - eps) lambda_max(A)) <= 1.648 sqrt(N) exp(-sqrt(eps) (2 k - 1))``.

Used for ``A = upper I - S``: ``lambda_min(S) >= upper - theta / (1 - eps)``. A complex
Hermitian S counts as a real one of twice the size, which has the same Lanczos coefficients.

If the Krylov space is invariant up to a remainder r, every eigenvector v with eigenvalue at a
distance g of all Ritz values has ``|v.b| g <= r`` for the start b; and ``P(|v.b| <= t) <=
sqrt(2 N / pi) t``. So ``lambda_max(A) <= theta + r sqrt(2 N / pi) / delta`` except with
probability delta.

References
----------
.. [1] J. Kuczynski, H. Wozniakowski, "Estimating the largest eigenvalue by the power and
   Lanczos algorithms with a random start", SIAM J. Matrix Anal. Appl. 13 (1992) 1094-1122,
   Theorem 4.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
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
FIRST_CHECK = 16  # steps before the first check; each later one doubles them
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

    The number of steps is chosen while running from a list that is fixed before (`max_steps`
    and its halves down to 16); each check has its share of `delta`, so the choice costs no more
    than the union bound.

    Assumption: the theorem is for exact arithmetic. The basis is reorthogonalised twice against
    all earlier vectors, which keeps computed Ritz values within a modest multiple of
    ``k U upper`` of exact ones for a slightly different operator; ``64 k U upper`` is deducted
    for it, which is not proved. Errors of `apply` are the caller's to keep at rounding level.

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
    .. [1] Kuczynski, Wozniakowski (1992), Theorem 4.2.
    """
    _check(size, upper, delta, max_steps)
    checks = _checks(max_steps, size)
    start = _start(rng, size, is_complex=is_complex)
    steps = lanczos_values(lambda v: upper * v - apply(v), start, checks[-1])
    best, slack = _best(steps, checks, size, upper, delta, is_complex=is_complex)
    if best > 0.0:
        return EigenBound(best, probabilistic(delta), ROUTE, slack)
    reason = f"nothing positive holds with probability 1 - {delta:g} after {checks[-1]} steps"
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


def _best(
    steps: Iterable[Ritz],
    checks: list[int],
    size: int,
    upper: float,
    delta: float,
    *,
    is_complex: bool,
) -> tuple[float, float]:
    """Return the best bound of the checks, at least 0, and what was taken off for it."""
    dimension = 2 * size if is_complex else size
    share = delta / (len(checks) + 1)  # one more for an end of the Krylov space
    best, slack = 0.0, math.inf
    for ritz in steps:
        if ritz.steps not in checks and not ritz.ended:
            continue
        # a Krylov space that is the whole space needs no luck
        luck = math.inf if ritz.steps == size else share
        value, allowance = _lower(ritz, upper, dimension, luck)
        if value > best:
            best, slack = value, allowance
        if allowance <= GOOD_ENOUGH * best:
            break
    return best, slack


def _lower(ritz: Ritz, upper: float, dimension: int, share: float) -> tuple[float, float]:
    """Return the bound after some steps, and all that was taken off the Ritz value for it."""
    rounding = 64.0 * ritz.steps * U * upper
    if ritz.smallest < -rounding:
        raise ParameterError(
            f"upper must be at least the largest eigenvalue, got {upper:g}, and one of about "
            f"{upper - ritz.smallest:g} was seen; prove an upper bound with eigmax_upper"
        )
    theta = ritz.largest + rounding
    if ritz.ended:
        luck = math.sqrt(2.0 * dimension / math.pi) / share
        top = up(theta + (ritz.remainder + rounding) * luck, 4)
    else:
        logarithm = math.log(1.648 * math.sqrt(dimension) / share)
        eps = up((logarithm / (2 * ritz.steps - 1)) ** 2, 8)
        top = up(theta / down(1.0 - eps), 2) if eps < 1.0 else math.inf
    return down(upper - top), top - ritz.largest


def _checks(max_steps: int, size: int) -> list[int]:
    """Return the numbers of steps at which the bound is evaluated: fixed before the run."""
    last = min(max_steps, size)
    checks = [last]
    while checks[0] >= 2 * FIRST_CHECK:
        checks.insert(0, checks[0] // 2)
    return checks


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
