"""The smoothest picture that the data allow, for operators made of stencils."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.bounded_newton import (
    BoundedQuadratic,
    NewtonState,
    free_state,
    newton_start,
    newton_step,
    unbounded_start,
)
from recover.core.errors import ParameterError
from recover.core.multigrid import build_multigrid
from recover.frames.base import Frame
from recover.frames.stencil import NormalEquations, normal_equations
from recover.models.domains import Ball
from recover.models.problem import Problem
from recover.priors.quadratic import Quadratic
from recover.solve.base import Method, Solution, Status
from recover.solve.bounded import cast_inward
from recover.solve.fixed import real_dtype, relative
from recover.solve.obstacle import sampled

__all__ = ["MultigridObstacle"]

_FIRST = 0.1  # factor on the gradient before the bounds are looked at


@dataclass(frozen=True, eq=False)
class _State:
    task: BoundedQuadratic
    places: Array
    known: Array
    inner: NewtonState
    scale: float
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class MultigridObstacle(Method[_State]):
    """Minimise ``|T v|`` of a quadratic prior over the signals that agree with the samples.

    The same task as `Obstacle`, for a prior of stencils (`CrossChannelGradient`, `Laplacian`,
    `FiniteDifference`, or a `Stack` of them) on pictures: a sparse matrix on the unknown
    samples only, Newton steps projected into the bounds, multigrid inside.  Every iterate
    obeys the data exactly; the work is proportional to the number of unknown samples.

    Parameters
    ----------
    max_iter : int
        The most Newton steps.
    tol : float
        The size of the projected gradient in the metric of the multigrid cycle (an estimate of
        the distance to the minimiser in the energy's own norm), relative to that of the
        gradient at the feasible signal nearest to zero, at which it stops.
    inner : int
        The most conjugate gradient steps inside a Newton step.
    forcing : float in (0, 1)
        By which factor they reduce the gradient.

    References
    ----------
    .. [1] D. P. Bertsekas, "Projected Newton methods for optimization problems with simple
       constraints", SIAM J. Control Optim. 20 (1982).
    """

    max_iter: int = 60
    tol: float = 1e-6
    inner: int = 100
    forcing: float = 0.2

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
        return None

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        prior = problem.prior
        if not isinstance(prior, Quadratic):
            raise ParameterError("problem must have a Quadratic prior")
        unknown, known, lower, upper = sample_bounds(problem)
        system = normal_equations(prior.operator, unknown, known)
        below, above = (side.reshape(-1)[system.places] for side in (lower, upper))
        return self._begin(system, known, (below, above), start)

    def minimise(
        self,
        operator: Frame,
        known: Array,
        unknown: Array,
        lower: Array | float,
        *,
        warm: bool = False,
        near: bool = True,
    ) -> Solution:
        """Return the minimiser without a problem around it: for pictures of many pixels.

        The same steps as for a problem, but nothing is computed for known samples.

        Parameters
        ----------
        operator : Frame
            With stencils.
        known : array [shape=operator.signal_shape]
            The samples; what it holds where they are unknown does not matter.
        unknown : array of bool [shape of known]
        lower : float or array [shape of known]
            Least value of an unknown sample.
        warm : bool
            Whether `known` holds a guess of the unknown samples to start from.
        near : bool
            Whether the bounds that hold that guess are about those that hold the minimiser;
            they are left aside at first otherwise.
        """
        system = normal_equations(operator, unknown, known)
        bounds = np.broadcast_to(np.asarray(lower, dtype=known.dtype), known.shape)
        least = bounds[np.unravel_index(system.places, known.shape)]
        above = np.full_like(system.right, np.inf)
        state = self._begin(system, known, (least, above), known if warm else None, near)
        residuals = [state.residual]
        while residuals[-1] > self.tol and len(residuals) <= self.max_iter:
            state = self._advance(state)
            residuals.append(state.residual)
        status = Status.CONVERGED if residuals[-1] <= self.tol else Status.MAX_ITER
        return Solution(_picture(state), status, np.array(residuals[1:]), type(self).__name__)

    def _begin(
        self,
        system: NormalEquations,
        known: Array,
        bounds: tuple[Array, Array],
        start: Array | None,
        near: bool = True,
    ) -> _State:
        places = np.array(np.unravel_index(system.places, known.shape))
        grid = build_multigrid(system.matrix, places if len(places) > 1 else _line(places))
        task = BoundedQuadratic(system.matrix, system.right, *bounds, grid)
        nearest = np.clip(np.zeros_like(system.right), *bounds)
        free = free_state(task, nearest)
        scale = free.violation  # what the bounds hold back counts as data too
        if start is None:
            inner = unbounded_start(task, free, _FIRST, self.inner)
        elif near:
            inner = newton_start(task, start.reshape(-1)[system.places])
        else:
            guess = free_state(task, start.reshape(-1)[system.places])
            inner = unbounded_start(task, guess, _FIRST, self.inner)
        residual = relative(inner.violation, scale)
        return _State(task, system.places, known, inner, scale, residual)

    def step(self, problem: Problem, state: _State) -> _State:
        return self._advance(state)

    def _advance(self, state: _State) -> _State:
        goal = max(self.forcing * state.inner.violation, 0.3 * self.tol * state.scale)
        inner = newton_step(state.task, state.inner, goal, self.inner)
        residual = relative(inner.violation, state.scale)
        return _State(state.task, state.places, state.known, inner, state.scale, residual)

    def signal(self, problem: Problem, state: _State) -> Array:
        return _picture(state)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def sample_bounds(problem: Problem) -> tuple[Array, Array, Array, Array]:
    """Return which samples are unknown, the known ones, and the bounds of the others.

    Raises
    ------
    ParameterError
        If the samples are not coordinates, or the domain leaves no value for one.
    """
    where = sampled(problem.model.frame)
    if where is None:
        raise ParameterError("problem must have coordinate samples")
    shape, known = problem.model.frame.signal_shape, problem.knowledge
    low, high = (np.array(side).reshape(-1) for side in problem.domain.interval(shape))
    fixed = np.zeros(low.shape, dtype=bool)
    value = np.zeros(low.shape, dtype=real_dtype(problem))
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
    lower, upper = cast_inward(low, high, real_dtype(problem))
    return (~fixed).reshape(shape), value.reshape(shape), lower, upper


def _picture(state: _State) -> Array:
    """Return the known samples with the unknown ones put in."""
    out = state.known.copy()
    out.reshape(-1)[state.places] = state.inner.x
    return out


def _line(places: Array) -> Array:
    """Return the coordinates of a signal with one axis as those of a picture of one row."""
    return np.concatenate([np.zeros_like(places), places])
