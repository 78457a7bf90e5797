"""The interval that holds the spectrum of the data-fixed sub-frame, proved or given."""

from __future__ import annotations

import math
from typing import NamedTuple

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.bounds import subframe_lower, subframe_upper
from recover.models.problem import Problem
from recover.solve.fixed import refuse_undetermined

__all__ = ["Spectrum", "check_spectrum", "refuse_unproved", "spectrum_of", "upper_bound"]


class Spectrum(NamedTuple):
    """Frame bounds ``lower |x|^2 <= sum_I |t_i|^2 <= upper |x|^2`` of the fixed rows."""

    lower: float
    upper: float


def check_spectrum(given: Spectrum | None) -> None:
    """Raise `ParameterError` unless the bounds are ``0 < lower <= upper < infinity``."""
    if given is not None and not 0.0 < given[0] <= given[1] < math.inf:
        raise ParameterError(
            f"spectrum must satisfy 0 < lower <= upper < inf, got {tuple(given)}; "
            "leave it out to have the bounds proved"
        )


def spectrum_of(problem: Problem, given: Spectrum | None) -> Spectrum:
    """Return the given bounds, or else proved ones (0 or infinity where nothing is proved)."""
    if given is not None:
        return Spectrum(*given)
    frame, fixed = problem.model.frame, problem.knowledge.fixed
    if fixed.all():  # the whole frame may have a closed form
        return Spectrum(*frame.bounds())
    return Spectrum(subframe_lower(frame, fixed).value, upper_bound(frame, fixed))


def upper_bound(frame: Frame, keep: Array) -> float:
    """Return a proved upper bound of the kept rows, of the whole frame where that is all."""
    bound = math.inf if keep.all() else subframe_upper(frame, keep).value
    return bound if math.isfinite(bound) else frame.bounds().upper


def refuse_unproved(problem: Problem, given: Spectrum | None) -> str | None:
    """Return why an iteration that needs both bounds of the fixed rows cannot run, or None."""
    reason = refuse_undetermined(problem)
    if reason is not None or given is not None:
        return reason
    lower, upper = spectrum_of(problem, None)
    if lower > 0.0 and math.isfinite(upper):
        return None
    return (
        f"it needs frame bounds of the {problem.knowledge.fixed_count} fixed rows, and only "
        f"[{lower:g}, {upper:g}] could be proved; give spectrum=, or use ConjugateGradient, "
        "which needs none"
    )
