"""How much of the Gaussian width of its inputs a ReLU layer passes on."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache

from scipy.optimize import minimize_scalar

from recover.core.errors import RecoverError
from recover.theory.intervals import Interval, sqrt
from recover.theory.layer import mean, mean_enclosure

__all__ = ["width_after"]

SLACKS = (1e-12, 1e-10, 1e-8, 1e-6)  # relative; the first that is proved is used
MOST_PIECES = 2000


@lru_cache(maxsize=64)
def width_after(alpha: float, width: float) -> float:
    """Return a proved bound of the Gaussian width of a layer's normalised outputs.

    T is a set of unit vectors of width ``E sup_(x in T) h'x <= width sqrt(n)``, A has
    ``m = alpha n`` rows; the result bounds ``E sup_(x in T) h'z / |z| / sqrt(n)``,
    ``z = max(A x, 0) != 0``, as n grows.

    Proof: fix h and let ``U = {u: h'u_+ > R sqrt(n) |u_+|}``.  By Gordon's comparison [1]_ no x
    in T has A x in U if every u in U is further than ``width sqrt(n)`` from a standard normal g
    (with probability tending to one; the supremum is 1-Lipschitz in h, so it concentrates).
    For all nu > 0, kappa >= 0 and u with ``|g - u|^2 <= width^2 n``, summing
    `recover.theory.layer.mean`'s V over the neurons gives
    ``h'u_+ <= n [kappa d^2 / 2 + alpha E
    V(nu, kappa) + width^2 nu / 2] = n [kappa d^2/2 + k]``, ``d = |u_+| /
    sqrt(n)``, in the limit.  The bracket is at most R d for d between the roots of ``kappa d^2
    / 2 - R d + k``.  So R is a bound as soon
    as finitely many pairs (nu, kappa) have such intervals that cover all d > 0.  They are
    checked in outward-rounded decimals.

    Parameters
    ----------
    alpha : float >= 2.1 width^2
        Neurons over the dimension n of the network's input.
    width : float in (0, 1]
        Width of the layer's inputs over sqrt(n).

    References
    ----------
    .. [1] Y. Gordon, "On Milman's inequality and random subspaces which escape through a mesh
       in R^n", Geometric Aspects of Functional Analysis, Springer (1988).
    """
    exact, kappa = _optimum(alpha, width)
    for slack in SLACKS:
        result = exact * (1.0 + slack)
        pairs = _cover(alpha, width, result, kappa)
        if pairs is not None and _proved(alpha, width, result, pairs):
            return result
    raise RecoverError(f"the width after a layer with alpha={alpha} could not be bounded")


def _best_nu(alpha: float, width: float, kappa: float) -> tuple[float, float]:
    """Return the smallest k over nu at one kappa (convex in nu), and the nu."""
    found = minimize_scalar(
        lambda log_nu: (
            alpha * mean(math.exp(log_nu), kappa) + 0.5 * width**2 * math.exp(log_nu)
        ),
        bracket=(-2.0, 1.0),
        tol=1e-10,
    )
    return float(found.fun), math.exp(float(found.x))


def _optimum(alpha: float, width: float) -> tuple[float, float]:
    """Return the largest ``sqrt(2 kappa k)`` over kappa, which is the width, and the kappa."""
    found = minimize_scalar(
        lambda log_kappa: (
            -2.0 * math.exp(log_kappa) * _best_nu(alpha, width, math.exp(log_kappa))[0]
        ),
        bracket=(-2.0, 1.0),
        tol=1e-9,
    )
    return math.sqrt(-float(found.fun)), math.exp(float(found.x))


def _cover(
    alpha: float, width: float, bound: float, kappa: float
) -> list[tuple[float, float]] | None:
    """Return pairs (nu, kappa) whose intervals should cover all d > 0, smallest d first."""
    below: list[tuple[float, float]] = []
    above: list[tuple[float, float]] = []
    flat = _best_nu(alpha, width, 0.0)
    for pairs, sign in ((below, -1.0), (above, 1.0)):
        current = kappa
        for _ in range(MOST_PIECES):
            k, nu = _best_nu(alpha, width, current)
            pairs.append((nu, current))
            spread = math.sqrt(max(bound**2 - 2.0 * current * k, 0.0))
            if spread == 0.0:
                return None
            end = (bound + sign * spread) / current
            if sign > 0.0 and end >= 1.001 * flat[0] / bound:
                pairs.append((flat[1], 0.0))
                break
            if end <= 0.0:
                break
            # intervals widen away from the optimum, so 0.9 of this spread still overlaps
            current = bound / (end * (1.0 + sign * 0.9 * min(spread / bound, 1.0)))
        else:
            return None
    return below[::-1] + above[1:]


def _proved(alpha: float, width: float, bound: float, pairs: list[tuple[float, float]]) -> bool:
    """Tell whether the intervals of `pairs`, in this order, are proved to cover all d > 0."""
    r, rows = Interval.of(bound), Interval.of(alpha)
    square = Interval.of(width) * Interval.of(width)
    covered = Decimal(0)
    for nu, kappa in pairs:
        slope = Interval.of(kappa)
        k = rows * mean_enclosure(nu, kappa) + square * Interval.of(nu) / 2
        if kappa == 0.0:
            return (k / r).upper <= covered
        spread_square = r * r - slope * k * 2
        if not spread_square.positive:
            return False
        spread = sqrt(spread_square)
        if ((r - spread) / slope).upper > covered:
            return False
        covered = max(covered, ((r + spread) / slope).lower)
    return False
