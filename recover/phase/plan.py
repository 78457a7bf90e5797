"""Which methods are tried, in which order, when none is named."""

from __future__ import annotations

from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.models.problem import Problem
from recover.phase.ambiguity import shift_free
from recover.solve.base import AnyMethod
from recover.solve.message_passing import ApproximateMessagePassing
from recover.solve.relaxed_reflections import RelaxedReflections
from recover.solve.reweighted_amplitude_flow import ReweightedAmplitudeFlow

__all__ = ["default_methods", "single_serves"]

SEARCH_TOL = 1e-5  # misfit at which the search is over: what is left is polishing
PLENTY_REAL, PLENTY_COMPLEX = 1.9, 2.8  # rows per unknown from which plain descent finds it
LARGE = 2**15  # coefficients from which a search in single precision pays


def single_serves(problem: Problem) -> bool:
    """Return whether the search may run in single precision; the result is polished."""
    return problem.y.size >= LARGE


def default_methods(problem: Problem, restarts: int | None) -> list[AnyMethod]:
    """Return the methods to try for a problem, the most promising first.

    Each is made only if those before it left the data unexplained.
    """
    frame = problem.model.frame
    count = 4 if restarts is None else restarts
    first = 1 if restarts is None else restarts
    flow = ReweightedAmplitudeFlow(restarts=first, tol=SEARCH_TOL)
    passing = ApproximateMessagePassing(restarts=first, tol=SEARCH_TOL)
    again = ApproximateMessagePassing(restarts=max(count, 4), tol=SEARCH_TOL)
    reflect = RelaxedReflections(beta=0.5, tol=SEARCH_TOL)
    if isinstance(frame, Dense):
        chosen: list[AnyMethod] = [flow] if _plenty(frame) else [passing]
        chosen += [again, reflect]
    else:
        chosen = [flow, ReweightedAmplitudeFlow(restarts=count, tol=SEARCH_TOL), reflect]
    return chosen


def _plenty(frame: Frame) -> bool:
    ratio = frame.coef_size / frame.signal_size
    return ratio >= (PLENTY_REAL if frame.real_signal else PLENTY_COMPLEX)


def is_pattern(problem: Problem) -> bool:
    """Return whether only Fourier magnitudes and a support are known."""
    return shift_free(problem.model.frame)
