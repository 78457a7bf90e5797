"""Counting noise of intensities: its bounds, what the app makes of it, and the certificate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import poisson

import recover as rv
from recover.core.errors import ParameterError
from recover.phase.measurement import phase_measurement
from recover.solve.phase_task import expected_noise


@pytest.mark.parametrize("unit", [0.5, 5.0, 200.0])
@pytest.mark.parametrize("background", [0.0, 0.3])
def test_the_bounds_hold_and_are_not_absurd(unit: float, background: float) -> None:
    rng = np.random.default_rng(0)
    frame = rv.frames.Dense(rng.standard_normal((400, 20)))
    failures, ratios, expected = 0, [], []
    for _ in range(60):
        mu = np.abs(frame.analysis(rng.standard_normal(20)))
        counts = rng.poisson(unit * (mu**2 + background))
        y = np.sqrt(np.maximum(counts / unit - background, 0.0))
        noise = rv.Noise.counted(unit, 0.1, background=background)
        bound, e = noise.bound(y), float(np.linalg.norm(y - mu))
        failures += bool((np.abs(y - mu) > bound.each).any()) or e > bound.l2
        ratios.append(bound.l2 / e)
        problem = rv.Problem(rv.Modulus(frame), y, noise=noise)
        expected.append(expected_noise(problem) / e)
    assert failures <= 6  # a tenth; in fact far fewer
    assert max(ratios) < 8.0
    assert 0.85 < np.mean(expected) < 1.35


def test_single_bounds_are_the_intervals_of_the_mean() -> None:
    delta, y = 0.04, np.sqrt(np.array([0.0, 1.0, 7.0, 300.0]))
    each = rv.Noise.counted(1.0, delta).bound(y).each
    for k, m, e in zip((0, 1, 7, 300), y, each, strict=True):
        low, high = max(m - e, 0.0) ** 2, (m + e) ** 2
        tails = (poisson.sf(k - 1, low) if low > 0 else 0.0, poisson.cdf(k, high))
        assert max(tails) == pytest.approx(delta / 16, rel=1e-6)


def test_the_norm_by_the_closed_form() -> None:
    m, delta, unit = 10_000, 1e-9, 4.0
    l2 = rv.Noise.counted(unit, delta).bound(np.full(m, 10.0)).l2
    # for many magnitudes the best tilt is small, and T tends to 2 m
    assert l2 == pytest.approx(math.sqrt(2 * m / unit), rel=0.1)
    assert l2 >= math.sqrt(2 * m / unit)


def test_what_is_refused() -> None:
    with pytest.raises(ParameterError, match="counts_per_unit must be positive"):
        rv.Noise.counted(0.0)
    with pytest.raises(ParameterError, match="background must be finite and >= 0"):
        rv.Noise.counted(1.0, background=-1.0)
    with pytest.raises(ParameterError, match="magnitudes must be >= 0, got -1"):
        rv.Noise.counted(1.0).bound(np.array([-1.0]))


def counted(shape: tuple[int, int] = (16, 16)) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    frame = rv.frames.CodedDiffraction.octanary(shape, 5, rng)
    x = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    dark = rng.uniform(0.1, 3.0, shape)
    light = np.abs(frame.analysis(x)) ** 2
    counts = rng.poisson(1e4 * light + dark).astype(np.float64)
    return {"intensity": np.fft.fftshift(counts, (1, 2)), "dark": dark, "masks": frame.masks}


def test_the_dark_frame_moves_with_the_patterns() -> None:
    arrays = {**counted(), "centered": np.array(True), "bad": np.zeros((16, 16))}
    arrays["bad"][3, 4] = 1
    found = phase_measurement(arrays, "x")
    noise = found.noise(0.0, 1.0)
    assert isinstance(noise, rv.Noise)
    whole = np.fft.ifftshift(np.broadcast_to(arrays["dark"], (5, 16, 16)), (1, 2))
    kept = ~np.fft.ifftshift(np.broadcast_to(arrays["bad"] != 0, (5, 16, 16)), (1, 2))
    np.testing.assert_array_equal(noise.background, whole[kept])
    counts = np.square(found.magnitudes) + noise.background
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-6)  # whole numbers again


def test_one_promise_at_a_time() -> None:
    found = phase_measurement({**counted(), "centered": np.array(True)}, "x")
    with pytest.raises(ParameterError, match="not both"):
        found.noise(1.0, 1.0)
    with pytest.raises(ParameterError, match="counts_per_unit must be finite and >= 0, got -2"):
        found.noise(0.0, -2.0)
    two = {"magnitude": np.ones((4, 4)), "object_magnitude": np.ones((4, 4))}
    with pytest.raises(ParameterError, match="two planes brought to one energy"):
        phase_measurement(two, "x").noise(0.0, 1.0)
