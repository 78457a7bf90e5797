"""The check of the bound of a quadratic prior on samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.common import (
    array_of,
    certified_signal,
    heading,
    number_of,
    upper_bound_fault,
    witness_faults,
)
from recover.certificates.checks.entrywise import entrywise_faults, inverse_rows
from recover.certificates.columns import dense_columns, operator_norm, reprove_columns
from recover.certificates.roundoff import adjoint_roundoff, underflow
from recover.certificates.sampling import Samples, is_sampling, samples_of
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import U, norm_lower, norm_upper
from recover.frames.base import Frame
from recover.models.base import Model
from recover.models.domains import Everywhere
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.quadratic import Quadratic

__all__ = ["QuadraticSamplesCheck"]

exactly = Enclosure.exactly
ROUNDED = 1.0 + 4.0 * U  # of differences that were rounded once
LOOSE = 1.0 + 16.0 * U  # of sums of a few rounded numbers


class _Setting(NamedTuple):
    """What data, domain and evidence say before any bound is formed."""

    samples: Samples
    low: Array
    high: Array
    unknown: Array
    z: Array
    noise: float


@dataclass(frozen=True)
class QuadraticSamplesCheck(Check):
    """Proves the singular value again and evaluates the optimality conditions at the centre."""

    @property
    def kind(self) -> str:
        return "quadratic samples"

    def faults(
        self, certificate: Certificate, subject: Model | Problem, signal: Array | None
    ) -> tuple[str, ...]:
        if (
            not isinstance(subject, Problem)
            or not isinstance(subject.prior, Quadratic)
            or not subject.model.convex
            or not is_sampling(subject.model.frame)
        ):
            return (
                "the certificate is of samples with a quadratic prior, not of this subject",
            )
        return tuple(_faults(certificate, subject, subject.prior, signal))


def _faults(
    certificate: Certificate, problem: Problem, prior: Quadratic, given: Array | None
) -> Iterator[str]:
    signal = certified_signal(certificate, problem, given)
    domain = not isinstance(problem.domain, Everywhere)
    yield from heading(
        certificate, problem, problem.noise_bound.rigor, domain=domain, prior=True
    )
    setting = _setting(certificate, problem, signal)
    if not bool((setting.low <= setting.high).all()):
        yield "no signal is consistent with the data, so nothing can be certified"
        return
    s = number_of(certificate, "sigma")
    route = str(certificate.evidence.values["route"])
    if not reprove_columns(prior.operator, setting.unknown, s, route):
        yield f"the prior's smallest singular value {s:.17g} could not be proved again"
        return
    yield from witness_faults(certificate, prior.operator, setting.unknown, s)
    p = _reach(prior, setting, s)
    if p < 0.0:
        yield "no signal meets the prior and the data together, so nothing can be certified"
        return
    free, eps = exactly(p) / s, exactly(setting.noise)
    away = signal.ravel() - setting.z
    apart = exactly(ROUNDED)
    on_unknown = free.upper + apart * norm_upper(away[setting.unknown])
    on_known = eps + apart * norm_upper(away[~setting.unknown])
    total = norm_upper([on_unknown.upper, on_known.upper])
    yield from upper_bound_fault("error bound", certificate.error_bound, total)
    radius = norm_upper([free.upper, setting.noise])
    yield from _centre_faults(certificate, setting.z, radius)
    if certificate.pointwise is not None:
        entries = _entries(problem, prior, setting, away, p=p, free=free.upper)
        yield from entrywise_faults(certificate, entries)


def _setting(certificate: Certificate, problem: Problem, signal: Array) -> _Setting:
    samples = samples_of(problem)
    low, high = problem.domain.interval(signal.shape)
    low = np.maximum(samples.lower, low.ravel())
    high = np.minimum(samples.upper, high.ravel())
    unknown = ~samples.known
    z = np.where(samples.known, samples.value, signal.ravel())
    if "free" in certificate.evidence.arrays:
        z[unknown] = array_of(certificate, "free", (int(np.count_nonzero(unknown)),))
    # whatever the evidence says, the centre must be consistent
    z[unknown] = np.clip(z, low, high)[unknown]
    knowledge = problem.knowledge
    eps = exactly(min(problem.noise_bound.l2, norm_upper(knowledge.each[knowledge.fixed])))
    if not isinstance(problem.model, Saturation):
        eps = eps + exactly(U) * norm_upper(samples.value)
    return _Setting(samples, low, high, unknown, z, eps.upper)


def _reach(prior: Quadratic, setting: _Setting, s: float) -> float:
    """Return an upper bound of ``|T (v - z)|``; -1 if no signal meets data and prior."""
    operator, z = prior.operator, setting.z
    norm = operator_norm(operator)
    tau = exactly(prior.budget)
    if setting.noise > 0.0:
        tau = tau + exactly(norm) * setting.noise
    image = operator.analysis(z.reshape(operator.signal_shape))
    size = Enclosure(norm_lower(image), norm_upper(image))
    tiny = underflow(operator)
    error = exactly(operator.roundoff()) * norm_upper(z) + tiny
    plain = (tau + size.upper + error).upper
    adjoint = adjoint_roundoff(operator)
    if not math.isfinite(adjoint):
        return plain
    slope = _slope(operator, image, setting)
    pulled = exactly(adjoint) * size.upper + tiny
    h = (exactly(slope) + pulled + exactly(norm) * error) / s
    if not math.isfinite(h.upper):
        return plain
    least = exactly(max((exactly(size.lower) - error).lower, 0.0))
    top = exactly(tau.upper)
    under = (exactly(h.upper) * h.upper + top * top - least * least).upper
    if under < 0.0:
        return -1.0
    return min(plain, (exactly(under).sqrt() + h.upper).upper)


def _slope(operator: Frame, image: Array, setting: _Setting) -> float:
    """Return the norm of the gradient's part that an admissible step can follow."""
    gradient = operator.synthesis(image).ravel()[setting.unknown]
    z, low, high = (a[setting.unknown] for a in (setting.z, setting.low, setting.high))
    # from a bound a step can only go inwards
    followed = np.where(z == low, np.minimum(gradient, 0.0), gradient)
    followed = np.where(z == high, np.maximum(followed, 0.0), followed)
    return norm_upper(followed)


def _entries(
    problem: Problem, prior: Quadratic, setting: _Setting, away: Array, *, p: float, free: float
) -> Array | None:
    dense = dense_columns(prior.operator, setting.unknown)
    found = None if dense is None else inverse_rows(*dense)
    if found is None:
        return None
    _, norms, defects = found
    knowledge = problem.knowledge
    own = np.where(knowledge.fixed, knowledge.each, 0.0)
    if not isinstance(problem.model, Saturation):
        own = own + np.where(knowledge.fixed, U * np.abs(knowledge.value), 0.0)
    bounds = np.abs(away) + problem.model.frame.synthesis(own).ravel()
    bounds[setting.unknown] += np.minimum(norms * p + defects * free, free)
    return (bounds * LOOSE).reshape(problem.model.frame.signal_shape)


def _centre_faults(certificate: Certificate, z: Array, radius: float) -> Iterator[str]:
    if certificate.centre is None:
        if "centre_bound" in certificate.evidence.values:
            yield "a bound for a centre is stated without the centre"
        return
    if not np.array_equal(certificate.centre.ravel(), z):
        yield "the centre is not the signal that the evidence names"
    claimed = number_of(certificate, "centre_bound")
    yield from upper_bound_fault("the centre's bound", claimed, radius)
