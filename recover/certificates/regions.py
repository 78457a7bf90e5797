"""The connected regions of clipped samples, in coordinates that measure a sample's own change.

With D the slopes of x(v) at a centre, a small change of the values v by d is ``e = D d`` in the
signal's units.  Energies are measured per region in units of beta, the mean square of its
brightness at the centre: that of e is ``<e, A e>`` with ``A = D^-1 H D^-1 / beta``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from recover.core.arrays import Array, digest
from recover.core.eigen.blocks import Blocks
from recover.core.eigen.inverse import Drawn, probable_inverse
from recover.core.rounding import U, gamma
from recover.priors.excess import ExcessEnergy

__all__ = ["DELTA", "Regions", "drawn_inverse", "regions_of"]

DELTA, PROBES = 1e-9, 96  # of the draws that bound the entries of large regions


@dataclass(frozen=True, eq=False)
class Regions:
    """Scaled blocks of an energy.

    Parameters
    ----------
    blocks : Blocks
        Of the computed A.
    counted : array of bool [shape=(n,)]
        Which values are samples of the signal.
    slack : array [shape=(count,)]
        Bounds of the spectral norm of what rounding changed in each block.
    """

    blocks: Blocks
    counted: Array
    slack: Array

    @property
    def label(self) -> Array:
        """The region of each value."""
        return self.blocks.label

    @cached_property
    def sizes(self) -> Array:
        """Samples of the signal in each region."""
        return np.bincount(self.label[self.counted], minlength=self.blocks.count)

    def sums(self, squares: Array) -> Array:
        """Return upper bounds of the sums of nonnegative numbers over each region's samples."""
        with np.errstate(over="ignore"):
            total = np.bincount(
                self.label[self.counted],
                weights=squares[self.counted],
                minlength=self.blocks.count,
            )
        return np.asarray(total * (1.0 + gamma(2 * int(self.blocks.sizes.max()) + 16)))

    def norms(self, values: Array) -> Array:
        """Return upper bounds of the l2 norm of `values` on each region's samples."""
        return np.asarray(np.sqrt(self.sums(np.square(values))) * (1.0 + 8.0 * U))


def regions_of(prior: ExcessEnergy) -> Regions:
    """Return the regions of a prior's energy in the coordinates of this module.

    Parameters
    ----------
    prior : ExcessEnergy
        Its slopes and brightness are taken as exact.
    """
    energy, counted = prior.energy, prior.energy.counted
    label = Blocks.of(energy.matrix).label
    weight = counted.astype(np.float64)
    bright = np.bincount(label, weights=weight * np.square(prior.brightness))
    means = bright / np.maximum(np.bincount(label, weights=weight), 1.0)
    beta = np.where(means > 0.0, means, 1.0)[label]
    reach = 1.0 / (prior.slopes * np.sqrt(beta))
    held = sparse.coo_array(energy.matrix)
    row, column = held.coords
    # the product of the weights comes first: so the result is exactly symmetric
    data = held.data * (reach[row] * reach[column])
    scaled = sparse.csr_array((data, (row, column)), shape=held.shape)
    blocks = Blocks.of(scaled)
    rows = abs(blocks.matrix) @ np.ones(counted.size)
    terms = int(np.diff(blocks.matrix.indptr).max())
    slack = blocks.largest(rows) * (16.0 * U) * (1.0 + gamma(terms + 8))
    return Regions(blocks, counted, slack)


def drawn_inverse(prior: ExcessEnergy, regions: Regions, lower: Array) -> Drawn:
    """Return bounds of the inverse of A that fail with a probability of at most `DELTA`.

    Whoever issues a certificate must not choose the draws that speak for it, and whoever checks
    it must find the same ones: their seed is the digest of all that tells one prior from
    another, and their number is fixed.

    Parameters
    ----------
    prior : ExcessEnergy
    regions : Regions
        Those of the prior.
    lower : array [shape=(count,)]
        Proved lower bounds of the blocks' smallest eigenvalues; 0 where there is none.
    """
    seed = int(digest(prior.identity_parts())[:16], 16)
    return probable_inverse(
        regions.blocks,
        lower,
        regions.slack,
        regions.counted,
        probes=PROBES,
        delta=DELTA,
        seed=seed,
    )
