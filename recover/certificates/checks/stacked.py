"""The check of the bound of fixed rows and a quadratic prior together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.common import (
    certified_signal,
    heading,
    number_of,
    upper_bound_fault,
    witness_faults,
)
from recover.certificates.checks.residual import checked_residual
from recover.certificates.roundoff import underflow
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import norm_upper
from recover.frames.bounds import subframe_lower
from recover.frames.masked import Masked
from recover.frames.stack import Stack
from recover.models.base import Model
from recover.models.problem import Problem
from recover.priors.quadratic import Quadratic

__all__ = ["StackedPriorCheck"]

exactly = Enclosure.exactly


@dataclass(frozen=True)
class StackedPriorCheck(Check):
    """Proves the eigenvalue of the stacked frame again with one factorisation."""

    @property
    def kind(self) -> str:
        return "stacked prior"

    def faults(
        self, certificate: Certificate, subject: Model | Problem, signal: Array | None
    ) -> tuple[str, ...]:
        if (
            not isinstance(subject, Problem)
            or not isinstance(subject.prior, Quadratic)
            or not subject.model.convex
        ):
            return (
                "the certificate is of a recovery with a quadratic prior, not of this subject",
            )
        return tuple(_faults(certificate, subject, subject.prior, signal))


def _faults(
    certificate: Certificate, problem: Problem, prior: Quadratic, given: Array | None
) -> Iterator[str]:
    signal = certified_signal(certificate, problem, given)
    weight, eigenvalue = number_of(certificate, "weight"), number_of(certificate, "eigenvalue")
    if not (weight > 0.0 and eigenvalue > 0.0):
        yield "weight and eigenvalue must be positive"
        return
    frame, operator = problem.model.frame, prior.operator
    stack = Stack((Masked(frame, problem.knowledge.fixed), operator), (weight, 1.0))
    route = str(certificate.evidence.values["route"])
    found = subframe_lower(stack, at=eigenvalue, route=route)
    if not found.value >= eigenvalue:
        yield f"the smallest eigenvalue {eigenvalue:.17g} could not be proved again"
        return
    yield from heading(
        certificate, problem, problem.noise_bound.rigor & found.rigor, prior=True
    )
    s = exactly(eigenvalue).sqrt().lower
    everywhere = np.ones(frame.signal_size, dtype=bool)
    yield from witness_faults(certificate, stack, everywhere, s)
    residual = checked_residual(problem, signal)
    on_data = exactly(weight) * (exactly(residual.norm.upper) + residual.noise.upper).upper
    on_prior = exactly(prior.budget) + norm_upper(operator.analysis(signal))
    on_prior = on_prior + exactly(operator.roundoff()) * norm_upper(signal)
    on_prior = on_prior + underflow(operator)
    both = norm_upper([on_data.upper, on_prior.upper])
    bound = (exactly(both) / exactly(s)).upper
    yield from upper_bound_fault("error bound", certificate.error_bound, bound)
    if certificate.pointwise is not None or certificate.centre is not None:
        yield "arrays were added to a certificate that has none"
