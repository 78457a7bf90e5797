"""Scans whose probe is unknown: which first guess leads on, and object and probe from there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.masked import Masked, unmasked
from recover.frames.ptychography import Ptychography
from recover.models.modulus import Modulus
from recover.models.problem import Problem
from recover.phase.plan import SEARCH_TOL, single_serves
from recover.phase.scan import probe_guesses
from recover.phase.search import POLISH_STEPS, Found, explained, in_single, misfit, polish_tol
from recover.solve.base import AnyMethod, Solution, Status, Watch
from recover.solve.loop import solve
from recover.solve.ptychographic_retrieval import PtychographicRetrieval

__all__ = ["scan_of", "with_probe"]

SWEEPS = 60  # at most, before descent on object and probe
TRIAL = 20  # sweeps after which the guesses of an unknown probe are compared


def with_probe(
    problem: Problem,
    method: AnyMethod | None,
    start: Array | None,
    rng: np.random.Generator,
    watch: Watch | None,
) -> tuple[Problem, Found]:
    """Return the problem of the probe that was found, and its object.

    Raises
    ------
    ParameterError
        If `method` recovers no probe.
    """
    plan = _refining(method)
    task = in_single(problem) if method is None and single_serves(problem) else problem
    trial, solution, history = _begun(task, plan, start, rng, watch)
    stages = [(task, plan)]
    if method is None:
        last = replace(plan, projections=0, max_iter=POLISH_STEPS, tol=polish_tol(problem))
        stages.append((problem, last))
    for data, each in stages:
        if solution.status is Status.STOPPED:
            break
        trial = _with_frame(data, _refined(solution, scan_of(trial.model.frame)))
        begin = solution.signal.astype(trial.dtype)
        solution = solve(trial, each, start=begin, rng=rng, watch=watch)
        history.append(solution.residuals)
    done = _with_frame(problem, _refined(solution, scan_of(trial.model.frame)))
    value, status = misfit(done, solution.signal), solution.status
    if explained(done, value) and status in (Status.STALLED, Status.MAX_ITER):
        status = Status.CONVERGED
    names = (solution.method,)
    return done, Found(solution.signal, value, value, (), (), tuple(history), names, status)


def scan_of(frame: Frame) -> Ptychography:
    """Return the scan in a frame, masked or not; raises `ParameterError` if it is none."""
    scan, _ = unmasked(frame, None)
    if not isinstance(scan, Ptychography):
        raise ParameterError(
            f"frame must be Ptychography, got {type(scan).__name__}; use recover.phase.retrieve"
        )
    return scan


def _refining(method: AnyMethod | None) -> PtychographicRetrieval:
    if method is None:
        return PtychographicRetrieval(refine_probe=True, projections=SWEEPS, tol=SEARCH_TOL)
    if not isinstance(method, PtychographicRetrieval):
        raise ParameterError(
            f"method must be PtychographicRetrieval to refine the probe, got "
            f"{type(method).__name__}; or leave refine_probe out"
        )
    return replace(method, refine_probe=True)


def _begun(
    task: Problem,
    plan: PtychographicRetrieval,
    start: Array | None,
    rng: np.random.Generator,
    watch: Watch | None,
) -> tuple[Problem, Solution, list[Array]]:
    """Return the problem of the guess that leads furthest in a few sweeps, and how far."""
    quick = replace(plan, projections=TRIAL, max_iter=TRIAL)
    scan, (_, keep) = scan_of(task.model.frame), unmasked(task.model.frame, None)
    full = np.zeros(keep.shape)
    full[keep] = np.maximum(task.y, 0).reshape(-1)
    guesses = probe_guesses(scan, full) if start is None else [scan]
    history, seed = list[Array](), int(rng.integers(2**31))
    best: tuple[float, Problem, Solution] | None = None
    for guess in guesses:
        trial = _with_frame(task, guess)
        solution = solve(trial, quick, start=start, rng=seed, watch=watch)
        history.append(solution.residuals)
        left = float(solution.residuals[-1]) if solution.residuals.size else 0.0
        if best is None or left < best[0]:
            best = left, trial, solution
        if solution.status is Status.STOPPED:
            return trial, solution, history
    if best is None:
        raise AssertionError("there is always the probe itself")
    return best[1], best[2], history


def _refined(solution: Solution, scan: Ptychography) -> Ptychography:
    """Return the scan with the probe of a solution."""
    if solution.probe is None:
        raise AssertionError("the method recovers the probe")
    return Ptychography(scan.shape, solution.probe, scan.positions, scan.real_signal)


def _with_frame(problem: Problem, scan: Ptychography) -> Problem:
    """Return the same data of another probe."""
    frame: Frame = scan
    if isinstance(problem.model.frame, Masked):
        frame = Masked(scan, unmasked(problem.model.frame, None)[1])
    return Problem(Modulus(frame), problem.y, noise=problem.noise, domain=problem.domain)
