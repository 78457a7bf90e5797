"""The connected regions of clipped samples, in coordinates that measure a sample's own change.

With D the slopes of x(v) at a centre and ``w = 1 / D``, a change d of v is ``|D d|`` in the
signal's units to first order.  The energy of d is that of ``A = W H W`` at ``D d``.
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

__all__ = ["Regions", "gradient_bounds", "regions_of"]


@dataclass(frozen=True, eq=False)
class Regions:
    """Scaled blocks of an energy.

    Parameters
    ----------
    blocks : Blocks
        Of the computed ``W H W``.
    weights : array [shape=(n,), > 0]
        w, taken as exact.
    slack : array [shape=(count,)]
        Bounds of the spectral norm of what rounding changed in each block.
    """

    blocks: Blocks
    weights: Array
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


def regions_of(energy: SampleEnergy, weights: Array) -> Regions:
    """Return the regions of an energy in coordinates scaled by `weights`."""
    held = sparse.coo_array(energy.matrix)
    row, column = held.coords
    # the product of the weights comes first: so the result is exactly symmetric
    data = held.data * (weights[row] * weights[column])
    scaled = sparse.csr_array((data, (row, column)), shape=held.shape)
    blocks = Blocks.of(scaled)
    rows = abs(blocks.matrix) @ np.ones(weights.size)
    terms = int(np.diff(blocks.matrix.indptr).max())
    slack = blocks.largest(rows) * (4.0 * U) * (1.0 + gamma(terms + 8))
    return Regions(blocks, weights, slack)


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
