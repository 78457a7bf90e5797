"""Other ways to fill clipped samples, on planes (channels, height, width) whose level is 1."""

from __future__ import annotations

import numpy as np

from recover.image.opposed import opposed


def rule_of_opposed(planes, clipped, balance):
    """Inpaint opposed, as darktable has it, written again in numpy."""
    return opposed(planes, clipped, balance)


def conditional_mean(planes, clipped, balance):
    """Truncated normal of the colours.

    X. Zhang, D. H. Brainard, "Estimation of saturated pixel values in digital color imaging",
    J. Opt. Soc. Am. A 21 (2004).
    """
    from scipy.stats import norm

    channels = len(planes)
    flat, hidden = planes.reshape(channels, -1).astype(float), clipped.reshape(channels, -1)
    sure = flat[:, ~hidden.any(axis=0)]
    mean = sure.mean(axis=1)
    spread = np.cov(sure) + 1e-9 * np.eye(channels)
    out = flat.copy()
    for code in range(1, 2**channels):
        member = np.array([(code >> c) & 1 for c in range(channels)], dtype=bool)
        which = (hidden == member[:, None]).all(axis=0)
        if not which.any():
            continue
        inside, rest = np.flatnonzero(member), np.flatnonzero(~member)
        gain = np.zeros((inside.size, 0))
        if rest.size:
            cross = spread[np.ix_(inside, rest)]
            gain = np.linalg.solve(spread[np.ix_(rest, rest)], cross.T).T
        centre = mean[inside, None] + gain @ (flat[np.ix_(rest, which)] - mean[rest, None])
        left = spread[np.ix_(inside, inside)] - gain @ spread[np.ix_(rest, inside)]
        deviation = np.sqrt(np.maximum(np.diag(left), 1e-12))[:, None]
        lowest = np.minimum((1.0 - centre) / deviation, 30.0)
        ratio = np.exp(norm.logpdf(lowest) - norm.logsf(lowest))
        out[np.ix_(inside, which)] = centre + deviation * ratio
    return np.maximum(out, hidden).reshape(planes.shape)


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
