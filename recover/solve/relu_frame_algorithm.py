"""The frame algorithm that also uses what the inactive coefficients say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import square
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.fixed import relative
from recover.solve.nonlinear import (
    check_relaxation,
    full_relaxation,
    refuse_unless_relaxed,
)

__all__ = ["ReLUFrameAlgorithm"]


@dataclass(frozen=True, eq=False)
class _State:
    relaxation: Array
    scale: float
    x: Array
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class ReLUFrameAlgorithm(Method[_State]):
    """The iteration ``x += a synthesis(P(t) - t)`` for ``t = analysis(x)``.

    P is the projection on the coefficients consistent with the data.

    For ReLU measurements P moves active coefficients to ``y + bias`` and pushes an inactive
    coefficient that the iterate predicts to be active back to the bias.  It applies to every
    model whose consistent coefficients form a convex set; a coefficient that is consistent is
    left alone.  It is gradient descent on half the squared distance to that set, which is
    convex with a B-Lipschitz gradient, so it converges for every relaxation a < 2/B to a point
    of least distance; the gradient never grows.  One analysis and one synthesis a step.

    Parameters
    ----------
    relaxation : float > 0, optional
        The factor a; by default 2/(A + B) of the whole frame, or 1/B where A is 0.
    max_iter : int
        The most steps.
    tol : float
        The relative gradient at which it stops.

    References
    ----------
    .. [1] D. Haider, M. Ehler, P. Balazs, "Convex geometry of ReLU-layers, injectivity on the
       ball and local reconstruction", arXiv 2307.09672 (there for active coefficients only;
       the push is in the authors' ReLU frame algorithm).
    """

    relaxation: float | None = None
    max_iter: int = 20000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        check_relaxation(self.relaxation)

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_relaxed(problem, self.relaxation)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        frame = problem.model.frame
        zero = np.zeros(frame.signal_shape, dtype=problem.dtype)
        relaxation = full_relaxation(problem, self.relaxation)
        scale = math.sqrt(square(_gradient(problem, zero)))
        return _State(relaxation, scale, zero if start is None else start, math.inf)

    def step(self, problem: Problem, state: _State) -> _State:
        gradient = _gradient(problem, state.x)
        residual = relative(math.sqrt(square(gradient)), state.scale)
        x = state.x + state.relaxation * gradient
        return _State(state.relaxation, state.scale, x, residual)

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


def _gradient(problem: Problem, x: Array) -> Array:
    """Return the negative gradient of half the squared distance to the consistent set."""
    t = problem.model.frame.analysis(x)
    gap = problem.model.project(t, problem.y) - t
    return problem.model.frame.synthesis(gap.astype(t.dtype, copy=False))
