"""Certificates of clipped samples with a budget on their energy; see `region_bounds`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.proofs.base import EMBEDDED, SHADE, Case, Proof, stated
from recover.certificates.proofs.region_bounds import (
    ROUNDINGS,
    Effort,
    Setting,
    entry_bounds,
    region_bounds,
    setting_of,
    whole_bound,
)
from recover.certificates.reasons import Withheld
from recover.certificates.sampling import is_sampling, samples_of
from recover.certificates.statements import (
    assumptions_of,
    region_label,
    region_reason,
    regions_reason,
    scope_of,
)
from recover.core.arrays import Array, digest
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rounding import norm_upper, up
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.excess import ExcessEnergy

__all__ = ["ClippedRegions", "Effort", "RegionBounds", "certify_regions"]

LISTED = 64  # regions that get a certificate of their own, the largest ones


class RegionBounds(NamedTuple):
    """A certificate, and what it says of every sample.

    Parameters
    ----------
    certificate : Certificate
    pointwise : array [shape=signal_shape]
        Bounds of the samples' errors; infinite where nothing is promised.
    """

    certificate: Certificate
    pointwise: Array


@dataclass(frozen=True)
class ClippedRegions(Proof):
    """Clipped samples with a budget on what their energy exceeds its least value by."""

    @property
    def order(self) -> int:
        return 25

    def applies(self, problem: Problem) -> bool:
        return (
            isinstance(problem.prior, ExcessEnergy)
            and isinstance(problem.model, Saturation)
            and is_sampling(problem.model.frame)
        )

    def attempt(self, case: Case, best: float) -> Certificate | Withheld | None:
        if not isinstance(case.problem.prior, ExcessEnergy):
            return None
        found = certify_regions(case.problem, case.signal, Effort())
        return found.certificate if found.certificate.error_bound <= best else None


def certify_regions(problem: Problem, signal: Array, effort: Effort) -> RegionBounds:
    """Certify the recovered samples of a problem with an `ExcessEnergy` prior.

    Parameters
    ----------
    problem : Problem
        Noise on the samples that were not clipped adds its bound.
    signal : array [shape=signal_shape]
        The recovered signal; without noise it must be the data's outside the prior's samples.
    effort : Effort
    """
    prior = problem.prior
    if not isinstance(prior, ExcessEnergy):
        raise TypeError("the problem's prior must be an ExcessEnergy")
    known = _known(problem, prior, signal)
    setting = setting_of(prior, signal, effort)
    regions, sizes = setting.regions, setting.regions.sizes
    pieces, own = region_bounds(setting), prior.energy.own
    values = known.each.copy()
    values[own] = entry_bounds(setting)[regions.counted] * ROUNDINGS * (1.0 + SHADE)
    pointwise = values.reshape(problem.model.frame.signal_shape)
    rigor = setting.rigor & problem.noise_bound.rigor
    labels = [region_label(regions.label, r, prior.energy) for r in _listed(sizes)]
    parts = tuple(
        (label, _part(problem, setting._replace(rigor=rigor), int(r), float(pieces[r]), effort))
        for label, r in zip(labels, _listed(sizes), strict=True)
    )
    whole = up(math.hypot(whole_bound(setting), known.norm) * ROUNDINGS)
    certificate = Certificate(
        kappa=Enclosure(_root(float(setting.smallest.min())), math.inf),
        error_bound=stated(whole),
        scope=scope_of(problem, prior=True),
        assumptions=assumptions_of(problem, prior=True),
        rigor=rigor,
        evidence=Evidence(
            "clipped regions",
            {
                "signal_digest": digest([np.ascontiguousarray(signal, dtype=np.float64)]),
                "columns": effort.columns,
                "largest": effort.region,
            },
            _arrays(prior, signal, setting, noisy=known.norm > 0.0),
        ),
        reason=regions_reason(sizes, setting.smallest > 0.0, effort.region),
        subject=problem.digest,
        noise=problem.noise.to_json(),
        pointwise=pointwise if pointwise.size <= EMBEDDED else None,
        parts=parts,
    )
    return RegionBounds(certificate, pointwise)


class _Known(NamedTuple):
    """What is not known exactly of samples that the energy does not speak of."""

    each: Array
    norm: float


def _known(problem: Problem, prior: ExcessEnergy, signal: Array) -> _Known:
    """Return how far the signal may lie from the truth where nothing was clipped.

    Raises
    ------
    ParameterError
        If the energy does not speak of every clipped sample, or without noise the signal is not
        the data's elsewhere.
    """
    known = np.ones(math.prod(prior.signal_shape), dtype=bool)
    known[prior.energy.own] = False
    samples = samples_of(problem)
    if not samples.known[known].all():
        raise ParameterError(
            "prior must speak of every clipped sample; assemble its energy for all of them"
        )
    away = np.where(known, np.abs(samples.value - signal.reshape(-1)), 0.0) * ROUNDINGS
    if problem.noise_bound.is_zero:
        if away.any():
            raise ParameterError(
                "signal must be the data's where the energy does not speak of it"
            )
        return _Known(away, 0.0)
    knowledge = problem.knowledge
    noise = problem.model.frame.synthesis(np.where(knowledge.fixed, knowledge.each, 0.0))
    each = np.where(known, noise.reshape(-1), 0.0)
    joint = min(problem.noise_bound.l2, norm_upper(each))
    return _Known((each + away) * ROUNDINGS, up((joint + norm_upper(away)) * ROUNDINGS))


def _arrays(
    prior: ExcessEnergy, signal: Array, setting: Setting, *, noisy: bool
) -> dict[str, Array]:
    """Return the evidence: the centre, and the signal where it is not that one."""
    flat = signal.reshape(-1).astype(np.float64)
    arrays = {"eigenvalues": setting.smallest, "centre": prior.centre[prior.energy.counted]}
    if noisy:
        return {**arrays, "signal": flat}
    kept = flat[prior.energy.own]
    return arrays if np.array_equal(kept, arrays["centre"]) else {**arrays, "recovered": kept}


def _listed(sizes: Array) -> Array:
    """Return the regions that get a certificate of their own."""
    largest = np.argsort(-sizes, kind="stable")[:LISTED]
    return np.sort(largest[sizes[largest] > 0])


def _part(
    problem: Problem, setting: Setting, region: int, bound: float, effort: Effort
) -> Certificate:
    smallest = float(setting.smallest[region])
    size = int(setting.regions.sizes[region])
    return Certificate(
        kappa=Enclosure(_root(smallest), math.inf),
        error_bound=stated(bound),
        scope=scope_of(problem, prior=True),
        assumptions=assumptions_of(problem, prior=True),
        rigor=setting.rigor,
        evidence=Evidence("clipped region", {"region": region, "samples": size}),
        reason=region_reason(size, effort.region, proved=smallest > 0.0),
        subject=problem.digest,
        noise=problem.noise.to_json(),
    )


def _root(square: float) -> float:
    return max(math.nextafter(math.sqrt(square), 0.0), 0.0)
