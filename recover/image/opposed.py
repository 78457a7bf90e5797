"""The rule of opposed channels: a fast reference for highlights, and a candidate of its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array

__all__ = ["opposed"]

_FLOOR = 0.2  # of the level: darker samples say nothing of a highlight's colour
_RING = 9  # pixels around what is clipped from which the chrominance is taken
_LEAST = 30  # samples below which no chrominance is taken

Single = npt.NDArray[np.float32]


def opposed(planes: Single, clipped: Array) -> Single:
    """Return the planes with every clipped sample rebuilt from the other channels.

    A channel's reference is ``((mean of the others' cube roots))^3``; its chrominance is the
    mean difference from it over unclipped samples around what is clipped.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), float32]
        Linear, the level of each channel 1.
    clipped : array of bool [shape of planes]

    Returns
    -------
    array [shape of planes]
        At least 1 where clipped, unchanged elsewhere.

    References
    ----------
    .. [1] darktable 4.2, "inpaint opposed" (H. Schwinn), src/iop/hlreconstruct/opposed.c.
    """
    from scipy import ndimage

    channels = len(planes)
    out = planes.copy()
    if channels == 1:
        return out
    roots = np.cbrt(
        ndimage.uniform_filter(np.maximum(planes, 0.0), size=(0, 3, 3), mode="nearest")
    )
    total = roots.sum(axis=0)
    anywhere = np.asarray(clipped.any(axis=0), dtype=np.bool_)
    ring = ndimage.binary_dilation(anywhere, iterations=_RING)
    for c in range(channels):
        where = clipped[c]
        if not where.any():
            continue
        reference = ((total - roots[c]) / np.float32(channels - 1)) ** 3
        near = ring & ~where & (planes[c] > _FLOOR)
        chroma = np.float32(0.0)
        if np.count_nonzero(near) > _LEAST:
            chroma = np.mean(planes[c][near] - reference[near], dtype=np.float64)
        out[c][where] = np.maximum(reference[where] + np.float32(chroma), 1.0)
    return out
