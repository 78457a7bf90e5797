"""Projected Newton steps for sparse quadratic programmes with bounds on the variables."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recover.core.arrays import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = [
    "BoundedQuadratic",
    "NewtonState",
    "free_state",
    "newton_start",
    "newton_step",
    "unbounded_start",
]

Preconditioner = Callable[[Array], Array]

_ARMIJO = 1e-4
_HALVINGS = 12


@dataclass(frozen=True, eq=False)
class BoundedQuadratic:
    """``min 1/2 <x, A x> - <b, x>`` over ``lower <= x <= upper``.

    Parameters
    ----------
    matrix : csr_array
        A, positive semidefinite.
    right : array
        b.
    lower, upper : array
        Possibly infinite.
    precondition : callable
        A symmetric positive definite approximation of the inverse of A.
    """

    matrix: csr_array
    right: Array
    lower: Array
    upper: Array
    precondition: Preconditioner


@dataclass(frozen=True, eq=False)
class NewtonState:
    """A feasible point.

    Parameters
    ----------
    x : array
        Every iterate obeys the bounds exactly.
    gradient : array
        ``A x - b``.
    held : array of bool
        The variables at a bound whose gradient points outwards.
    violation : float
        Norm of the gradient off the held variables, in the metric of the preconditioner: about
        the distance to the minimiser over those variables in the metric of A.  Zero exactly
        at a minimiser.
    image : array
        What the preconditioner makes of the gradient off the held variables.
    """

    x: Array
    gradient: Array
    held: Array
    violation: float
    image: Array


def newton_start(task: BoundedQuadratic, x: Array) -> NewtonState:
    """Return the state at `x` moved into the bounds."""
    return _state(task, np.clip(x, task.lower, task.upper))


def free_state(task: BoundedQuadratic, x: Array) -> NewtonState:
    """Return the state at `x` with no variable held."""
    gradient = np.asarray(task.matrix @ x - task.right)
    return _measured(task, x, gradient, np.zeros(x.shape, dtype=bool))


def unbounded_start(
    task: BoundedQuadratic, free: NewtonState, forcing: float, most: int
) -> NewtonState:
    """Return the state at a point that was made without the bounds, moved into them.

    The bounds hold few variables at the minimiser of a smooth picture, so that the rounds from
    there on have little left to decide.

    Parameters
    ----------
    task : BoundedQuadratic
    free : NewtonState
        Where conjugate gradients begin, nothing held.
    forcing : float in (0, 1)
        By which factor they reduce the residual.
    most : int
        The most steps.
    """
    step = _conjugate_gradients(task, free, forcing * free.violation, most)
    return newton_start(task, free.x + step)


def newton_step(
    task: BoundedQuadratic, state: NewtonState, tol: float, most: int
) -> NewtonState:
    """Return the state after a Newton step on the free variables and a search along its arc.

    The step is found by preconditioned conjugate gradients; the point moves along the
    projection of the step into the bounds, as far as the quadratic falls enough.

    Parameters
    ----------
    task : BoundedQuadratic
    state : NewtonState
    tol : float
        Norm of the residual, as `NewtonState.violation`, at which conjugate gradients stop.
    most : int
        The most conjugate gradient steps.

    References
    ----------
    .. [1] D. P. Bertsekas, "Projected Newton methods for optimization problems with simple
       constraints", SIAM J. Control Optim. 20 (1982), Proposition 2.
    """
    direction = _conjugate_gradients(task, state, tol, most)
    length, one = 1.0, np.ones((), dtype=state.x.dtype)
    for _ in range(_HALVINGS):
        x = np.clip(state.x + length * one * direction, task.lower, task.upper)
        following = _state(task, x)
        move = x - state.x
        slope = float(np.vdot(state.gradient, move))
        # exact for a quadratic, without the cancellation of two energies
        fall = 0.5 * float(np.vdot(state.gradient + following.gradient, move))
        if fall <= _ARMIJO * slope:
            return following
        length *= 0.5
    return following


def _state(task: BoundedQuadratic, x: Array) -> NewtonState:
    gradient = task.matrix @ x - task.right
    held = ((x <= task.lower) & (gradient > 0.0)) | ((x >= task.upper) & (gradient < 0.0))
    return _measured(task, x, np.asarray(gradient), np.asarray(held))


def _measured(task: BoundedQuadratic, x: Array, gradient: Array, held: Array) -> NewtonState:
    free = np.where(held, np.zeros((), gradient.dtype), gradient)
    image = task.precondition(free)
    size = float(np.vdot(free, image))
    return NewtonState(x, gradient, held, math.sqrt(max(size, 0.0)), image)


def _conjugate_gradients(
    task: BoundedQuadratic, state: NewtonState, tol: float, most: int
) -> Array:
    """Return an approximate solution of ``A d = -gradient`` on the free variables."""
    zero = np.zeros((), dtype=state.x.dtype)
    free = ~state.held
    residual = np.where(free, -state.gradient, zero)
    total = np.zeros_like(residual)
    direction, before = total, 1.0
    for k in range(most):
        image = task.precondition(residual) if k else -state.image
        z = np.where(free, image, zero)
        now = float(np.vdot(residual, z))
        if not (now > tol * tol and math.isfinite(now)):
            break
        direction = z if k == 0 else z + np.asarray(now / before, z.dtype) * direction
        bent = np.where(free, task.matrix @ direction, zero)
        curvature = float(np.vdot(direction, bent))
        if not curvature > 0.0:
            break
        step = np.asarray(now / curvature, z.dtype)
        total = total + step * direction
        residual = residual - step * bent
        before = now
    return total
