"""Magnitudes near a recovered signal: the rotated rows, and what a small change can do to them.

For z = Phi x_hat with phases ``u = z / |z|`` and ``d = Phi h`` put ``a = Re(conj(u) d)`` and
``b = Im(conj(u) d)``.  Where ``|d| < |z|``

``|z + d| - |z| = a + c``,  ``0 <= c <= b^2 / (2 (|z| + a)) <= |b| |d| / (2 (|z| - |d|))``,

as ``|z + d|^2 = (|z| + a)^2 + b^2``.  The rows ``conj(u_i) phi_i^*`` give a and b: their real
parts are the matrix J of the linear part, which annihilates ``i x_hat``, the direction of the
global phase.  For real coefficients u is a sign and b = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.certificates.phase.norms import row_norms
from recover.core.arrays import Array
from recover.core.rounding import U, gamma, norm_upper, up
from recover.frames.base import Frame
from recover.frames.bounds import real_matrix
from recover.frames.masked import unmasked
from recover.frames.structure import HasRows
from recover.models.domains import Support
from recover.models.problem import Problem

__all__ = ["Magnitudes", "magnitudes_of"]


@dataclass(frozen=True, eq=False)
class Magnitudes:
    """The coefficients of a recovered signal as numbers that a proof can use.

    Parameters
    ----------
    problem : Problem
    signal : array [shape=frame.signal_shape]
        The recovered signal, real or complex as the frame's signals are.
    coefs : array [shape=coef_shape]
        The computed coefficients.
    error : float
        Bound of ``|coefs - exact|``, and so of each entry's error.
    ratio : array [shape=coef_shape]
        Lower bounds of ``|z_i| / |phi_i|``: how far from x_hat the coefficient is first zero.
    """

    problem: Problem
    signal: Array
    coefs: Array
    error: float
    ratio: Array

    @property
    def frame(self) -> Frame:
        """The frame that is measured with."""
        return self.problem.model.frame

    @property
    def upper(self) -> float:
        """Upper bound of the frame operator; for a masked frame that of the whole one."""
        return unmasked(self.frame, None)[0].bounds().upper

    @property
    def phased(self) -> bool:
        """Whether signals are complex, so that a global phase is lost and not only a sign."""
        return not self.frame.real_signal

    @property
    def unknowns(self) -> int:
        """Real dimension of the signals."""
        return self.columns.size * (1 + self.phased)

    @property
    def columns(self) -> Array:
        """Indices of the entries of a signal that may differ from zero."""
        return allowed_columns(self.problem)

    def kept(self, threshold: float) -> Array:
        """Return which coefficients do not vanish within `threshold` of the signal."""
        return np.asarray(self.ratio >= threshold)

    def phases(self, keep: Array) -> tuple[Array, float]:
        """Return the phases (0 where not kept) and a bound of the errors of kept ones."""
        sizes = np.where(keep, np.abs(self.coefs), 1.0)
        phases: Array = np.where(keep, self.coefs / sizes, 0.0)
        if self.frame.real_coefs:
            return phases, 0.0
        return phases, up(2.0 * self.error / float(sizes.min()) + 8.0 * U, 4)

    def deviation(self, keep: Array, allowances: int = 1) -> float:
        """Return a bound of ``| |Phi x| - |Phi x_hat| |`` on kept rows for every consistent x.

        Parameters
        ----------
        keep : array of bool
        allowances : int
            How often the rounding error is counted.
        """
        noise = self.problem.noise_bound
        sizes = np.abs(self.coefs)
        residual = norm_upper(np.where(keep, sizes - self.problem.y, 0.0))
        rounding = 4.0 * U * norm_upper(np.where(keep, sizes, 0.0)) + 2.0 * U * residual
        noisy = min(noise.l2, norm_upper(np.where(keep, noise.each, 0.0)))
        return _above(residual + noisy + allowances * _above(self.error + rounding))

    def rotated(self, keep: Array) -> tuple[Array, Array, float]:
        """Return the real rows that give a and b on kept coefficients, and their error's norm.

        Unknowns are the real parts and then, for complex signals, the imaginary parts of the
        entries that may differ from zero.
        """
        phases, error = self.phases(keep)
        inner = self.frame
        if inner.real_coefs:
            rows, off = real_matrix(inner, keep)
            return rows[:, self.columns], np.zeros((0, self.columns.size)), off
        columns = self.columns
        matrix = inner.rows[:, columns] if isinstance(inner, HasRows) else inner.matrix(columns)
        off = 0.0 if isinstance(inner, HasRows) else _above(math.sqrt(inner.signal_size))
        off = _above(off * inner.roundoff()) if off else 0.0
        chosen = matrix[keep.reshape(-1)]
        turned = chosen * phases.conj().reshape(-1)[keep.reshape(-1), None]
        # the phases' errors turn rows of norm sqrt(B) in all; the products round
        upper = self.upper
        turning = _above(error * math.sqrt(upper)) + _above(gamma(4) * norm_upper(chosen))
        a, b = turned.real, turned.imag
        if self.phased:
            a, b = np.hstack([a, -b]), np.hstack([b, a])
        return a, b, _above(2.0 * off + turning)


def allowed_columns(problem: Problem) -> Array:
    """Return the flat indices of the entries of a signal that may differ from zero."""
    domain, frame = problem.domain, problem.model.frame
    if isinstance(domain, Support):
        return np.flatnonzero(np.broadcast_to(domain.mask, frame.signal_shape))
    return np.arange(frame.signal_size)


def magnitudes_of(problem: Problem, signal: Array) -> Magnitudes:
    """Return what a proof needs of a recovered signal's coefficients.

    Parameters
    ----------
    problem : Problem
        Of a modulus model.
    signal : array [shape=frame.signal_shape]
    """
    frame = problem.model.frame
    wide = signal.astype(np.float64 if frame.real_signal else np.complex128)
    coefs = frame.analysis(wide)
    roundoff = frame.roundoff()
    error = _above(roundoff * norm_upper(wide)) if wide.any() and roundoff else 0.0
    sizes = np.maximum(np.abs(coefs) * (1.0 - 4.0 * U) - error * (1.0 + 4.0 * U), 0.0)
    columns = allowed_columns(problem)
    norms = row_norms(frame, None if columns.size == frame.signal_size else columns)
    ratio = np.where(norms > 0.0, sizes / np.where(norms > 0.0, norms, 1.0), 0.0)
    return Magnitudes(problem, wide, coefs, error, ratio * (1.0 - 4.0 * U))


def _above(x: float) -> float:
    """Return x moved up beyond the few roundings it was made with; an exact zero stays."""
    return up(x, 8) if x > 0.0 else x
