"""The elementary bounds and predictions of the injectivity capacity of one layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

__all__ = ["CapacityBounds", "capacity_bounds"]

TIGHT = 4.0 * 2.0**-52


@dataclass(frozen=True)
class CapacityBounds:
    """Elementary values around the injectivity capacity of a Gaussian ReLU layer.

    Each is the solution of its equation, accurate to 1e-12 relative and rounded to nearest.

    Parameters
    ----------
    union : float
        Upper bound: the expected number of sign patterns with fewer than n positives tends to
        zero above it. ``h_2(1 / alpha) = 1/2``, h_2 the entropy in bits.
    gordon_mesh : float
        Upper bound by Gordon's escape through a mesh of subspaces [1]_.
    easy_lower : float
        Lower bound: below it one test direction, the negative mean of the rows, already has too
        few positives. ``alpha Q(alpha^(-1/2)) = 1`` [2]_.
    euler_characteristic : float
        Where the expected Euler characteristic of the inputs with fewer than n positives
        changes from growing to falling. A prediction, not a bound: plain random duality refutes
        it.

    References
    ----------
    .. [1] A. Maillard, A. S. Bandeira, D. Belius, I. Dokmanic, S. Nakajima, "Injectivity of
       ReLU networks: perspectives from statistical physics", arXiv 2302.14112 (2023).
    .. [2] M. Puthawala, K. Kothari, M. Lassas, I. Dokmanic, M. de Hoop, "Globally injective
       ReLU networks", arXiv 2006.08464 (2020).
    """

    union: float
    gordon_mesh: float
    easy_lower: float
    euler_characteristic: float


def capacity_bounds() -> CapacityBounds:
    """Return the elementary bounds of the injectivity capacity (see `CapacityBounds`)."""
    return CapacityBounds(
        union=_root(lambda alpha: 0.5 * math.log(2.0) - _entropy(1.0 / alpha), 4.0, 20.0),
        gordon_mesh=_root(_mesh, 15.0, 40.0),
        easy_lower=_root(lambda alpha: alpha * float(ndtr(-(alpha**-0.5))) - 1.0, 2.0, 6.0),
        euler_characteristic=_root(lambda alpha: -_euler(1.0 / alpha), 7.0, 12.0),
    )


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=1e-14, rtol=TIGHT))


def _entropy(p: float) -> float:
    return -p * math.log(p) - (1.0 - p) * math.log1p(-p)


def _mesh(alpha: float) -> float:
    """Return ``alpha/2 - 1 - min_t (2/t) [alpha H(1/alpha) + log((1 + (1-t)^(-1/2)) / 2)]``."""

    def exponent(t: float) -> float:
        mesh = math.log(0.5 * (1.0 + (1.0 - t) ** -0.5))
        return 2.0 * (alpha * _entropy(1.0 / alpha) + mesh) / t

    found = minimize_scalar(exponent, bounds=(1e-6, 1.0 - 1e-9), options={"xatol": 1e-12})
    return 0.5 * alpha - 1.0 - float(found.fun)


def _euler(p: float) -> float:
    """Return the growth rate per row of the expected Euler characteristic at ``p = 1/alpha``.

    The inputs with fewer than n positives are where a random n-dimensional subspace of R^m
    meets the vectors with fewer than n positives. As an additive set function of that union of
    cones, the conic intrinsic volumes have the generating function
    ``sum_(k<n) C(m, k) ((t - 1)/2)^k ((1 + t)/2)^(m-k)``: a closed half-line has (1 + t)/2, its
    complement in the line t - (1 + t)/2. The kinematic formula makes the expected Euler
    characteristic twice a sum of the coefficients of t^(m-n+1), t^(m-n+3), ...  The rate is the
    logarithm at the saddle point ``p t^2 - (1 - 2 p) t + (1 - p) = 0``, the larger root.
    """
    t = 0.5 * ((1.0 - 2.0 * p) + math.sqrt(1.0 - 8.0 * p * (1.0 - p))) / p
    return (
        _entropy(p) + p * math.log(0.5 * (t - 1.0)) + (1.0 - p) * math.log(0.5 * (1.0 + t) / t)
    )
