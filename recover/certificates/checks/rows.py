"""The check of the bound from the coefficients that the data fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.common import (
    certified_signal,
    heading,
    upper_bound_fault,
)
from recover.certificates.checks.entrywise import entry_bounds, entrywise_faults
from recover.certificates.checks.kappa import checked_kappa, kappa_faults
from recover.certificates.checks.residual import checked_residual
from recover.core.arrays import Array
from recover.core.rounding import norm_upper
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
    signal = certified_signal(certificate, problem, given)
    kappa = checked_kappa(certificate, problem)
    yield from heading(certificate, problem, problem.noise_bound.rigor & kappa.rigor)
    yield from kappa_faults(certificate, problem, kappa.s)
    if kappa.s == 0.0:
        yield "there is no eigenvalue in the evidence"
        return
    residual = checked_residual(problem, signal)
    radius = residual.radius(kappa.s)
    entries = entry_bounds(problem, residual, radius)
    if entries is not None:
        radius = min(radius, norm_upper(entries))
    yield from upper_bound_fault("error bound", certificate.error_bound, radius)
    yield from entrywise_faults(certificate, entries)
    if certificate.centre is not None:
        yield "a centre was added to a certificate that has none"
