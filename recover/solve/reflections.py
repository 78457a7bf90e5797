"""What the iterations between measured magnitudes and a support share.

They move an array u of coefficients by two projections: P_B gives it the measured magnitudes,
P_A makes it the coefficients of a signal of the domain.  Unmeasured coefficients are free.
Every scheme is one update of u; when the gap between the two projections is small, or the steps
are used up, gradient steps on the misfit of amplitudes finish the work (`recover.solve.flow`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import conjugate_gradients
from recover.frames.base import Frame
from recover.frames.bounds import frame_diagonal, real_matrix
from recover.frames.fourier import Fourier
from recover.frames.masked import unmasked
from recover.frames.structure import HasRows
from recover.models.domains import Support
from recover.models.problem import Problem
from recover.solve.base import Candidates, Status
from recover.solve.fixed import fits_dense
from recover.solve.flow import Flow, flow_start, flow_status, flow_step
from recover.solve.phase_task import PhaseTask, dots
from recover.solve.starts import random_batch

__all__ = ["Moved", "Planes", "Reflected", "Update", "begin", "chosen", "proceed", "several"]

VANISHING = 1e-30  # of coefficients whose typical size is 1
NEAR = 2e-3  # gap, relative to the data, from which gradient steps take over
CLOSER = 0.25  # factor of that gap when they ended in a local minimum
POLISH = 0.15  # share of the steps that is kept for them


@dataclass(frozen=True, eq=False)
class Planes:
    """The two projections.

    Parameters
    ----------
    task : PhaseTask
    frame : Frame
        The frame with its unmeasured vectors.
    y : array [shape=frame.coef_shape]
    measured : array of bool or None
        None if everything is measured.
    mask : array of bool or None
        The support, perhaps one for each start; None for everything.
    nonnegative : bool
    inverse : array [shape=(signal_size, rows)] or None
        Pseudo-inverse of a small matrix.
    diagonal : array or None
        Inverse of a diagonal frame operator.
    """

    task: PhaseTask
    frame: Frame
    y: Array
    measured: Array | None
    mask: Array | None
    nonnegative: bool
    inverse: Array | None
    diagonal: Array | None

    @staticmethod
    def of(problem: Problem, task: PhaseTask) -> Planes:
        """Return the projections of a problem of magnitudes."""
        frame, keep = unmasked(problem.model.frame, None)
        y, measured = task.y, None
        if not keep.all():
            y, measured = np.zeros(frame.coef_shape, task.y.dtype), keep
            y[keep] = task.y
        domain, inverse, diagonal = problem.domain, None, None
        known = frame_diagonal(frame)
        if isinstance(frame, Fourier):
            diagonal = np.ones((), task.y.dtype)
        elif known is not None and float(known.entries.min()) > 0.0:
            diagonal = (1.0 / known.entries).astype(task.y.dtype)
        elif isinstance(frame, HasRows) and fits_dense(frame):
            rows, _ = real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))
            inverse = np.linalg.pinv(rows).astype(problem.dtype)
        support = domain if isinstance(domain, Support) else None
        return Planes(
            task,
            frame,
            y,
            measured,
            None if support is None else support.mask,
            support is not None and support.nonnegative,
            inverse,
            diagonal,
        )

    def measure(self, u: Array, scale: float = 1.0) -> Array:
        """Return the nearest coefficients with the measured magnitudes; no angle is formed.

        They are multiplied by `scale`. A coefficient that vanishes has no phase and stays.
        """
        factor = np.abs(u)
        np.maximum(factor, VANISHING, out=factor)
        np.divide(self.y, factor, out=factor)
        if scale != 1.0:
            factor *= factor.dtype.type(scale)
        if self.measured is not None:
            factor[..., ~self.measured] = scale
        return np.asarray(u * factor)

    def signal(self, c: Array) -> Array:
        """Return the signals of least squares for coefficients."""
        if self.inverse is not None:
            flat = c.reshape(c.shape[0], -1)
            if np.iscomplexobj(flat) and not np.iscomplexobj(self.inverse):
                flat = np.concatenate([flat.real, flat.imag], axis=1)
            return (flat @ self.inverse.T).reshape(-1, *self.frame.signal_shape)
        x = self.frame.synthesis(c)
        if self.diagonal is not None:
            return x if self.diagonal.ndim == 0 else np.asarray(x * self.diagonal)
        return conjugate_gradients(
            lambda v: self.frame.synthesis(self.frame.analysis(v)),
            x,
            ndim=self.task.axes,
            tol=8.0 * float(np.finfo(x.dtype).eps),
            max_iter=200,
        ).x

    def allowed(self, x: Array) -> Array | None:
        """Return which entries of signals keep the domain's rules, None for all."""
        if self.nonnegative:
            positive = x.real >= 0.0
            return positive if self.mask is None else positive & self.mask
        return self.mask

    def inside(self, x: Array) -> Array:
        """Return the nearest signals of the domain."""
        if self.mask is None:
            return self.task.project(x)
        kept = np.maximum(x.real, 0.0) if self.nonnegative else x
        return np.asarray(np.where(self.mask, kept, np.zeros((), x.dtype)))

    def valid(self, c: Array) -> tuple[Array, Array]:
        """Return the projection of coefficients on those of the domain, and its signals."""
        x = self.inside(self.signal(c))
        return self.frame.analysis(x), x


@dataclass(frozen=True, eq=False)
class Reflected:
    """The coefficients of all starts, what some schemes keep of them, and the best estimate.

    Parameters
    ----------
    planes : Planes
    u : array [shape=(starts, *frame.coef_shape)]
    s : array [shape=(starts, *signal_shape)]
        The signals of u.
    x : array [shape=(starts, *signal_shape)]
        What the scheme takes for the object now.
    gaps : array [shape=(starts,)]
        Distance of the two projections, relative to the data.
    count : int
        Steps of the scheme.
    near : float
        Gap at which gradient steps take over.
    flow : Flow or None
        The gradient steps, while they are made.
    residual : float
    """

    planes: Planes
    u: Array
    s: Array
    x: Array
    gaps: Array
    count: int
    near: float
    flow: Flow | None
    residual: float
    finished: Status | None = None


# the next u and s, the object, and the change that vanishes at a solution with its unit
Moved = tuple[Array, Array, Array, Array, float]
Update = Callable[[Reflected], Moved]


def begin(
    problem: Problem, start: Array | None, count: int, rng: np.random.Generator
) -> Reflected:
    """Return the first state: random starts, the first of them `start` if there is one."""
    task = PhaseTask.of(problem, rng)
    planes = Planes.of(problem, task)
    x = random_batch(problem, task, start, count, rng)
    u = planes.frame.analysis(x)
    misfits = task.residual_of(np.abs(task.frame.analysis(x)) - task.y)
    state = Reflected(planes, u, x, x, misfits, 0, NEAR, None, float(misfits.min()))
    if (start is not None and misfits.min() <= NEAR) or task.norm == 0.0:
        return _flowing(problem, state, 0.0)
    u = planes.measure(u)
    return replace(state, u=u, s=planes.signal(u))


def proceed(
    problem: Problem, state: Reflected, update: Update, *, max_iter: int, tol: float
) -> Reflected:
    """Return the state after one step of a scheme, or of the gradient steps after it."""
    task = state.planes.task
    budget = max(1, int((1.0 - POLISH) * max_iter))
    if state.flow is not None:
        flow = flow_step(task, state.flow)
        floor = max(tol, task.floor)
        residual, status = float(flow.residuals.min()), flow_status(task, flow, floor)
        if status is Status.STALLED and state.u.size > 0 and state.count < budget:
            # a local minimum near the solution: the scheme goes on from where it was
            return replace(state, flow=None, near=CLOSER * state.near, residual=residual)
        return replace(state, flow=flow, x=flow.x, residual=residual, finished=status)
    u, s, x, change, unit = update(state)
    size = np.sqrt(dots(change, change)) / unit
    gaps = size / task.norm if task.norm > 0.0 else size
    following = replace(
        state, u=u, s=s, x=x, gaps=gaps, count=state.count + 1, residual=float(gaps.min())
    )
    if following.count >= budget:
        empty = np.zeros((0,), dtype=u.dtype)
        return _flowing(problem, replace(following, u=empty, s=empty), tol)
    if (gaps <= max(state.near, task.discrepancy)).all():
        return _flowing(problem, following, tol)
    return following


def chosen(problem: Problem, state: Reflected) -> Array:
    """Return the best signal."""
    found = several(problem, state)
    return np.asarray(found.signals[int(np.argmin(found.residuals))])


def several(problem: Problem, state: Reflected) -> Candidates:
    """Return the signals and misfits of all starts."""
    task = state.planes.task
    residuals = state.gaps if state.flow is None else state.flow.residuals
    return task.candidates(state.planes.inside(state.x), residuals, problem)


def _flowing(problem: Problem, state: Reflected, tol: float) -> Reflected:
    """Hand over to gradient steps, among signals of the support as it is now."""
    planes, task = state.planes, state.planes.task
    if planes.mask is not None and planes.mask.ndim > task.axes:
        task = replace(task, domain=Support(planes.mask, planes.nonnegative))
        planes = replace(planes, task=task)
    flow = flow_start(task, planes.inside(state.x).astype(problem.dtype, copy=False), 0.0)
    floor = max(tol, task.floor)
    residual, status = float(flow.residuals.min()), flow_status(task, flow, floor)
    return replace(
        state, planes=planes, x=flow.x, flow=flow, residual=residual, finished=status
    )
