"""The one iteration loop of the package."""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array, as_generator, as_numeric, require_shape
from recover.core.errors import OutOfScopeError, ParameterError
from recover.models.problem import Problem
from recover.solve.base import (
    HasCandidates,
    HasProbe,
    Method,
    Progress,
    S,
    Solution,
    Status,
    Watch,
)
from recover.solve.scale import check_scale

__all__ = ["solve"]

GROWTH = 1e8  # residuals this many times the first one (or the data) count as divergence
ROUNDOFF = 32.0  # units of the data's round-off below which no residual can be trusted


def solve(
    problem: Problem,
    method: Method[S],
    *,
    start: Array | None = None,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> Solution:
    """Run `method` on `problem` until it converges, ends its schedule, or is stopped.

    The loop stops at the larger of the method's tolerance and 32 units of round-off of the
    data's precision (4e-6 for float32): a smaller residual would be rounding.

    Parameters
    ----------
    problem : Problem
        What was measured.
    method : Method
        The algorithm with its parameters.
    start : array [shape=frame.signal_shape], optional
        Signal to start from.
    rng : int or Generator
        Seed or generator for methods that draw numbers.
    watch : callable, optional
        Called with a `Progress` after every step; return True to stop.

    Returns
    -------
    Solution

    Raises
    ------
    OutOfScopeError
        If the method does not apply to the problem; the message says why.
    ParameterError
        If `start` does not fit the signal, or squares of the rows or magnitudes overflow.
    """
    check_scale(problem)
    name = type(method).__name__
    reason = method.refuses(problem)
    if reason is not None:
        raise OutOfScopeError(f"{name} does not apply: {reason}")
    tol = method.tol
    if tol > 0.0:
        tol = max(tol, ROUNDOFF * float(np.finfo(problem.dtype).eps))
    state = method.init(problem, _checked_start(problem, start), as_generator(rng))
    ceiling = GROWTH * max(1.0, state.residual if math.isfinite(state.residual) else 1.0)
    best, residuals = state, list[float]()
    status = state.finished
    if status is None and tol > 0.0 and state.residual <= tol:
        status = Status.CONVERGED
    while status is None:
        if len(residuals) >= method.max_iter:
            status = Status.MAX_ITER if tol > 0.0 else Status.COMPLETED
            break
        # overflow is met by the status, not by a warning
        with np.errstate(over="ignore", invalid="ignore"):
            following = method.step(problem, state)
        if not following.residual <= ceiling:
            state, status = best, Status.DIVERGED
            break
        state = following
        residuals.append(state.residual)
        if state.residual <= best.residual:
            best = state
        status = state.finished
        if status is None and tol > 0.0 and state.residual <= tol:
            status = Status.CONVERGED
        progress = Progress(len(residuals), method.max_iter, state.residual)
        if watch is not None and watch(progress):
            status = status or Status.STOPPED
    several = method.candidates(problem, state) if isinstance(method, HasCandidates) else None
    probe = method.probe(problem, state) if isinstance(method, HasProbe) else None
    signal = method.signal(problem, state)
    return Solution(signal, status, np.array(residuals), name, several, probe)


def _checked_start(problem: Problem, start: Array | None) -> Array | None:
    if start is None:
        return None
    frame = problem.model.frame
    signal = require_shape("start", as_numeric("start", start), frame.signal_shape)
    if signal.shape != frame.signal_shape:
        raise ParameterError(
            f"start must have shape {frame.signal_shape}, got {signal.shape}; pass one signal"
        )
    if frame.real_signal and np.iscomplexobj(signal):
        raise ParameterError("start must be real for a real signal; pass its real part")
    return signal.astype(problem.dtype)
