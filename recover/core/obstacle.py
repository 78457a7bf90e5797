"""Quadratic programmes with bounds on the variables (obstacle problems), in steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import square

__all__ = ["ObstacleState", "obstacle_start", "obstacle_step"]

Operator = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class ObstacleState:
    """A feasible iterate for ``min 1/2 <x, H x> - <b, x>`` over ``lower <= x <= upper``.

    Parameters
    ----------
    x : array
        The iterate; every one obeys the bounds exactly.
    gradient : array
        ``H x - b``, by recurrence between projections.
    direction : array
        The next conjugate direction.
    free, chopped : array
        The gradient off the bounds, and at a bound its part that points inside: both vanish
        exactly at the minimiser (the conditions of Karush, Kuhn and Tucker).
    """

    x: Array
    gradient: Array
    direction: Array
    free: Array
    chopped: Array

    @property
    def violation(self) -> float:
        """Norm of ``free + chopped``, zero exactly at a minimiser."""
        return math.sqrt(square(self.free) + square(self.chopped))


def obstacle_start(
    apply: Operator, b: Array, x: Array, lower: Array, upper: Array
) -> ObstacleState:
    """Return the first state, at `x` moved into the bounds: one application of H."""
    inside = np.clip(x, lower, upper)
    return _fresh(inside, apply(inside) - b, lower, upper)


def obstacle_step(
    apply: Operator,
    b: Array,
    state: ObstacleState,
    bounds: tuple[Array, Array],
    step: float,
) -> ObstacleState:
    """Return the state after one step of modified proportioning with reduced projections.

    Conjugate gradients on the free variables until they meet a bound or until releasing bounds
    promises more.  One application of H, two where a bound is met.

    Parameters
    ----------
    apply, b : callable, array
        H, positive semidefinite, and b.
    state : ObstacleState
        The iterate.
    bounds : (array, array)
        Lower and upper bounds, possibly infinite.
    step : float in (0, 2/|H|)
        Length of the projected gradient steps.

    References
    ----------
    .. [1] Z. Dostal, J. Schoeberl, "Minimizing quadratic functions subject to bound
       constraints with the rate of convergence and finite termination", Comput. Optim. Appl.
       30 (2005), Algorithm 1 (MPRGP, here with bounds on both sides).
    """
    x, gradient = state.x, state.gradient
    lower, upper = bounds
    length = np.asarray(step, dtype=x.dtype)
    reduced = np.where(
        state.free > 0.0,
        np.minimum((x - lower) / length, state.free),
        np.maximum((x - upper) / length, state.free),
    )
    proportional = square(state.chopped) <= float(np.vdot(reduced, state.free))
    direction = state.direction if proportional else state.chopped
    image = apply(direction)
    curvature = float(np.vdot(direction, image))
    descent = float(np.vdot(gradient, direction))
    # a direction whose products underflow has no usable ratio of descent to curvature
    info = np.finfo(x.dtype)
    vanished = square(direction) <= float(info.tiny) / float(info.eps)
    reach = 0.0 if vanished else _reach(x, direction, lower, upper)
    if not vanished and curvature > 0.0 and descent <= reach * curvature:
        a = np.asarray(descent / curvature, dtype=x.dtype)
        x = np.clip(x - a * direction, lower, upper)
        gradient = gradient - a * image
        if not proportional:
            return _fresh(x, gradient, lower, upper)
        fresh = _fresh(x, gradient, lower, upper)
        turn = np.asarray(float(np.vdot(fresh.free, image)) / curvature, dtype=x.dtype)
        conjugate = fresh.free - turn * direction
        return ObstacleState(x, gradient, conjugate, fresh.free, fresh.chopped)
    if descent > 0.0 and math.isfinite(reach):
        a = np.asarray(reach, dtype=x.dtype)
        x = np.clip(x - a * direction, lower, upper)
        gradient = gradient - a * image
    free = np.where((x > lower) & (x < upper), gradient, np.zeros((), dtype=x.dtype))
    x = np.clip(x - length * free, lower, upper)
    return _fresh(x, apply(x) - b, lower, upper)


def _fresh(x: Array, gradient: Array, lower: Array, upper: Array) -> ObstacleState:
    """Split the gradient and restart the directions."""
    zero = np.zeros((), dtype=x.dtype)
    below, above = x <= lower, x >= upper
    free = np.where(below | above, zero, gradient)
    inward = np.where(below, np.minimum(gradient, zero), np.maximum(gradient, zero))
    chopped = np.where(below ^ above, inward, zero)
    return ObstacleState(x, gradient, free, free, chopped)


def _reach(x: Array, direction: Array, lower: Array, upper: Array) -> float:
    """Return the largest a with ``lower <= x - a direction <= upper``."""
    room = np.where(direction > 0.0, x - lower, upper - x)
    moving = direction != 0.0
    if not moving.any():
        return math.inf
    return float(np.min(room[moving] / np.abs(direction[moving])))
