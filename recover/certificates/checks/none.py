"""Certificates that promise nothing: that they say so, and why, is all there is to check."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.common import heading
from recover.certificates.reasons import Why, Withheld
from recover.core.arrays import Array, digest
from recover.core.rigor import PROVED
from recover.models.base import Model
from recover.models.problem import Problem

__all__ = ["NothingPromised"]


@dataclass(frozen=True)
class NothingPromised(Check):
    """An infinite error bound with its reason."""

    @property
    def kind(self) -> str:
        return "none"

    def faults(
        self, certificate: Certificate, subject: Model | Problem, _signal: Array | None
    ) -> tuple[str, ...]:
        return tuple(_faults(certificate, subject))


def _faults(certificate: Certificate, subject: Model | Problem) -> Iterator[str]:
    if certificate.error_bound != math.inf:
        yield f"an error bound {certificate.error_bound:g} is claimed without any evidence"
    if certificate.kappa.lower != 0.0:
        yield f"kappa's lower end {certificate.kappa.lower:g} is claimed without any evidence"
    if certificate.pointwise is not None or certificate.centre is not None:
        yield "arrays were added to a certificate that promises nothing"
    if certificate.parts is not None:
        yield "parts were added to a certificate that promises nothing"
    if not isinstance(subject, Problem) or certificate.reason == "not asked":
        if certificate.kappa.upper != math.inf:
            yield f"kappa's upper end {certificate.kappa.upper:g} is claimed without evidence"
        if not certificate.reason:
            yield "no reason is given"
        named = (
            subject.digest if isinstance(subject, Problem) else digest(subject.identity_parts())
        )
        if certificate.subject != named:
            yield "the certificate speaks of another frame, model or data"
        if certificate.scope.to_json() != {"kind": "global"} or certificate.assumptions:
            yield "a scope or assumptions are claimed for a certificate that was not asked for"
        if certificate.rigor != PROVED or certificate.noise:
            yield "rigor or noise are claimed for a certificate that was not asked for"
        return
    yield from heading(certificate, subject, PROVED)
    few = subject.knowledge.fixed_count < subject.model.frame.signal_size
    if certificate.kappa.upper != (0.0 if few and subject.model.convex else math.inf):
        yield f"kappa's upper end {certificate.kappa.upper:g} is claimed without any evidence"
    withheld = Withheld.restored(certificate.evidence.values)
    if withheld.sentence != certificate.reason:
        yield "the reason is not the one that the evidence names"
    yield from _count_faults(withheld, subject)


def _count_faults(withheld: Withheld, problem: Problem) -> Iterator[str]:
    """Count again what a reason says of the data."""
    if withheld.why not in (Why.CLIPPED_BASIS, Why.FEW_ROWS):
        return
    frame, fixed = problem.model.frame, problem.knowledge.fixed_count
    counted = {
        "fixed": fixed,
        "clipped": frame.coef_size - fixed,
        "total": frame.coef_size,
        "needed": frame.signal_size,
    }
    for name, number in withheld.numbers.items():
        if number != counted.get(name):
            yield f"the reason says {name} = {number}, which is not what the data say"
    if fixed >= frame.signal_size:
        yield "the reason says that too few coefficients are fixed, but there are enough"
