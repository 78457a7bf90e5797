"""Which methods are tried, in which order, when none is named."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from recover.core.arrays import as_count
from recover.core.errors import ParameterError, require_type
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.models.domains import Support
from recover.models.problem import Problem
from recover.phase.ambiguity import shift_free
from recover.phase.arguments import fits_single
from recover.pipeline import method_named
from recover.solve.base import AnyMethod, Method
from recover.solve.hybrid_input_output import HybridInputOutput
from recover.solve.message_passing import ApproximateMessagePassing
from recover.solve.relaxed_averaged_reflections import RelaxedAveragedReflections
from recover.solve.relaxed_reflections import RelaxedReflections
from recover.solve.reweighted_amplitude_flow import ReweightedAmplitudeFlow
from recover.solve.shrink_wrap import ShrinkWrap

__all__ = ["SEARCH_TOL", "asked_method", "default_methods", "quick_method", "single_serves"]

SEARCH_TOL = 1e-5  # misfit at which the search is over: what is left is polishing
PLENTY_REAL, PLENTY_COMPLEX = 1.9, 2.8  # rows per unknown from which plain descent finds it
LARGE = 2**14  # coefficients from which a search in single precision pays
FEW = 2.5  # rows per unknown below which descent alone is caught
SEVERAL = 4  # starts at once where one has failed
SEVERAL_ENTRIES = 2**24  # entries of all starts' coefficients up to which that is done
QUICK_STEPS = 300
PATTERN_STEPS, CALM_STEPS = 3000, 800


def single_serves(problem: Problem) -> bool:
    """Return whether the search may run in single precision; the result is polished."""
    return problem.y.size >= LARGE and fits_single(problem.y)


def asked_method(
    method: AnyMethod | str, *, restarts: int | None = None, max_iter: int | None = None
) -> AnyMethod:
    """Return the method that was asked for, by its name or itself.

    Parameters
    ----------
    method : Method or str
    restarts, max_iter : int >= 1, optional
        Its parameters of these names, if they are to be others than it has.

    Raises
    ------
    ParameterError
        If there is no such method, or it has no such parameter.
    """
    chosen: Any = method_named(method) if isinstance(method, str) else method
    require_type("method", chosen, Method, "pass one of recover.methods, or its name")
    held = {field.name for field in fields(chosen)}
    for name, value in (("restarts", restarts), ("max_iter", max_iter)):
        if value is None:
            continue
        if name not in held:
            raise ParameterError(
                f"{type(chosen).__name__} has no {name}, got {value}; leave it out"
            )
        chosen = replace(chosen, **{name: as_count(name, value)})
    asked: AnyMethod = chosen
    return asked


def default_methods(problem: Problem, restarts: int | None) -> list[AnyMethod]:
    """Return the methods to try for a problem, the most promising first.

    Each is tried only if those before it left the data unexplained.

    Parameters
    ----------
    problem : Problem
    restarts : int, optional
        Starts of the first method; later ones have at least as many as it takes to hope.
    """
    frame, first = problem.model.frame, 1 if restarts is None else restarts
    room = max(1, SEVERAL_ENTRIES // max(frame.coef_size, 1))
    more = max(first, min(SEVERAL, room))
    if shift_free(frame):
        steps, tol = PATTERN_STEPS, SEARCH_TOL
        noisy = not problem.noise_bound.is_zero
        calm = RelaxedAveragedReflections(restarts=more, max_iter=CALM_STEPS, tol=tol)
        feed = HybridInputOutput(restarts=first, max_iter=steps, tol=tol)
        # noise makes the feedback wander off
        patterns: list[AnyMethod] = [calm, feed] if noisy else [feed, calm]
        patterns.append(HybridInputOutput(restarts=more, max_iter=steps, tol=tol))
        if not isinstance(problem.domain, Support):
            patterns.append(ShrinkWrap(restarts=more, tol=tol))
        return patterns
    methods: list[AnyMethod] = [ReweightedAmplitudeFlow(restarts=first, tol=SEARCH_TOL)]
    if isinstance(frame, Dense) and not _plenty(frame):
        methods = [ApproximateMessagePassing(restarts=first, tol=SEARCH_TOL)]
    if isinstance(frame, Dense):
        methods.append(ApproximateMessagePassing(restarts=more, tol=SEARCH_TOL))
        methods.append(RelaxedReflections(beta=0.5, tol=SEARCH_TOL))
        return methods
    feedback = HybridInputOutput(beta=0.7, max_iter=PATTERN_STEPS, tol=SEARCH_TOL)
    if frame.coef_size < FEW * frame.signal_size and not frame.real_signal:
        return [feedback, *methods]  # near the limit descent alone is caught
    return [*methods, feedback]


def quick_method(problem: Problem) -> AnyMethod:
    """Return a short version of the first method, to see whether it would do."""
    frame = problem.model.frame
    if shift_free(frame):
        return HybridInputOutput(max_iter=QUICK_STEPS, tol=SEARCH_TOL)
    if isinstance(frame, Dense) and not _plenty(frame):
        return ApproximateMessagePassing(max_iter=QUICK_STEPS, tol=SEARCH_TOL)
    return ReweightedAmplitudeFlow(max_iter=QUICK_STEPS, tol=SEARCH_TOL)


def _plenty(frame: Frame) -> bool:
    ratio = frame.coef_size / frame.signal_size
    return ratio >= (PLENTY_REAL if frame.real_signal else PLENTY_COMPLEX)
