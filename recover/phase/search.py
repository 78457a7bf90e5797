"""Trying methods until the data are explained, and polishing what was found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recover.core.arrays import Array
from recover.models.problem import Problem
from recover.phase.ambiguity import shift_free
from recover.phase.arguments import unknowns_of
from recover.solve.base import AnyMethod, Solution, Status, Watch
from recover.solve.loop import solve
from recover.solve.phase_task import expected_noise
from recover.solve.reweighted_amplitude_flow import ReweightedAmplitudeFlow

__all__ = [
    "POLISH_STEPS",
    "Found",
    "explained",
    "in_single",
    "misfit",
    "polish_tol",
    "polished",
    "search",
]

POLISHED, POLISHED_SINGLE = 1e-9, 3e-7  # misfit at which polishing of such data ends
POLISH_STEPS = 400
EXPLAINED = 2e-5  # misfit up to which data without stated noise count as explained
NOISY = 0.1  # a start at rest with so small a misfit has met unstated noise, not a minimum
NEARLY = 1e-3  # the same for Fourier magnitudes
KEPT = 8  # starts that are compared with the best
KEPT_BYTES = 2**29


@dataclass(frozen=True, eq=False)
class Found:
    """The best signal so far and how it was found.

    Parameters
    ----------
    signal : array [shape=frame.signal_shape]
    best : float
        Its misfit, relative to the data.
    searched : float
        The misfit at which the search ended, before polishing.
    others : tuple of array
        What other starts found.
    misfits : tuple of float
        Theirs.
    history : tuple of array
        Misfits after each step, of one method after another.
    methods : tuple of str
    status : Status
    """

    signal: Array
    best: float
    searched: float
    others: tuple[Array, ...]
    misfits: tuple[float, ...]
    history: tuple[Array, ...]
    methods: tuple[str, ...]
    status: Status


def misfit(problem: Problem, signal: Array) -> float:
    """Return ``| |analysis(x)| - y |`` relative to the data."""
    gap = np.abs(problem.model.frame.analysis(signal)) - problem.y
    return float(np.linalg.norm(gap.reshape(-1)) / np.linalg.norm(problem.y.reshape(-1)))


def explained(problem: Problem, value: float) -> bool:
    """Return whether a misfit is what the noise leaves, or nothing."""
    norm = float(np.linalg.norm(problem.y.reshape(-1)))
    return value <= max(EXPLAINED, 1.02 * expected_noise(problem) / norm)


def search(
    problem: Problem,
    methods: Sequence[AnyMethod],
    start: Array | None,
    rng: np.random.Generator,
    watch: Watch | None,
    *,
    single: bool,
) -> Found:
    """Run methods in their order until one explains the data; return the best of all.

    Parameters
    ----------
    problem : Problem
    methods : sequence of Method, not empty
    start : array, optional
        Where the first method starts from.
    rng : Generator
    watch : callable, optional
    single : bool
        Whether to search in single precision.
    """
    task = in_single(problem) if single else problem
    best: Found | None = None
    for method in methods:
        solution = solve(task, method, start=start, rng=rng, watch=watch)
        best = _merged(problem, best, solution)
        start = None  # another start is the point of another attempt
        at_rest = _at_rest(problem, best)
        if best.status is Status.STOPPED or at_rest or _fits(problem, best.best):
            break
    if best is None:
        raise AssertionError("a plan holds at least one method")
    return best


def polished(
    problem: Problem,
    found: Found,
    rng: np.random.Generator,
    watch: Watch | None,
    method: AnyMethod | None = None,
) -> Found:
    """Go on from the best signal in double precision to the least-squares signal."""
    if found.status is Status.STOPPED:
        return found
    task = Problem(
        problem.model,
        problem.y.astype(np.float64),
        noise=problem.noise,
        domain=problem.domain,
    )
    if method is None:
        tol = polish_tol(problem)
        method = ReweightedAmplitudeFlow(reweight=0.0, tol=tol, max_iter=POLISH_STEPS)
    solution = solve(task, method, start=found.signal.astype(task.dtype), rng=rng, watch=watch)
    value = misfit(problem, solution.signal)
    if not value <= found.best:
        return found
    status = solution.status
    if explained(problem, value) and status in (Status.STALLED, Status.MAX_ITER):
        status = Status.CONVERGED  # as far as the data's own rounding allows
    return replace(
        found,
        signal=solution.signal,
        best=value,
        history=(*found.history, solution.residuals),
        methods=(*found.methods, solution.method),
        status=status,
    )


def _fits(problem: Problem, value: float) -> bool:
    """Return whether a misfit is what noise leaves at the least-squares signal.

    Random noise loses there what the unknowns take up: a local minimum may lie below the
    norm of the noise itself.
    """
    random = problem.noise.sigma > 0.0 or problem.noise.roots
    if not (explained(problem, value) and random and value > EXPLAINED):
        return explained(problem, value)
    norm = float(np.linalg.norm(problem.y.reshape(-1)))
    m, n = problem.y.size, unknowns_of(problem)
    taken = n if problem.model.frame.real_signal else 2 * n - 1
    left = math.sqrt(max(m - taken, 1) / m)
    return value <= left * expected_noise(problem) / norm


def _at_rest(problem: Problem, found: Found) -> bool:
    """Return whether other methods could hardly do better."""
    if shift_free(problem.model.frame):  # small misfits too have minima there
        return found.best <= NEARLY
    return found.status is Status.STALLED and found.best <= NOISY


def polish_tol(problem: Problem) -> float:
    """Return the misfit at which polishing ends."""
    return POLISHED_SINGLE if problem.y.dtype == np.float32 else POLISHED


def _merged(problem: Problem, before: Found | None, solution: Solution) -> Found:
    """Put the starts of one more method beside those before."""
    if solution.candidates is None:
        pairs = [(misfit(problem, solution.signal), solution.signal)]
    else:
        both = zip(solution.candidates.residuals, solution.candidates.signals, strict=True)
        pairs = [(float(value), signal) for value, signal in both]
    status = solution.status
    history: tuple[Array, ...] = (solution.residuals,)
    methods: tuple[str, ...] = (solution.method,)
    if before is not None:
        better = min(value for value, _ in pairs) < before.best
        stopped = status is Status.STOPPED
        status = status if better or stopped else before.status
        old = zip((before.best, *before.misfits), (before.signal, *before.others), strict=True)
        pairs = [*pairs, *old]
        history, methods = (*before.history, *history), (*before.methods, *methods)
    pairs.sort(key=lambda pair: pair[0])
    room = max(1, min(KEPT, KEPT_BYTES // max(solution.signal.nbytes, 1)))
    pairs = pairs[:room]
    return Found(
        signal=pairs[0][1],
        best=pairs[0][0],
        searched=pairs[0][0],
        others=tuple(signal for _, signal in pairs[1:]),
        misfits=tuple(value for value, _ in pairs[1:]),
        history=history,
        methods=methods,
        status=status,
    )


def in_single(problem: Problem) -> Problem:
    """Return the problem with its data in single precision."""
    return Problem(
        problem.model,
        problem.y.astype(np.float32),
        noise=problem.noise,
        domain=problem.domain,
    )
