"""The first signals of methods that run several starts at once."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.models.problem import Problem
from recover.solve.fixed import coef_dtype
from recover.solve.phase_task import PhaseTask, dots, random_signals
from recover.solve.spectral import alignment, spectral_start

__all__ = ["first_signals", "flat_start", "informed_start", "random_batch"]


def flat_start(problem: Problem) -> Array:
    """Return the signal of least squares, about, for magnitudes of phase zero.

    Good for near fields, where most phases are small; of no use for random frames.
    """
    frame = problem.model.frame
    y = problem.y if frame.real_coefs else problem.y.astype(coef_dtype(problem))
    x = problem.domain.project(frame.synthesis(y).astype(problem.dtype))
    size = np.abs(frame.analysis(x))
    energy = float(np.vdot(size, size))
    fit = float(np.vdot(size, problem.y)) / energy if energy > 0.0 else 0.0
    return (x * fit).astype(problem.dtype)


def informed_start(problem: Problem, rng: np.random.Generator) -> Array:
    """Return the flat or the spectral start, whichever fits the magnitudes better."""
    starts = (flat_start(problem), spectral_start(problem, rng))
    return max(starts, key=lambda x: alignment(problem, x))


def first_signals(
    problem: Problem,
    task: PhaseTask,
    start: Array | None,
    count: int,
    rng: np.random.Generator,
) -> Array:
    """Return the starts in working units, shape (count, *signal_shape), in the domain.

    The first is `start`, else the spectral one; the others turn it by growing angles towards
    random signals of the same length.
    """
    first = spectral_start(problem, rng) if start is None else start
    first = task.enter(first.astype(problem.dtype, copy=False))[None]
    if count > 1:
        others = random_signals(problem.model.frame, count - 1, rng)
        length = np.sqrt(dots(first, first)[0] / np.maximum(dots(others, others), 1e-300))
        others *= length.reshape(-1, *(1,) * task.axes)
        angles = np.linspace(0.0, np.pi / 2, count)[1:].reshape(-1, *(1,) * task.axes)
        mixed = np.cos(angles) * first + np.sin(angles) * others
        first = np.concatenate([first, mixed.astype(first.dtype)])
    return task.project(first)


def random_batch(
    problem: Problem,
    task: PhaseTask,
    start: Array | None,
    count: int,
    rng: np.random.Generator,
) -> Array:
    """Return `start` if there is one and random signals, with the energy of the data."""
    x = random_signals(problem.model.frame, count, rng)
    x = np.array(task.project(x.astype(problem.dtype, copy=False)))
    size = np.sqrt(np.maximum(dots(x, x), np.finfo(np.float64).tiny))
    length = task.norm / np.sqrt(task.typical) / size
    x *= length.astype(task.y.dtype).reshape(-1, *(1,) * task.axes)
    if start is not None:
        x[0] = task.project(task.enter(start)[None])[0]
    return x
