"""The check of the bound from the coefficients that the data fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.common import (
    certified_signal,
    heading,
    number_of,
    tightness,
    upper_bound_fault,
)
from recover.certificates.checks.entrywise import entry_bounds, entrywise_faults
from recover.certificates.checks.residual import checked_residual
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rounding import norm_upper
from recover.frames.bounds import subframe_lower
from recover.models.base import Model
from recover.models.problem import Problem

__all__ = ["FixedRowsCheck"]


@dataclass(frozen=True)
class FixedRowsCheck(Check):
    """Re-proves the eigenvalue with one factorisation, and recomputes the residual."""

    @property
    def kind(self) -> str:
        return "rows"

    def faults(
        self, certificate: Certificate, subject: Model | Problem, signal: Array | None
    ) -> tuple[str, ...]:
        if not isinstance(subject, Problem) or not subject.model.convex:
            return (
                "the certificate is of a clipped or rectified recovery, not of this subject",
            )
        return tuple(_faults(certificate, subject, signal))


def _faults(certificate: Certificate, problem: Problem, given: Array | None) -> Iterator[str]:
    frame, fixed = problem.model.frame, problem.knowledge.fixed
    signal = certified_signal(certificate, problem, given)
    eigenvalue = number_of(certificate, "eigenvalue")
    route = str(certificate.evidence.values["route"])
    if eigenvalue <= 0.0:
        raise ParameterError(f"the eigenvalue must be positive, got {eigenvalue}")
    proved = subframe_lower(frame, fixed, at=eigenvalue, route=route)
    if not proved.value >= eigenvalue:
        yield f"the smallest eigenvalue {eigenvalue:.17g} could not be proved again"
        return
    yield from heading(certificate, problem, problem.noise_bound.rigor & proved.rigor)
    s = Enclosure.exactly(eigenvalue).sqrt()
    lowest = Enclosure.exactly(s.lower)
    yield from tightness(certificate, frame, fixed, s.lower)
    residual = checked_residual(problem, signal)
    radius = (Enclosure.exactly(residual.reach(lowest)) / lowest).upper
    entries = entry_bounds(problem, residual, radius)
    if entries is not None:
        radius = min(radius, norm_upper(entries))
    yield from upper_bound_fault("error bound", certificate.error_bound, radius)
    yield from entrywise_faults(certificate, entries)
    if certificate.centre is not None:
        yield "a centre was added to a certificate that has none"
    yield from _reason_faults(certificate)


def _reason_faults(certificate: Certificate) -> Iterator[str]:
    trivial = certificate.kappa.upper == float("inf")
    if trivial != (certificate.reason is not None):
        yield f"the reason {certificate.reason!r} does not go with kappa {certificate.kappa}"
