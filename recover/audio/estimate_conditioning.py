"""How far the reliable samples of a segment determine the clipped ones: a label."""

from __future__ import annotations

import math
from enum import Enum

import numpy as np

from recover.core.arrays import Array

__all__ = ["Conditioning", "amplification", "label_of"]

_WELL = 2.0
_MODERATE = 10.0


class Conditioning(Enum):
    """How well a segment is determined by its reliable samples and its support.

    The values are the labels shown.
    """

    WELL = "well determined"
    MODERATE = "moderate"
    OPEN = "not determined without the prior"


def amplification(support: Array, mask: Array) -> float:
    """Return kappa, the largest ratio of a signal's norm to that of its reliable samples.

    The signals are those in the span of the given vectors of the orthonormal cosine basis
    (DCT-II).  With D their matrix and P, Q the reliable and the clipped samples,
    ``|P D c|^2 = |c|^2 - |Q D c|^2``, so ``kappa = 1 / sqrt(1 - s^2)`` for the largest singular
    value s of ``Q D``; infinite where rounding leaves nothing.

    Parameters
    ----------
    support : array of int [shape=(k,)]
        The basis vectors.
    mask : array of bool [shape=(n,)]
        The clipped samples.
    """
    n = len(mask)
    clipped = np.flatnonzero(mask)
    if len(support) == 0 or len(clipped) == 0:
        return 1.0
    cosines = np.cos(np.arange(4 * n) * (math.pi / (2 * n)))
    rows = math.sqrt(2.0 / n) * cosines[np.outer(support, 2 * clipped + 1) % (4 * n)]
    rows[support == 0] *= math.sqrt(0.5)
    gram = rows @ rows.T if len(support) <= len(clipped) else rows.T @ rows
    rest = 1.0 - float(np.linalg.eigvalsh(gram)[-1])
    return 1.0 / math.sqrt(rest) if rest > n * np.finfo(np.float64).eps else math.inf


def label_of(kappa: float) -> Conditioning:
    """Return the label: up to 2, up to 10, and above."""
    if kappa <= _WELL:
        return Conditioning.WELL
    return Conditioning.MODERATE if kappa <= _MODERATE else Conditioning.OPEN
