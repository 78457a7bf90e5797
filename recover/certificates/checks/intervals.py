"""The check of the bound of a box or ball."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.centre import centre_faults
from recover.certificates.checks.common import (
    certified_signal,
    farthest,
    heading,
    upper_bound_fault,
)
from recover.certificates.checks.entrywise import entrywise_faults
from recover.certificates.checks.kappa import checked_kappa, kappa_faults
from recover.certificates.sampling import ball_caps, is_sampling, samples_of
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import norm_lower, norm_upper, sum_upper, up_array
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
    x = signal.ravel()
    low, high = (side.ravel() for side in problem.domain.interval(signal.shape))
    known = np.zeros(x.shape, dtype=bool)
    if is_sampling(problem.model.frame):
        samples = samples_of(problem)
        known = samples.known
        low, high = np.maximum(samples.lower, low), np.minimum(samples.upper, high)
        if isinstance(problem.domain, Ball) and bool((low <= high).all()):
            caps = ball_caps(problem.domain.radius, low, high)
            low, high = np.maximum(low, -caps), np.minimum(high, caps)
    entries = farthest(x, low, high)
    bound = norm_upper(entries)
    if isinstance(problem.domain, Ball):
        rest = _in_ball(problem.domain.radius, low, high, known, x)
        bound = min(bound, norm_upper(np.append(entries[known], rest)))
    yield from upper_bound_fault("error bound", certificate.error_bound, bound)
    yield from entrywise_faults(certificate, entries.reshape(signal.shape))
    yield from centre_faults(certificate, low, high)


def _in_ball(radius: float, low: Array, high: Array, known: Array, x: Array) -> float:
    """Return a bound of the unknown samples' error from what the known ones leave of a ball.

    For unknown u and recovered v, ``|u - v|^2 = |u|^2 + |v|^2 - 2 <u, v>``.

    Raises
    ------
    ParameterError
        If the known samples alone do not fit into the ball.
    """
    inside = Enclosure.exactly(norm_lower(np.maximum(np.maximum(low, -high), 0.0)[known]))
    r, rest = Enclosure.exactly(radius), x[~known]
    square = Enclosure.exactly((r * r - inside * inside).upper)
    size = Enclosure.exactly(norm_upper(rest))
    facing = np.where(rest > 0.0, low[~known], high[~known])
    opposed = Enclosure.exactly(sum_upper(up_array(-facing * rest)))
    crossed = (size * size + square + opposed + opposed).upper
    triangle = (square.sqrt() + size).upper
    return min(triangle, Enclosure.exactly(max(crossed, 0.0)).sqrt().upper)
