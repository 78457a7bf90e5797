"""The smoothest signal that the data allow: a quadratic prior over bounded samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.obstacle import ObstacleState, obstacle_start, obstacle_step
from recover.frames.base import Frame
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.models.domains import Ball
from recover.models.problem import Problem
from recover.priors.quadratic import Quadratic
from recover.solve.base import Method, Status
from recover.solve.bounded import cast_inward
from recover.solve.fixed import real_dtype, relative, vanishing

__all__ = ["Obstacle"]

_STEP = 1.9  # of 1/|H|; MPRGP converges below 2


@dataclass(frozen=True, eq=False)
class _Quadratic:
    """``min |T v|^2`` over the unknown samples: H restricted, b, and the bounds."""

    operator: Frame
    unknown: Array
    b: Array
    lower: Array
    upper: Array
    known: Array
    step: float

    def apply(self, v: Array) -> Array:
        """Return ``T* T v`` on the unknown samples."""
        image = self.operator.synthesis(self.operator.analysis(v))
        return np.where(self.unknown, image, np.zeros((), dtype=image.dtype))


@dataclass(frozen=True, eq=False)
class _State:
    task: _Quadratic
    inner: ObstacleState
    scale: float
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class Obstacle(Method[_State]):
    """Minimise ``|T v|`` of a quadratic prior over the signals that agree with the samples.

    Reliable samples stay as they are, clipped ones stay at or beyond their level, and samples
    that were not measured are free; every iterate obeys all of it exactly.  For coordinate
    samples (`Identity`, or `Masked` of it) of a real signal.  An interval domain is respected
    too.  One application of ``T* T`` a step, two where a bound is met.

    Parameters
    ----------
    max_iter : int
        The most steps.
    tol : float
        The size of the projected gradient, relative to its size at the feasible signal nearest
        to zero, at which it stops.

    References
    ----------
    .. [1] Z. Dostal, J. Schoeberl, "Minimizing quadratic functions subject to bound
       constraints with the rate of convergence and finite termination", Comput. Optim. Appl.
       30 (2005).
    """

    max_iter: int = 20000
    tol: float = 1e-10

    def refuses(self, problem: Problem) -> str | None:
        if not isinstance(problem.prior, Quadratic):
            return "it needs a Quadratic prior; use OneSidedLeastSquares without one"
        if not problem.model.convex:
            return f"{type(problem.model).__name__} samples are not bounded by intervals"
        if sampled(problem.model.frame) is None:
            return (
                "it needs coordinate samples (an Identity frame, or Masked of one), not "
                f"{type(problem.model.frame).__name__} coefficients; use OneSidedLeastSquares"
            )
        if isinstance(problem.domain, Ball):
            return "a Ball is not an interval domain; use Box or Support"
        upper = problem.prior.operator.bounds().upper
        if not vanishing(problem) < upper < math.inf:
            return (
                "the prior's operator must have a proved upper bound that is not zero, got "
                f"{upper:g}"
            )
        return None

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        task = _task(problem)
        nearest = np.clip(np.zeros_like(task.known), task.lower, task.upper)
        inner = obstacle_start(task.apply, task.b, nearest, task.lower, task.upper)
        # the gradient, not its projection: what the bounds hold back counts as data too
        scale = float(np.linalg.norm(np.where(task.unknown, inner.gradient, 0.0)))
        if start is not None:
            inner = obstacle_start(task.apply, task.b, start, task.lower, task.upper)
        return _State(task, inner, scale, relative(inner.violation, scale))

    def step(self, problem: Problem, state: _State) -> _State:
        task = state.task
        inner = obstacle_step(
            task.apply, task.b, state.inner, (task.lower, task.upper), task.step
        )
        return _State(task, inner, state.scale, relative(inner.violation, state.scale))

    def signal(self, problem: Problem, state: _State) -> Array:
        return np.where(state.task.unknown, state.inner.x, state.task.known)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def sampled(frame: Frame) -> Array | None:
    """Return the flat indices of the samples that a coordinate frame measures, else None."""
    if isinstance(frame, Identity) and frame.real_signal:
        return np.arange(frame.signal_size)
    if isinstance(frame, Masked):
        inner = sampled(frame.frame)
        return None if inner is None else inner[frame.keep.reshape(-1)]
    return None


def _task(problem: Problem) -> _Quadratic:
    """Collect what the data and the domain say of each sample."""
    where, prior = sampled(problem.model.frame), problem.prior
    if where is None or not isinstance(prior, Quadratic):
        raise ParameterError("problem must have coordinate samples and a Quadratic prior")
    shape, known = problem.model.frame.signal_shape, problem.knowledge
    low, high = (np.array(side).reshape(-1) for side in problem.domain.interval(shape))
    fixed = np.zeros(low.shape, dtype=bool)
    value = np.zeros(low.shape)
    fixed[where] = known.fixed.reshape(-1)
    value[where] = np.where(known.fixed, known.value, 0.0).reshape(-1)
    low[where] = np.maximum(low[where], known.lower.reshape(-1))
    high[where] = np.minimum(high[where], known.upper.reshape(-1))
    crossed = ~fixed & (low > high)
    if crossed.any():
        first = int(np.argmax(crossed))
        raise ParameterError(
            f"domain leaves no value for sample {first}: the data need at least "
            f"{low[first]:g}, the domain allows at most {high[first]:g}; widen the domain"
        )
    lower, upper = cast_inward(low.reshape(shape), high.reshape(shape), real_dtype(problem))
    reliable, samples = fixed.reshape(shape), value.reshape(shape).astype(problem.dtype)
    zero = np.zeros((), dtype=samples.dtype)
    operator = prior.operator
    b = -operator.synthesis(operator.analysis(samples))
    return _Quadratic(
        operator=operator,
        unknown=~reliable,
        b=np.where(reliable, zero, b),
        lower=np.where(reliable, zero, lower),
        upper=np.where(reliable, zero, upper),
        known=samples,
        step=_STEP / operator.bounds().upper,
    )
