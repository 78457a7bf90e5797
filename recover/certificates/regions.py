"""The connected regions of clipped samples, in coordinates that measure a sample's own change.

With D the slopes of x(v) at a centre and ``w = 1 / D``, a change d of v is ``|D d|`` in the
signal's units to first order.  Energies are measured per region in units of beta, the mean
square of its brightness at the centre: that of d is ``<D d, A D d>`` with ``A = W H W / beta``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen.blocks import Blocks
from recover.core.rounding import U, gamma
from recover.priors.excess import SampleEnergy

__all__ = ["STEPS", "Ladder", "Regions", "gradient_bounds", "ladder_of", "regions_of"]

STEPS = 4.0 ** np.arange(-9.0, 2.0)  # the values at which eigenvalues are counted
MANY = 10_000  # samples of a region from which every other value is left out


@dataclass(frozen=True, eq=False)
class Regions:
    """Scaled blocks of an energy.

    Parameters
    ----------
    blocks : Blocks
        Of the computed ``W H W / beta``.
    weights : array [shape=(n,), > 0]
        w, taken as exact.
    beta : array [shape=(n,), > 0]
        Of each sample's region, taken as exact.
    slack : array [shape=(count,)]
        Bounds of the spectral norm of what rounding changed in each block.
    """

    blocks: Blocks
    weights: Array
    beta: Array
    slack: Array

    @property
    def label(self) -> Array:
        """The region of each sample."""
        return self.blocks.label

    @property
    def sizes(self) -> Array:
        """Samples of each region."""
        return self.blocks.sizes

    def norms(self, values: Array) -> Array:
        """Return upper bounds of the l2 norm of `values` on each region."""
        with np.errstate(over="ignore"):
            squares = np.bincount(
                self.label, weights=np.square(values), minlength=self.blocks.count
            )
        return np.asarray(np.sqrt(squares) * (1.0 + gamma(2 * self.sizes.max() + 16)))

    def largest(self, values: Array) -> Array:
        """Return the largest value on each region."""
        return self.blocks.largest(values)


def regions_of(energy: SampleEnergy, weights: Array, brightness: Array) -> Regions:
    """Return the regions of an energy in the coordinates of this module.

    Parameters
    ----------
    energy : SampleEnergy
    weights : array [shape=(n,), > 0]
        w.
    brightness : array [shape=(n,), >= 0]
        Of each sample at the centre, 1 at the level.
    """
    label = Blocks.of(energy.matrix).label
    means = np.bincount(label, weights=np.square(brightness)) / np.bincount(label)
    beta = np.where(means > 0.0, means, 1.0)[label]
    reach = weights / np.sqrt(beta)
    held = sparse.coo_array(energy.matrix)
    row, column = held.coords
    # the product of the weights comes first: so the result is exactly symmetric
    data = held.data * (reach[row] * reach[column])
    scaled = sparse.csr_array((data, (row, column)), shape=held.shape)
    blocks = Blocks.of(scaled)
    rows = abs(blocks.matrix) @ np.ones(weights.size)
    terms = int(np.diff(blocks.matrix.indptr).max())
    slack = blocks.largest(rows) * (16.0 * U) * (1.0 + gamma(terms + 8))
    return Regions(blocks, weights, beta, slack)


def gradient_bounds(energy: SampleEnergy, z: Array, floor: Array) -> Array:
    """Return bounds of the moduli of the gradient that an admissible step can follow.

    From where z is at the floor only upwards, so that only a negative entry counts there.
    """
    gradient = energy.gradient(z)
    terms = int(np.diff(energy.matrix.indptr).max()) + 4
    size = abs(energy.matrix) @ np.abs(z) + np.abs(energy.right)
    error = size * (gamma(terms) * (1.0 + gamma(terms + 8)))
    held = z <= floor
    followed = np.where(held, np.maximum(-gradient, 0.0), np.abs(gradient))
    # where only downhill counts, an entry that is surely positive is no slope at all
    surely = held & (gradient > error)
    return np.where(surely, 0.0, (followed + error) * (1.0 + 4.0 * U)) + math.ulp(0.0)


@dataclass(frozen=True, eq=False)
class Ladder:
    """How many modes of each region have which eigenvalues, from counting at a few values.

    If the m softest modes hold at most ``m + extra`` units of energy for every m, then for
    weights ``g_1 >= g_2 >= ... >= 0`` of the modes, softest first, summation by parts gives
    ``sum g_k e_k = sum (g_m - g_(m+1)) (e_1 + ... + e_m) <= extra g_1 + sum g_k``.

    Parameters
    ----------
    rungs : array [shape=(regions, steps + 1)]
        Lower bounds of the eigenvalues of each group of modes, ascending.
    groups : array of int [shape=(regions, steps + 1)]
        Number of modes in each group; moving modes to an earlier group only raises a bound.
    """

    rungs: Array
    groups: Array

    @property
    def whole(self) -> Ladder:
        """All regions as one."""
        lowest = np.concatenate([[0.0], STEPS])
        rungs = np.maximum(lowest, self.rungs.min())
        return Ladder(rungs[None], self.groups.sum(axis=0)[None])

    def spread(self, extra: float) -> Array:
        """Return bounds of ``sum e_k / lambda_k`` in units, per region."""
        # empty groups do not count, also not for the softest mode
        first = np.argmax(self.groups > 0, axis=1)
        softest = np.take_along_axis(self.rungs, first[:, None], axis=1)[:, 0]
        with np.errstate(divide="ignore"):
            rates = np.where(self.groups > 0, self.groups / self.rungs, 0.0)
            total = extra / softest + rates.sum(axis=1)
        return np.asarray(total * (1.0 + gamma(64)))

    def effective(self, tau: float, extra: float) -> Array:
        """Return bounds of ``sum e_k tau / (tau + lambda_k)`` in units, per region."""
        shares = tau / (tau + self.rungs) if tau < math.inf else np.ones(self.rungs.shape)
        total = extra + (self.groups * shares).sum(axis=1)
        return np.asarray(total * (1.0 + gamma(64)))


def ladder_of(regions: Regions, smallest: Array) -> Ladder:
    """Count the eigenvalues of every region.

    Parameters
    ----------
    regions : Regions
    smallest : array [shape=(count,)]
        Proved lower bounds of the smallest eigenvalues; 0 where there is none, and then
        nothing is counted.
    """
    sizes = regions.sizes
    below = np.repeat(sizes[:, None], STEPS.size + 2, axis=1)
    below[:, 0] = 0
    for k, step in enumerate(STEPS):
        none = (smallest > 0.0) & (smallest >= step)
        below[none, k + 1] = 0
        asked = (smallest > 0.0) & ~none & ((sizes <= MANY) | (k % 2 == 0))
        if asked.any():
            part, _ = regions.blocks.part(asked)
            below[asked, k + 1] = part.counts(float(step), regions.slack[asked])
    # no more lie below a step than below the next one
    below = np.minimum.accumulate(below[:, ::-1], axis=1)[:, ::-1]
    rungs = np.maximum(np.concatenate([[0.0], STEPS]), smallest[:, None])
    return Ladder(rungs, np.diff(below, axis=1))
