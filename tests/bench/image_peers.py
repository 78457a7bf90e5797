"""Other ways to fill clipped samples, on planes (channels, height, width) whose level is 1."""

from __future__ import annotations

import numpy as np

from recover.image.conditional import ColourStatistics, conditional_means
from recover.image.opposed import opposed
from recover.image.patches import smooth_patches


def rule_of_opposed(planes, clipped, balance):
    """Inpaint opposed, as darktable has it, written again in numpy."""
    return opposed(planes, clipped, balance)


def conditional_mean(planes, clipped, balance):
    """Truncated normal of the colours, by itself: Zhang and Brainard 2004."""
    statistics = ColourStatistics.of(planes, ~clipped)
    return conditional_means(planes, clipped, statistics)


def patches(planes, clipped, balance):
    """SPADE on patches of each channel."""
    return smooth_patches(planes, clipped)


def oracle_constant(planes, clipped, truth):
    """Each channel's true mean excess: an anchor that no method could know."""
    out = planes.astype(float).copy()
    for c in range(len(planes)):
        if clipped[c].any():
            out[c][clipped[c]] = truth[c][clipped[c]].mean()
    return out


def biharmonic(planes, clipped, balance):
    """scikit-image's inpainting, moved to the level where it falls short."""
    from skimage.restoration import inpaint_biharmonic

    found = [
        inpaint_biharmonic(p.astype(float), np.ascontiguousarray(m)) if m.any() else p
        for p, m in zip(planes, clipped, strict=True)
    ]
    return np.where(clipped, np.maximum(found, 1.0), planes)


def navier_stokes(planes, clipped, balance):
    """OpenCV's inpainting of single channels, moved to the level where it falls short."""
    import cv2

    found = [
        cv2.inpaint(p.astype(np.float32), m.astype(np.uint8), 3, cv2.INPAINT_NS)
        for p, m in zip(planes, clipped, strict=True)
    ]
    return np.where(clipped, np.maximum(found, 1.0), planes)
