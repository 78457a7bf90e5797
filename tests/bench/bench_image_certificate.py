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
from bench_image import SIX, colour_case, half, images
from scipy.sparse.linalg import eigsh

from recover.certificates.proofs.region_bounds import (
    Effort,
    entry_bounds,
    region_bounds,
    setting_of,
)
from recover.core.obstacle_direct import obstacle_minimiser
from recover.image import declip
from recover.image.account import account_of, clipped_problem
from recover.image.arguments import side_of
from recover.image.model import default_settings
from recover.priors import Allowance, Rule

PERCENTILES = [float(q) for q in os.environ.get("RECOVER_BENCH_Q", "90 95 98").split()]


def allowance_of(certificate):
    scope = certificate.scope.to_json()
    return Allowance(
        scope["unit"], Rule(*scope["region"]), Rule(*scope["whole"]), scope["origin"]
    )


def assumed(setting, away, rule, unit):
    """Return by what factor of its allowance the truth's energy is spread at the worst."""
    matrix = setting.regions.blocks.matrix
    count = min(64, away.size - 2)
    values, vectors = eigsh(matrix.tocsc(), k=count, sigma=0, which="LM")
    order = np.argsort(values)
    energies = np.cumsum(values[order] * (vectors[:, order].T @ away) ** 2)
    modes = np.arange(1, count + 1)
    worst = float((energies / (modes + rule.extra)).max())
    return max(worst, float(away @ (matrix @ away)) / (away.size + rule.extra)) / (
        unit * rule.factor
    )


def one_case(truth, clipped):
    """Return the ratios of bounds to errors, whether the assumption holds, and seconds."""
    image = np.minimum(truth, 1.0)
    start = time.process_time()
    plain = declip(image, high=1.0, channel_axis=0, certify=False)
    recovery = time.process_time() - start
    settings = default_settings(len(image))
    side = side_of("high", image, 1.0, None, tolerance=0.0, channel_axis=0)
    start = time.process_time()
    account = account_of(plain.image, image, (None, side), settings)
    cost = time.process_time() - start
    error = float(np.linalg.norm((plain.image - truth).astype(float)))
    allowance = allowance_of(account.certificate)
    prior = clipped_problem(image, side, settings, allowance).prior
    centre = account.certificate.evidence.arrays["centre"]
    setting = setting_of(prior, plain.image.astype(float), centre, Effort())
    bounds = region_bounds(setting, entry_bounds(setting, allowance.region, setting.ladder))
    where = prior.energy.places
    off = (plain.image - truth).reshape(-1)[where].astype(float)
    errors = np.sqrt(np.bincount(setting.regions.label, weights=off**2))
    least = obstacle_minimiser(prior.energy.matrix, prior.energy.right, prior.floor, centre)
    values = prior.tone.values(truth.reshape(-1)[where].astype(float))
    spread = assumed(
        setting, (values - least) / setting.regions.weights, allowance.whole, allowance.unit
    )
    covered = np.abs(plain.image - truth) <= account.trust * (1.0 + 1e-6) + 1e-6
    return (
        account.certificate.error_bound / error,
        bounds / np.maximum(errors, 1e-9),
        spread,
        float(covered[clipped].mean()),
        (recovery, cost),
    )


def test_certificates_cover_the_truth():
    wholes, regions, spreads, entries, seconds = [], [], [], [], []
    print()
    for name, image in images(axes=3):
        for camera in (True, False):
            for percentile in PERCENTILES:
                truth, clipped, _ = colour_case(half(image), percentile, camera)
                whole, parts, spread, entry, times = one_case(truth, clipped)
                wholes.append(whole)
                regions.append(parts)
                spreads.append(spread)
                entries.append(entry)
                seconds.append(times)
                print(
                    f"{name:12s} {'camera' if camera else 'unit':6s} {percentile:5.1f}  "
                    f"bound/error {whole:6.1f}  regions {np.median(parts):5.1f} "
                    f"({np.mean(parts >= 1.0):.3f} of {parts.size} covered)  "
                    f"assumption {spread:5.2f}  samples covered {entry:.4f}  "
                    f"{times[1]:.2f} s beside {times[0]:.2f} s"
                )
    whole, part = np.array(wholes), np.concatenate(regions)
    holds = float(np.mean(np.array(spreads) <= 1.0))
    total = np.sum(seconds, axis=0)
    print(
        f"images: {np.mean(whole >= 1.0):.3f} covered, median {np.median(whole):.1f} times the "
        f"error, assumption true in {holds:.3f}\n"
        f"regions: {np.mean(part >= 1.0):.3f} of {part.size} covered, median "
        f"{np.median(part):.2f} times the error\n"
        f"samples: {np.mean(entries):.4f} covered; certificates took {total[1] / total[0]:.1f} "
        "times the recoveries' CPU time"
    )
    assert math.isfinite(float(whole.max()))
    if len(wholes) >= 2 * SIX:  # the bars were set on six colour images
        assert (whole >= 1.0).all()
        assert np.mean(part >= 1.0) >= 0.95
        # 10.7 and 4.6 around the model's own minimiser; the recovered picture, shrunk by what
        # clipping again shows, is nearer to the truth but away from that centre
        assert np.median(whole) <= 18.0
        assert np.median(part) <= 7.0
        assert holds >= 0.95
