"""The bound from the coefficients that the data fix: global, and in need of one eigenvalue.

``|x - x_hat| <= P / s`` for every consistent x, with s^2 the smallest eigenvalue of the frame
vectors that the data fix and P from `recover.certificates.proofs.linear`.  No domain, no cell
enumeration: the set of fixed coefficients is read off the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.proofs.base import Case, Proof, signal_evidence, stated
from recover.certificates.proofs.entrywise import entrywise_bound
from recover.certificates.proofs.linear import above, reach
from recover.certificates.proofs.witness import bottom_vector, seen
from recover.certificates.reasons import Why, Withheld
from recover.certificates.statements import assumptions_of, scope_of
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import norm_upper
from recover.frames.base import Frame
from recover.frames.bounds import DENSE_ENTRIES, DENSE_SIZE
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.frames.structure import HasBands, HasDiagonal, HasGramKernel
from recover.models.problem import Problem

__all__ = ["NO_WITNESS", "FixedRows", "is_sampling", "witness_kappa"]

NO_WITNESS = "the signal is too large to keep a witness for kappa's upper end"


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
        s = Enclosure.exactly(case.eigenvalue.value).sqrt().lower
        p = reach(case.residual, s)
        if p is None:
            return Withheld(
                Why.EMPTY, {"residual": case.residual.lower, "noise": case.residual.noise}
            )
        bound = above(p / s)
        pointwise = entrywise_bound(case, bound)
        if pointwise is not None:
            bound = min(bound, norm_upper(pointwise))
        values, arrays = signal_evidence(case.signal)
        witness, upper = witness_kappa(frame, knowledge.fixed, s)
        if witness is not None:
            arrays["witness"] = witness
        return Certificate(
            kappa=Enclosure(s, upper),
            error_bound=stated(bound),
            scope=scope_of(problem),
            assumptions=assumptions_of(problem),
            rigor=problem.noise_bound.rigor & case.eigenvalue.rigor,
            evidence=Evidence(
                "rows",
                {
                    **values,
                    "eigenvalue": case.eigenvalue.value,
                    "route": case.eigenvalue.route,
                },
                arrays,
            ),
            reason=None if witness is not None else NO_WITNESS,
            subject=problem.digest,
            noise=problem.noise.to_json(),
            pointwise=pointwise,
        )


def _too_few(problem: Problem) -> Withheld:
    frame, knowledge = problem.model.frame, problem.knowledge
    total, needed, fixed = frame.coef_size, frame.signal_size, knowledge.fixed_count
    if is_sampling(frame) or total == needed:
        numbers: dict[str, float | int | str] = {"clipped": total - fixed, "total": total}
        if fixed < total:
            return Withheld(Why.CLIPPED_BASIS, numbers, kappa_zero=True)
    few = {"fixed": fixed, "total": total, "needed": needed}
    return Withheld(Why.FEW_ROWS, few, kappa_zero=True)


def is_sampling(frame: Frame) -> bool:
    """Whether the coefficients are samples of the signal."""
    while isinstance(frame, Masked):
        frame = frame.frame
    return isinstance(frame, Identity)


def _not_proved(frame: Frame, fixed: int) -> Withheld:
    inner = frame
    while isinstance(inner, Masked):
        inner = inner.frame
    dense = (
        inner.signal_size <= DENSE_SIZE and inner.coef_size * inner.signal_size <= DENSE_ENTRIES
    )
    if not dense and not isinstance(inner, HasBands | HasDiagonal | HasGramKernel):
        return Withheld(
            Why.TOO_LARGE, {"size": inner.signal_size, "name": type(inner).__name__}
        )
    return Withheld(Why.NOT_PROVED, {"fixed": fixed})


def witness_kappa(frame: Frame, keep: Array, s: float) -> tuple[Array | None, float]:
    """Return a witness for kappa's upper end and that end (infinite without a witness)."""
    witness = bottom_vector(frame, keep)
    if witness is None:
        return None, math.inf
    return witness, max(stated(seen(frame, keep, witness)), s)
