"""The check of the bound of a box or ball."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.centre import centre_faults
from recover.certificates.checks.common import certified_signal, heading, upper_bound_fault
from recover.certificates.checks.entrywise import entrywise_faults
from recover.certificates.checks.kappa import checked_kappa, kappa_faults
from recover.certificates.sampling import ball_caps, is_sampling, samples_of
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import U, norm_lower, norm_upper, sum_lower
from recover.models.base import Model
from recover.models.domains import Ball
from recover.models.problem import Problem

__all__ = ["IntervalsCheck"]


@dataclass(frozen=True)
class IntervalsCheck(Check):
    """Reads the box off data and domain again."""

    @property
    def kind(self) -> str:
        return "intervals"

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
    yield from heading(
        certificate, problem, problem.noise_bound.rigor & kappa.rigor, domain=True
    )
    yield from kappa_faults(certificate, problem, kappa.s)
    x = signal.reshape(-1)
    low, high = (side.reshape(-1) for side in problem.domain.interval(signal.shape))
    known = np.zeros(x.shape, dtype=bool)
    if is_sampling(problem.model.frame):
        samples = samples_of(problem)
        known = samples.known
        low, high = np.maximum(samples.lower, low), np.minimum(samples.upper, high)
        if isinstance(problem.domain, Ball) and bool((low <= high).all()):
            caps = ball_caps(problem.domain.radius, low, high)
            low, high = np.maximum(low, -caps), np.minimum(high, caps)
    # one rounding of each difference
    entries = np.maximum(np.maximum(high - x, x - low), 0.0) * (1.0 + 4.0 * U)
    bound = norm_upper(entries)
    if isinstance(problem.domain, Ball):
        bound = min(bound, _in_ball(problem.domain.radius, low, high, known, x))
    yield from upper_bound_fault("error bound", certificate.error_bound, bound)
    yield from entrywise_faults(certificate, entries.reshape(signal.shape))
    yield from centre_faults(certificate, low, high)


def _in_ball(radius: float, low: Array, high: Array, known: Array, x: Array) -> float:
    """Return the bound of the unknown samples' ball, together with the known samples' box."""
    least = np.maximum(np.maximum(low, -high), 0.0)[known]
    inside = Enclosure(norm_lower(least), norm_upper(least))
    r = Enclosure.exactly(radius)
    square = (r * r - Enclosure.exactly(inside.lower) * inside.lower).upper
    if square < 0.0:
        return 0.0  # nothing is consistent, so any bound is true
    rest = x[~known]
    size = Enclosure.exactly(norm_upper(rest))
    products = np.minimum(low[~known] * rest, high[~known] * rest)
    slack = Enclosure.exactly(4.0 * U) * norm_upper(products) * float(products.size)
    inner = Enclosure.exactly(sum_lower(products)) - slack.upper
    crossed = (size * size + square - Enclosure.exactly(2.0) * inner.lower).upper
    triangle = (Enclosure.exactly(square).sqrt() + size).upper
    free = min(triangle, Enclosure.exactly(max(crossed, 0.0)).sqrt().upper)
    fixed = norm_upper(np.maximum(high - x, x - low)[known] * (1.0 + 4.0 * U))
    total = Enclosure.exactly(free) * free + Enclosure.exactly(fixed) * fixed
    return total.sqrt().upper
