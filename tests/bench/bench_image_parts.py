"""Certificates of parts of images: how often what they rest on holds where nothing was tuned.

Not collected by default: `pytest -s tests/bench/bench_image_parts.py`, with tests/bench on
PYTHONPATH.  The allowances were chosen on six whole images at half resolution; these are random
parts of the images of `bench_image` at full resolution, in colour or grey, each channel clipped
at the same percentile.  A certificate is about what satisfies its hypothesis, an estimate made
from the picture; what is counted is how often the true error is within the bound.
"""

from __future__ import annotations

import numpy as np
import pytest
from bench_image import images

from recover.image import declip

SIZES = (32, 64, 128)
PER_IMAGE = 20
PERCENTILES = (90, 95, 98)


def part_of(image, size, k, rng):
    """Return a part of an image and the levels at which it is to be clipped."""
    row, column = (int(rng.integers(0, n - size)) for n in image.shape[:2])
    part = image[row : row + size, column : column + size]
    percentile = rng.choice(PERCENTILES)
    if k % 3 == 0:
        return part[..., 1], np.percentile(part[..., 1], percentile)
    return part, np.percentile(part, percentile, axis=(0, 1))


@pytest.mark.parametrize("size", SIZES)
def test_certificates_of_parts(size):
    rng = np.random.default_rng(1)
    ratios, silent = [], 0
    for _, image in images(axes=3):
        for k in range(PER_IMAGE):
            truth, levels = part_of(image, size, k, rng)
            axis = -1 if truth.ndim == 3 else None
            found = declip(np.minimum(truth, levels), high=levels, channel_axis=axis)
            if np.isfinite(found.error_bound):
                ratios.append(float(np.linalg.norm(found.image - truth)) / found.error_bound)
            else:
                silent += 1
    covered = sum(ratio <= 1.0 for ratio in ratios)
    print(
        f"\n{size} x {size}: {covered} of {len(ratios)} errors within their bound, the worst "
        f"{max(ratios):.1f} times it, the median {np.median(ratios):.2f}; no bound for {silent}"
    )
    assert covered >= 0.85 * len(ratios)
