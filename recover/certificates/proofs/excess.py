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
    PROBES,
    ROUNDINGS,
    Effort,
    Setting,
    entry_bounds,
    region_bounds,
    setting_of,
    steepest,
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
            and problem.noise_bound.is_zero
        )

    def attempt(self, case: Case, best: float) -> Certificate | Withheld | None:
        prior = case.problem.prior
        if not isinstance(prior, ExcessEnergy):
            return None
        centre = case.signal if case.centre is None else case.centre
        v = prior.tone.values(centre.reshape(-1)[prior.energy.places])
        found = certify_regions(case.problem, case.signal, v, Effort())
        return found.certificate if found.certificate.error_bound <= best else None


def certify_regions(
    problem: Problem, signal: Array, centre: Array, effort: Effort
) -> RegionBounds:
    """Certify the recovered samples of a problem with an `ExcessEnergy` prior.

    Parameters
    ----------
    problem : Problem
        Without noise.
    signal : array [shape=signal_shape]
        The recovered signal; it must be the data's outside the prior's samples.
    centre : array [shape=(n,)]
        Values v near the energy's minimiser.
    effort : Effort
    """
    prior = problem.prior
    if not isinstance(prior, ExcessEnergy):
        raise TypeError("the problem's prior must be an ExcessEnergy")
    _refuse_misfit(problem, prior, signal)
    setting = setting_of(prior, signal, np.maximum(centre, prior.floor), effort)
    regions, sizes = setting.regions, setting.regions.sizes
    each = entry_bounds(setting, prior.allowance.region, setting.ladder)
    pieces = region_bounds(setting, each)
    values = np.zeros(math.prod(prior.signal_shape))
    values[prior.energy.places] = (
        (each * steepest(setting, each) + setting.gap) * ROUNDINGS * (1.0 + SHADE)
    )
    pointwise = values.reshape(problem.model.frame.signal_shape)
    labels = [region_label(regions.label, r, prior.energy) for r in _listed(sizes)]
    parts = tuple(
        (label, _part(problem, setting, int(r), float(pieces[r]), effort))
        for label, r in zip(labels, _listed(sizes), strict=True)
    )
    kept = signal.reshape(-1)[prior.energy.places].astype(np.float64)
    certificate = Certificate(
        kappa=Enclosure(_root(float(setting.smallest.min())), math.inf),
        error_bound=stated(whole_bound(setting)),
        scope=scope_of(problem, prior=True),
        assumptions=assumptions_of(problem, prior=True),
        rigor=setting.rigor,
        evidence=Evidence(
            "clipped regions",
            {
                "signal_digest": digest([np.ascontiguousarray(signal, dtype=np.float64)]),
                "columns": effort.columns,
                "largest": effort.region,
                "probes": PROBES,
            },
            {"centre": setting.z, "recovered": kept, "eigenvalues": setting.smallest},
        ),
        reason=regions_reason(sizes, setting.smallest > 0.0, effort.region),
        subject=problem.digest,
        noise=problem.noise.to_json(),
        pointwise=pointwise if pointwise.size <= EMBEDDED else None,
        parts=parts,
    )
    return RegionBounds(certificate, pointwise)


def _listed(sizes: Array) -> Array:
    """Return the regions that get a certificate of their own."""
    return np.sort(np.argsort(-sizes, kind="stable")[:LISTED])


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


def _refuse_misfit(problem: Problem, prior: ExcessEnergy, signal: Array) -> None:
    """Raise `ParameterError` unless the energy speaks of all that was recovered."""
    known = np.ones(math.prod(prior.signal_shape), dtype=bool)
    known[prior.energy.places] = False
    if not samples_of(problem).known[known].all():
        raise ParameterError(
            "prior must speak of every clipped sample; assemble its energy for all of them"
        )
    if not np.array_equal(problem.y.reshape(-1)[known], signal.reshape(-1)[known]):
        raise ParameterError("signal must be the data's where the energy does not speak of it")


def _root(square: float) -> float:
    return max(math.nextafter(math.sqrt(square), 0.0), 0.0)
