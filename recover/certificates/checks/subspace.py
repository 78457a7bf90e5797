"""The check of the bound in a known subspace or support."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.common import (
    array_of,
    certified_signal,
    heading,
    number_of,
    reason_faults,
    upper_bound_fault,
)
from recover.certificates.checks.residual import CheckedResidual
from recover.certificates.columns import operator_norm
from recover.certificates.roundoff import underflow
from recover.certificates.sampling import coefficient_intervals
from recover.certificates.sigma import reprove_sigma
from recover.certificates.spans import Span, row_lengths, span_of
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import TINY, U, gamma, norm_lower, norm_upper
from recover.models.base import Model
from recover.models.domains import Support
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.subspace import Subspace

__all__ = ["KnownSubspaceCheck"]

exactly = Enclosure.exactly
ROUNDED = 1.0 + 4.0 * U  # of differences that were rounded once
GENEROUS = 1.0 + 2.0**-20


@dataclass(frozen=True)
class KnownSubspaceCheck(Check):
    """Proves the singular value on the subspace again, and that the data allow it."""

    @property
    def kind(self) -> str:
        return "subspace"

    def faults(
        self, certificate: Certificate, subject: Model | Problem, signal: Array | None
    ) -> tuple[str, ...]:
        if (
            not isinstance(subject, Problem)
            or not subject.model.convex
            or not (
                isinstance(subject.prior, Subspace)
                or (subject.prior is None and isinstance(subject.domain, Support))
            )
        ):
            return ("the certificate is of a signal in a known subspace, not of this subject",)
        return tuple(_faults(certificate, subject, signal))


def _faults(certificate: Certificate, problem: Problem, given: Array | None) -> Iterator[str]:
    signal = certified_signal(certificate, problem, given)
    prior = isinstance(problem.prior, Subspace)
    yield from heading(
        certificate, problem, problem.noise_bound.rigor, domain=not prior, prior=prior
    )
    span = span_of(problem)
    if span is None:
        yield "the subspace is too large to be proved"
        return
    fixed = problem.knowledge.fixed
    s = number_of(certificate, "sigma")
    route = str(certificate.evidence.values["route"])
    if not reprove_sigma(span.seen[fixed.ravel()], span.seen_error, s, route):
        yield f"the smallest singular value {s:.17g} could not be proved again"
        return
    yield from _kappa_faults(certificate, problem, span, s)
    a = array_of(certificate, "coefficients", (span.vectors.shape[1],))
    point, off = span.point(a)
    residual = _residual(problem, span, point, off)
    radius = residual.radius(s)
    if _contradicted(problem, span, point, off, radius):
        yield "the data contradict the subspace, so nothing may be certified"
    apart = exactly(ROUNDED) * norm_upper(signal.ravel() - point) + off
    bound = (exactly(span.basis_norm) * radius + apart).upper
    yield from upper_bound_fault("error bound", certificate.error_bound, bound)
    if certificate.pointwise is not None or certificate.centre is not None:
        yield "arrays were added to a certificate that has none"


def _residual(problem: Problem, span: Span, point: Array, off: float) -> CheckedResidual:
    frame, knowledge = problem.model.frame, problem.knowledge
    fixed = knowledge.fixed
    rows, value = span.seen[fixed.ravel()], knowledge.value[fixed]
    entries = value - frame.analysis(point.reshape(frame.signal_shape))[fixed]
    size = norm_upper(entries)
    error = exactly(_rounding(problem, point, off)) + exactly(U) * size
    if not isinstance(problem.model, Saturation):
        error = error + exactly(U) * norm_upper(value)
    slack = exactly(gamma(2 * entries.size + 8)) * norm_upper(rows) + span.seen_error
    gradient = exactly(norm_upper(rows.T @ entries)) + slack * size
    if size > 0.0:
        gradient = gradient + 64.0 * rows.size * TINY
    norm = Enclosure(norm_lower(entries), size) + Enclosure(-error.upper, error.upper)
    noise = min(problem.noise_bound.l2, norm_upper(knowledge.each[fixed]))
    return CheckedResidual(
        entries,
        Enclosure(max(norm.lower, 0.0), norm.upper),
        exactly(error.upper),
        gradient,
        Enclosure(0.0, noise),
    )


def _rounding(problem: Problem, point: Array, off: float) -> float:
    """Return a bound of the error of the computed coefficients of a point of the span."""
    frame = problem.model.frame
    own = exactly(frame.roundoff()) * norm_upper(point) + underflow(frame)
    return (own + exactly(operator_norm(frame)) * off).upper


def _contradicted(
    problem: Problem, span: Span, point: Array, off: float, radius: float
) -> bool:
    """Tell whether a one-sided constraint is missed by more than any signal near could mend."""
    frame = problem.model.frame
    lower, upper = (side.ravel() for side in coefficient_intervals(problem))
    t = frame.analysis(point.reshape(frame.signal_shape)).ravel()
    lengths = row_lengths(span.seen) + span.seen_error
    # a little more generous than the prover, so that rounding decides nothing
    allowed = (lengths * radius + 4.0 * _rounding(problem, point, off)) * GENEROUS
    return bool((np.maximum(lower - t, t - upper) > allowed).any())


def _kappa_faults(
    certificate: Certificate, problem: Problem, span: Span, s: float
) -> Iterator[str]:
    lowest = (exactly(s) / exactly(span.basis_norm)).lower
    kappa = certificate.kappa
    if not kappa.lower <= lowest:
        yield f"kappa's lower end {kappa.lower:.17g} is claimed, only {lowest:.17g} proved"
    yield from reason_faults(certificate)
    if "witness" not in certificate.evidence.arrays:
        if kappa.upper != math.inf:
            yield f"kappa's upper end {kappa.upper:.17g} is claimed without a witness"
        return
    point, off = span.point(array_of(certificate, "witness", (span.vectors.shape[1],)))
    frame = problem.model.frame
    image = norm_upper(
        frame.analysis(point.reshape(frame.signal_shape))[problem.knowledge.fixed]
    )
    size = max((exactly(norm_lower(point)) - off).lower, 0.0)
    proved = (exactly(image) + _rounding(problem, point, off)) / exactly(size)
    yield from upper_bound_fault("kappa's upper end", kappa.upper, proved.upper)
