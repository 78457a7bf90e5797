"""How well the model fits a picture's highest unclipped tones, from clipping it again.

Clip the picture again at a lower level t: U2 are the samples at or above it, U of them are
truly clipped and the rest, U2 without U, is known.  For the same energy, built from the
picture clipped again, the least value over U alone (the rest held at what is known) exceeds
the least value over all of U2 by as much as the known tones misfit the model, and for
independent normal misfits by the sum of their variances in the mean.  Misfits grow with the
light: per square of the known samples' brightness this is the unit of a certificate's
allowance.  An estimate: that the clipped tones behave like the highest unclipped ones is an
assumption.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen.blocks import Blocks
from recover.core.eigen.factor import factored
from recover.frames.stencil import normal_equations
from recover.image.model import EnergySettings, operator_of
from recover.image.slopes import pair_maps
from recover.priors.excess import SampleEnergy

__all__ = ["UnitEstimate", "energy_at", "estimate_unit", "growth"]

LEVELS = (0.9, 0.8, 0.7)  # the first at which there is enough to look at
FAR = 0.6  # a much lower level
ENOUGH = 30  # known samples below which nothing is estimated
MOST = 30_000  # samples of the regions that are looked at


@dataclass(frozen=True)
class UnitEstimate:
    """The mean energy of a mode of what the model does not explain.

    Parameters
    ----------
    unit : float
        For a sample as bright as the level; infinite where there was too little to look at.
    level : float
        At which the picture was clipped again, in units of its level.
    known : int
        Samples that were compared.
    """

    unit: float
    level: float
    known: int


def energy_at(
    planes: Array, clipped: Array, level: float, settings: EnergySettings
) -> SampleEnergy:
    """Return the energy of the samples at or above a level, for the picture clipped there.

    Parameters
    ----------
    planes : array [shape=(channels, height, width)]
        Values whose level is 1.
    clipped : array of bool [shape of planes]
    level : float
        1 for the picture as it is; then the energy is that of `recover.image.model.energy_of`.
    settings : EnergySettings
    """
    single = np.asarray(planes, dtype=np.float32)
    unknown = clipped if level == 1.0 else clipped | (single >= np.float32(level))
    v = settings.domain.forward(np.minimum(single, np.float32(level)) / np.float32(level))
    maps = pair_maps(v, ~unknown, settings.slopes) if len(v) > 1 else None
    channels, height, width = v.shape
    operator = operator_of((channels, height, width), unknown, maps, settings)
    made = normal_equations(operator, unknown, v.astype(np.float64))
    return SampleEnergy.symmetric(made.matrix, made.right, made.places, v.shape)


def estimate_unit(planes: Array, clipped: Array, settings: EnergySettings) -> UnitEstimate:
    """Estimate the mean excess of the energy per clipped sample.

    Parameters
    ----------
    planes, clipped, settings
        As for `energy_at`.
    """
    for level in LEVELS:
        excess, bright, count = _excess(planes, clipped, level, settings)
        if count >= ENOUGH and excess > 0.0:
            return UnitEstimate(excess / bright, level, count)
    return UnitEstimate(math.inf, LEVELS[-1], 0)


def growth(planes: Array, clipped: Array, settings: EnergySettings) -> float:
    """Return the unit at the highest level over that at a much lower one, 1 if unknown.

    Well above 1 the misfit grows faster with the light than its square, as it does for point
    sources: what is estimated below the level then says little of what lies beyond it.

    Parameters
    ----------
    planes, clipped, settings
        As for `energy_at`.
    """
    units = []
    for level in (LEVELS[0], FAR):
        excess, bright, count = _excess(planes, clipped, level, settings)
        if count < ENOUGH or excess <= 0.0:
            return 1.0
        units.append(excess / bright)
    return units[0] / units[1]


def _excess(
    planes: Array, clipped: Array, level: float, settings: EnergySettings
) -> tuple[float, float, int]:
    """Return the excess of known over free samples, their squares' sum, and their number."""
    nothing = (0.0, 0.0, 0)
    if not ((planes >= level) & ~clipped).any():
        return nothing
    energy = energy_at(planes, clipped, level, settings)
    blocks = Blocks.of(energy.matrix)
    lost = clipped.reshape(-1)[energy.places]
    known = np.bincount(blocks.label, weights=~lost) > 0
    blocks, rows = blocks.part(_some(blocks.sizes, known))
    scaled = planes.reshape(-1)[energy.places[rows]].astype(np.float64) / level
    u = settings.domain.forward(np.where(lost[rows], 1.0, scaled))
    gradient = blocks.matrix @ u - energy.right[rows]
    whole = factored(sparse.csc_array(blocks.matrix))
    if whole is None:
        return nothing
    excess = float(gradient @ whole.lu.solve(gradient))
    inner = np.flatnonzero(lost[rows])
    if inner.size:
        part = factored(sparse.csc_array(blocks.matrix[inner][:, inner]))
        if part is None:
            return nothing
        excess -= float(gradient[inner] @ part.lu.solve(gradient[inner]))
    # back to values whose level is 1
    scale = float(settings.domain.forward(np.array([level]))[0]) ** 2
    bright = scaled[~lost[rows]] * level
    return excess * scale, float(bright @ bright), bright.size


def _some(sizes: Array, usable: Array) -> Array:
    """Return usable blocks, spread evenly, that together have about `MOST` samples."""
    total = int(sizes[usable].sum())
    if total <= MOST:
        return usable
    chosen = np.zeros(sizes.size, dtype=bool)
    order = np.flatnonzero(usable)
    order = np.random.default_rng(0).permutation(order)
    chosen[order[np.cumsum(sizes[order]) <= MOST]] = True
    return chosen
