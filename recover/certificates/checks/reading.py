"""A second reading of the data, from the definitions: it must allow all that the first claims.

Provers and checks share `Model.knowledge` and `Noise.bound`.  Here the set of coefficients that
could have given each number is written down again, as a preimage: noise of at most e after the
non-linearity leaves it the values ``[y - e, y + e]``, and before it ``rho(t + e') = y``.  What
is claimed may say less, but nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array
from recover.core.rounding import U
from recover.models.modulus import Modulus
from recover.models.noise import Noise, Where
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

__all__ = ["reading_faults"]

SLIP = 8.0 * U  # of each number that an end is made of: they were rounded twice
LOOSE = 1.0 - 1e-9  # of the formulas for random noise, which two libraries evaluate otherwise


class _Preimage(NamedTuple):
    """Where the coefficients lie, and where they are ``centre`` plus noise for sure."""

    lower: Array
    upper: Array
    centre: Array
    sure: Array


def reading_faults(problem: Problem) -> Iterator[str]:
    """Yield what the model claims to know of the data, or of the noise, and is not so."""
    y = problem.y.astype(np.float64)
    claimed, bound = problem.knowledge, problem.noise_bound
    least, total = _noise(problem.noise, y)
    if not bool((bound.each >= least).all() and (claimed.each >= least).all()):
        yield "the noise of single coefficients is taken smaller than it is promised"
    if not (bound.l2 >= total and claimed.l2 >= total):
        yield f"the noise is taken as {min(bound.l2, claimed.l2):.6g}, not {total:.6g}"
    e = bound.each
    found = _preimage(problem, y, e, bound.where is Where.AFTER)
    # factor by factor: a sum of the largest numbers would be infinite, and allow everything
    slip = SLIP * np.abs(y) + SLIP * np.abs(found.centre) + SLIP * e
    if bool((claimed.fixed & ~found.sure).any()):
        count = int(np.count_nonzero(claimed.fixed & ~found.sure))
        yield f"{count} coefficient(s) are called fixed that the data do not fix"
    off = claimed.fixed & ~(np.abs(claimed.value - found.centre) <= slip)
    if bool(off.any()):
        yield f"{int(np.count_nonzero(off))} fixed coefficient(s) have another value"
    if not problem.model.frame.real_coefs:
        return
    fine = (claimed.lower <= found.lower + slip) & (claimed.upper >= found.upper - slip)
    if not bool(fine.all()):
        yield f"{int(np.count_nonzero(~fine))} coefficient(s) are bounded by more than the data"


def _preimage(problem: Problem, y: Array, e: Array, after: bool) -> _Preimage:
    model = problem.model
    if isinstance(model, Saturation):
        return _clipped(y, e, after, model.low, model.high)
    if isinstance(model, ReLU):
        # clipped at 0 from below once the bias is taken off
        shifted = _clipped(y, e, after, np.zeros(y.shape), np.full(y.shape, np.inf))
        b = model.bias
        return _Preimage(shifted.lower + b, shifted.upper + b, y + b, shifted.sure)
    if isinstance(model, Modulus):
        # | |t| - |t + e'| | <= e: noise before it is noise after it
        reach = np.maximum(y + e, 0.0)
        return _Preimage(-reach, reach, np.zeros(y.shape), reach == 0.0)
    raise TypeError(f"no reading of data of {type(model).__name__} is known")


def _clipped(y: Array, e: Array, after: bool, low: Array, high: Array) -> _Preimage:
    """Return the t with ``clip(t)`` within e of y, or with ``clip(t + e') = y``."""
    if after:
        # clip(t) >= y - e says something of t only if low < y - e
        lower = np.where(low < y - e, y - e, -np.inf)
        upper = np.where(high > y + e, y + e, np.inf)
    else:
        lower = np.where(low < y, np.minimum(y, high) - e, -np.inf)
        upper = np.where(high > y, np.maximum(y, low) + e, np.inf)
    sure = np.isfinite(lower) & np.isfinite(upper)
    if not after:  # whatever the noise
        sure = (low < y) & (y < high)
    return _Preimage(lower, upper, y, sure)


def _noise(noise: Noise, y: Array) -> tuple[Array, float]:
    """Return the least that may be taken for each entry of the noise, and for its norm."""
    m = max(y.size, 1)
    if noise.sigma > 0.0:
        # P(|e| > s sigma) <= 2 exp(-s^2 / 2), m times; and |e| is 1-Lipschitz in the noise
        single = noise.sigma * math.sqrt(-2.0 * math.log(noise.delta / (4 * m)))
        total = noise.sigma * (math.sqrt(m) + math.sqrt(-2.0 * math.log(noise.delta / 2)))
        return np.full(y.shape, single * LOOSE), total * LOOSE
    if noise.roots:
        return _of_roots(noise, y)
    if noise.counts_per_unit > 0.0:
        each = _counted(y, noise.counts_per_unit, noise.delta / (2 * m))
    else:
        given = np.broadcast_to(np.asarray(noise.each, dtype=np.float64), y.shape)
        each = np.minimum(given, noise.l2)
        return each, min(noise.l2, math.sqrt(float((given**2).sum())) * LOOSE)
    return each * LOOSE, math.sqrt(float((each**2).sum())) * LOOSE


def _counted(y: Array, scale: float, tail: float) -> Array:
    """Return the half-width of the means whose Poisson tails at the counts exceed `tail`."""
    low, high = _means(np.rint(y * scale), tail)
    half: Array = np.maximum(y - low / scale, high / scale - y)
    return half


def _means(counts: Array, tail: float) -> tuple[Array, Array]:
    """Return the least and the largest mean whose Poisson tails at the counts exceed `tail`."""
    from scipy.stats import chi2, norm

    # P(Poisson(mu) >= k) = P(chi2_2k <= 2 mu), P(Poisson(mu) <= k) = P(chi2_(2k+2) > 2 mu)
    low = np.where(counts > 0, chi2.ppf(tail, 2.0 * np.maximum(counts, 1.0)) / 2.0, 0.0)
    # scipy's lower quantile is wrong far out for many degrees: Cornish and Fisher's there
    z = norm.ppf(tail)
    low = np.where(counts > 1e5, counts + z * np.sqrt(counts) + (z * z - 1.0) / 3.0, low)
    return low, np.asarray(chi2.isf(tail, 2.0 * counts + 2.0) / 2.0)


def _of_roots(noise: Noise, y: Array) -> tuple[Array, float]:
    """Return the same for magnitudes that are roots of counted intensities."""
    m, unit = max(y.size, 1), noise.counts_per_unit
    background = np.broadcast_to(noise.background, y.shape)
    low, high = _means(np.rint(unit * (y * y + background)), noise.delta / (4 * m))
    ends = [np.sqrt(np.maximum(mean / unit - background, 0.0)) for mean in (low, high)]
    each = np.maximum(y - ends[0], ends[1] - y) * LOOSE
    total = math.sqrt(float((each**2).sum()))
    if not background.any():
        # the sum of the divergences, each beyond t with a chance of 2 exp(-t): see Noise
        grid = np.arange(1, 100) / 100.0
        shares = [(math.log(2.0 / noise.delta) + 2.0 * m * math.atanh(g)) / g for g in grid]
        total = min(total, math.sqrt(min(shares) / unit))
    return each, total * LOOSE
