"""A better centre for a quadratic prior: a few steps towards the minimiser, in float64."""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.core.obstacle import obstacle_start, obstacle_step
from recover.frames.base import Frame

__all__ = ["polished"]

STEPS = 60
GOOD_ENOUGH = 1e-3  # of the whole bound that the optimality residual may make up


def polished(
    operator: Frame, z: Array, low: Array, high: Array, *, target: tuple[float, float, float]
) -> Array | None:
    """Return a signal of smaller ``|T z|`` between `low` and `high`, None if z is good enough.

    Parameters
    ----------
    operator : Frame
    z, low, high : array [shape=(signal_size,)]
        Where the ends agree the signal is kept.
    target : (float, float, float)
        The operator's norm, its smallest singular value on the unknown samples, the budget.
    """
    norm, s, tau = target
    if not (0.0 < norm < math.inf):
        return None

    def energy_gradient(v: Array) -> Array:
        shaped = v.reshape(operator.signal_shape)
        return operator.synthesis(operator.analysis(shaped)).reshape(-1)

    zero = np.zeros(z.shape)
    image = operator.analysis(z.reshape(operator.signal_shape))
    depth = tau * tau - float(np.linalg.norm(image)) ** 2
    enough = GOOD_ENOUGH * s * math.sqrt(max(depth, 1e-4 * tau * tau))
    state = obstacle_start(energy_gradient, zero, z, low, high)
    if state.violation <= enough:
        return None
    for _ in range(STEPS):
        state = obstacle_step(energy_gradient, zero, state, (low, high), 1.9 / (norm * norm))
        if state.violation <= enough:
            break
    return state.x if bool(np.isfinite(state.x).all()) else None
