"""The recovery of one side of an image: normalise, solve, validate, bring back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.image.arguments import Side
from recover.image.opposed import opposed

__all__ = ["Restored", "restore"]


@dataclass(frozen=True, eq=False)
class Restored:
    """Recovered planes and how far they were trusted.

    Parameters
    ----------
    planes : array [shape=(channels, height, width)]
    shrinkage : tuple of float
        Per channel.
    blend : float
        Share of the opposed rule.
    """

    planes: Array
    shrinkage: tuple[float, ...]
    blend: float

    @staticmethod
    def nothing(planes: Array) -> Restored:
        """Return planes as they are."""
        return Restored(planes, (1.0,) * len(planes), 0.0)


def restore(planes: Array, side: Side) -> Restored:
    """Recover samples that were clipped from above."""
    level = side.level.astype(planes.dtype)
    normal = np.asarray(planes / level, dtype=np.float32)
    found = opposed(normal, side.clipped)
    out = np.where(side.clipped, np.maximum(found.astype(planes.dtype) * level, level), planes)
    return Restored(out, (1.0,) * len(planes), 1.0)
