"""What the methods for magnitudes work on: several starts at once, in working units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recover.core.arrays import Array
from recover.frames.base import Frame
from recover.frames.structure import HasRows
from recover.models.domains import Ball, Domain, Everywhere
from recover.models.modulus import Modulus
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.solve.base import Candidates
from recover.solve.fixed import real_dtype

__all__ = ["PhaseTask", "dots", "expected_noise", "random_signals", "refuse_unless_modulus"]

ROUNDOFF = 32.0  # as in the loop
FEW_COUNTS = 5.0
_SPREAD = 3.0  # standard deviations that the noise's norm may exceed its mean by


def refuse_unless_modulus(problem: Problem) -> str | None:
    """Return why a method for magnitudes does not apply, or None."""
    if isinstance(problem.model, Modulus):
        return None
    return f"it recovers from magnitudes, not {type(problem.model).__name__} measurements"


def dots(a: Array, b: Array) -> Array:
    """Return the real inner products of two batches, shape (starts,), in float64."""
    return np.array([np.vdot(x, y).real for x, y in zip(a, b, strict=True)], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class PhaseTask:
    """Magnitudes divided by a power of two near their size, and what is known of the signal.

    Parameters
    ----------
    frame : Frame
        The frame.
    domain : Domain
        In the units of the problem.
    y : array [shape=frame.coef_shape]
        The data in working units: their root mean square lies in [1, 2).
    scale : float
        Working unit in the data's units, a power of two.
    norm : float
        Euclidean norm of `y`.
    discrepancy : float
        What the noise alone leaves of the residual, relative to the data.
    floor : float
        Smallest relative misfit that the working precision can tell from none.
    typical : float
        About the mean eigenvalue of the frame operator, to scale steps by; no bound.
    """

    frame: Frame
    domain: Domain
    y: Array
    scale: float
    norm: float
    discrepancy: float
    floor: float
    typical: float

    @staticmethod
    def of(problem: Problem, rng: np.random.Generator) -> PhaseTask:
        """Return the task of a problem whose model is `Modulus`.

        Parameters
        ----------
        problem : Problem
        rng : Generator
            Draws the signal by whose energy the frame operator's size is gauged.
        """
        wide = problem.y.astype(np.float64)
        peak = float(np.abs(wide).max(initial=0.0))
        rms = peak * math.sqrt(float(np.mean(np.square(wide / peak)))) if peak > 0.0 else 0.0
        scale = 1.0 if rms == 0.0 else math.ldexp(1.0, math.frexp(rms)[1] - 1)
        y = np.maximum(wide / scale, 0.0)
        norm = float(np.linalg.norm(y))
        noise = expected_noise(problem) / scale
        return PhaseTask(
            problem.model.frame,
            problem.domain,
            y.astype(real_dtype(problem)),
            scale,
            norm,
            noise / norm if norm > 0.0 else 0.0,
            ROUNDOFF * float(np.finfo(real_dtype(problem)).eps),
            _typical(problem.model.frame, rng),
        )

    @property
    def axes(self) -> int:
        """Number of axes of one signal."""
        return len(self.frame.signal_shape)

    @cached_property
    def preconditioner(self) -> Array:
        """About the inverse of the frame operator: its diagonal, or ``1 / B``."""
        from recover.frames.bounds import frame_diagonal

        known = frame_diagonal(self.frame)
        entries = np.full((), self.typical)
        if known is not None and float(known.entries.min()) > 1e-3 * float(known.entries.max()):
            entries = known.entries
        return (1.0 / entries).astype(self.y.dtype)

    @cached_property
    def metric(self) -> Array:
        """The inverse of the preconditioner."""
        return np.asarray(1.0 / self.preconditioner)

    def project(self, x: Array) -> Array:
        """Return the nearest signals of the domain, for a batch in working units."""
        if isinstance(self.domain, Everywhere):
            return x
        if isinstance(self.domain, Ball):  # a norm is that of one signal, not of the batch
            each = [self.domain.project(one * self.scale) / self.scale for one in x]
            return np.stack(each).astype(x.dtype, copy=False)
        scale = x.real.dtype.type(self.scale)
        nearest: Array = self.domain.project(x * scale) / scale
        return nearest.astype(x.dtype, copy=False)

    def residual_of(self, gaps: Array) -> Array:
        """Return the norms of a batch of misfits relative to the data, shape (starts,)."""
        size = np.sqrt(dots(gaps, gaps))
        return size / self.norm if self.norm > 0.0 else size

    def enter(self, x: Array) -> Array:
        """Return a signal in working units."""
        return (x / self.scale).astype(x.dtype, copy=False)

    def leave(self, x: Array, problem: Problem, which: int | None = None) -> Array:
        """Return signals of the domain, or one of them, in the problem's units and dtype."""
        chosen = x if which is None else x[which : which + 1]
        signals: Array = (self.project(chosen) * self.scale).astype(problem.dtype)
        return signals if which is None else np.asarray(signals[0])

    def candidates(self, x: Array, residuals: Array, problem: Problem) -> Candidates:
        """Return all starts in the problem's units."""
        return Candidates(self.leave(x, problem), np.asarray(residuals, dtype=np.float64))


def _typical(frame: Frame, rng: np.random.Generator) -> float:
    """Return the frame operator's mean eigenvalue, for operators by a random signal."""
    if isinstance(frame, HasRows):
        total = float(np.linalg.norm(frame.rows)) ** 2 / frame.signal_size
        return total if total > 0.0 else 1.0
    v = random_signals(frame, 1, rng)
    energy = float(dots(v, v)[0])
    c = frame.analysis(v)
    found = float(dots(c, c)[0]) / energy
    return found if found > 0.0 else 1.0


def random_signals(frame: Frame, count: int, rng: np.random.Generator) -> Array:
    """Return standard normal signals, shape (count, *signal_shape)."""
    shape = (count, *frame.signal_shape)
    v = rng.standard_normal(shape)
    return v if frame.real_signal else v + 1j * rng.standard_normal(shape)


def expected_noise(problem: Problem) -> float:
    """Return the norm that the noise hardly exceeds, less cautious than its promised bound."""
    noise, m = problem.noise, max(problem.y.size, 1)
    slack = 1.0 + _SPREAD / math.sqrt(2.0 * m)
    if noise.sigma > 0.0:
        return noise.sigma * math.sqrt(m) * slack
    if noise.roots:
        return _of_counts(problem.y, noise) * slack
    if noise.counts_per_unit > 0.0:
        return math.sqrt(float(np.abs(problem.y).sum()) / noise.counts_per_unit) * slack
    return problem.noise_bound.l2


def _of_counts(y: Array, noise: Noise) -> float:
    """Return about the norm of the noise of roots of counts.

    A root of a count has a variance of about 1/4, of few counts up to 0.4 with its bias; a
    background adds its counts' own noise.
    """
    unit = noise.counts_per_unit
    square = np.square(y.astype(np.float64))
    counts = unit * (square + noise.background)
    spread = np.sqrt(np.maximum(counts, 1.0)) / unit  # of the intensity
    each = np.square(spread) / np.maximum(square, spread)
    each *= np.where(counts < FEW_COUNTS, 0.4, 0.25)
    return math.sqrt(float(each.sum()))
