"""One-sided constraints by linear programs: finite in a bounded domain with few fixed rows.

Every consistent signal lies in ``{low <= A x <= high, a <= x <= b}``.  For any multipliers u
and ``q = c - A^T u``, weak duality gives

``<c, x> = <u, A x> + <q, x>
<= sum_i max(u_i low_i, u_i high_i) + sum_j max(q_j a_j, q_j b_j)``,

so the multipliers of an approximate solver prove a bound whatever their quality, and only they
enter the evidence: two for each coordinate, ``c = +-e_j``.

Where a_j or b_j is infinite, let M bound ``|x_j|`` on those coordinates and w be the largest
``sum |q_j|`` over them.  If ``w < 1`` the set is bounded (a ray v would have
``max |v_j| <= w max |v_j|``) and ``M <= max_c p_c / (1 - w)`` with p the other terms.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.proofs.base import Case, Proof, stated
from recover.certificates.proofs.issue import issue
from recover.certificates.proofs.kappa import kappa_of
from recover.certificates.proofs.linear import above
from recover.certificates.proofs.rows import rows_radius
from recover.certificates.reasons import Why, Withheld
from recover.certificates.sampling import coefficient_intervals, is_sampling
from recover.core.arrays import Array
from recover.core.rounding import U, gamma, norm_upper
from recover.frames.bounds import real_matrix
from recover.models.domains import Everywhere
from recover.models.problem import Problem

__all__ = ["Polytope"]

UNKNOWNS = 40  # without a budget
ENTRIES = 2**17  # multipliers kept in the evidence: 1 MB


class _Set(NamedTuple):
    """``{lower <= rows x <= upper, below <= x <= over}``, the rows off by `error`."""

    rows: Array
    error: float
    lower: Array
    upper: Array
    below: Array
    over: Array


@dataclass(frozen=True)
class Polytope(Proof):
    """Intervals of every entry from linear programs, proved by their multipliers."""

    @property
    def order(self) -> int:
        return 90

    def applies(self, problem: Problem) -> bool:
        return problem.model.convex and not is_sampling(problem.model.frame)

    def attempt(self, case: Case, best: float) -> Certificate | Withheld | None:
        problem, frame = case.problem, case.problem.model.frame
        n, m = frame.signal_size, frame.coef_size
        # without a budget only what is needed: where the fixed rows alone prove nothing
        enough = rows_radius(case)
        if enough is None or 2 * n * m > ENTRIES:
            return None
        if case.budget is None and (n > UNKNOWNS or math.isfinite(enough)):
            return None
        domain = not isinstance(problem.domain, Everywhere)
        if domain and not problem.domain.contains(case.signal):
            return Withheld(Why.OUTSIDE_DOMAIN)
        rows, error = real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))
        if not math.isfinite(error):
            return None
        lower, upper = (side.reshape(-1) for side in coefficient_intervals(problem))
        allowed = _Set(rows, error, lower, upper, *_coordinates(case, enough))
        found = _multipliers(allowed, case.budget)
        if isinstance(found, Withheld):
            return found
        ends = _ends(found, allowed)
        low, high = np.maximum(-ends[1::2], allowed.below), np.minimum(ends[::2], allowed.over)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            return Withheld(Why.UNBOUNDED)
        if bool((low > high).any()):
            gap = float((low - high).max())
            return Withheld(Why.EMPTY, {"residual": gap, "noise": problem.noise_bound.l2})
        x = case.signal.reshape(-1)
        reach = np.maximum(np.maximum(high - x, x - low), 0.0) * (1.0 + 2.0**-36)
        bound = min(above(norm_upper(reach)), enough)
        if bound >= best:
            return None
        centre = (low + high) / 2.0
        half = np.maximum(high - centre, centre - low) * (1.0 + 2.0**-36)
        return issue(
            case,
            "polytope",
            kappa_of(case),
            bound,
            domain=domain,
            values={"centre_bound": stated(above(norm_upper(half)))},
            arrays={"multipliers": found},
            pointwise=reach.reshape(case.signal.shape),
            centre=centre.reshape(case.signal.shape),
        )


def _coordinates(case: Case, radius: float) -> tuple[Array, Array]:
    """Return ends of each entry from the domain and from the fixed rows' bound."""
    x = case.signal.reshape(-1)
    low, high = case.problem.domain.interval(case.signal.shape)
    margin = stated(radius) + 4.0 * U * np.abs(x)
    return np.maximum(low.reshape(-1), x - margin), np.minimum(high.reshape(-1), x + margin)


def _multipliers(allowed: _Set, budget: float | None) -> Array | Withheld:
    """Return the multipliers of the 2n programs, (2n, m); zeros where time ran out."""
    from scipy.optimize import linprog

    rows, lower, upper = allowed.rows, allowed.lower, allowed.upper
    n = rows.shape[1]
    has_upper, has_lower = np.isfinite(upper), np.isfinite(lower)
    matrix = np.concatenate([rows[has_upper], -rows[has_lower]])
    limits = np.concatenate([upper[has_upper], -lower[has_lower]])
    bounds = list(zip(allowed.below.tolist(), allowed.over.tolist(), strict=True))
    result = np.zeros((2 * n, rows.shape[0]))
    end = math.inf if budget is None else time.monotonic() + budget
    for k in range(2 * n):
        if time.monotonic() > end:
            break
        cost = np.zeros(n)
        cost[k // 2] = -1.0 if k % 2 == 0 else 1.0  # a maximum is the minimum of the negative
        solved = linprog(cost, A_ub=matrix, b_ub=limits, bounds=bounds, method="highs")
        if solved.status == 3:
            return Withheld(Why.UNBOUNDED)
        if solved.status != 0:
            return Withheld(Why.LINEAR_PROGRAM, {"status": str(solved.message).split(" (")[0]})
        weights = -np.asarray(solved.ineqlin.marginals)
        split = int(np.count_nonzero(has_upper))
        result[k, has_upper] += np.maximum(weights[:split], 0.0)
        result[k, has_lower] -= np.maximum(weights[split:], 0.0)
    # a net multiplier towards a side that is not bounded proves nothing
    result[:, ~has_upper] = np.minimum(result[:, ~has_upper], 0.0)
    result[:, ~has_lower] = np.maximum(result[:, ~has_lower], 0.0)
    return result


def _ends(u: Array, allowed: _Set) -> Array:
    """Return upper bounds of ``<c_k, x>`` for the directions ``c = +e_0, -e_0, +e_1, ...``."""
    count, m = u.shape
    rows, error, below, over = allowed.rows, allowed.error, allowed.below, allowed.over
    n = rows.shape[1]
    target = np.zeros((count, n))
    target[np.arange(count), np.arange(count) // 2] = np.where(np.arange(count) % 2 == 0, 1, -1)
    q = target - u @ rows
    sizes = np.abs(u)
    slack = 2.0 * gamma(m + 8) * (sizes @ np.abs(rows) + 1.0)
    slack += error * np.linalg.norm(u, axis=1, keepdims=True) * (1.0 + gamma(m + 8))
    # zero times an infinite end is zero
    lower = np.where(np.isfinite(allowed.lower), allowed.lower, 0.0)
    upper = np.where(np.isfinite(allowed.upper), allowed.upper, 0.0)
    support = np.maximum(u, 0.0) @ upper + np.minimum(u, 0.0) @ lower
    rounding = 2.0 * gamma(m + n + 16)
    support += rounding * (sizes @ np.maximum(np.abs(upper), np.abs(lower)))
    open_end = ~np.isfinite(np.where(q > 0.0, over, below)) & (q != 0.0)
    ends = np.where(q > 0.0, over, below)
    ends = np.where(np.isfinite(ends), ends, 0.0)
    largest = np.maximum(np.abs(below), np.abs(over))
    finite = np.isfinite(largest)
    largest = np.where(finite, largest, 0.0)
    support += (q * ends).sum(axis=1) + rounding * (np.abs(q) @ largest) + slack @ largest
    weight = np.where(open_end, np.abs(q), 0.0).sum(axis=1) + slack @ (~finite).astype(float)
    if not finite.all():
        worst = float(weight.max()) * (1.0 + rounding)
        limit = math.inf
        if worst < 0.5:
            limit = max(float(support.max()), 0.0) / (1.0 - worst) * (1.0 + 2.0**-40)
        with np.errstate(invalid="ignore"):
            support = support + np.where(weight > 0.0, weight * limit * (1.0 + rounding), 0.0)
    result: Array = support + 2.0**-45 * np.abs(support)
    return result
