"""Image declipping: decibels gained inside the clipped samples, and CPU time, beside peers.

Not collected by default: `pytest -s tests/bench/bench_image.py`.  Set OMP_NUM_THREADS=1.  The
images are those of the folder named by RECOVER_BENCH_IMAGE (NPZ files with the key `image`;
colour ones have three axes), or the bundled ones.  Each is reduced to half its resolution,
clipped at a percentile of its luminance (unit white balance) or so that the channels clip at
2.0, 1.0 and 1.6 of one level (that of cameras), and compared in units of each channel's level:
``G = 20 log10(|clipped - x| / |recovered - x|)``.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import time
from pathlib import Path

import numpy as np
import pytest
from image_peers import (
    biharmonic,
    conditional_mean,
    navier_stokes,
    oracle_constant,
    patches,
    rule_of_opposed,
)
from raw_peers import developed, mosaic_of, write_mosaic

from recover.image import declip, declip_raw
from recover.io import bundled

CAMERA = np.array([2.0, 1.0, 1.6])
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
SIX = 6  # the bars below were set on six colour images
PEERS = {
    "opposed": rule_of_opposed,
    "Zhang 2004": conditional_mean,
    "SPADE on patches": patches,
    "skimage biharmonic": biharmonic,
}
if importlib.util.find_spec("cv2") is not None:
    PEERS["OpenCV NS"] = navier_stokes


def images(axes):
    folder = os.environ.get("RECOVER_BENCH_IMAGE")
    paths = sorted(Path(folder).glob("*.npz")) if folder else _bundled()
    for path in paths:
        with np.load(path) as data:
            image = data["image"].astype(float)
        if image.ndim == axes:
            yield path.stem, image


def _bundled():
    return sorted(Path(bundled("image/LICENCES.md")).parent.glob("*.npz"))


def half(image):
    rows, columns = (2 * (n // 2) for n in image.shape[:2])
    cut = image[:rows, :columns]
    return (cut[::2, ::2] + cut[1::2, ::2] + cut[::2, 1::2] + cut[1::2, 1::2]) / 4.0


def colour_case(image, percentile, camera):
    """Return planes whose level is 1, which are clipped, and the levels."""
    if camera:
        levels = np.percentile((image / CAMERA).max(axis=-1), percentile) * CAMERA
    else:
        levels = np.full(3, np.percentile(image @ LUMINANCE, percentile))
    truth = np.moveaxis(image / levels, -1, 0).astype(np.float32)
    return truth, truth >= 1.0, levels


def gain(truth, clipped, found, hidden):
    left = np.linalg.norm((found - truth)[hidden])
    return 20.0 * np.log10(np.linalg.norm((clipped - truth)[hidden]) / left)


def ours(planes, levels):
    scaled = np.moveaxis(planes * levels[:, None, None], 0, -1)
    result = declip(scaled, high=levels, channel_axis=-1, certify=False)
    assert (result.image[~result.recovered] == scaled[~result.recovered]).all()
    assert (result.image >= np.where(result.recovered, levels, -np.inf)).all()
    return np.moveaxis(result.image / levels, -1, 0)


def table(title, rows):
    print(f"\n{title}")
    for name, values in rows.items():
        if values:
            print(f"  {name:20s} mean {np.mean(values):6.2f}  worst {min(values):6.2f} dB")


@pytest.mark.parametrize(
    ("camera", "percentiles", "noise", "mean", "worst"),
    [
        (True, (90, 95, 98), 0.0, 16.0, 5.0),
        (False, (90, 95, 98), 0.0, 6.3, 0.0),
        (True, (85, 92.5, 97, 99), 0.0, 14.0, 0.0),
        (False, (85, 92.5, 97, 99), 0.0, 5.8, 0.0),
        (True, (90, 95, 98), 0.01, 13.8, 5.0),
        (False, (90, 95, 98), 0.01, 6.0, 0.0),
    ],
)
def test_colour(camera, percentiles, noise, mean, worst):
    found = {"recover": [], "oracle constant": [], **{name: [] for name in PEERS}}
    found["clean, then noise"] = []
    spent, pixels, rng = 0.0, 0, np.random.default_rng(0)
    for _name, image in images(3):
        for percentile in percentiles:
            truth, hidden, levels = colour_case(half(image), percentile, camera)
            noisy = truth + noise * rng.standard_normal(truth.shape).astype(np.float32)
            hidden = noisy >= 1.0
            clipped = np.minimum(noisy, 1.0)
            start = time.process_time()
            found["recover"].append(gain(truth, clipped, ours(clipped, levels), hidden))
            spent, pixels = spent + time.process_time() - start, pixels + truth[0].size
            balance = levels / levels.max()
            constant = oracle_constant(clipped, hidden, truth)
            found["oracle constant"].append(gain(truth, clipped, constant, hidden))
            if noise > 0.0:
                # what a result of clean data would be worth, measured as noisily as the rest
                quiet = ours(np.minimum(truth, 1.0), levels)
                again = quiet + noise * rng.standard_normal(truth.shape)
                found["clean, then noise"].append(gain(truth, clipped, again, hidden))
            for name, peer in PEERS.items():
                filled = peer(clipped, hidden, balance)
                found[name].append(gain(truth, clipped, filled, hidden))
    title = f"{'camera' if camera else 'unit'} white balance, q={percentiles}, noise {noise:g}"
    table(f"{title}: {1e6 * spent / pixels:.1f} CPU s/MP", found)
    if len(found["recover"]) == SIX * len(percentiles):
        assert np.mean(found["recover"]) >= mean
        assert min(found["recover"]) >= worst


def test_mosaic(tmp_path):
    found, spent, pixels = {"recover": []}, 0.0, 0
    for _name, image in images(3):
        truth, sites = mosaic_of(image, CAMERA, 95)
        write_mosaic(tmp_path / "mosaic.dng", truth, CAMERA)
        clipped, hidden = np.minimum(truth, 1.0).astype(np.float32), truth >= 1.0
        start = time.process_time()
        result = declip_raw(clipped, "RGGB", levels=1.0, white_balance=CAMERA, certify=False)
        spent, pixels = spent + time.process_time() - start, pixels + truth.size
        found["recover"].append(gain(truth, clipped, result.image, hidden))
        for name, filled in developed(tmp_path / "mosaic.dng", CAMERA, clipped, sites):
            found.setdefault(name, []).append(gain(truth, clipped, filled, hidden))
    table(f"Bayer, q=95: {1e6 * spent / pixels:.1f} CPU s/MP", found)
    if len(found["recover"]) == SIX:
        assert np.mean(found["recover"]) >= 9.0


@pytest.mark.parametrize("reduced", [False, True])
def test_grey(reduced):
    for name, image in images(2):
        picture = half(image) if reduced else image
        rows = {"recover": [], "skimage biharmonic": [], "oracle constant": []}
        spent = 0.0
        for percentile in (90, 95, 98):
            truth = picture / np.percentile(picture, percentile)
            clipped, hidden = np.minimum(truth, 1.0), truth >= 1.0
            start = time.process_time()
            result = declip(clipped, high=1.0, certify=False)
            spent += time.process_time() - start
            rows["recover"].append(gain(truth, clipped, result.image, hidden))
            peer = biharmonic(clipped[None], hidden[None], None)[0]
            rows["skimage biharmonic"].append(gain(truth, clipped, peer, hidden))
            constant = oracle_constant(clipped[None], hidden[None], truth[None])[0]
            rows["oracle constant"].append(gain(truth, clipped, constant, hidden))
        table(f"{name}, half={reduced}: {spent / 3e-6 / picture.size:.2f} CPU s/MP", rows)


def test_speed_and_memory_of_a_large_image():
    """24 megapixels, 3 % clipped: mirrored tiles of one image."""
    _name, image = next(images(3))
    rows, columns = -(-4000 // image.shape[0]), -(-6000 // image.shape[1])
    line = np.concatenate([image[:, :: 1 - 2 * (k % 2)] for k in range(columns)], axis=1)
    whole = np.concatenate([line[:: 1 - 2 * (k % 2)] for k in range(rows)], axis=0)
    whole = whole[:4000, :6000].astype(np.float32)
    levels = np.percentile((image / CAMERA).max(axis=-1), 95) * CAMERA
    clipped = np.minimum(whole, levels.astype(np.float32))
    del whole
    start = time.process_time()
    result = declip(clipped, high=levels, channel_axis=-1, certify=False)
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    share = 100.0 * result.fraction
    print(f"\n24 MP, {share:.1f} % clipped: {spent:.0f} CPU s, peak {peak:.2f} GB in all")
