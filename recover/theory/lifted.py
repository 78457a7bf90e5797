"""Fully lifted random duality at any level: the functional on a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import log_ndtr

from recover.core.arrays import Array

__all__ = ["Lifting", "energies"]

REACH = 9.0  # the normal distribution beyond it has mass 2e-19
FINEST = 1e-3  # grids below this spacing are never needed up to level 8


@dataclass(frozen=True)
class Lifting:
    """Lifting parameters of level ``r = k + 1``.

    Parameters
    ----------
    chi : float > 0
        Scaled susceptibility; plain random duality has ``chi = c^2 / 2``.
    overlaps : tuple of k floats
        ``0 < q_0 < ... < q_(k-1) < 1``.
    tilts : tuple of k floats
        ``0 < m_0 < ... < m_(k-1)``.
    """

    chi: float
    overlaps: tuple[float, ...]
    tilts: tuple[float, ...]

    @property
    def steps(self) -> tuple[float, ...]:
        """The standard deviations ``sqrt(q_(j+1) - q_j)``, ``q_k = 1``."""
        ends = (*self.overlaps, 1.0)
        return tuple(math.sqrt(b - a) for a, b in pairwise(ends))

    def spacing(self, resolution: float) -> float:
        """Return the grid spacing with `resolution` points in the narrowest feature."""
        wide = math.sqrt(self.overlaps[0])
        return max(min(*self.steps, wide) / resolution, FINEST)


def energies(lifting: Lifting, spacing: float) -> tuple[float, float]:
    """Return the sphere term S and the loss term Phi of the lifted functional.

    With ``lam_k = chi``, ``lam_j = lam_(j+1) + m_j (q_(j+1) - q_j)``,
    ``S = (1/2) [q_0 / lam_0 + sum_j (1/m_j) log(lam_j / lam_(j+1))]``, and
    ``g_(j-1)(h) = (1/m_(j-1)) log E exp(m_(j-1) g_j(h + sqrt(q_j - q_(j-1)) z))``,
    ``Phi = -E g_0(sqrt(q_0) z)``.  The capacity is the smallest ``(required + S) / Phi``, the
    least energy the largest ``alpha Phi - S``: one stationary point in all parameters alike.

    The Gaussian averages are trapezoid sums on one uniform grid, which converge like
    ``exp(-2 pi^2 (width / spacing)^2)``; Gauss-Hermite rules are wrong here, the functions
    being flat but for features of width ``sqrt(1 - q_(k-1))``.  Beyond the grid the functions
    are constant to rounding.

    Parameters
    ----------
    lifting : Lifting
        The parameters.
    spacing : float > 0
        Grid spacing; the standard deviations of the averages are its natural unit.

    References
    ----------
    .. [1] M. Stojnic, "Injectivity capacity of ReLU gates", arXiv 2410.20646 (2024).
    .. [2] A. Maillard, A. S. Bandeira, D. Belius, I. Dokmanic, S. Nakajima, "Injectivity of
       ReLU networks: perspectives from statistical physics", arXiv 2302.14112 (2023).
    """
    chi, q, m = lifting.chi, lifting.overlaps, lifting.tilts
    steps = lifting.steps
    lam, sphere = chi, 0.0
    for tilt, step in zip(reversed(m), reversed(steps), strict=True):
        larger = lam + tilt * step * step
        sphere += math.log(larger / lam) / tilt
        lam = larger
    sphere = 0.5 * (sphere + q[0] / lam)
    h = _grid(math.sqrt(2.0 * chi), spacing)
    g = _innermost(h, chi, steps[-1], m[-1]) / m[-1]
    for tilt, step in zip(reversed(m[:-1]), reversed(steps[:-1]), strict=True):
        g = np.log(_average(np.exp(tilt * g), step / spacing)) / tilt
    weights = np.exp(-0.5 * h * h / q[0])
    return sphere, -float(weights @ g / weights.sum())


def _grid(cut: float, spacing: float) -> Array:
    below, above = math.ceil(REACH / spacing), math.ceil((REACH + cut) / spacing)
    return np.arange(-below, above + 1) * spacing


def _average(values: Array, deviation: float) -> Array:
    """Return the average over a normal shift of `deviation` grid steps, constant beyond."""
    reach = math.ceil(REACH * deviation)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    padded = np.concatenate([np.full(reach, values[0]), values, np.full(reach, values[-1])])
    averaged: Array = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return averaged


def _innermost(h: Array, chi: float, step: float, tilt: float) -> Array:
    """Return ``log E exp(-tilt min(1, t_+^2 / 2 chi))``, ``t = h + step z``, in closed form."""
    cut = math.sqrt(2.0 * chi)
    lam = chi + tilt * step * step
    centre = h * (chi / lam)
    narrow = step * math.sqrt(chi / lam)
    low, high = -centre / narrow, (cut - centre) / narrow
    # the difference of two tails is taken on the side where both are small
    flip = low + high > 0.0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    larger = log_ndtr(high)
    with np.errstate(divide="ignore"):  # an empty middle has the logarithm -inf
        middle = larger + np.log1p(-np.exp(log_ndtr(low) - larger))
    middle += 0.5 * math.log(chi / lam) - tilt * h * h / (2.0 * lam)
    negative = log_ndtr(-h / step)
    beyond = log_ndtr((h - cut) / step) - tilt
    total: Array = np.logaddexp(np.logaddexp(negative, beyond), middle)
    return total
