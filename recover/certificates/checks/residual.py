"""The residual of a recovered signal, computed again, and what it says of the error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.certificates.roundoff import adjoint_roundoff, underflow
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import U, norm_lower, norm_upper
from recover.models.problem import Problem
from recover.models.saturation import Saturation

__all__ = ["CheckedResidual", "checked_residual"]

ZERO = Enclosure(0.0, 0.0)


@dataclass(frozen=True, eq=False)
class CheckedResidual:
    """Enclosures of what the error bound is made of.

    Parameters
    ----------
    entries : array [shape=coef_shape]
        ``value - Phi x_hat`` on the fixed coefficients, zero elsewhere; off by `error` in l2.
    norm : Enclosure
        Of the exact residual's norm.
    error : Enclosure
    gradient : Enclosure or None
        Of ``|Phi^T entries|``; None where the adjoint's rounding is unknown.
    noise : Enclosure
        ``[0, eps]``.
    """

    entries: Array
    norm: Enclosure
    error: Enclosure
    gradient: Enclosure | None
    noise: Enclosure

    def reach(self, s: Enclosure) -> float:
        """Return an upper bound of ``|Phi (x - x_hat)|`` over all consistent x.

        With the residual r, noise e and ``g = Phi^T r``: ``|Phi d| = |r + e|``; also
        ``|Phi d|^2 = <Phi d, e> + <d, g>``; also ``|Phi d - r| <= eps``.  Each gives a bound.
        """
        eps = Enclosure.exactly(self.noise.upper)
        bounds = [(eps + self.norm.upper).upper]
        if self.gradient is not None:
            h = (Enclosure.exactly(self.gradient.upper) / s + self.error.upper).upper
            bounds.append((eps + h).upper)
            low = Enclosure.exactly(self.norm.lower)
            under = (Enclosure.exactly(h) * h + eps * eps - low * low).upper
            if under >= 0.0:
                bounds.append((Enclosure.exactly(under).sqrt() + h).upper)
        return min(bounds)

    def radius(self, s: float) -> float:
        """Return an upper bound of ``|x - x_hat|`` over all consistent x."""
        lowest = Enclosure.exactly(s)
        return (Enclosure.exactly(self.reach(lowest)) / lowest).upper


def checked_residual(problem: Problem, signal: Array) -> CheckedResidual:
    """Compute the residual of `signal` on the fixed coefficients, with its rounding error."""
    frame, knowledge = problem.model.frame, problem.knowledge
    entries = np.where(knowledge.fixed, knowledge.value - frame.analysis(signal), 0.0)
    computed = norm_upper(entries)
    error = Enclosure.exactly(U) * computed
    if signal.any():
        error = error + Enclosure.exactly(frame.roundoff()) * norm_upper(signal)
        error = error + underflow(frame)
    if not isinstance(problem.model, Saturation):
        # the right-hand side is a sum that was rounded once
        error = error + Enclosure.exactly(U) * norm_upper(knowledge.value[knowledge.fixed])
    worst = Enclosure.exactly(error.upper)
    gradient = None
    adjoint = adjoint_roundoff(frame)
    image = frame.synthesis(entries)
    if math.isfinite(adjoint) and np.isfinite(image).all():
        rounding = Enclosure.exactly(adjoint) * computed
        if computed > 0.0:
            rounding = rounding + underflow(frame)
        gradient = Enclosure(0.0, norm_upper(image)) + rounding
    least = (Enclosure.exactly(norm_lower(entries)) - worst).lower
    noise = min(problem.noise_bound.l2, norm_upper(knowledge.each[knowledge.fixed]))
    return CheckedResidual(
        entries,
        Enclosure(max(least, 0.0), (worst + computed).upper),
        worst,
        gradient,
        Enclosure(0.0, noise),
    )
