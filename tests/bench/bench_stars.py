"""Fluxes of saturated stars: `pytest -s tests/bench/bench_stars.py`.

RECOVER_BENCH_IMAGE names a folder with star fields (NPZ files with a grey ``image``, as m13);
the brightest samples are clipped at the stated quantile.  The error of a star is that of the
magnitude of its clipped component, ``2.5 log10`` of the ratio of the fluxes in it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from recover.image import declip, recover_stars

FOLDER = os.environ.get("RECOVER_BENCH_IMAGE", "")
FIELDS = sorted(Path(FOLDER).glob("m13*.npz")) if FOLDER else []
MOST = 0.08  # magnitudes, median, at the larger quantile


def errors(found: np.ndarray, truth: np.ndarray, clipped: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(clipped, np.ones((3, 3)))
    places = np.arange(1, count + 1)
    ratio = ndimage.sum(found, labels, places) / ndimage.sum(truth, labels, places)
    return np.abs(2.5 * np.log10(ratio))


@pytest.mark.skipif(not FIELDS, reason="RECOVER_BENCH_IMAGE names no star field")
@pytest.mark.parametrize("quantile", [98.0, 99.5])
def test_magnitudes(quantile: float) -> None:
    for path in FIELDS:
        truth = np.load(path)["image"].astype(np.float64)
        level = float(np.percentile(truth, quantile))
        seen = np.minimum(truth, level)
        clipped = truth >= level
        start = time.process_time()
        field = recover_stars(seen, clipped, level)
        spent = time.process_time() - start
        general = declip(seen, high=level, certify=False).image
        rows = {
            "clipped": seen,
            "declip": general,
            "recover_stars": field.image,
        }
        for name, picture in rows.items():
            off = errors(picture, truth, clipped)
            print(
                f"\n{path.stem} {quantile:g} % {name:>14}: {off.size} stars, median "
                f"{np.median(off):.3f} mag, rms {np.sqrt(np.mean(off**2)):.3f}",
                end="",
            )
        print(f"; {spent:.1f} CPU s for {truth.size / 1e6:.2f} MP")
        if quantile > 99.0:
            assert np.median(errors(general, truth, clipped)) <= MOST
