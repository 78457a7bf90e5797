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
from typing import NamedTuple

import numpy as np
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen.blocks import Blocks
from recover.frames.stencil import NormalEquations, normal_equations
from recover.image.model import EnergySettings, operator_of
from recover.image.slopes import pair_maps

__all__ = ["LEVELS", "Misfit", "UnitEstimate", "energy_at", "estimate_unit", "growth", "misfit"]

LEVELS = (0.9, 0.8, 0.7)  # the first at which there is enough to look at
FAR = 0.6  # a much lower level
ENOUGH = 30  # known samples below which nothing is estimated
MOST = 10_000  # values of the regions that are looked at


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


class Misfit(NamedTuple):
    """What known samples cost the model, the sum of their squares, and their number."""

    excess: float
    bright: float
    known: int


NOTHING = Misfit(0.0, 0.0, 0)


def energy_at(
    planes: Array, clipped: Array, level: float, settings: EnergySettings
) -> NormalEquations:
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
    return normal_equations(operator, unknown, v.astype(np.float64))


def estimate_unit(planes: Array, clipped: Array, settings: EnergySettings) -> UnitEstimate:
    """Estimate the mean excess of the energy per clipped sample.

    Parameters
    ----------
    planes, clipped, settings
        As for `energy_at`.
    """
    for level in LEVELS:
        found = _picture(planes, clipped, level, settings)
        if found.known >= ENOUGH and found.excess > 0.0:
            return UnitEstimate(found.excess / found.bright, level, found.known)
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
        found = _picture(planes, clipped, level, settings)
        if found.known < ENOUGH or found.excess <= 0.0:
            return 1.0
        units.append(found.excess / found.bright)
    return units[0] / units[1]


def _picture(planes: Array, clipped: Array, level: float, settings: EnergySettings) -> Misfit:
    if not ((planes >= level) & ~clipped).any():
        return NOTHING
    made = energy_at(planes, clipped, level, settings)
    lost = clipped.reshape(-1)[made.places]
    scaled = planes.reshape(-1)[made.places].astype(np.float64) / level
    u = settings.domain.forward(np.where(lost, 1.0, scaled))
    found = misfit(made, u, lost, scaled * level)
    # back to values whose level is 1
    scale = float(settings.domain.forward(np.array([level]))[0]) ** 2
    return found._replace(excess=found.excess * scale)


def misfit(made: NormalEquations, u: Array, lost: Array, bright: Array) -> Misfit:
    """Return what holding known samples at their values costs the model.

    Parameters
    ----------
    made : NormalEquations
        The energy of the n samples that were clipped again.
    u : array [shape=(n,)]
        Their values in the model; any where they are not known.
    lost : array of bool [shape=(n,)]
        Which are not known.
    bright : array [shape=(n,)]
        Their brightness, 1 at the level of the picture.
    """
    matrix = sparse.csr_array((made.matrix + sparse.csr_array(made.matrix.T)) * 0.5)
    blocks = Blocks.of(matrix.astype(np.float64))
    known = np.bincount(blocks.label, weights=~lost) > 0
    if not known.any():
        return NOTHING
    blocks, rows = blocks.part(_some(blocks.sizes, known))
    gradient = blocks.matrix @ u[rows] - made.right[rows]
    excess = _quadratic(blocks.matrix, gradient)
    inner = np.flatnonzero(lost[rows])
    if inner.size:
        excess -= _quadratic(blocks.matrix[inner][:, inner], gradient[inner])
    seen = bright[rows][~lost[rows]]
    if not math.isfinite(excess):
        return NOTHING
    return Misfit(excess, float(seen @ seen), seen.size)


def _quadratic(matrix: sparse.csr_array, g: Array) -> float:
    """Return ``<g, A^-1 g>`` as computed; not a number if A is singular."""
    from scipy.sparse.linalg import splu

    try:
        factors = splu(
            sparse.csc_array(matrix),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:
        return math.nan
    return float(g @ factors.solve(g))


def _some(sizes: Array, usable: Array) -> Array:
    """Return usable blocks, chosen evenly, that together have about `MOST` values."""
    total = int(sizes[usable].sum())
    if total <= MOST:
        return usable
    chosen = np.zeros(sizes.size, dtype=bool)
    order = np.random.default_rng(0).permutation(np.flatnonzero(usable))
    before = np.cumsum(sizes[order]) - sizes[order]
    chosen[order[before < MOST]] = True
    return chosen
