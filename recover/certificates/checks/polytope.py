"""The check of intervals from linear programs: weak duality for the multipliers given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.centre import centre_faults
from recover.certificates.checks.common import (
    array_of,
    certified_signal,
    farthest,
    heading,
    upper_bound_fault,
)
from recover.certificates.checks.entrywise import entrywise_faults
from recover.certificates.checks.kappa import checked_kappa, kappa_faults
from recover.certificates.checks.residual import checked_residual
from recover.certificates.sampling import coefficient_intervals
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import (
    TINY,
    U,
    gamma,
    norm_upper,
    sum_upper,
    up_array,
)
from recover.frames.bounds import real_matrix
from recover.models.base import Model
from recover.models.domains import Everywhere
from recover.models.problem import Problem

__all__ = ["PolytopeCheck"]

exactly = Enclosure.exactly
SLIP = 4.0 * U
ROUNDED = 1.0 + 8.0 * U  # more than the few roundings of a number near the end


class _Set(NamedTuple):
    """``{lower <= rows x <= upper, below <= x <= over}``, the rows off by `error`."""

    rows: Array
    error: float
    lower: Array
    upper: Array
    below: Array
    over: Array


@dataclass(frozen=True)
class PolytopeCheck(Check):
    """Evaluates the dual objective of each multiplier, one coordinate after another."""

    @property
    def kind(self) -> str:
        return "polytope"

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
    domain = not isinstance(problem.domain, Everywhere)
    yield from heading(
        certificate, problem, problem.noise_bound.rigor & kappa.rigor, domain=domain
    )
    yield from kappa_faults(certificate, problem, kappa.s)
    radius = checked_residual(problem, signal).radius(kappa.s)
    consistent = _set(problem, signal, radius)
    n, m = consistent.rows.shape[1], consistent.rows.shape[0]
    multipliers = array_of(certificate, "multipliers", (2 * n, m))
    low, high = _box(consistent, multipliers)
    x = signal.ravel()
    entries = farthest(x, low, high)
    bound = min(norm_upper(entries), radius)
    yield from upper_bound_fault("error bound", certificate.error_bound, bound)
    yield from entrywise_faults(certificate, entries.reshape(signal.shape))
    yield from centre_faults(certificate, low, high)


def _set(problem: Problem, signal: Array, radius: float) -> _Set:
    frame = problem.model.frame
    rows, error = real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))
    lower, upper = coefficient_intervals(problem)
    x = signal.ravel()
    below, over = problem.domain.interval(signal.shape)
    # the ends x -+ radius were rounded once
    margin = radius * ROUNDED + SLIP * np.abs(x)
    return _Set(
        rows,
        error,
        lower.ravel(),
        upper.ravel(),
        np.maximum(below.ravel(), x - margin),
        np.minimum(over.ravel(), x + margin),
    )


def _box(consistent: _Set, multipliers: Array) -> tuple[Array, Array]:
    """Return the ends of a box that holds the set."""
    n = consistent.rows.shape[1]
    known, loose = np.empty(2 * n), np.empty(2 * n)
    for k, u in enumerate(multipliers):
        direction = np.zeros(n)
        direction[k // 2] = 1.0 if k % 2 == 0 else -1.0
        known[k], loose[k] = _dual_value(consistent, direction, u)
    worst, reach = float(loose.max()), math.inf
    if worst < 1.0:
        reach = (exactly(max(float(known.max()), 0.0)) / (exactly(1.0) - worst)).upper
    # what is not loose needs no reach, which may be infinite
    tops = np.where(loose > 0.0, up_array(known + up_array(loose * reach)), known)
    return (
        np.maximum(-tops[1::2], consistent.below),
        np.minimum(tops[::2], consistent.over),
    )


def _dual_value(consistent: _Set, direction: Array, u: Array) -> tuple[float, float]:
    """Return p and w with ``<direction, x> <= p + w M``, M bounding the unbounded entries."""
    limit = np.where(u > 0.0, consistent.upper, consistent.lower)
    used = u != 0.0
    if not np.isfinite(limit[used]).all():
        return math.inf, 0.0
    fixed = sum_upper(up_array(u[used] * limit[used]))
    # the remainder of the direction, and how far its entries may be off
    rest = direction - consistent.rows.T @ u
    off = gamma(u.size + 8) * (np.abs(consistent.rows.T) @ np.abs(u) + np.abs(direction))
    off = off + consistent.error * norm_upper(u) + u.size * TINY  # which covers underflow
    low, top = -up_array(off - rest), up_array(rest + off)
    # the maximum of q x over low <= q <= top and below <= x <= over is at a corner
    ends = (consistent.below, consistent.over)
    values = np.max([up_array(q * end) for q in (low, top) for end in ends], axis=0)
    # where it is infinite, or no number for 0 times infinity, M bounds the entry
    finite = np.isfinite(values)
    weight = sum_upper(np.maximum(np.abs(low), np.abs(top))[~finite])
    return sum_upper(np.append(values[finite], fixed)), weight
