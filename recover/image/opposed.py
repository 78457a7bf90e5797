"""The rule of opposed channels: a fast reference for highlights, and a candidate of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array

__all__ = ["OpposedPart", "chrominance", "opposed", "opposed_part"]

_FLOOR = 0.2  # of the level: darker samples say nothing of a highlight's colour
_RING = 3  # pixels around what is clipped from which the chrominance is taken
_LEAST = 30  # samples below which no chrominance is taken

Single = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OpposedPart:
    """The rule on a part of an image, before the chrominance of the whole is known.

    Parameters
    ----------
    reference : array [shape=(channels, height, width)]
        What the other channels say, each plane's level 1; meaningful where clipped.
    sums, counts : array [shape=(channels,)]
        Of the differences from it around what is clipped.
    """

    reference: Array
    sums: Array
    counts: Array


def opposed_part(planes: Single, clipped: Array, balance: Array) -> OpposedPart:
    """Return references for the clipped samples and sums for the chrominance.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), float32]
        Linear, the level of each channel 1.
    clipped : array of bool [shape of planes]
    balance : array [shape=(channels,)]
        The levels in units in which a grey surface has equal values (the picture's own).

    References
    ----------
    .. [1] darktable 4.2, "inpaint opposed" (H. Schwinn), src/iop/hlreconstruct/opposed.c.
    """
    from scipy import ndimage

    channels = len(planes)
    scale = np.asarray(balance, dtype=np.float32)[:, None, None]
    scene = planes * scale
    roots = np.cbrt(np.maximum(scene, np.float32(0.0)))
    total = roots.sum(axis=0)
    reference = np.empty_like(planes)
    sums, counts = np.zeros(channels), np.zeros(channels)
    for c in range(channels):
        plain = ((total - roots[c]) / np.float32(max(channels - 1, 1))) ** 3
        reference[c] = plain / scale[c]
        if not clipped[c].any():
            continue
        ring = ndimage.binary_dilation(clipped[c], iterations=_RING)
        near = ring & ~clipped[c] & (planes[c] > _FLOOR)
        sums[c] = float((planes[c] - reference[c])[near].sum(dtype=np.float64))
        counts[c] = float(np.count_nonzero(near))
    return OpposedPart(reference, sums, counts)


def chrominance(sums: Array, counts: Array) -> Array:
    """Return each channel's mean difference from its reference, 0 where too little is known."""
    return np.where(counts > _LEAST, sums / np.maximum(counts, 1.0), 0.0)


def opposed(planes: Single, clipped: Array, balance: Array) -> Single:
    """Return the planes with every clipped sample rebuilt from the other channels.

    A channel's reference is ``(mean of the others' cube roots)^3``; its chrominance is the mean
    difference from it over unclipped samples around what is clipped.

    Parameters
    ----------
    planes, clipped, balance
        See `opposed_part`.

    Returns
    -------
    array [shape of planes]
        At least 1 where clipped, unchanged elsewhere.
    """
    if len(planes) == 1:
        return np.where(clipped, np.float32(1.0), planes)
    part = opposed_part(planes, clipped, balance)
    chroma = chrominance(part.sums, part.counts).astype(np.float32)[:, None, None]
    return np.where(clipped, np.maximum(part.reference + chroma, np.float32(1.0)), planes)
