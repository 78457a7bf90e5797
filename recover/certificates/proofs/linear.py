"""What a residual says of the error, with every rounding on the safe side.

For a consistent x write ``d = x - x_hat``.  On the fixed coefficients ``Phi d = r + e`` with
the residual ``r = value - Phi x_hat`` and ``|e| <= eps``.  With ``s |d| <= |Phi d|``,
P = ``|Phi d|`` and ``g = Phi^T r``:

- ``P <= eps + |r|``;
- ``P^2 = <Phi d, e> + <d, g> <= P eps + (P/s) |g|``, so ``P <= eps + |g|/s``;
- ``eps^2 >= |Phi d - r|^2 = P^2 - 2 <d, g> + |r|^2``, so ``P <= h + sqrt(h^2 + eps^2 - |r|^2)``
  with ``h = |g|/s``, and nothing is consistent if the root is of a negative number.

The last is the sharp one at a least-squares solution, where g = 0.  ``|d| <= P / s``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recover.certificates.roundoff import adjoint_roundoff, underflow
from recover.core.arrays import Array
from recover.core.rounding import U, down, norm_lower, norm_upper, up
from recover.models.problem import Problem
from recover.models.saturation import Saturation

__all__ = ["Residual", "above", "reach", "residual_of", "value_error"]

# The prover allows for its own rounding and for a verifier's on other hardware: the verifier's
# computed values differ by at most two allowances, and it adds one of its own.
ALLOWANCES = 3


class Residual(NamedTuple):
    """A residual on the fixed coefficients.

    Parameters
    ----------
    entries : array
        The computed residual, zero where nothing is fixed.
    lower, upper : float
        Bounds of the exact residual's norm.
    error : float
        Bound of the norm of the rounding error of `entries`.
    pull : float
        Upper bound of ``|Phi^T entries|``; infinite where the adjoint's rounding is unknown.
    noise : float
        Bound of the noise on the fixed coefficients.
    """

    entries: Array
    lower: float
    upper: float
    error: float
    pull: float
    noise: float


def value_error(problem: Problem, value: Array) -> Array:
    """Return a bound of the rounding error of `Knowledge.value`.

    Clipped data are the values themselves; elsewhere a bias was added, which rounds once.
    """
    if isinstance(problem.model, Saturation):
        return np.zeros(value.shape)
    error: Array = U * np.abs(value)
    return error


def residual_of(problem: Problem, signal: Array) -> Residual:
    """Return the residual of `signal` on what the data fix, with bounds of its rounding."""
    frame, knowledge = problem.model.frame, problem.knowledge
    fixed = knowledge.fixed
    value = np.where(fixed, knowledge.value, 0.0)
    entries = np.where(fixed, value - frame.analysis(signal), 0.0)
    rounding = norm_upper(value_error(problem, value)) + U * norm_upper(entries)
    analysis = 0.0
    if signal.any():
        # exactly zero for frames that only copy: underflow is positive wherever rounding is
        analysis = above(frame.roundoff() * norm_upper(signal) + underflow(frame))
    error = ALLOWANCES * above(rounding + analysis)
    size = norm_upper(entries)
    pull = math.inf
    adjoint = adjoint_roundoff(frame)
    image = frame.synthesis(entries)
    if math.isfinite(adjoint) and np.isfinite(image).all():
        off = ALLOWANCES * above(adjoint * size + (underflow(frame) if size > 0.0 else 0.0))
        pull = above(norm_upper(image) + off)
    noise = min(problem.noise_bound.l2, norm_upper(knowledge.each[fixed]))
    return Residual(
        entries,
        max(down(norm_lower(entries) - error), 0.0),
        above(size + error),
        error,
        pull,
        noise,
    )


def reach(residual: Residual, s: float) -> float | None:
    """Return an upper bound P of ``|Phi d|`` over all consistent x; None if there is none.

    Parameters
    ----------
    residual : Residual
    s : float > 0
        Proved lower bound of the smallest singular value of the fixed rows.
    """
    eps = residual.noise
    plain = above(eps + residual.upper)
    if not math.isfinite(residual.pull):
        return plain
    h = above(above(residual.pull / s) + residual.error)
    under = up(up(up(h * h) + up(eps * eps)) - down(residual.lower * residual.lower))
    if under < 0.0:
        return None
    return min(plain, above(eps + h), up(h + up(math.sqrt(under))))


def above(x: float) -> float:
    """Return x moved up beyond the few roundings it was made with; an exact zero stays."""
    return up(x, 4) if x > 0.0 else x
