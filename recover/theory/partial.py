"""Partially lifted random duality: Gordon's comparison in exponential form."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize, root
from scipy.special import ndtr

from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.theory.intervals import Interval, exp, log, sqrt, upper_tail

__all__ = ["bound", "ratio", "stationary"]


def ratio(nu: float, s: float, required: float) -> float:
    """Return ``((1/2) log(1 + s) + required nu) / -log E exp(-min(nu, s g_+^2 / 2))``.

    Every ``nu, s > 0`` gives an upper bound of the capacity.  Proof: let p be the probability
    that some unit x has fewer than ``required n`` positive entries of A x, Z the set of such
    vectors, and d the distance of a standard normal vector g to Z.  Gordon's comparison for the
    increasing function ``-exp(-c t)`` of ``min_(x,z) max_(|y|=1) y'(A x - z) + g_0`` gives, for
    every c > 0, ``p exp(c^2/2) <= E exp(c |h|) E exp(-c d)``.  Take ``c = c_3 sqrt(n)``.  With
    ``-c d = max_t -c (d^2 / 2t + t / 2)``, ``s = c / t`` and the trimmed distance
    ``d^2 >= sum_i min(g_i+^2, 2 nu / s) - 2 required n nu / s``, the limit of (1/n) log p is at
    most ``inf_c3 [ sup_s (psi(s) - c_3^2 / 2s) + inf_u (c_3^2 u / 2 + L(u)) ]`` with
    ``psi(s) = inf_nu [required nu + alpha log E exp(-min(nu, s g_+^2 / 2))]`` and
    ``L(u) = (1/2) log(1 + 1/u)``.  As functions of ``u = 1/s`` L is convex, and psi is concave:
    the derivative of the expectation,
    ``u^(-1/2) int_0^sqrt(2 nu) (v^2 / 2) exp(-v^2 / 2) phi(sqrt(u) v) dv``, decreases in u.
    So by Toland's duality the infimum over c_3 is ``inf_u [L(u) + psi(1/u)]``, which is
    negative, and p tends to zero, as soon as alpha exceeds this ratio for one pair (nu, s).

    References
    ----------
    .. [1] Y. Gordon (1988), Theorem A; M. Stojnic, "Lifting/lowering Hopfield models ground
       state energies", arXiv 1306.3975 (2013), for the exponential form.
    """
    c = math.sqrt(2.0 * nu / s)
    wide = math.sqrt(1.0 + s)
    inside = (float(ndtr(c * wide)) - 0.5) / wide
    mean = 0.5 + math.exp(-nu) * float(ndtr(-c)) + inside
    return (0.5 * math.log1p(s) + required * nu) / -math.log(mean)


def stationary(required: float) -> tuple[float, float]:
    """Return the pair (nu, s) of the smallest `ratio`: one minimum, found to rounding.

    The two equations say that the derivatives by nu and s vanish; the start is a descent.
    """

    def objective(logs: Array) -> float:
        return ratio(math.exp(logs[0]), math.exp(logs[1]), required)

    def gradient(logs: Array) -> list[float]:
        nu, s = math.exp(logs[0]), math.exp(logs[1])
        c, wide = math.sqrt(2.0 * nu / s), math.sqrt(1.0 + s)
        x = c * wide
        mass = float(ndtr(x)) - 0.5
        tail = math.exp(-nu) * float(ndtr(-c))
        mean = 0.5 + tail + mass / wide
        alpha = (0.5 * math.log1p(s) + required * nu) / -math.log(mean)
        moment = mass - x * math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
        return [required - alpha * tail / mean, 1.0 - alpha * moment / (wide * mean)]

    descent = minimize(objective, np.log([0.7, 2.5]), method="Nelder-Mead", tol=1e-6)
    solution = root(gradient, descent.x, tol=1e-14).x
    return math.exp(solution[0]), math.exp(solution[1])


def bound(nu: float, s: float, required: float) -> Enclosure:
    """Return an enclosure of `ratio` at an exact pair, in outward-rounded decimals."""
    one, n, t = Interval.of(1), Interval.of(nu), Interval.of(s)
    c = sqrt(n * 2 / t)
    wide = sqrt(one + t)
    inside = (one / 2 - upper_tail(c * wide)) / wide
    mean = one / 2 + exp(-n) * upper_tail(c) + inside
    value = (log(one + t) / 2 + Interval.of(required) * n) / -log(mean)
    return value.enclosure()
