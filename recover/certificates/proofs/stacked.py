"""A quadratic prior with any frame: the fixed rows and the prior's vectors as one frame.

For a consistent x with ``|T x| <= tau``: ``|Phi_I d| <= eps + |r|`` and
``|T d| <= tau + |T x_hat|``.  With lambda the smallest eigenvalue of the stacked frame
``[w Phi_I; T]``, ``lambda |d|^2 <= w^2 (eps + |r|)^2 + (tau + |T x_hat|)^2`` for every w > 0.
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
from recover.certificates.proofs.linear import ALLOWANCES, above
from recover.certificates.proofs.witness import bottom_vector, seen
from recover.certificates.reasons import Why, Withheld
from recover.certificates.roundoff import underflow
from recover.certificates.sampling import is_sampling
from recover.core.arrays import Array
from recover.core.eigen import EigenBound
from recover.core.enclosure import Enclosure
from recover.core.rounding import norm_upper
from recover.frames.bounds import real_matrix, subframe_lower
from recover.frames.masked import Masked
from recover.frames.routes import dense_fits
from recover.frames.stack import Stack
from recover.models.problem import Problem
from recover.priors.quadratic import Quadratic

__all__ = ["StackedPrior"]

SCANNED = 200  # unknowns up to which the weight is chosen by eigenvalue estimates
LARGEST = 1e130  # a weight whose square, times that of a norm, is a number
STEEPEST = 1e5  # ratio of the two parts' norms beyond which digits are lost


@dataclass(frozen=True)
class StackedPrior(Proof):
    """The smallest eigenvalue of fixed rows and prior together."""

    @property
    def order(self) -> int:
        return 30

    def applies(self, problem: Problem) -> bool:
        return (
            problem.model.convex
            and isinstance(problem.prior, Quadratic)
            and problem.prior.operator.real_signal
            and not is_sampling(problem.model.frame)
        )

    def attempt(self, case: Case, best: float) -> Certificate | Withheld | None:
        problem, prior = case.problem, case.problem.prior
        if not isinstance(prior, Quadratic):
            return None
        frame, operator = problem.model.frame, prior.operator
        for part in (frame, operator):
            if not math.isfinite(part.roundoff()):
                return Withheld(Why.NO_ROUNDOFF, {"name": type(part).__name__})
        on_data = above(case.residual.noise + case.residual.upper)
        image = norm_upper(operator.analysis(case.signal))
        size = norm_upper(case.signal)
        rounding = ALLOWANCES * above(operator.roundoff() * size + underflow(operator))
        on_prior = above(prior.budget + above(image + rounding))
        weight = _weight(case, prior, on_data, on_prior)
        stack = Stack((Masked(frame, case.knowledge.fixed), operator), (weight, 1.0))
        found = subframe_lower(stack)
        if found.value <= 0.0:
            why = Why.PRIOR_OPEN if dense_fits(stack) else Why.PRIOR_TOO_LARGE
            return Withheld(why, {"unknown": frame.signal_size})
        total = above(math.hypot(above(weight * on_data), on_prior))
        s = Enclosure.exactly(found.value).sqrt().lower
        bound = above(total / s)
        if bound >= best:
            return None
        return issue(
            case,
            "stacked prior",
            _kappa(stack, found, s),
            bound,
            prior=True,
            values={"weight": weight},
        )


def _weight(case: Case, prior: Quadratic, on_data: float, on_prior: float) -> float:
    """Return a weight of the data rows that makes the bound small."""
    frame, operator = case.problem.model.frame, prior.operator
    if operator_norm(frame) == 0.0:
        return 1.0
    ratio = operator_norm(operator) / operator_norm(frame)
    balanced = on_prior / on_data if on_data > 0.0 else math.inf
    start = min(max(balanced, ratio / STEEPEST), ratio * STEEPEST, LARGEST)
    if not (math.isfinite(start) and start > 0.0):
        return 1.0
    if frame.signal_size > SCANNED or not (dense_fits(frame) and dense_fits(operator)):
        return start
    data = _gram(real_matrix(frame, case.knowledge.fixed)[0])
    assumed = _gram(real_matrix(operator, np.ones(operator.coef_shape, dtype=bool))[0])
    weights = [
        w
        for w in start * 4.0 ** np.arange(-6.0, 3.0)
        if ratio / STEEPEST <= w <= min(ratio * STEEPEST, LARGEST)
    ]

    def estimate(w: float) -> float:
        matrix = w * w * data + assumed
        if not np.isfinite(matrix).all():
            return math.inf
        smallest = eigh(matrix, eigvals_only=True, subset_by_index=[0, 0])[0]
        return math.hypot(w * on_data, on_prior) / math.sqrt(max(float(smallest), 1e-300))

    return float(min(weights or [start], key=estimate))


def _gram(rows: Array) -> Array:
    return rows.T @ rows


def _kappa(stack: Stack, found: EigenBound, s: float) -> Kappa:
    values: dict[str, float | str] = {"eigenvalue": found.value, "route": found.route}
    keep = np.ones(stack.coef_shape, dtype=bool)
    witness = bottom_vector(stack, keep)
    if witness is None:
        return Kappa(Enclosure(s, math.inf), found.rigor, values, {})
    upper = max(stated(seen(stack, keep, witness)), s)
    return Kappa(Enclosure(s, upper), found.rigor, values, {"witness": witness})
