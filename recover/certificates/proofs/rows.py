"""The bound from the coefficients that the data fix: global, and in need of one eigenvalue.

``|x - x_hat| <= P / s`` for every consistent x, with s^2 the smallest eigenvalue of the frame
vectors that the data fix and P from `recover.certificates.proofs.linear`.  No domain, no cell
enumeration: the set of fixed coefficients is read off the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from recover.certificates.certificate import Certificate
from recover.certificates.proofs.base import Case, Proof
from recover.certificates.proofs.entrywise import entrywise_bound
from recover.certificates.proofs.issue import issue
from recover.certificates.proofs.kappa import kappa_of
from recover.certificates.proofs.linear import above, reach
from recover.certificates.reasons import Why, Withheld
from recover.certificates.sampling import is_sampling
from recover.core.enclosure import Enclosure
from recover.core.rounding import norm_upper
from recover.frames.base import Frame
from recover.frames.masked import Masked
from recover.frames.routes import dense_fits
from recover.frames.structure import HasBands, HasDiagonal, HasGramKernel, HasParts, HasSymbol
from recover.models.problem import Problem

__all__ = ["FixedRows", "rows_radius"]


@dataclass(frozen=True)
class FixedRows(Proof):
    """The eigenvalue bound of the rows that the data fix (ReLU and saturation)."""

    @property
    def order(self) -> int:
        return 0

    def applies(self, problem: Problem) -> bool:
        return problem.model.convex

    def attempt(self, case: Case, _best: float) -> Certificate | Withheld | None:
        problem, knowledge = case.problem, case.knowledge
        frame = problem.model.frame
        if knowledge.fixed_count < frame.signal_size:
            return _too_few(problem)
        if not math.isfinite(frame.roundoff()):
            return Withheld(Why.NO_ROUNDOFF, {"name": type(frame).__name__})
        if case.eigenvalue.value <= 0.0:
            return _not_proved(frame, knowledge.fixed_count)
        bound = rows_radius(case)
        if bound is None:
            return Withheld(
                Why.EMPTY, {"residual": case.residual.lower, "noise": case.residual.noise}
            )
        pointwise = entrywise_bound(case, bound)
        if pointwise is not None:
            bound = min(bound, norm_upper(pointwise))
        return issue(case, "rows", kappa_of(case), bound, pointwise=pointwise)


def rows_radius(case: Case) -> float | None:
    """Return a proved bound of ``|x - x_hat|`` from the fixed rows; None if nothing fits.

    Infinite where no positive eigenvalue was proved.
    """
    s = Enclosure.exactly(case.eigenvalue.value).sqrt().lower
    if s == 0.0:
        return math.inf
    p = reach(case.residual, s)
    return None if p is None else above(p / s)


def _too_few(problem: Problem) -> Withheld:
    frame, knowledge = problem.model.frame, problem.knowledge
    total, needed, fixed = frame.coef_size, frame.signal_size, knowledge.fixed_count
    if is_sampling(frame) or total == needed:
        numbers: dict[str, float | int | str] = {"clipped": total - fixed, "total": total}
        if fixed < total:
            return Withheld(Why.CLIPPED_BASIS, numbers, kappa_zero=True)
    few = {"fixed": fixed, "total": total, "needed": needed}
    return Withheld(Why.FEW_ROWS, few, kappa_zero=True)


def _not_proved(frame: Frame, fixed: int) -> Withheld:
    inner = frame
    while isinstance(inner, Masked):
        inner = inner.frame
    structured = isinstance(
        inner, HasBands | HasDiagonal | HasGramKernel | HasSymbol | HasParts
    )
    if not structured and not dense_fits(inner):
        return Withheld(
            Why.TOO_LARGE, {"size": inner.signal_size, "name": type(inner).__name__}
        )
    return Withheld(Why.NOT_PROVED, {"fixed": fixed})
