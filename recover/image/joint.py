"""A Bayer mosaic, declipped and completed to three colours at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recover.core.arrays import Array
from recover.image.demosaic import COLOURS, demosaic
from recover.image.model import EnergySettings, operator_of
from recover.image.slopes import SlopeSettings, pair_maps
from recover.solve.multigrid_obstacle import MultigridObstacle

__all__ = ["Completed", "JointSettings", "complete"]

_TOP = np.float32(0.985)  # interpolated samples from here on count as clipped
_ROUGH = 15.0
_MASKED = np.float32(0.99)  # samples from here on say nothing of slopes


@dataclass(frozen=True)
class JointSettings:
    """How a mosaic is completed.

    Parameters
    ----------
    energy : EnergySettings
        Its slopes' window is wide: those of a mosaic are noisy.
    rounds : int >= 1
        How often the slopes are estimated again from the completed picture.
    reach : int >= 1
        Pixels around a clipped sample in which the picture is made anew; beyond, the first
        interpolation stays.
    scope : int >= reach
        Pixels around the samples asked for in which others are recovered too, since they
        depend on each other; beyond, others count as neither known nor looked for.
    tol : float
        See `MultigridObstacle`.
    """

    energy: EnergySettings = field(
        default_factory=lambda: EnergySettings(faint=0.3, slopes=SlopeSettings(sigma=30.0))
    )
    rounds: int = 2
    reach: int = 2
    scope: int = 8
    tol: float = 5e-5


@dataclass(frozen=True, eq=False)
class Completed:
    """Three planes, each in units of its level.

    Parameters
    ----------
    planes : array [shape=(3, height, width), float32]
    first : array [shape of planes]
        The first interpolation of the clipped mosaic.
    """

    planes: Array
    first: Array


def complete(
    mosaic: Array,
    hidden: Array,
    own: Array,
    sites: Array,
    balance: Array,
    *,
    settings: JointSettings,
) -> Completed:
    """Return the picture of which the mosaic is a part, clipped samples at or above 1.

    Minimises the cross-channel energy over the samples that are clipped or were not taken.

    Parameters
    ----------
    mosaic : array [shape=(height, width), float32]
        In units of each colour's level.
    hidden : array of bool [shape of mosaic]
        The clipped samples.
    own : array of bool [shape of mosaic]
        The pixels whose clipped samples are asked for.
    sites : array of int [shape of mosaic]
        See `recover.image.demosaic.colour_sites`.
    balance : array [shape=(3,)]
        The levels in units in which a grey surface has equal values.
    settings : JointSettings
    """
    from scipy import ndimage

    scale = np.asarray(balance, dtype=np.float32)
    first = demosaic(mosaic * scale[sites], sites) / scale[:, None, None]
    taken = sites == np.arange(len(COLOURS))[:, None, None]
    square = np.ones((3, 3), dtype=bool)
    near = ndimage.binary_dilation(hidden, structure=square, iterations=settings.reach)
    scope = ndimage.binary_dilation(hidden & own, structure=square, iterations=settings.scope)
    unknown = near & scope & (~taken | hidden)
    energy = settings.energy
    lower = np.where(taken & hidden, np.float32(1.0), np.float32(0.0))
    v = energy.domain.forward(first)
    start = np.maximum(v, lower)
    top = first >= _TOP
    usable = ~ndimage.binary_dilation(
        (first >= _MASKED) | (taken & hidden), structure=np.ones((1, 3, 3), dtype=bool)
    )
    channels, height, width = first.shape
    for k in range(settings.rounds):
        # the slopes of the next round need no more than a rough picture
        rough = k + 1 < settings.rounds
        solver = MultigridObstacle(tol=settings.tol * (_ROUGH if rough else 1.0))
        maps = pair_maps(start, usable, energy.slopes)
        operator = operator_of((channels, height, width), top, maps, energy)
        solution = solver.minimise(operator, start, unknown, lower, warm=True, near=k > 0)
        start = solution.signal
        usable = np.where(scope, energy.domain.inverse(start) < _MASKED, usable)
    return Completed(energy.domain.inverse(start), first)
