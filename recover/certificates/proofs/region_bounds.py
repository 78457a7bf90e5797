"""Clipped regions whose energy is spread over their modes: how far the true samples can lie.

q is a quadratic energy with the matrix H of the unknown samples' values v, z* its minimiser
over ``v >= floor``, z any point with ``z >= floor`` (the centre), g half of q's gradient there,
and ``D = 1 / w`` the slopes of x(v) at z.  On a region let lambda bound the smallest eigenvalue
of ``A = W H W / beta`` from below; q and g stand for q / beta and g / beta, beta being the mean
square of the region's brightness at z.  As q(z*) <= q(z),

``|z* - z|_H^2 <= -2 <g, z* - z> <= 2 |w g'| |D (z* - z)|``, so ``|z* - z|_H <= 2 h`` and
``|D (z* - z)| <= 2 h / sqrt(lambda)`` for ``h = |w g'| / sqrt(lambda)``,

where g' drops what points below the floor.  For the true v let d = v - z* and e_k the energies
of D d in the modes of A, whose m softest hold at most ``a (m + c)`` units for every m.  Counts
of eigenvalues (`Ladder`) bound ``|D d|^2 = sum e_k / lambda_k``, and by the inequality of
Cauchy and Schwarz, for every tau,

``(D d)_i^2 <= sum e_k tau / (tau + lambda_k)  ((A^-1)_ii + 1 / tau)``.

With b_i the bound of ``|v_i - z_i|`` that follows, x(v) being monotone and convex or concave,
``|x(v_i) - x(z_i)| <= S_i b_i``, S_i the steepest secant, and with R the largest ``S_i w_i`` a
region's samples lie within ``R |D (v - z)|`` of x(z).  The distance of the recovered image from
x(z) is added.  All regions together obey the same formulas with the rule for the whole.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recover.certificates.proofs.base import SHADE
from recover.certificates.regions import (
    STEPS,
    Ladder,
    Regions,
    gradient_bounds,
    ladder_of,
    regions_of,
)
from recover.core.arrays import Array
from recover.core.eigen.inverse import inverse_roots, probable_inverse_roots
from recover.core.rigor import PROVED, Rigor, probabilistic
from recover.core.rounding import norm_upper, up
from recover.priors.excess import ExcessEnergy, Rule

__all__ = [
    "PROBES",
    "ROUNDINGS",
    "Effort",
    "Setting",
    "entry_bounds",
    "region_bounds",
    "setting_of",
    "steepest",
    "whole_bound",
]

ROUNDINGS = 1.0 + 2.0**-44  # covers the few hundred roundings of the formulas between sums
DELTA, PROBES, SEED = 1e-9, 128, 0  # of the draws that bound the entries of large regions


class Effort(NamedTuple):
    """How large a region may be.

    Parameters
    ----------
    region : int
        Samples of the largest region whose eigenvalue is sought.
    columns : int
        Samples of the largest region whose entries are bounded by a proof; those of larger
        ones hold with probability `DELTA` short of 1 over the random numbers that are drawn.
    """

    region: int = 2**15
    columns: int = 300


class Setting(NamedTuple):
    """What the formulas need of a problem, a centre and a recovered signal."""

    prior: ExcessEnergy
    regions: Regions
    z: Array
    smallest: Array  # proved eigenvalues
    ladder: Ladder
    slope: Array  # h
    roots: Array  # of the diagonal of the inverse
    rigor: Rigor
    gap: Array  # of |x(z) - recovered|


def setting_of(prior: ExcessEnergy, signal: Array, z: Array, effort: Effort) -> Setting:
    """Return everything that is proved before an allowance is looked at."""
    tone, energy = prior.tone, prior.energy
    weights = 1.0 / tone.slope(z)
    regions = regions_of(energy, weights, tone.brightness(z))
    smallest = regions.blocks.lower_bounds(regions.slack, effort.region) * (1.0 - SHADE)
    gradient = gradient_bounds(energy, z, prior.floor)
    gradient = regions.norms(weights / regions.beta * gradient * ROUNDINGS)
    with np.errstate(divide="ignore"):
        slope = gradient / np.sqrt(smallest) * ROUNDINGS
    roots = inverse_roots(regions.blocks, smallest, regions.slack, effort.columns)
    rigor = PROVED
    if bool((np.isinf(roots) & (smallest > 0.0)[regions.label]).any()):
        large = np.where(regions.sizes > effort.columns, smallest, 0.0)
        drawn = probable_inverse_roots(
            regions.blocks, large, regions.slack, probes=PROBES, delta=DELTA, seed=SEED
        )
        roots, rigor = np.minimum(roots, drawn), probabilistic(DELTA)
    with np.errstate(divide="ignore"):
        roots = np.minimum(roots, (ROUNDINGS / np.sqrt(smallest))[regions.label])
    away = np.abs(tone.samples(z) - signal.reshape(-1)[energy.places])
    gap = (away * ROUNDINGS + tone.rounding(z)) * ROUNDINGS
    ladder = ladder_of(regions, smallest)
    return Setting(prior, regions, z, smallest, ladder, slope, roots, rigor, gap)


def entry_bounds(setting: Setting, rule: Rule, ladder: Ladder) -> Array:
    """Return bounds of ``|v_i - z_i|``; infinite in open regions."""
    regions, label = setting.regions, setting.regions.label
    which = label if ladder.groups.shape[0] > 1 else np.zeros_like(label)
    squares = np.full(label.size, math.inf)
    unit = setting.prior.allowance.unit * rule.factor
    with np.errstate(invalid="ignore", over="ignore"):
        for tau in (*STEPS, math.inf):
            energy = unit * ladder.effective(float(tau), rule.extra)[which]
            squares = np.fmin(squares, energy * (np.square(setting.roots) + 1.0 / tau))
        apart = 2.0 * setting.slope[label] * setting.roots
        each = (np.sqrt(squares * ROUNDINGS) + apart) * regions.weights * ROUNDINGS
    open_ = (setting.smallest <= 0.0)[label]
    return np.where(open_ | np.isnan(each), math.inf, each)


def steepest(setting: Setting, each: Array) -> Array:
    """Return the steepest secants of x(v) within bounds of ``|v_i - z_i|``."""
    return setting.prior.tone.steepest(setting.z, setting.prior.floor, each)


def region_bounds(setting: Setting, each: Array) -> Array:
    """Return the bound of every region's error."""
    regions, allowance = setting.regions, setting.prior.allowance
    steep = steepest(setting, each)
    ratio = regions.largest(steep * regions.weights * ROUNDINGS)
    rule = allowance.region
    with np.errstate(divide="ignore", invalid="ignore"):
        square = allowance.unit * rule.factor * setting.ladder.spread(rule.extra)
        apart = 2.0 * setting.slope / np.sqrt(setting.smallest)
        together = ratio * (np.sqrt(square * ROUNDINGS) + apart) * ROUNDINGS
        alone = regions.norms(np.where(np.isfinite(each), steep * each, 0.0) * ROUNDINGS)
    away = np.where(setting.smallest > 0.0, np.fmin(together, alone), math.inf)
    return (away + regions.norms(setting.gap)) * ROUNDINGS


def whole_bound(setting: Setting) -> float:
    """Return the bound of the whole error; infinite if a region is open."""
    if float(setting.smallest.min()) <= 0.0:
        return math.inf
    allowance, rule = setting.prior.allowance, setting.prior.allowance.whole
    ladder = setting.ladder.whole
    each = entry_bounds(setting, rule, ladder)
    steep = steepest(setting, each)
    ratio = float((steep * setting.regions.weights * ROUNDINGS).max())
    square = allowance.unit * rule.factor * float(ladder.spread(rule.extra)[0])
    apart = 2.0 * norm_upper(setting.slope / np.sqrt(setting.smallest) * ROUNDINGS)
    together = ratio * (math.sqrt(square * ROUNDINGS) + apart)
    alone = norm_upper(steep * each * ROUNDINGS)
    return up((min(together, alone) + norm_upper(setting.gap)) * ROUNDINGS)
