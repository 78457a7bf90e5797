"""What the frame algorithms on non-linear data share: when they apply, and their relaxation."""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.models.problem import Problem
from recover.solve.fixed import real_dtype

__all__ = ["check_relaxation", "full_relaxation", "refuse_unless_relaxed"]


def check_relaxation(relaxation: float | None) -> None:
    """Raise `ParameterError` unless a given relaxation is positive and finite."""
    if relaxation is not None and not 0.0 < relaxation < math.inf:
        raise ParameterError(
            f"relaxation must be positive and finite, got {relaxation}; "
            "leave it out for 2/(A + B)"
        )


def full_relaxation(problem: Problem, given: float | None) -> Array:
    """Return the given relaxation, else 2/(A + B) of the whole frame, or 1/B where A is 0."""
    if given is None:
        lower, upper = problem.model.frame.bounds()
        given = 2.0 / (lower + upper) if lower > 0.0 else 1.0 / upper
    return np.asarray(given, dtype=real_dtype(problem))


def refuse_unless_relaxed(problem: Problem, given: float | None) -> str | None:
    """Return why gradient steps on the measurement do not apply, or None."""
    if not problem.model.convex:
        return (
            f"{type(problem.model).__name__} is not monotone; use AlternatingProjections or "
            "RelaxedReflections"
        )
    if given is None:
        upper = problem.model.frame.bounds().upper
        if not 0.0 < upper < math.inf:
            return (
                f"no upper frame bound of {type(problem.model.frame).__name__} is proved "
                f"(got {upper:g}); give relaxation="
            )
    return None
