"""The check of clipped regions with a budget on their energy.

The eigenvalues are proved again by one elimination at the values claimed, and every bound is
formed again from them; see `recover.certificates.regions` for the coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.common import (
    array_of,
    heading,
    number_of,
    upper_bound_fault,
)
from recover.certificates.checks.entrywise import entrywise_faults
from recover.certificates.regions import DELTA, Regions, drawn_inverse, regions_of
from recover.certificates.sampling import is_sampling, samples_of
from recover.certificates.statements import region_label, region_reason, regions_reason
from recover.core.arrays import Array, digest
from recover.core.eigen.inverse import inverse_roots
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED, Rigor, probabilistic
from recover.core.rounding import norm_upper
from recover.models.base import Model
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.excess import ExcessEnergy

__all__ = ["ClippedRegionsCheck"]

# A bound is made of nonnegative numbers by fewer than 100 sums, products, quotients and roots:
# this factor is more than their roundings together, and less than the prover's own.
PAD = 1.0 + 2.0**-46
PART = "clipped region"


class _Found(NamedTuple):
    """What was proved again."""

    prior: ExcessEnergy
    regions: Regions
    least: Array
    roots: Array
    traces: Array
    rigor: Rigor
    gap: Array


@dataclass(frozen=True)
class ClippedRegionsCheck(Check):
    """Proves the eigenvalues of all regions again and forms their bounds."""

    @property
    def kind(self) -> str:
        return "clipped regions"

    def faults(
        self, certificate: Certificate, subject: Model | Problem, signal: Array | None
    ) -> tuple[str, ...]:
        if (
            not isinstance(subject, Problem)
            or not isinstance(subject.prior, ExcessEnergy)
            or not isinstance(subject.model, Saturation)
            or not is_sampling(subject.model.frame)
        ):
            return ("the certificate is of clipped samples with an energy, not of this",)
        return tuple(_faults(certificate, subject, subject.prior, signal))


def _faults(
    certificate: Certificate, problem: Problem, prior: ExcessEnergy, given: Array | None
) -> Iterator[str]:
    own = prior.energy.own
    outside = np.bincount(own, minlength=math.prod(prior.signal_shape)) == 0
    samples = samples_of(problem)
    if not samples.known[outside].all():
        yield "a clipped sample is not among those that the energy speaks of"
        return
    image = _image(certificate, problem, prior)
    if digest([image.reshape(prior.signal_shape)]) != certificate.evidence.values.get(
        "signal_digest"
    ):
        yield "the recovered signal is not the one that the certificate names"
    if given is not None and not np.array_equal(given.ravel(), image):
        yield "the signal given is not the one that was certified"
    found = _proved(certificate, prior, image[own])
    if found is None:
        yield "the regions' smallest eigenvalues could not be proved again"
        return
    each, joint = _noise(problem, outside, np.abs(image - samples.value))
    yield from _words(certificate, problem, found.rigor)
    bounds, entries = _bounds(found)
    whole = math.hypot(_whole(found), joint) * PAD
    yield from upper_bound_fault("the bound", certificate.error_bound, whole)
    yield from _kappa(certificate, float(found.least.min()))
    largest = int(number_of(certificate, "largest"))
    if certificate.reason != regions_reason(found.regions.sizes, found.least > 0.0, largest):
        yield f"the reason is stated as {certificate.reason!r}"
    yield from _parts(certificate, problem, found, bounds)
    if certificate.pointwise is not None:
        each[own] = entries[found.regions.counted]
        yield from entrywise_faults(certificate, each.reshape(prior.signal_shape))
    if certificate.centre is not None:
        yield "a centre is stated that cannot be proved"


def _image(certificate: Certificate, problem: Problem, prior: ExcessEnergy) -> Array:
    """Return the certified signal: the evidence's, with the data where they are exact."""
    own, arrays = prior.energy.own, certificate.evidence.arrays
    if not np.array_equal(
        array_of(certificate, "centre", own.shape), prior.centre[prior.energy.counted]
    ):
        raise ParameterError("the centre is not the one that the prior speaks of")
    if not problem.noise_bound.is_zero and "signal" in arrays:
        return array_of(certificate, "signal", (math.prod(prior.signal_shape),))
    image = samples_of(problem).value.copy()
    name = "recovered" if "recovered" in arrays else "centre"
    image[own] = array_of(certificate, name, own.shape)
    return image


def _noise(problem: Problem, outside: Array, away: Array) -> tuple[Array, float]:
    """Return how far known samples may be off one by one, and (before padding) together."""
    promised = problem.model.frame.synthesis(problem.knowledge.each).ravel()
    each, away = np.where(outside, promised, 0.0), np.where(outside, away, 0.0)
    joint = min(problem.noise_bound.l2, norm_upper(each))
    return (each + away) * PAD, joint + norm_upper(away)


def _words(certificate: Certificate, problem: Problem, rigor: Rigor) -> Iterator[str]:
    """Yield the faults of what is not a number, parts apart."""
    joint = rigor & problem.noise_bound.rigor
    yield from heading(replace(certificate, parts=None), problem, joint, prior=True)


def _proved(certificate: Certificate, prior: ExcessEnergy, recovered: Array) -> _Found | None:
    regions = regions_of(prior)
    least = array_of(certificate, "eigenvalues", (regions.blocks.count,))
    claimed = least != 0.0
    if not regions.blocks.proved(least, regions.slack)[claimed].all():
        return None
    least = np.where(claimed, least, 0.0)
    roots, traces, rigor = _inverse(certificate, prior, regions, least)
    gap = np.zeros(prior.centre.size)
    gap[regions.counted] = np.abs(prior.centre[regions.counted] - recovered)
    return _Found(prior, regions, least, roots, traces, rigor, gap)


def _inverse(
    certificate: Certificate, prior: ExcessEnergy, regions: Regions, least: Array
) -> tuple[Array, Array, Rigor]:
    """Return bounds of the inverse: roots of its diagonal, traces, and how firmly they hold."""
    columns = int(number_of(certificate, "columns"))
    roots = inverse_roots(regions.blocks, least, regions.slack, columns)
    crude = 1.0 / np.sqrt(least)[regions.label]
    traces, rigor = np.full(least.size, math.inf), PROVED
    if (~np.isfinite(roots) & (least > 0.0)[regions.label]).any():
        drawn = drawn_inverse(prior, regions, least)
        roots, traces, rigor = (
            np.minimum(roots, drawn.roots),
            drawn.traces,
            probabilistic(DELTA),
        )
    roots = np.minimum(roots, crude)
    return roots, np.minimum(traces, regions.sums(roots * roots)), rigor


def _bounds(found: _Found) -> tuple[Array, Array]:
    """Return the bounds of the regions and of the samples."""
    allowance, regions = found.prior.allowance, found.regions
    closed, rule = found.least > 0.0, allowance.region
    energy = allowance.unit * rule.factors(regions.sizes)
    square = energy * (rule.extra / found.least + found.traces)
    bounds = (np.sqrt(square) + regions.norms(found.gap)) * PAD
    each = (math.sqrt(allowance.unit * allowance.single) * found.roots + found.gap) * PAD
    entries = np.where(closed[regions.label], each, math.inf)
    return np.where(closed, bounds, math.inf), entries


def _whole(found: _Found) -> float:
    """Return the bound of all regions together, before it is padded."""
    if not (found.least > 0.0).all():
        return math.inf
    allowance, rule = found.prior.allowance, found.prior.allowance.whole
    count = np.array([found.regions.sizes.sum()])
    spread = rule.extra / float(found.least.min()) + math.fsum(found.traces.tolist())
    square = allowance.unit * float(rule.factors(count)[0]) * spread
    return math.sqrt(square) + norm_upper(found.gap[found.regions.counted])


def _kappa(certificate: Certificate, least: float) -> Iterator[str]:
    kappa = certificate.kappa
    s = Enclosure.exactly(least).sqrt().lower
    if not kappa.lower <= s:
        yield f"kappa's lower end {kappa.lower:.17g} is claimed, but only {s:.17g} is proved"
    if kappa.upper != math.inf:
        yield f"kappa's upper end {kappa.upper:.17g} is claimed without a witness"


def _parts(
    certificate: Certificate, problem: Problem, found: _Found, bounds: Array
) -> Iterator[str]:
    """Yield the faults of the certificates of single regions."""
    seen: set[str] = set()
    for label, part in certificate.parts or ():
        region = part.evidence.values.get("region")
        size = part.evidence.values.get("samples")
        sizes = found.regions.sizes
        if (
            part.evidence.kind != PART
            or not isinstance(region, int)
            or not 0 <= region < sizes.size
            or size != int(sizes[region])
            or label != region_label(found.regions.label, region, found.prior.energy)
            or label in seen
            or part.parts is not None
            or part.pointwise is not None
            or part.centre is not None
        ):
            yield f"{label}: not a region of this signal"
            continue
        seen.add(label)
        yield from (f"{label}: {fault}" for fault in _words(part, problem, found.rigor))
        yield from (f"{label}: {fault}" for fault in _kappa(part, float(found.least[region])))
        largest = int(number_of(certificate, "largest"))
        proved = bool(found.least[region] > 0.0)
        if part.reason != region_reason(int(sizes[region]), largest, proved=proved):
            yield f"{label}: the reason is stated as {part.reason!r}"
        yield from upper_bound_fault(label, part.error_bound, float(bounds[region]))
