"""Clipped regions that miss the truth evenly over a model's modes: how far the truth can lie.

On a region let A be the energy of `recover.certificates.regions`, e what the true samples
differ from the centre by, ``lambda`` a lower bound of A's smallest eigenvalue, and e_k the
energies of e in the modes of A, softest first; the m softest hold at most ``a (m + c)`` units
u for every m.  For ``g_1 >= g_2 >= ... >= 0`` summation by parts gives

``sum g_k e_k = sum (g_m - g_(m+1)) (e_1 + ... + e_m) <= a u (c g_1 + sum g_k)``,

and with ``g_k = 1 / lambda_k``: ``|e|^2 <= a u (c / lambda + tr A^-1)``.  Where A speaks of
values that are no samples of the signal, the energy is the least over them: its matrix is the
Schur complement, whose inverse is that part of A^-1 which belongs to the samples, so the trace
is over these and ``lambda`` bounds the smallest eigenvalue all the more.  All regions together
obey the same formula with the rule for the whole, as A is block diagonal.

For a single sample, ``e_i = <e, A r>`` with the response ``r = A^-1 1_i``, whose energy is
``(A^-1)_ii``: if it holds at most K units, ``e_i^2 <= K u (A^-1)_ii``.

The distance of the recovered signal from the centre is added; and where samples that were not
clipped carry noise, they lie within its bound of the data.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recover.certificates.proofs.base import SHADE
from recover.certificates.regions import DELTA, Regions, drawn_inverse, regions_of
from recover.core.arrays import Array
from recover.core.eigen.inverse import inverse_roots
from recover.core.rigor import PROVED, Rigor, probabilistic
from recover.core.rounding import norm_upper, up
from recover.priors.excess import ExcessEnergy, Rule

__all__ = [
    "ROUNDINGS",
    "Effort",
    "Setting",
    "entry_bounds",
    "region_bounds",
    "setting_of",
    "whole_bound",
]

ROUNDINGS = 1.0 + 2.0**-44  # covers the few hundred roundings of the formulas between sums


class Effort(NamedTuple):
    """How large a region may be.

    Parameters
    ----------
    region : int
        Values of the largest region whose eigenvalue is sought.
    columns : int
        Values of the largest region whose entries are bounded by a proof; those of larger
        ones hold with probability `DELTA` short of 1 over the random numbers that are drawn.
    """

    region: int = 2**15
    columns: int = 100


class Setting(NamedTuple):
    """What the formulas need of a problem, a centre and a recovered signal."""

    prior: ExcessEnergy
    regions: Regions
    smallest: Array  # proved eigenvalues
    roots: Array  # of the diagonal of the inverse
    traces: Array  # of the inverse, over each region's samples
    rigor: Rigor
    gap: Array  # of |centre - recovered|


def setting_of(prior: ExcessEnergy, signal: Array, effort: Effort) -> Setting:
    """Return everything that is proved before an allowance is looked at."""
    regions = regions_of(prior)
    blocks, slack = regions.blocks, regions.slack
    smallest = blocks.lower_bounds(slack, effort.region) * (1.0 - SHADE)
    roots = inverse_roots(blocks, smallest, slack, effort.columns)
    rigor = PROVED
    traces = np.full(blocks.count, math.inf)
    if bool((np.isinf(roots) & (smallest > 0.0)[regions.label]).any()):
        drawn = drawn_inverse(prior, regions, smallest)
        roots, traces = np.minimum(roots, drawn.roots), drawn.traces
        rigor = probabilistic(DELTA)
    with np.errstate(divide="ignore"):
        roots = np.minimum(roots, (ROUNDINGS / np.sqrt(smallest))[regions.label])
    traces = np.minimum(traces, regions.sums(np.square(roots) * ROUNDINGS))
    gap = np.zeros(roots.size)
    counted = regions.counted
    found = signal.reshape(-1)[prior.energy.own]
    gap[counted] = np.abs(prior.centre[counted] - found) * ROUNDINGS
    return Setting(prior, regions, smallest, roots, traces, rigor, gap)


def entry_bounds(setting: Setting) -> Array:
    """Return bounds of the samples' errors; infinite in open regions."""
    allowance = setting.prior.allowance
    scale = math.sqrt(allowance.unit * allowance.single) * ROUNDINGS
    with np.errstate(invalid="ignore"):
        each = scale * setting.roots + setting.gap
    open_ = (setting.smallest <= 0.0)[setting.regions.label]
    return np.where(open_, math.inf, each * ROUNDINGS)


def region_bounds(setting: Setting) -> Array:
    """Return the bound of every region's error."""
    allowance, regions = setting.prior.allowance, setting.regions
    rule = allowance.region
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = rule.extra / setting.smallest + setting.traces
        square = allowance.unit * rule.factors(regions.sizes) * spread
    away = np.where(setting.smallest > 0.0, np.sqrt(square * ROUNDINGS), math.inf)
    return (away + regions.norms(setting.gap)) * ROUNDINGS


def whole_bound(setting: Setting) -> float:
    """Return the bound of all regions together; infinite if one is open."""
    least = float(setting.smallest.min())
    if least <= 0.0:
        return math.inf
    allowance, rule = setting.prior.allowance, setting.prior.allowance.whole
    traces = float(setting.traces.sum()) * (1.0 + setting.traces.size * 2.0**-52)
    size = int(setting.regions.sizes.sum())
    square = allowance.unit * _factor(rule, size) * (rule.extra / least + traces)
    gap = norm_upper(setting.gap[setting.regions.counted])
    return up((math.sqrt(square * ROUNDINGS) + gap) * ROUNDINGS)


def _factor(rule: Rule, size: int) -> float:
    return float(rule.factors(np.array([size]))[0])
