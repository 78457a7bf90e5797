"""The default method of a problem."""

from __future__ import annotations

from recover.models.problem import Problem
from recover.solve.base import AnyMethod
from recover.solve.dual_frame import DualFrame
from recover.solve.one_sided import OneSidedLeastSquares

__all__ = ["choose"]


def choose(problem: Problem) -> AnyMethod:
    """Return the method for `problem` when none is given."""
    direct = DualFrame()
    return direct if direct.refuses(problem) is None else OneSidedLeastSquares()
