"""The smoothest, or shortest, of all signals that agree with the data, found exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import OutOfScopeError
from recover.core.least_distance import least_distance
from recover.frames.bounds import real_matrix
from recover.models.domains import Ball
from recover.models.problem import Problem
from recover.priors.quadratic import Quadratic
from recover.solve.base import Method, Status
from recover.solve.fixed import FixedRows

__all__ = ["ConsistentLeastSquares"]

LARGEST_SIGNAL = 400  # an active-set method on a dense matrix
LARGEST_ROWS = 4000
_RANK = 1e-12  # relative singular value below which a direction counts as not determined
_MET = 1e-9  # relative violation that counts as rounding


@dataclass(frozen=True, eq=False)
class _State:
    x: Array
    residual: float
    finished: Status | None


class _Reduced(NamedTuple):
    """``min |objective z - target|`` over ``constraints z >= needed``, x = point + kernel z."""

    point: Array
    kernel: Array
    objective: Array
    target: Array
    constraints: Array
    needed: Array


@dataclass(frozen=True)
class ConsistentLeastSquares(Method[_State]):
    """Minimise ``|T x|`` of a quadratic prior over the signals that agree with the data.

    The fixed coefficients are fitted by least squares; what that leaves open is chosen so that
    ``|T x|`` (without a prior ``|x - start|``) is least while every bound on the other
    coefficients and on the domain holds.  Solved directly, in float64, by an active-set method
    for least-distance programmes; for small frames with real coefficients.  For coordinate
    samples of any size see `Obstacle`.

    Parameters
    ----------
    max_iter : int
        Not used: the solution is direct.
    tol : float
        Not used.

    References
    ----------
    .. [1] C. L. Lawson, R. J. Hanson, "Solving Least Squares Problems", SIAM (1995), chapters
       20 (equality constraints by the null space) and 23 (least-distance programming).
    """

    max_iter: int = 1
    tol: float = 1e-9

    def refuses(self, problem: Problem) -> str | None:
        frame = problem.model.frame
        if not (problem.model.convex and frame.real_coefs):
            return f"{type(problem.model).__name__} measurements are not bounded by intervals"
        if frame.signal_size > LARGEST_SIGNAL or frame.coef_size > LARGEST_ROWS:
            return (
                f"a frame of {frame.coef_size} x {frame.signal_size} is too large for an "
                f"active-set method (at most {LARGEST_ROWS} x {LARGEST_SIGNAL}); use Obstacle "
                "or OneSidedLeastSquares"
            )
        if isinstance(problem.domain, Ball):
            return "a Ball is not an interval domain; use Box or Support"
        reduced = _reduced(problem, None)
        free = reduced.kernel.shape[1] - int(np.linalg.matrix_rank(reduced.objective))
        if free > 0:
            return f"the data and the prior together leave {free} directions open"
        return None

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        reduced = _reduced(problem, start)
        x = reduced.point
        if reduced.kernel.shape[1] > 0:
            q, r = np.linalg.qr(reduced.objective)
            centre = np.linalg.solve(r, q.T @ reduced.target)
            rows = np.linalg.solve(r.T, reduced.constraints.T).T
            solution = least_distance(rows, reduced.needed - reduced.constraints @ centre)
            if solution is None:
                raise OutOfScopeError(_CONTRADICTION)
            x = x + reduced.kernel @ (centre + np.linalg.solve(r, solution[0]))
        elif reduced.needed.max(initial=0.0) > _MET * float(np.linalg.norm(problem.y)):
            raise OutOfScopeError(_CONTRADICTION)
        signal = x.reshape(problem.model.frame.signal_shape).astype(problem.dtype)
        return _State(signal, 0.0, Status.DIRECT)

    def step(self, problem: Problem, state: _State) -> _State:
        return state

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()


_CONTRADICTION = (
    "no signal that fits the fixed coefficients meets the bounds of the others; state the "
    "noise, or use OneSidedLeastSquares, which weighs them"
)


def _reduced(problem: Problem, start: Array | None) -> _Reduced:
    """Eliminate the fixed coefficients by the null space of their rows."""
    frame, known = problem.model.frame, problem.knowledge
    matrix, _ = real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))
    fixed, value = FixedRows.of(problem).matrix()
    u, s, vt = np.linalg.svd(fixed, full_matrices=True)
    rank = int(np.count_nonzero(s > _RANK * s.max(initial=0.0)))
    point = vt[:rank].T @ ((u[:, :rank].T @ value) / s[:rank])
    kernel = vt[rank:].T
    n = frame.signal_size
    objective, target = kernel, -point
    if isinstance(problem.prior, Quadratic):
        operator = problem.prior.operator
        t, _ = real_matrix(operator, np.ones(operator.coef_shape, dtype=bool))
        objective, target = t @ kernel, -t @ point
    elif start is not None:
        target = start.reshape(-1).astype(np.float64) - point
    low, high = (side.reshape(-1) for side in problem.domain.interval(frame.signal_shape))
    loose = ~known.fixed.reshape(-1)
    sides = [
        (matrix, np.where(loose, known.lower.reshape(-1), -np.inf)),
        (-matrix, np.where(loose, -known.upper.reshape(-1), -np.inf)),
        (np.eye(n), low),
        (-np.eye(n), -high),
    ]
    rows = np.concatenate([part[np.isfinite(bound)] for part, bound in sides])
    bounds = np.concatenate([bound[np.isfinite(bound)] for _, bound in sides])
    return _Reduced(point, kernel, objective, target, rows @ kernel, bounds - rows @ point)
