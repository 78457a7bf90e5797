"""Clip-level detection in images: what is found, what is missed, and false alarms.

Not collected by default: `pytest -s tests/bench/bench_image_levels.py`.  The pictures are
those (`*.npz`, key `image`) of the folder named by RECOVER_BENCH_IMAGE, unclipped, or the
bundled one.  A level counts as found within 2 %; channels with fewer than 30 clipped samples
are left out.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recover.image import detect_levels
from recover.io import bundled
from recover.io.image_read import read_image

QUANTILES = (80, 85, 90, 95, 98, 99, 99.5)
FOUND = {"exact": 0.97, "noise": 0.97, "8 bit": 0.95, "16 bit": 0.97, "raw": 0.9,
         "JPEG 95": 0.75, "JPEG 90": 0.75}  # fmt: skip


def pictures() -> list[tuple[str, np.ndarray]]:
    folder = os.environ.get("RECOVER_BENCH_IMAGE")
    if not folder:
        image = read_image(bundled("image/courtyard.exr")).pixels.astype(np.float32)
        return [("courtyard", image)]
    found = []
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path) as data:
            image = data["image"].astype(np.float32)
        found.append((path.stem, image if image.ndim == 3 else image[..., None]))
    return found


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image if image.shape[-1] == 3 else image[..., 0]).save(
        buffer, "JPEG", quality=quality
    )
    return np.asarray(Image.open(buffer)).reshape(image.shape)


def measured(image: np.ndarray, level: float, kind: str) -> tuple[np.ndarray, float]:
    """Return the clipped picture as a file of that kind holds it, and where its level is."""
    rng = np.random.default_rng(1)
    y = image
    if kind in ("noise", "raw"):
        y = y + 0.01 * level * rng.standard_normal(y.shape)
    y = np.minimum(y, level)
    if kind == "raw":  # the read-out scatters below the white level
        scatter = level - np.abs(0.003 * level * rng.standard_normal(y.shape))
        return np.rint(np.where(y >= level, scatter, y) / level * 15000), 15000.0
    if kind == "16 bit":
        return np.rint(np.maximum(y, 0) / level * 60000).astype(np.uint16), 60000.0
    if kind in ("exact", "noise"):
        return y, level
    gamma = 1.0 if image.max() <= 1.0 else 1 / 2.2
    top = 235 if kind == "8 bit" else 255
    eight = np.rint((np.maximum(y, 0) / level) ** gamma * top).astype(np.uint8)
    return (eight if kind == "8 bit" else jpeg(eight, int(kind[5:]))), float(top)


@pytest.mark.parametrize("kind", list(FOUND))
def test_levels_are_found(kind):
    found = total = 0
    for _, image in pictures():
        weights = np.array([0.2126, 0.7152, 0.0722]) if image.shape[-1] == 3 else np.ones(1)
        for quantile in QUANTILES:
            level = float(np.percentile(image @ weights, quantile))
            y, top = measured(image, level, kind)
            for c, each in enumerate(detect_levels(y, -1)):
                if np.count_nonzero(image[..., c] >= level) < 30:
                    continue
                total += 1
                found += each.high is not None and abs(each.high - top) <= 0.02 * top
    print(f"\n{kind:<8} {found} of {total} levels found")
    assert found >= FOUND[kind] * total


def test_false_alarms():
    alarms = total = 0
    for name, image in pictures():
        full = image.max() <= 1.0  # an 8-bit photograph may really be clipped at its full scale
        noise = 0.01 * np.percentile(image, 95)
        noisy = image + noise * np.random.default_rng(0).standard_normal(image.shape)
        eight = np.rint((np.maximum(image, 0) / image.max()) ** (1 / 2.2) * 250)
        cases = [image, noisy] if full else [image, noisy, jpeg(eight.astype(np.uint8), 95)]
        for case in cases:
            for c, each in enumerate(detect_levels(case, -1)):
                real = full and np.count_nonzero(image[..., c] >= 1.0) > 8
                total += 1
                if (each.high is not None or each.low is not None) and not real:
                    alarms += 1
                    print(f"\nalarm: {name}, channel {c + 1}: {each}")
    print(f"\n{alarms} false alarms in {total} channels")
    assert alarms == 0
