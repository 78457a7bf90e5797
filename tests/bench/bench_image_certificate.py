"""Certificates of images: how often they cover the truth, how loosely, and what they cost.

Not collected by default: `pytest -s tests/bench/bench_image_certificate.py`, with tests/bench
on PYTHONPATH.  Images and cases are those of `bench_image`, at half resolution; RECOVER_BENCH_Q
holds other percentiles.  The budget is estimated by clipping the image again.  Two bounds of
each image are looked at: that of the whole, and those of its connected regions; "assumption"
says how much of what the whole's bound allows the truth uses up (of the 64 softest modes one by
one, and of all together): it holds up to 1.
"""

from __future__ import annotations

import math
import os
import time

import numpy as np
import pytest
from bench_image import CAMERA, SIX, colour_case, half, images
from scipy.sparse.linalg import eigsh

from recover.certificates.proofs.region_bounds import Effort, region_bounds, setting_of
from recover.certificates.regions import regions_of
from recover.image import declip, declip_raw
from recover.image.account import account_of
from recover.image.arguments import side_of
from recover.image.bayer import Mosaic
from recover.image.clipped import clipped_problem, views_of
from recover.image.demosaic import colour_sites
from recover.image.model import default_settings
from recover.image.mosaic_account import mosaic_account, mosaic_problem
from recover.priors import Allowance

PERCENTILES = [float(q) for q in os.environ.get("RECOVER_BENCH_Q", "90 95 98").split()]
NOISE = float(os.environ.get("RECOVER_BENCH_NOISE", "0"))


def assumed(setting, away):
    """Return by what factor of its allowance the truth's energy is spread at the worst."""
    matrix, allowance = setting.regions.blocks.matrix, setting.prior.allowance
    count = min(64, away.size - 2)
    values, vectors = eigsh(matrix.tocsc(), k=count, sigma=0, which="LM")
    order, rule = np.argsort(values), allowance.whole
    energies = np.cumsum(values[order] * (vectors[:, order].T @ away) ** 2)
    modes = np.arange(1, count + 1)
    worst = float((energies / (modes + rule.extra)).max())
    return max(worst, float(away @ (matrix @ away)) / (away.size + rule.extra)) / (
        allowance.unit * float(rule.factors(np.array([away.size]))[0])
    )


def one_case(truth, image, clipped, ends):
    """Return the ratios of bounds to errors, whether the assumption holds, and seconds."""
    start = time.process_time()
    plain = declip(image, **ends, channel_axis=0, certify=False)
    recovery = time.process_time() - start
    settings = default_settings(len(image))
    sides = tuple(
        side_of(name, image, ends.get(name), None, tolerance=0.0, channel_axis=0)
        for name in ("low", "high")
    )
    start = time.process_time()
    account = account_of(plain.image, image, sides, settings)
    cost = time.process_time() - start
    error = float(np.linalg.norm((plain.image - truth)[clipped].astype(float)))
    allowance = Allowance.from_json(account.certificate.scope.to_json())
    views = views_of(image, sides, settings)
    prior = clipped_problem(image, sides, views, allowance, plain.image).prior
    setting = setting_of(prior, plain.image.astype(float), Effort())
    bounds = region_bounds(setting)
    away = (truth - plain.image).reshape(-1)[prior.energy.places].astype(float)
    errors = np.sqrt(np.bincount(setting.regions.label, weights=away**2))
    covered = np.abs(plain.image - truth) <= account.trust * (1.0 + 1e-6) + 1e-6
    return (
        account.certificate.error_bound / error,
        bounds / np.maximum(errors, 1e-9),
        assumed(setting, away),
        (
            float(covered[clipped].mean()),
            float(np.median(account.trust[clipped]) / np.median(np.abs(away))),
        ),
        (recovery, cost),
    )


def cases(side):
    """Yield a label, the truth, the clipped image, which samples are, and the levels."""
    rng = np.random.default_rng(0)
    for name, image in images(axes=3):
        for camera in (True, False):
            for percentile in PERCENTILES:
                truth, _, _ = colour_case(half(image), percentile, camera)
                noisy = truth + NOISE * rng.standard_normal(truth.shape).astype(np.float32)
                label = f"{name:12s} {'camera' if camera else 'unit':6s} {percentile:5.1f}"
                if side == "high":
                    shown = np.minimum(noisy, np.float32(1.0))
                    yield label, truth, shown, shown >= 1.0, {"high": 1.0}
                else:
                    low = np.float32(np.percentile(truth, 100.0 - percentile))
                    shown = np.maximum(noisy, low)
                    yield label, truth, shown, shown <= low, {"low": float(low)}


@pytest.mark.parametrize("side", ["high", "low"])
def test_certificates_cover_the_truth(side):
    wholes, regions, spreads, entries, seconds = [], [], [], [], []
    print()
    for label, truth, image, clipped, ends in cases(side):
        whole, parts, spread, entry, times = one_case(truth, image, clipped, ends)
        wholes.append(whole)
        regions.append(parts)
        spreads.append(spread)
        entries.append(entry)
        seconds.append(times)
        print(
            f"{label}  bound/error {whole:6.1f}  regions {np.median(parts):5.1f} "
            f"({np.mean(parts >= 1.0):.3f} of {parts.size} covered)  assumption {spread:5.2f}  "
            f"samples covered {entry[0]:.4f} ({entry[1]:.0f})  "
            f"{times[1]:.2f} s beside {times[0]:.2f} s",
            flush=True,
        )
    whole, part = np.array(wholes), np.concatenate(regions)
    holds = float(np.mean(np.array(spreads) <= 1.0))
    total, entry = np.sum(seconds, axis=0), np.array(entries)
    print(
        f"images: {np.mean(whole >= 1.0):.3f} covered, median {np.median(whole):.1f} times the "
        f"error, assumption true in {holds:.3f}\n"
        f"regions: {np.mean(part >= 1.0):.3f} of {part.size} covered, median "
        f"{np.median(part):.2f} times the error\n"
        f"samples: {np.mean(entry[:, 0]):.4f} covered, at the worst {entry[:, 0].min():.3f}; "
        f"median bound {np.median(entry[:, 1]):.0f} times the median error\n"
        f"certificates took {total[1] / total[0]:.2f} times the recoveries' CPU time"
    )
    assert math.isfinite(float(whole.max()))
    if side == "high" and len(wholes) >= 2 * SIX:  # the bars were set on six colour images
        assert (whole >= 1.0).all()
        assert np.mean(part >= 1.0) >= 0.95
        assert np.median(whole) <= 12.0
        assert np.median(part) <= 5.0
        assert holds >= 0.95


def mosaic_case(image, percentile):
    """Return the ratios of bounds to errors of one mosaic, and seconds."""
    raw = half(image) / CAMERA
    raw /= np.percentile(raw.max(axis=-1), percentile)
    sites = colour_sites("RGGB", *raw.shape[:2])
    truth = np.take_along_axis(raw, sites[..., None], axis=-1)[..., 0].astype(np.float32)
    clipped = np.minimum(truth, np.float32(1.0))
    start = time.process_time()
    plain = declip_raw(clipped, "RGGB", levels=1.0, white_balance=CAMERA, certify=False)
    recovery = time.process_time() - start
    mosaic = Mosaic.of(clipped, "RGGB", 1.0, 0.0, CAMERA)
    start = time.process_time()
    account = mosaic_account(plain.image, mosaic)
    cost = time.process_time() - start
    error = np.abs(plain.image - truth)
    covered = (error <= account.trust)[mosaic.hidden].mean()
    parts = []
    for label, part in account.certificate.parts:
        number = int(label.split(":")[0].removeprefix("region "))
        inside = regions_of_mosaic(mosaic, plain.image, account) == number - 1
        parts.append(part.error_bound / max(float(np.linalg.norm(error[inside])), 1e-9))
    whole = account.certificate.error_bound / float(np.linalg.norm(error))
    return whole, np.array(parts), float(covered), (recovery, cost)


def regions_of_mosaic(mosaic, recovered, account):
    """Return the region of every sample of a mosaic, -1 where it was not clipped."""
    allowance = Allowance.from_json(account.certificate.scope.to_json())
    prior = mosaic_problem(mosaic, allowance, recovered).prior
    label = regions_of(prior).label[prior.energy.counted]
    out = np.full(mosaic.values.size, -1)
    out[prior.energy.own] = label
    return out.reshape(mosaic.values.shape)


def test_certificates_of_mosaics_cover_the_truth():
    """At half resolution: the largest 64 regions of each, and the whole."""
    wholes, regions, entries, seconds = [], [], [], []
    print()
    for name, image in images(axes=3):
        for percentile in PERCENTILES:
            whole, parts, covered, times = mosaic_case(image, percentile)
            wholes.append(whole)
            regions.append(parts)
            entries.append(covered)
            seconds.append(times)
            print(
                f"{name:12s} mosaic {percentile:5.1f}  bound/error {whole:6.1f}  regions "
                f"{np.median(parts):5.1f} ({np.mean(parts >= 1.0):.3f} of {parts.size} "
                f"covered)  samples covered {covered:.4f}  {times[1]:.2f} s beside "
                f"{times[0]:.2f} s",
                flush=True,
            )
    whole, part, total = np.array(wholes), np.concatenate(regions), np.sum(seconds, axis=0)
    print(
        f"mosaics: {np.mean(whole >= 1.0):.3f} covered, median {np.median(whole):.1f} times "
        f"the error; regions: {np.mean(part >= 1.0):.3f} of {part.size} covered, median "
        f"{np.median(part):.2f}; samples {np.mean(entries):.4f}; certificates took "
        f"{total[1] / total[0]:.2f} times the recoveries' CPU time"
    )
    if len(wholes) >= 2 * SIX:
        assert (whole >= 1.0).all()
        assert np.mean(part >= 1.0) >= 0.95
        assert np.median(whole) <= 12.0
