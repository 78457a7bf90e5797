"""Partially lifted random duality for networks of several layers."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import root
from scipy.special import ndtr

from recover.core.arrays import Array
from recover.theory import partial
from recover.theory.layer import log_exponential_mean

__all__ = ["next_capacity"]

SMALLEST_LIFT = 0.02  # below it lies a line of spurious solutions with s, b, nu -> 0
RESIDUAL = 1e-8
STEP = 1e-5
SHRINKINGS = (1.0, 0.85, 0.7, 0.5, 0.35)


def next_capacity(
    earlier: tuple[float, ...], required: float, start: Array | None
) -> tuple[float, Array] | None:
    """Return the last layer's capacity and where it was found, or None without a solution.

    The stationary value over ``s_1..s_l, b_1..b_(l-1), nu`` of ::

        alpha_l = [ (1/2) log(1 + s_1) + sum_(i<l) alpha_i log E exp(V_i) + required nu ]
                  / -log E exp(-min(nu, s_l g_+^2 / 2)),

    V_i the V of `recover.theory.layer.mean` at ``nu = s_i``, weight b_i and
    ``kappa = b_i^2 (1 + 1 / s_(i+1))``.  It follows from Gordon's comparison in exponential
    form applied to layer after layer; one layer is `recover.theory.partial.ratio`.  For two
    layers the order of minima and maxima behind it was checked numerically, for more it was
    not, so no value is called proved.

    Parameters
    ----------
    earlier : tuple of float
        Neurons of the layers before, over n.
    required : float
        Active neurons required in the last layer, over n.
    start : array [shape=(2 l - 2,)] or None
        Logarithms of the solution with one layer less.
    """
    for guess in _starts(len(earlier) + 1, required, start):
        found = root(_gradient, guess, args=(earlier, required), tol=1e-12)
        x = np.asarray(found.x)
        residual = np.abs(_gradient(x, earlier, required)).max()
        lifts = np.exp(x[: len(earlier) + 1])
        if residual < RESIDUAL and lifts.min() > SMALLEST_LIFT:
            return _alpha(x, earlier, required), x
    return None


def _starts(layers: int, required: float, start: Array | None) -> list[Array]:
    """Return starts near the solution with one layer less, the last layer repeated."""
    if start is None:
        nu, s = partial.stationary(required)
        grown = np.log([s, s, 0.5, nu])
    else:
        before = layers - 1
        lifts, weights = start[:before], start[before:-1]
        grown = np.concatenate([lifts, lifts[-1:], weights, weights[-1:], start[-1:]])
    scaled = []
    for factor in SHRINKINGS:
        guess = grown.copy()
        guess[:layers] += math.log(factor)
        guess[layers:] += 0.5 * math.log(factor)
        scaled.append(guess)
    return scaled


def _alpha(x: Array, earlier: tuple[float, ...], required: float) -> float:
    layers = len(earlier) + 1
    values = [float(value) for value in np.exp(np.clip(x, -30.0, 30.0))]
    s, b, nu = values[:layers], values[layers:-1], values[-1]
    total = 0.5 * math.log1p(s[0]) + required * nu
    for i, rows in enumerate(earlier):
        total += rows * log_exponential_mean(s[i], b[i] ** 2 * (1.0 + 1.0 / s[i + 1]), b[i])
    c, wide = math.sqrt(2.0 * nu / s[-1]), math.sqrt(1.0 + s[-1])
    inside = (float(ndtr(c * wide)) - 0.5) / wide
    return total / -math.log(0.5 + math.exp(-nu) * float(ndtr(-c)) + inside)


def _gradient(x: Array, earlier: tuple[float, ...], required: float) -> Array:
    result = np.empty_like(x)
    for i in range(x.size):
        shift = np.zeros_like(x)
        shift[i] = STEP
        above, below = (
            _alpha(x + shift, earlier, required),
            _alpha(x - shift, earlier, required),
        )
        result[i] = (above - below) / (2.0 * STEP)
    # where an expectation is infinite there is no value; a large one sends the search back
    return np.nan_to_num(result, nan=1e6)
