"""A known subspace or support: the data need to fix its few coefficients only.

With ``x = D c`` and B the fixed rows of ``Phi D``, any c0 gives
``|c - c0| <= P / sigma_min(B)`` (P as for fixed rows) and
``|x - x_hat| <= |x_hat - D c0| + |D| P / sigma_min(B)``: for orthonormal D nothing is lost.  c0
is the best fit of the data.

The bound is conditional, and with a wrong subspace plainly false.  So it is withheld when the
data contradict the subspace: when no c fits the fixed coefficients within the noise, or when a
one-sided constraint is missed at c0 by more than ``|B_i| P / sigma_min(B)``, which no fitting c
can make good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from recover.certificates.certificate import Certificate
from recover.certificates.columns import operator_norm
from recover.certificates.proofs.base import Case, Proof, stated
from recover.certificates.proofs.issue import issue
from recover.certificates.proofs.kappa import Kappa
from recover.certificates.proofs.linear import ALLOWANCES, Residual, above, reach, value_error
from recover.certificates.reasons import Why, Withheld
from recover.certificates.roundoff import underflow
from recover.certificates.sampling import coefficient_intervals
from recover.certificates.sigma import prove_sigma
from recover.certificates.spans import Span, row_lengths, span_of, span_size
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED
from recover.core.rounding import TINY, U, down, gamma, norm_lower, norm_upper
from recover.models.domains import Support
from recover.models.problem import Problem
from recover.priors.subspace import Subspace

__all__ = ["KnownSubspace"]

ALIKE = 1.0 + 2.0**-40


@dataclass(frozen=True)
class KnownSubspace(Proof):
    """Signals in the span of given vectors, or zero outside a support."""

    @property
    def order(self) -> int:
        return 15

    def applies(self, problem: Problem) -> bool:
        if not problem.model.convex:
            return False
        if isinstance(problem.prior, Subspace):
            return problem.prior.frame.real_signal
        return problem.prior is None and isinstance(problem.domain, Support)

    def attempt(self, case: Case, best: float) -> Certificate | Withheld | None:
        problem, fixed = case.problem, case.knowledge.fixed.reshape(-1)
        span = span_of(problem)
        size = span_size(problem)
        if span is None:
            total = problem.model.frame.coef_size
            return Withheld(Why.SUBSPACE_TOO_LARGE, {"size": size, "total": total})
        rows = span.seen[fixed]
        s, route = prove_sigma(rows, span.seen_error)
        if s == 0.0:
            count = case.knowledge.fixed_count
            return Withheld(Why.SUBSPACE_OPEN, {"fixed": count, "size": size})
        target = case.knowledge.value.reshape(-1)[fixed]
        a = _lifted(span, np.linalg.lstsq(rows, target, rcond=None)[0])
        middle, off = span.point(a)
        residual = _residual(case, span, middle, off)
        p = reach(residual, s)
        if p is None:
            return Withheld(Why.MISFIT, {"residual": residual.lower, "noise": residual.noise})
        radius = above(p / s)
        contradiction = _one_sided(case, span, middle, off, radius)
        if contradiction is not None:
            return contradiction
        apart = norm_upper(case.signal.reshape(-1) - middle) * (1.0 + 4.0 * U)
        apart += ALLOWANCES * off
        bound = above(above(apart) + above(span.basis_norm * radius))
        if bound >= best:
            return None
        prior = isinstance(problem.prior, Subspace)
        return issue(
            case,
            "subspace",
            _kappa(case, span, s, route),
            bound,
            domain=not prior,
            prior=prior,
            arrays={"coefficients": a},
        )


def _lifted(span: Span, coefs: Array) -> Array:
    """Return coefficients of the given vectors from those of the orthonormal ones."""
    return coefs if span.lift is None else span.lift @ coefs


def _residual(case: Case, span: Span, point: Array, off: float) -> Residual:
    """Return the residual of a point of the span on the fixed coefficients."""
    frame, fixed = case.problem.model.frame, case.knowledge.fixed
    rows = span.seen[fixed.reshape(-1)]
    value = case.knowledge.value[fixed]
    entries = value - frame.analysis(point.reshape(frame.signal_shape))[fixed]
    error = frame.roundoff() * norm_upper(point) + operator_norm(frame) * off
    error += U * norm_upper(entries) + norm_upper(value_error(case.problem, value))
    error += underflow(frame)
    error = ALLOWANCES * above(error)
    size = norm_upper(entries)
    slack = gamma(2 * entries.size + 8) * norm_upper(rows) + span.seen_error
    slack = above(slack * size + 64.0 * rows.size * TINY) if size > 0.0 else 0.0
    pull = above(norm_upper(rows.T @ entries) + ALLOWANCES * slack)
    return Residual(
        entries,
        max(down(norm_lower(entries) - error), 0.0),
        above(size + error),
        error,
        pull,
        case.residual.noise,
    )


def _one_sided(
    case: Case, span: Span, point: Array, off: float, radius: float
) -> Withheld | None:
    """Return a contradiction of the one-sided constraints with every signal near `point`."""
    frame = case.problem.model.frame
    lower, upper = (side.reshape(-1) for side in coefficient_intervals(case.problem))
    t = frame.analysis(point.reshape(frame.signal_shape)).reshape(-1)
    missed = np.maximum(np.maximum(lower - t, t - upper), 0.0)
    reach_of = row_lengths(span.seen) * (1.0 + 2.0**-40) + span.seen_error
    rounding = frame.roundoff() * norm_upper(point) + operator_norm(frame) * off
    allowed = reach_of * radius * (1.0 + 2.0**-40) + ALLOWANCES * rounding + 4.0 * U * np.abs(t)
    wrong = missed > allowed
    if not wrong.any():
        return None
    numbers = {"count": int(np.count_nonzero(wrong)), "violation": float(missed[wrong].max())}
    return Withheld(Why.ONE_SIDED, numbers)


def _kappa(case: Case, span: Span, s: float, route: str) -> Kappa:
    """Return kappa on the subspace: ``|Phi_I x| >= (sigma / |D|) |x|`` there."""
    values: dict[str, float | str] = {"sigma": s, "route": route}
    frame, fixed = case.problem.model.frame, case.knowledge.fixed
    rows = span.seen[fixed.reshape(-1)]
    # the norm of a basis differs a little between libraries: a verifier's may be larger
    lower = (Enclosure.exactly(s) / (Enclosure.exactly(span.basis_norm) * ALIKE)).lower
    a = _lifted(span, eigh(rows.T @ rows, subset_by_index=[0, 0])[1][:, 0])
    point, off = span.point(a)
    size = down(norm_lower(point) - ALLOWANCES * off, 4)
    if size <= 0.0:
        return Kappa(Enclosure(lower, math.inf), PROVED, values, {})
    image = norm_upper(frame.analysis(point.reshape(frame.signal_shape))[fixed])
    error = frame.roundoff() * norm_upper(point) + operator_norm(frame) * off
    error += underflow(frame)
    upper = max(stated(above(above(image + ALLOWANCES * error) / size)), lower)
    return Kappa(Enclosure(lower, upper), PROVED, values, {"witness": a})
