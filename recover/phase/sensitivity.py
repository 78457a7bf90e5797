"""Which entries of a recovered object the magnitudes determine well, and which hardly.

With ``z = A x``, ``u = z / |z|`` the magnitudes change to first order by
``J h = Re(conj(u) A h)``.  Noise of unit variance in each magnitude moves the least-squares
signal by ``pinv(J) e``, whose covariance is ``pinv(J^T J)``: its diagonal is the map.  The
directions that no magnitude tells (the global phase) are left out of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array, as_count, as_generator, frozen
from recover.core.errors import ParameterError
from recover.core.linear import conjugate_gradients
from recover.frames.bounds import real_matrix
from recover.models.domains import Support
from recover.models.modulus import Modulus
from recover.models.problem import Problem

__all__ = ["Sensitivity", "dense_serves", "sensitivity"]

DENSE_UNKNOWNS = 1500
DENSE_ENTRIES = 2**23
SINGULAR = 1e-11  # eigenvalues below this part of the largest belong to what is not determined
CG_TOL, CG_STEPS = 1e-2, 300
LARGE = 2**17  # magnitudes from which the estimate is made in single precision


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Standard deviation of each entry for unit noise in each magnitude, to first order.

    Parameters
    ----------
    deviations : array [shape=frame.signal_shape], possibly infinite
        For complex entries that of the real and the imaginary part together.
    exact : bool
        Whether it comes from the matrix; else it is a stochastic estimate with a relative
        standard error of about ``1 / sqrt(2 probes)``, or ``1 / sqrt(4 probes)`` for complex
        signals.
    """

    deviations: Array
    exact: bool

    @property
    def total(self) -> float:
        """Expected l2 error for unit noise: the root of the trace."""
        return float(np.linalg.norm(self.deviations.reshape(-1)))


def dense_serves(problem: Problem, limit: int = DENSE_UNKNOWNS) -> bool:
    """Return whether the exact map is affordable: at most `limit` real unknowns."""
    frame = problem.model.frame
    double = 1 if frame.real_signal else 2
    unknowns = int(np.count_nonzero(_mask(problem))) * double
    return unknowns <= limit and frame.coef_size * frame.signal_size <= DENSE_ENTRIES


def sensitivity(
    problem: Problem,
    signal: Array,
    *,
    probes: int = 16,
    rng: int | np.random.Generator = 0,
) -> Sensitivity:
    """Return the sensitivity map of a signal recovered from magnitudes.

    Parameters
    ----------
    problem : Problem
        Of a `Modulus` model.
    signal : array [shape=frame.signal_shape]
        The recovered signal.
    probes : int >= 1
        Random noises of the estimate for objects too large for a matrix.
    rng : int or Generator
        Draws them.

    Raises
    ------
    ParameterError
        If the problem is not one of magnitudes, the signal does not fit, or `probes` is
        below 1.
    """
    if not isinstance(problem.model, Modulus):
        raise ParameterError(
            f"problem must be one of magnitudes, got {type(problem.model).__name__}; pass "
            "Problem(Modulus(frame), magnitudes)"
        )
    frame = problem.model.frame
    x = np.asarray(signal)
    if x.shape != frame.signal_shape:
        raise ParameterError(f"signal must have shape {frame.signal_shape}, got {x.shape}")
    probes = as_count("probes", probes)
    wide = x.astype(np.float64 if frame.real_signal else np.complex128)
    z = frame.analysis(wide)
    size = np.abs(z)
    turn = np.divide(z, size, out=np.zeros_like(z), where=size > 0.0)
    if dense_serves(problem):
        return Sensitivity(frozen(_dense(problem, wide, turn)), True)
    if problem.y.size >= LARGE:  # single precision tells as much of an estimate
        turn = turn.astype(np.complex64 if np.iscomplexobj(turn) else np.float32)
    return Sensitivity(frozen(_drawn(problem, turn, probes, as_generator(rng))), False)


def _mask(problem: Problem) -> Array:
    shape = problem.model.frame.signal_shape
    if isinstance(problem.domain, Support):
        return np.asarray(np.broadcast_to(problem.domain.mask, shape))
    return np.ones(shape, dtype=bool)


def _dense(problem: Problem, x: Array, turn: Array) -> Array:
    frame, mask = problem.model.frame, _mask(problem)
    if frame.real_coefs:
        rows, _ = real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))
        turned = turn.reshape(-1)[:, None] * rows[:, mask.reshape(-1)]
    else:
        both = turn.conj().reshape(-1)[:, None] * frame.matrix()[:, mask.reshape(-1)]
        turned = both.real if frame.real_signal else np.hstack([both.real, -both.imag])
    values, vectors = np.linalg.eigh(turned.T @ turned)
    low = values <= SINGULAR * max(float(values[-1]), 0.0)
    inverse = np.where(low, 0.0, 1.0 / np.where(low, 1.0, values))
    squares = np.square(vectors) @ inverse
    lost = vectors[:, low]
    if not frame.real_signal:
        inside = x[mask]
        phase = np.concatenate([-inside.imag, inside.real])
        norm = float(np.linalg.norm(phase))
        if norm > 0.0:  # the global phase is not held against any entry
            phase /= norm
            lost = lost - np.outer(phase, phase @ lost)
    squares[np.square(lost).sum(axis=1) > math.sqrt(SINGULAR)] = np.inf
    if not frame.real_signal:
        squares = squares[: squares.size // 2] + squares[squares.size // 2 :]
    out = np.zeros(frame.signal_shape)
    out[mask] = np.sqrt(squares)
    return out


def _drawn(problem: Problem, turn: Array, probes: int, rng: np.random.Generator) -> Array:
    """Average ``|pinv(J) e|^2`` over noises e, whose mean is the diagonal."""
    frame, mask = problem.model.frame, _mask(problem)
    total = np.zeros(frame.signal_shape)

    def adjoint(e: Array) -> Array:
        return np.asarray(np.where(mask, frame.synthesis(e * turn), 0.0))

    def apply(h: Array) -> Array:
        return adjoint((np.conj(turn) * frame.analysis(h)).real)

    for _ in range(probes):
        right = adjoint(rng.standard_normal(frame.coef_shape, dtype=turn.real.dtype))
        found = conjugate_gradients(apply, right, tol=CG_TOL, max_iter=CG_STEPS)
        total += np.square(np.abs(found.x))
    return np.asarray(np.sqrt(total / probes))
