"""The chain of plain random duality with all dual vectors of unit length."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize, root

from recover.core.arrays import Array
from recover.core.errors import RecoverError
from recover.theory.layer import mean

__all__ = ["dual_value", "next_distance"]

STEP = 1e-5


def dual_value(alpha: float, distance: float, weight: float = 1.0) -> float:
    """Return ``min_u |g - u| + distance |u_+| - weight h'u_+`` over sqrt(n), as n grows.

    That is ``min over nu, kappa of 1/(2 nu) + distance^2 / (2 kappa) - alpha E V`` with the V
    of `recover.theory.layer.mean`.

    Parameters
    ----------
    alpha : float
        Length of g, h and u over n.
    distance, weight : float > 0
        Cost and weight of the next layer.
    """
    return min(
        float(
            minimize(
                _objective,
                start,
                args=(alpha, distance, weight),
                method="Nelder-Mead",
                tol=1e-9,
            ).fun
        )
        for start in ([0.0, 0.0], [-0.6, -0.5], [1.0, 1.0])
    )


def next_distance(alpha: float, distance: float, weight: float = 1.0) -> float:
    """Return D with ``dual_value(alpha, D, weight) = distance``: the next layer's share.

    Raises
    ------
    RecoverError
        If the stationary point found is not the minimum.
    """

    def equations(x: Array) -> list[float]:
        cost = math.exp(x[2])

        def at(nu: float, kappa: float) -> float:
            return _objective(np.array([nu, kappa]), alpha, cost, weight)

        return [
            at(x[0], x[1]) - distance,
            (at(x[0] + STEP, x[1]) - at(x[0] - STEP, x[1])) / (2.0 * STEP),
            (at(x[0], x[1] + STEP) - at(x[0], x[1] - STEP)) / (2.0 * STEP),
        ]

    start = [math.log(0.56), math.log(0.6), math.log(1.09 * distance)]
    found = math.exp(float(root(equations, start, tol=1e-12).x[2]))
    if not abs(dual_value(alpha, found, weight) - distance) < 1e-8:
        raise RecoverError(f"no unit-multiplier chain found after a layer with alpha={alpha}")
    return found


def _objective(logs: Array, alpha: float, distance: float, weight: float) -> float:
    if np.abs(logs).max() > 30.0:
        return 1e6
    nu, kappa = math.exp(logs[0]), math.exp(logs[1])
    return 0.5 / nu + 0.5 * distance**2 / kappa - alpha * mean(nu, kappa, weight)
