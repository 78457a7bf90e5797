"""A spectral starting point for phaseless data."""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import square
from recover.frames.base import Frame
from recover.frames.bounds import real_matrix
from recover.frames.structure import HasRows
from recover.models.problem import Problem
from recover.solve.fixed import real_dtype
from recover.solve.leading import leading_vector
from recover.solve.scale import check_scale

__all__ = ["alignment", "spectral_start", "starting_signal"]

_DENSE = 64  # largest signal for all eigenvectors of a matrix
_ROUND = 100  # steps of the eigenvector iteration between two looks at it
_ROUNDS = 5
_SETTLED = 2e-3  # relative residual of the eigenvector that is good enough
_SETTLED_ROWS = 1e-2  # the same for rows without structure, whose gap is wide
_LEAST_MARGIN = 0.1  # keeps the weights finite where there are hardly more rows than unknowns


def starting_signal(problem: Problem, start: Array | None, rng: np.random.Generator) -> Array:
    """Return `start`, else zero for convex models and a spectral start for the others."""
    if start is not None:
        return start
    if problem.model.convex:
        return np.zeros(problem.model.frame.signal_shape, dtype=problem.dtype)
    return spectral_start(problem, rng)


def spectral_start(problem: Problem, rng: np.random.Generator) -> Array:
    """Return the leading eigenvector of ``sum_i T(y_i^2 / mean y^2) phi_i phi_i^*``, scaled.

    The weight ``T(s) = (s - 1)/(s + sqrt(m/n) - 1)`` is the one that recovers the most of a
    Gaussian frame's signal for few rows [1]_.  The length fits ``|analysis(x)|`` to the data.

    Parameters
    ----------
    problem : Problem
        Phaseless data.
    rng : Generator
        Draws the first vector of the iteration that large frames take.

    Returns
    -------
    array [shape=frame.signal_shape]

    Raises
    ------
    ParameterError
        If squares of the rows or magnitudes overflow.

    References
    ----------
    .. [1] M. Mondelli, A. Montanari, "Fundamental limits of weak recovery with applications to
       phase retrieval", Found. Comput. Math. 19 (2019).
    """
    check_scale(problem)
    frame = problem.model.frame
    intensity = problem.y.astype(np.float64) ** 2
    mean = float(intensity.mean())
    if mean == 0.0:
        return np.zeros(frame.signal_shape, dtype=problem.dtype)
    margin = max(math.sqrt(frame.coef_size / frame.signal_size) - 1.0, _LEAST_MARGIN)
    ratio = intensity / mean
    weights = (ratio - 1.0) / (ratio + margin)
    if frame.signal_size <= _DENSE:
        direction = _leading_dense(frame, weights)
    else:
        direction = _leading_free(problem, weights, rng)
    direction = direction.astype(problem.dtype)
    size = np.abs(frame.analysis(direction))
    energy = square(size)
    fit = float(np.vdot(size, problem.y)) / energy if energy > 0.0 else 0.0
    # a global phase is free: the one that makes the sum positive suits a non-negative domain
    total = complex(direction.sum())
    phase = abs(total) / total if total != 0.0 else 1.0
    turned = direction * (phase.real if frame.real_signal else phase)
    return (turned * fit).astype(problem.dtype)


def _leading_dense(frame: Frame, weights: Array) -> Array:
    rows, _ = real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))
    flat = weights.reshape(-1)
    if rows.shape[0] == 2 * flat.size:
        flat = np.concatenate([flat, flat])
    _, vectors = np.linalg.eigh(rows.conj().T @ (flat[:, None] * rows))
    leading: Array = vectors[:, -1].reshape(frame.signal_shape)
    return leading


def _leading_free(problem: Problem, weights: Array, rng: np.random.Generator) -> Array:
    """Iterate until the eigenvector has settled: one that has not is no start at all."""
    frame = problem.model.frame
    weights = weights.astype(real_dtype(problem))
    x = rng.standard_normal(frame.signal_shape)
    if not frame.real_signal:
        x = x + 1j * rng.standard_normal(frame.signal_shape)
    x = x.astype(problem.dtype)
    settled = _SETTLED_ROWS if isinstance(frame, HasRows) else _SETTLED
    for _ in range(_ROUNDS):
        found = leading_vector(
            lambda v: frame.synthesis(weights * frame.analysis(v)),
            x,
            max_steps=_ROUND,
            tol=settled,
        )
        x = found.vector
        if found.residual <= settled:
            break
    return x


def alignment(problem: Problem, x: Array) -> float:
    """Return the cosine of the angle between ``|analysis(x)|`` and the data, in [0, 1].

    A signal that has nothing to do with the data of a complex Gaussian frame has pi/4 = 0.785,
    of a real one 2/pi = 0.637.
    """
    size = np.abs(problem.model.frame.analysis(x))
    energy = square(size) * square(problem.y)
    return float(np.vdot(size, problem.y)) / math.sqrt(energy) if energy > 0.0 else 0.0
