"""The check of clipped regions with a budget on their energy.

The eigenvalues are proved again by one elimination at the values claimed, and every bound is
formed again from them; see `recover.certificates.regions` for the coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.common import array_of, number_of, upper_bound_fault
from recover.certificates.checks.entrywise import entrywise_faults
from recover.certificates.regions import (
    STEPS,
    Ladder,
    Regions,
    gradient_bounds,
    ladder_of,
    regions_of,
)
from recover.certificates.sampling import is_sampling, samples_of
from recover.certificates.statements import (
    assumptions_of,
    region_label,
    region_reason,
    regions_reason,
    scope_of,
)
from recover.core.arrays import Array, digest
from recover.core.eigen.inverse import inverse_roots, probable_inverse_roots
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED, Rigor, probabilistic
from recover.core.rounding import norm_upper, up
from recover.models.base import Model
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.excess import ExcessEnergy, Rule

__all__ = ["ClippedRegionsCheck"]

PAD = 1.0 + 2.0**-46  # more than the roundings of a formula, less than the prover's own
PART = "clipped region"
MOST_PROBES = 1024
DELTA, SEED = 1e-9, 0  # of the draws: a prover may choose how many, not which


class _Found(NamedTuple):
    """What was proved again."""

    prior: ExcessEnergy
    regions: Regions
    z: Array
    least: Array
    ladder: Ladder
    apart: Array  # of the centre from the minimiser: its energy's root, per region
    roots: Array
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
            or not subject.noise_bound.is_zero
        ):
            return ("the certificate is of clipped samples with an energy, not of this",)
        return tuple(_faults(certificate, subject, subject.prior, signal))


def _faults(
    certificate: Certificate, problem: Problem, prior: ExcessEnergy, given: Array | None
) -> Iterator[str]:
    places = prior.energy.places
    outside = np.ones(math.prod(prior.signal_shape), dtype=bool)
    outside[places] = False
    if not samples_of(problem).known[outside].all():
        yield "a clipped sample is not among those that the energy speaks of"
        return
    data = problem.y.reshape(-1).astype(np.float64)
    recovered = array_of(certificate, "recovered", places.shape)
    image = data.copy()
    image[places] = recovered
    if digest([image.reshape(prior.signal_shape)]) != certificate.evidence.values.get(
        "signal_digest"
    ):
        yield "the recovered signal is not the one that the certificate names"
    if given is not None and not np.array_equal(
        np.asarray(given, dtype=np.float64).reshape(-1), image
    ):
        yield "the signal given is not the one that was certified"
    found = _proved(certificate, prior, recovered)
    if found is None:
        yield "the regions' smallest eigenvalues could not be proved again"
        return
    yield from _words(certificate, problem, found.rigor)
    bounds, entries = _bounds(found)
    yield from upper_bound_fault("the bound", certificate.error_bound, _whole(found))
    yield from _kappa(certificate, float(found.least.min()))
    largest = int(number_of(certificate, "largest"))
    if certificate.reason != regions_reason(found.regions.sizes, found.least > 0.0, largest):
        yield f"the reason is stated as {certificate.reason!r}"
    yield from _parts(certificate, problem, found, bounds)
    if certificate.pointwise is not None:
        values = np.zeros(data.size)
        values[places] = entries
        yield from entrywise_faults(certificate, values.reshape(prior.signal_shape))
    if certificate.centre is not None:
        yield "a centre is stated that cannot be proved"


def _words(certificate: Certificate, problem: Problem, rigor: Rigor) -> Iterator[str]:
    """Yield the faults of what is not a number."""
    if certificate.subject != problem.digest:
        yield (
            "the certificate speaks of another frame, model or data: its subject is "
            f"{certificate.subject[:16]}, this one is {problem.digest[:16]}"
        )
    if certificate.scope.to_json() != scope_of(problem, prior=True).to_json():
        yield "the scope is not that of the prior"
    if certificate.assumptions != assumptions_of(problem, prior=True):
        yield "the assumptions are not those that the proof rests on"
    if dict(certificate.noise) != problem.noise.to_json():
        yield f"the noise is stated as {dict(certificate.noise)}, not {problem.noise.to_json()}"
    if certificate.rigor != rigor:
        yield f"the rigor is stated as {certificate.rigor}, not {rigor}"


def _proved(certificate: Certificate, prior: ExcessEnergy, recovered: Array) -> _Found | None:
    z = np.maximum(array_of(certificate, "centre", prior.floor.shape), prior.floor)
    weights = 1.0 / prior.tone.slope(z)
    regions = regions_of(prior.energy, weights, prior.tone.brightness(z))
    least = array_of(certificate, "eigenvalues", (regions.blocks.count,))
    claimed = least != 0.0
    if not regions.blocks.proved(least, regions.slack)[claimed].all():
        return None
    closed = np.where(least > 0.0, least, 1.0)
    pull = gradient_bounds(prior.energy, z, prior.floor) / regions.beta
    pull = regions.norms(weights * pull * PAD)
    apart = np.where(least > 0.0, 2.0 * pull / np.sqrt(closed) * PAD, math.inf)
    roots, rigor = _roots(certificate, regions, least)
    gap = np.abs(prior.tone.samples(z) - recovered) * PAD + prior.tone.rounding(z)
    ladder = ladder_of(regions, least)
    return _Found(prior, regions, z, least, ladder, apart, roots, rigor, gap * PAD)


def _roots(certificate: Certificate, regions: Regions, least: Array) -> tuple[Array, Rigor]:
    """Return bounds of the roots of the inverse's diagonal, and how firmly they hold."""
    columns = int(number_of(certificate, "columns"))
    roots = inverse_roots(regions.blocks, least, regions.slack, columns)
    crude = 1.0 / np.sqrt(np.where(least > 0.0, least, 1.0))[regions.label] * PAD
    missing = ~np.isfinite(roots) & (least > 0.0)[regions.label]
    if not missing.any():
        return np.minimum(roots, crude), PROVED
    probes = int(number_of(certificate, "probes"))
    if not 1 <= probes <= MOST_PROBES:
        raise ParameterError(f"probes must lie between 1 and {MOST_PROBES}, got {probes}")
    drawn = probable_inverse_roots(
        regions.blocks,
        np.where(regions.sizes > columns, least, 0.0),
        regions.slack,
        probes=probes,
        delta=DELTA,
        seed=SEED,
    )
    return np.minimum(np.minimum(roots, drawn), crude), probabilistic(DELTA)


def _each(found: _Found, rule: Rule, ladder: Ladder) -> Array:
    """Return per sample how far v can lie from the centre, where a region is closed."""
    label = found.regions.label
    share = np.zeros_like(label) if len(ladder.groups) == 1 else label
    scale = found.prior.allowance.unit * rule.factor
    best = np.full(label.size, math.inf)
    for tau in STEPS:
        held = ladder.effective(float(tau), rule.extra)[share]
        best = np.minimum(best, scale * held * (found.roots**2 + 1.0 / tau))
    held = ladder.effective(math.inf, rule.extra)[share]
    best = np.minimum(best, scale * held * found.roots**2)
    far = np.sqrt(best) * PAD + found.apart[label] * found.roots
    return np.asarray(far * found.regions.weights * PAD)


def _spread(found: _Found, rule: Rule, ladder: Ladder) -> Array:
    """Return bounds of how far the model's values lie from the minimiser, scaled."""
    scale = found.prior.allowance.unit * rule.factor
    return np.asarray(np.sqrt(scale * ladder.spread(rule.extra) * PAD) * PAD)


def _bounds(found: _Found) -> tuple[Array, Array]:
    """Return the bounds of the regions and of the samples."""
    rule, regions = found.prior.allowance.region, found.regions
    closed = found.least > 0.0
    inside = closed[regions.label]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        each = np.where(inside, _each(found, rule, found.ladder), 0.0)
        steep = found.prior.tone.steepest(found.z, found.prior.floor, each)
        ratio = regions.largest(np.where(inside, steep * regions.weights * PAD, 0.0))
        least = np.where(closed, found.least, 1.0)
        far = _spread(found, rule, found.ladder) + found.apart / np.sqrt(least)
        near = regions.norms(steep * each * PAD)
        bounds = np.minimum(ratio * far * PAD, near) + regions.norms(found.gap)
    entries = np.where(inside, (steep * each + found.gap) * PAD, math.inf)
    return np.where(closed, bounds * PAD, math.inf), entries


def _whole(found: _Found) -> float:
    """Return the bound of all regions together."""
    if not (found.least > 0.0).all():
        return math.inf
    rule, ladder = found.prior.allowance.whole, found.ladder.whole
    each = _each(found, rule, ladder)
    steep = found.prior.tone.steepest(found.z, found.prior.floor, each)
    ratio = float((steep * found.regions.weights).max()) * PAD
    apart = norm_upper(found.apart / np.sqrt(found.least) * PAD)
    far = ratio * (float(_spread(found, rule, ladder)[0]) + apart) * PAD
    near = norm_upper(steep * each * PAD)
    return up((min(far, near) + norm_upper(found.gap)) * PAD)


def _kappa(certificate: Certificate, least: float) -> Iterator[str]:
    kappa = certificate.kappa
    if kappa.lower > 0.0 and not kappa.lower * kappa.lower <= least:
        yield f"kappa's lower end {kappa.lower:.17g} is claimed, but its square not proved"
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
            or size != sizes[region]
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
