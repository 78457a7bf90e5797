"""Least squares with one-sided constraints by accelerated projected gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.linear import square
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.bounded import BoundedRows
from recover.solve.fixed import fits_dense, relative, vanishing
from recover.solve.spectrum import upper_bound

__all__ = ["OneSidedLeastSquares"]

_INNER = 0.1  # multipliers move when the gradient is this much smaller than what they correct


@dataclass(frozen=True, eq=False)
class _State:
    rows: BoundedRows
    step: float
    x: Array
    ahead: Array
    momentum: float
    shift: Array
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class OneSidedLeastSquares(Method[_State]):
    """Fit the fixed coefficients, and keep the bounded ones and the signal within their bounds.

    Minimises ``1/2 sum_I (t_i - value_i)^2`` for ``t = analysis(x)`` subject to
    ``lower_j <= t_j <= upper_j`` on the bounded coefficients J and to the problem's domain.  It
    needs no determined signal: where there are several minimisers it returns one of them, near
    the start.  The bounds enter by their squared distance (weight w) and, with ``hard``, by
    multipliers (the method of multipliers); without, bounds that contradict the fixed
    coefficients are met in the least-squares sense.  One analysis and one synthesis a step.

    Parameters
    ----------
    weight : float > 0
        The weight w of the squared violations.
    hard : bool
        Whether bounds hold strictly (to the tolerance) also where noise makes the fit disagree.
    max_iter : int
        The most steps.
    tol : float
        The relative size at which the projected gradient and, with ``hard``, violation and
        complementarity count as zero.

    References
    ----------
    .. [1] B. O'Donoghue, E. Candes, "Adaptive restart for accelerated gradient schemes",
       Found. Comput. Math. 15 (2015), section 3.2 (the gradient scheme).
    .. [2] R. T. Rockafellar, "The multiplier method of Hestenes and Powell applied to convex
       programming", J. Optim. Theory Appl. 12 (1973).
    """

    weight: float = 1.0
    hard: bool = True
    max_iter: int = 20000
    tol: float = 1e-9

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight > 0.0):
            raise ParameterError(f"weight must be positive and finite, got {self.weight}")

    def refuses(self, problem: Problem) -> str | None:
        if not problem.model.convex:
            return (
                f"{type(problem.model).__name__} measurements are not convex constraints; use "
                "AlternatingProjections or RelaxedReflections"
            )
        frame = problem.model.frame
        if not fits_dense(frame) and not math.isfinite(frame.bounds().upper):
            return f"no upper frame bound of {type(frame).__name__} is proved"
        return None

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        rows = BoundedRows.of(problem)
        upper = upper_bound(rows.frame, rows.fixed | rows.bounded)
        x = np.zeros(rows.frame.signal_shape, dtype=problem.dtype) if start is None else start
        x = problem.domain.project(x).astype(problem.dtype, copy=False)
        step = 1.0 / (max(self.weight, 1.0) * upper) if upper > vanishing(problem) else 0.0
        return _State(rows, step, x, x, 1.0, np.zeros_like(rows.value), math.inf)

    def step(self, problem: Problem, state: _State) -> _State:
        rows, ahead = state.rows, state.ahead
        t = rows.frame.analysis(ahead)
        pull, shift = rows.pull(t, state.shift, self.weight)
        step = np.asarray(state.step, dtype=t.dtype)
        x = problem.domain.project(ahead + step * rows.frame.synthesis(pull))
        moved = x - ahead
        gradient = relative(math.sqrt(square(moved)), state.step * rows.gradient_scale)
        if self.hard:
            open_ = relative(math.sqrt(square(shift - state.shift)), rows.scale)
            residual = max(gradient, open_)
            if gradient <= _INNER * open_:
                return _State(rows, state.step, x, x, 1.0, shift, residual)
        else:
            residual = gradient
        momentum = (1.0 + math.sqrt(1.0 + 4.0 * state.momentum**2)) / 2.0
        advance = x - state.x
        # an advance against the last gradient step: start the momentum afresh
        if float(np.vdot(moved, advance)) < 0.0:
            return _State(rows, state.step, x, x, 1.0, state.shift, residual)
        push = np.asarray((state.momentum - 1.0) / momentum, dtype=x.dtype)
        return _State(rows, state.step, x, x + push * advance, momentum, state.shift, residual)

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()
