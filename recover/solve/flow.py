"""Gradient steps on the misfit of amplitudes with the steps of Barzilai and Borwein.

The gradient of ``f(x) = |(|Ax| - y)|^2 / 2`` is ``A^*(z - y z/|z|)`` with ``z = Ax``.
Reweighted by ``w = (1 + b) |z| / (|z| + b y)`` [1]_ it is ``A^*(r z)`` with the real factor
``r = (1 + b) (|z| - y) / (|z| + b y)``: coefficients whose phase is in doubt, being small
beside y, count less, and no phase is ever formed. b = 0 is the plain gradient. Steps have the
length ``<s, P^-1 s> / <s, d>`` for the changes s of the signal and d of the gradient, P the
inverse of the frame operator's diagonal where that is known [2]_.

References
----------
.. [1] G. Wang, G. B. Giannakis, Y. Saad, J. Chen, "Phase retrieval via reweighted amplitude
   flow", IEEE Trans. Signal Process. 66 (2018).
.. [2] J. Barzilai, J. M. Borwein, "Two-point step size gradient methods", IMA J. Numer. Anal. 8
   (1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.solve.base import Status
from recover.solve.phase_task import PhaseTask, dots

__all__ = ["Flow", "flow_start", "flow_status", "flow_step"]

SHORTEST, LONGEST = 0.1, 30.0  # bounds of a step, relative to that of the preconditioner
AT_REST = 1e-7  # decrease that a step still promises, relative to the misfit's square
SETTLED = 1e-6  # the same for data whose noise is met: the least-squares point is wanted


@dataclass(frozen=True, eq=False)
class Flow:
    """Several iterates and what the next step needs of them.

    Parameters
    ----------
    x, gradient : array [shape=(starts, *signal_shape)]
        In working units; the gradient is reweighted.
    steps : array [shape=(starts,)]
        Length of the next step of each start.
    residuals : array [shape=(starts,)]
        ``| |Ax| - y |`` relative to the data.
    promise : array [shape=(starts,)]
        Decrease of the misfit that a preconditioned step promises, relative to the misfit.
    weight : float
        The b of the reweighting.
    """

    x: Array
    gradient: Array
    steps: Array
    residuals: Array
    promise: Array
    weight: float


def flow_start(task: PhaseTask, x: Array, weight: float) -> Flow:
    """Return the state at given signals, shape (starts, *signal_shape), of the domain."""
    gradient, residuals, promise = _slope(task, x, weight)
    return Flow(x, gradient, np.ones(x.shape[0]), residuals, promise, weight)


def flow_step(task: PhaseTask, flow: Flow) -> Flow:
    """Return the state after one step: one analysis and one synthesis."""
    column = (-1, *(1,) * task.axes)
    lengths = flow.steps.astype(task.y.dtype).reshape(column)
    x = task.project(flow.x - (lengths * task.preconditioner) * flow.gradient)
    gradient, residuals, promise = _slope(task, x, flow.weight)
    moved, turned = x - flow.x, gradient - flow.gradient
    along = dots(moved, turned)
    size = dots(moved, moved / task.preconditioner)
    steps = np.ones_like(along)
    np.divide(size, along, out=steps, where=along > 0.0)
    steps = np.clip(steps, SHORTEST, LONGEST)
    return Flow(x, gradient, steps, residuals, promise, flow.weight)


def flow_status(task: PhaseTask, flow: Flow, tol: float) -> Status | None:
    """Return how the best start has ended, None if it is still on its way.

    Without noise the loop watches the tolerance, and a start at rest above it has stalled.
    """
    if task.norm == 0.0:
        return Status.CONVERGED
    best = int(np.argmin(flow.residuals))
    if flow.residuals[best] <= task.discrepancy:
        return Status.CONVERGED if flow.promise[best] <= SETTLED else None
    if (flow.promise <= AT_REST).all() and flow.residuals[best] > tol:
        return Status.STALLED
    return None


def _slope(task: PhaseTask, x: Array, weight: float) -> tuple[Array, Array, Array]:
    """Return the gradient, the relative residual and the promised relative decrease."""
    z = task.frame.analysis(x)
    size = np.abs(z)
    gap = size - task.y
    residuals = task.residual_of(gap)
    below = size if weight == 0.0 else size + x.real.dtype.type(weight) * task.y
    # where both vanish there is no misfit, and where only the iterate does it has no phase
    factor = np.divide(gap, below, out=np.zeros_like(gap), where=below > 0.0)
    if weight != 0.0:
        factor *= x.real.dtype.type(1.0 + weight)
    z *= factor
    gradient = task.frame.synthesis(z)
    squares = np.square(residuals * task.norm)
    fall = dots(gradient, task.preconditioner * gradient)
    promise = np.divide(fall, squares, out=np.zeros_like(fall), where=squares > 0.0)
    return gradient, residuals, promise
