"""Clipped regions with a budget on their energy: how far the true samples can lie.

q is a quadratic energy of the unknown samples' values v, z any point with ``z >= floor``,
g half of its gradient at z.  For v = z + d in a region r whose energy exceeds its least value,
hence q(z), by at most D,

``P^2 = <d, H d> = q(v) - q(z) - 2 <g, d> <= D + 2 |w g'| |D_z d|``,

where g' drops what points below the floor and ``D_z = 1 / w`` are the slopes of x(v) at z.
With lambda a lower bound of the smallest eigenvalue of ``A = W H W`` on the region,
``|D_z d| <= P / sqrt(lambda)``, so with ``h = |w g'| / sqrt(lambda)``

``P <= h + sqrt(h^2 + D)``, ``|d_i| <= w_i min(P / sqrt(lambda), P sqrt((A^-1)_ii)) =: b_i``.

x(v) is convex: ``|x(v_i) - x(z_i)| <= S_i |d_i|``, S_i the secant to ``z_i + b_i``; with R the
largest ``S_i w_i`` the region's samples lie within ``R P / sqrt(lambda)`` of x(z).

All regions: with ``omega = R^2 / lambda`` (of the allowance times `most`) the hypothesis
``sum omega (q_r(v) - min q_r) <= W`` gives ``sum omega P^2 - 2 sum omega h P <= W``, so
``sqrt(sum omega P^2) <= |sqrt(omega) h| + sqrt(|sqrt(omega) h|^2 + W)``: the whole error's
bound.  The distance of the recovered image from x(z) is added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.proofs.base import EMBEDDED, SHADE, Case, Proof, stated
from recover.certificates.reasons import Withheld
from recover.certificates.regions import Regions, gradient_bounds, regions_of
from recover.certificates.sampling import is_sampling, samples_of
from recover.certificates.statements import (
    assumptions_of,
    region_label,
    region_reason,
    regions_reason,
    scope_of,
)
from recover.core.arrays import Array, digest
from recover.core.eigen.inverse import inverse_roots
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import norm_upper, up
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.excess import ExcessEnergy

__all__ = ["ClippedRegions", "Effort", "RegionBounds", "certify_regions"]

ROUNDINGS = 1.0 + 2.0**-44  # covers the few hundred roundings of the formulas between sums
LISTED = 64  # regions that get a certificate of their own, the largest ones


class Effort(NamedTuple):
    """How large a region may be.

    Parameters
    ----------
    region : int
        Samples of the largest region whose eigenvalue is sought.
    columns : int
        Samples of the largest region whose entries are bounded one by one; those of larger
        ones only together.
    """

    region: int = 2**16
    columns: int = 400


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


class _Reach(NamedTuple):
    """Bounds from one allowance for every region."""

    energy: Array  # of P
    ratio: Array  # of R
    entries: Array  # of |x(v_i) - x(z_i)|


class _Setting(NamedTuple):
    """What the formulas need of a problem, a centre and a recovered signal."""

    prior: ExcessEnergy
    regions: Regions
    z: Array
    smallest: Array  # proved eigenvalues
    slope: Array  # h
    roots: Array
    gap: Array  # of |x(z) - recovered|


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
    setting = _setting(prior, signal, np.maximum(centre, prior.floor), effort)
    regions, sizes = setting.regions, setting.regions.sizes
    own = prior.allowance.region(sizes) * ROUNDINGS
    single = _reach(setting, own)
    pieces = _region_bounds(setting, single)
    values = np.zeros(math.prod(prior.signal_shape))
    values[prior.energy.places] = (single.entries + setting.gap) * ROUNDINGS * (1.0 + SHADE)
    pointwise = values.reshape(problem.model.frame.signal_shape)
    labels = [region_label(regions.label, r, prior.energy) for r in _listed(sizes)]
    parts = tuple(
        (label, _part(problem, setting, int(r), float(pieces[r]), effort))
        for label, r in zip(labels, _listed(sizes), strict=True)
    )
    kept = signal.reshape(-1)[prior.energy.places].astype(np.float64)
    certificate = Certificate(
        kappa=Enclosure(_root(float(setting.smallest.min())), math.inf),
        error_bound=stated(_total(setting)),
        scope=scope_of(problem, prior=True),
        assumptions=assumptions_of(problem, prior=True),
        rigor=PROVED,
        evidence=Evidence(
            "clipped regions",
            {
                "signal_digest": digest([np.ascontiguousarray(signal, dtype=np.float64)]),
                "columns": effort.columns,
                "largest": effort.region,
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


def _setting(prior: ExcessEnergy, signal: Array, z: Array, effort: Effort) -> _Setting:
    tone, energy = prior.tone, prior.energy
    weights = 1.0 / tone.slope(z)
    regions = regions_of(energy, weights)
    smallest = regions.blocks.lower_bounds(regions.slack, effort.region) * (1.0 - SHADE)
    gradient = regions.norms(weights * gradient_bounds(energy, z, prior.floor))
    with np.errstate(divide="ignore"):
        slope = gradient / np.sqrt(smallest) * ROUNDINGS
    roots = inverse_roots(regions.blocks, smallest, regions.slack, effort.columns)
    away = np.abs(tone.samples(z) - signal.reshape(-1)[energy.places])
    gap = (away * ROUNDINGS + tone.rounding(z)) * ROUNDINGS
    return _Setting(prior, regions, z, smallest, slope, roots, gap)


def _reach(setting: _Setting, allowance: Array) -> _Reach:
    """Return what follows if each region's excess is at most its allowance."""
    regions, label = setting.regions, setting.regions.label
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        p = (setting.slope + np.sqrt(np.square(setting.slope) + allowance)) * ROUNDINGS
        away = p / np.sqrt(setting.smallest) * ROUNDINGS
        each = regions.weights * np.minimum(away[label], setting.roots * p[label]) * ROUNDINGS
    open_ = (setting.smallest <= 0.0)[label]
    each = np.where(open_ | np.isnan(each), math.inf, each)
    steep = setting.prior.tone.steepest(setting.z, each)
    entries = np.where(open_, math.inf, steep * np.where(open_, 1.0, each) * ROUNDINGS)
    ratio = regions.largest(np.where(open_, math.inf, steep * regions.weights * ROUNDINGS))
    return _Reach(p, ratio, entries)


def _region_bounds(setting: _Setting, reach: _Reach) -> Array:
    """Return the bound of every region's error."""
    regions = setting.regions
    with np.errstate(divide="ignore", invalid="ignore"):
        together = reach.ratio * reach.energy / np.sqrt(setting.smallest)
    together = np.where(setting.smallest > 0.0, together, math.inf)
    away = np.minimum(together * ROUNDINGS, regions.norms(reach.entries))
    return (away + regions.norms(setting.gap)) * ROUNDINGS


def _total(setting: _Setting) -> float:
    """Return the bound of the whole error; infinite if a region is open."""
    if float(setting.smallest.min()) <= 0.0:
        return math.inf
    a, sizes = setting.prior.allowance, setting.regions.sizes
    reach = _reach(setting, a.region(sizes) * a.most * ROUNDINGS)
    omega = np.square(reach.ratio) / setting.smallest * ROUNDINGS
    budget = up(a.joint * a.unit * float((omega * sizes).sum()) * (1.0 + sizes.size * 2.0**-50))
    h = norm_upper(np.sqrt(omega) * setting.slope * ROUNDINGS)
    around = (h + math.sqrt(h * h + budget)) * ROUNDINGS
    return up((around + norm_upper(setting.gap)) * ROUNDINGS)


def _listed(sizes: Array) -> Array:
    """Return the regions that get a certificate of their own."""
    return np.sort(np.argsort(-sizes, kind="stable")[:LISTED])


def _part(
    problem: Problem, setting: _Setting, region: int, bound: float, effort: Effort
) -> Certificate:
    smallest = float(setting.smallest[region])
    size = int(setting.regions.sizes[region])
    return Certificate(
        kappa=Enclosure(_root(smallest), math.inf),
        error_bound=stated(bound),
        scope=scope_of(problem, prior=True),
        assumptions=assumptions_of(problem, prior=True),
        rigor=PROVED,
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
