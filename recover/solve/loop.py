"""The one iteration loop of the package."""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array, as_generator, as_numeric, require_shape
from recover.core.errors import OutOfScopeError
from recover.models.problem import Problem
from recover.solve.base import Method, Progress, S, Solution, Status, Watch

__all__ = ["solve"]


def solve(
    problem: Problem,
    method: Method[S],
    *,
    start: Array | None = None,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> Solution:
    """Run `method` on `problem` until it converges, ends its schedule, or is stopped.

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
    """
    name = type(method).__name__
    reason = method.refuses(problem)
    if reason is not None:
        raise OutOfScopeError(f"{name} does not apply: {reason}")
    if start is not None:
        frame = problem.model.frame
        start = require_shape("start", as_numeric("start", start), frame.signal_shape)
        start = start.astype(problem.dtype)
    state = method.init(problem, start, as_generator(rng))
    residuals: list[float] = []
    status = state.finished
    step = 0
    while status is None:
        if step >= method.limit:
            status = Status.MAX_ITER if method.tolerance > 0.0 else Status.COMPLETED
            break
        following = method.step(problem, state)
        if not math.isfinite(following.residual):
            status = Status.DIVERGED
            break
        state, step = following, step + 1
        residuals.append(state.residual)
        status = state.finished
        if status is None and method.tolerance > 0.0 and state.residual <= method.tolerance:
            status = Status.CONVERGED
        if watch is not None and watch(Progress(step, method.limit, state.residual)):
            status = status or Status.STOPPED
    return Solution(method.signal(problem, state), status, np.array(residuals), name)
