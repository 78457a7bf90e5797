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
VANISHING = 1e-30  # of coefficients whose typical size is 1
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
        Decrease of the misfit that the last direction promised, relative to the misfit.
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
    gradient, residuals = _slope(task, x, weight)
    ones = np.ones(x.shape[0])
    return Flow(x, gradient, ones, residuals, ones, weight)


def flow_step(task: PhaseTask, flow: Flow) -> Flow:
    """Return the state after one step: one analysis and one synthesis."""
    column = (-1, *(1,) * task.axes)
    lengths = flow.steps.astype(task.y.dtype).reshape(column)
    x = task.project(flow.x - (lengths * task.preconditioner) * flow.gradient)
    gradient, residuals = _slope(task, x, flow.weight)
    moved, turned = x - flow.x, gradient - flow.gradient
    along = dots(moved, turned)
    size = dots(moved, moved * task.metric)
    # of a step of length 1: inside the domain only what is left of the gradient counts
    squares = np.square(residuals * task.norm) * np.square(flow.steps)
    promise = size / np.maximum(squares, VANISHING)
    # a change of the gradient against that of the signal: no curvature to go by
    steps = np.where(along > 0.0, size / np.maximum(along, VANISHING), 1.0)
    steps = np.minimum(np.maximum(steps, SHORTEST), LONGEST)
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


def _slope(task: PhaseTask, x: Array, weight: float) -> tuple[Array, Array]:
    """Return the gradient and the relative residual."""
    z = task.frame.analysis(x)
    size = np.abs(z)
    gap = size - task.y
    residuals = task.residual_of(gap)
    below = size if weight == 0.0 else size + size.dtype.type(weight) * task.y
    # a coefficient that vanishes has no phase: whatever it is multiplied by, it stays zero
    factor = np.divide(gap, np.maximum(below, VANISHING), out=gap)
    if weight != 0.0:
        factor *= size.dtype.type(1.0 + weight)
    z *= factor
    return task.frame.synthesis(z), residuals
