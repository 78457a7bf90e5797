"""A bounded domain: every consistent signal lies in a box that is read off.

Where the coefficients are samples, data and domain bound each one on its own, elsewhere the
domain alone:
``|x_i - x_hat_i| <= max(high_i - x_hat_i, x_hat_i - low_i)``, and the middle of the box is the
best centre.  It does not tend to zero with the noise.

In a ball of radius R ``x_i^2 <= R^2 - sum_(j != i) min |x_j|^2``.  With the known samples K
and the others U ``|x_U|^2 <= r^2 = R^2 - |x_K|^2``, hence ``|x_U - x_hat_U| <= r + |x_hat_U|``
and, by expanding the square, ``|x_U - x_hat_U|^2 <= r^2 + |x_hat_U|^2
- 2 sum_U min(low_i x_hat_i, high_i x_hat_i)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.proofs.base import EMBEDDED, Case, Proof, stated
from recover.certificates.proofs.issue import issue
from recover.certificates.proofs.kappa import kappa_of
from recover.certificates.proofs.linear import above
from recover.certificates.reasons import Why, Withheld
from recover.certificates.sampling import ball_caps, is_sampling, samples_of
from recover.core.arrays import Array
from recover.core.rounding import U, norm_lower, norm_upper, sum_lower, up
from recover.models.domains import Ball, Domain, Everywhere
from recover.models.problem import Problem

__all__ = ["Intervals"]


@dataclass(frozen=True)
class Intervals(Proof):
    """The bound of a box or ball that holds every consistent signal."""

    @property
    def order(self) -> int:
        return 10

    def applies(self, problem: Problem) -> bool:
        return problem.model.convex and not isinstance(problem.domain, Everywhere)

    def attempt(self, case: Case, best: float) -> Certificate | Withheld | None:
        problem, x = case.problem, case.signal.reshape(-1)
        if not problem.domain.contains(case.signal):
            return Withheld(Why.OUTSIDE_DOMAIN)
        low, high, known = _box(problem)
        gap = float((low - high).max())
        if gap > 0.0:
            numbers = {"residual": gap, "noise": problem.noise_bound.l2}
            return Withheld(Why.EMPTY, numbers)
        with np.errstate(invalid="ignore"):
            reach = np.maximum(high - x, x - low)
        # a ball's caps are roots that another library may round otherwise
        pad = 8.0 * U * problem.domain.radius if isinstance(problem.domain, Ball) else 0.0
        reach = np.where(reach > 0.0, reach * (1.0 + 2.0**-40), 0.0) + pad
        bound = norm_upper(reach)
        if isinstance(problem.domain, Ball):
            inside = _ball_bound(problem.domain.radius, low, high, known, x)
            if inside is None:
                return Withheld(Why.EMPTY, {"residual": problem.domain.radius, "noise": 0.0})
            bound = min(bound, inside)
        if not math.isfinite(bound):
            return Withheld(Why.UNBOUNDED)
        if bound >= best:
            return None
        shape = case.signal.shape
        small = x.size <= EMBEDDED and np.isfinite(reach).all()
        values: dict[str, float | str] = {}
        centre = None
        if small:
            centre = ((low + high) / 2.0).reshape(shape)
            half = np.maximum(high - centre.reshape(-1), centre.reshape(-1) - low)
            values["centre_bound"] = stated(above(norm_upper(half)))
        return issue(
            case,
            "intervals",
            kappa_of(case),
            bound,
            domain=True,
            values=values,
            pointwise=reach.reshape(shape) if small else None,
            centre=centre,
        )


def _box(problem: Problem) -> tuple[Array, Array, Array]:
    """Return the ends of the box of all consistent signals, and which samples are known."""
    domain: Domain = problem.domain
    low, high = domain.interval(problem.model.frame.signal_shape)
    if not is_sampling(problem.model.frame):
        flat = low.reshape(-1)
        return flat, high.reshape(-1), np.zeros(flat.shape, dtype=bool)
    samples = samples_of(problem)
    below = np.maximum(samples.lower, low.reshape(-1))
    above_it = np.minimum(samples.upper, high.reshape(-1))
    if isinstance(domain, Ball) and bool((below <= above_it).all()):
        caps = ball_caps(domain.radius, below, above_it)
        below, above_it = np.maximum(below, -caps), np.minimum(above_it, caps)
    return below, above_it, samples.known


def _ball_bound(radius: float, low: Array, high: Array, known: Array, x: Array) -> float | None:
    """Return the bound in a ball, None if the known samples alone do not fit into it."""
    nearest = np.where(known, np.maximum(np.maximum(low, -high), 0.0), 0.0)
    inside = norm_lower(nearest)
    # up, not above: a square that underflows to 0 is not 0
    square = up(radius * radius, 4) - inside * inside * (1.0 - 2.0**-50)
    if square < 0.0:
        return None
    others = np.where(known, 0.0, x)
    size = norm_upper(others)
    inner = np.minimum(low * others, high * others)
    # the square loses digits by cancellation: allow for its terms' roundings
    rounding = 2.0**-45 * (square + size * size + float(np.abs(inner).sum()))
    crossed = up(square + up(size * size) - 2.0 * sum_lower(inner) + rounding, 4)
    free = min(
        above(math.sqrt(above(square))) + size, above(math.sqrt(max(above(crossed), 0.0)))
    )
    fixed = norm_upper(np.where(known, np.maximum(high - x, x - low), 0.0) * (1.0 + 2.0**-50))
    return above(math.hypot(above(free), fixed))
