"""The default method of a problem."""

from __future__ import annotations

from recover.models.problem import Problem
from recover.priors.quadratic import Quadratic
from recover.solve.base import AnyMethod
from recover.solve.consistent_least_squares import ConsistentLeastSquares
from recover.solve.dual_frame import DualFrame
from recover.solve.obstacle import Obstacle
from recover.solve.one_sided import OneSidedLeastSquares
from recover.solve.relaxed_reflections import RelaxedReflections
from recover.solve.scale import check_scale
from recover.solve.subspace_least_squares import SubspaceLeastSquares

__all__ = ["choose"]


def choose(problem: Problem) -> AnyMethod:
    """Return the method for `problem` when none is given.

    The priors' own methods where a prior is given and they apply; the dual frame where the
    fixed coefficients determine the signal; one-sided least squares otherwise; relaxed
    reflections for phaseless data.

    Parameters
    ----------
    problem : Problem
        What was measured.

    Returns
    -------
    Method
        One that does not refuse the problem.

    Raises
    ------
    ParameterError
        If squares of the rows or magnitudes overflow.
    """
    check_scale(problem)
    candidates: list[AnyMethod] = [Obstacle(), SubspaceLeastSquares(), DualFrame()]
    if isinstance(problem.prior, Quadratic):
        candidates.append(ConsistentLeastSquares())
    for method in (*candidates, OneSidedLeastSquares()):
        if method.refuses(problem) is None:
            return method
    return RelaxedReflections()
