"""Noise: its level, and what the model follows in its place."""

import numpy as np
import pytest

from recover.image import declip, parts
from recover.image.model import energy_of
from recover.image.noise import denoised, followed, noise_level, with_noise
from recover.image.side import Scaled


def picture(sigma, *, seed=0, shape=(160, 176), texture=0.0):
    """Three channels that move together, and noise that does not."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    light = 0.55 + 0.25 * np.sin(rows / 15.0) * np.cos(columns / 19.0)
    for _ in range(12):
        y, x = rng.uniform(10, shape[0] - 10), rng.uniform(10, shape[1] - 10)
        light += 0.5 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 60.0)
    light += texture * rng.standard_normal(shape)
    planes = light * np.array([1.0, 0.6, 0.75])[:, None, None]
    return planes, planes + sigma * rng.standard_normal(planes.shape)


def scaled(planes, level=10.0):
    unit = np.ones((len(planes), 1, 1))
    return Scaled(np.minimum(planes, level), planes >= level, level * unit, 0.0 * unit)


@pytest.mark.parametrize("texture", [0.0, 0.05])
@pytest.mark.parametrize("sigma", [0.005, 0.02])
def test_the_level_of_white_noise_is_found_whatever_the_channels_share(sigma, texture):
    _clean, noisy = picture(sigma, texture=texture)
    assert noise_level(scaled(noisy, 1.0)) == pytest.approx(sigma, rel=0.15)
    assert noise_level(scaled(noisy, 4.0)) == pytest.approx(sigma / 4.0, rel=0.15)
    assert with_noise(scaled(noisy, 1.0)).noise == noise_level(scaled(noisy, 1.0))


def test_without_noise_or_knowledge_of_it_nothing_is_smoothed():
    clean, noisy = picture(0.02, texture=0.05)
    assert noise_level(scaled(clean)) < 1e-6
    assert with_noise(scaled(clean)).noise == 0.0
    assert with_noise(scaled(noisy[:1], 1.0)).noise == 0.0  # grey
    assert noise_level(scaled(noisy[:, :20, :20])) == 0.0  # too small
    assert noise_level(scaled(noisy, 1e-3)) == 0.0  # all of it clipped
    planes = noisy.astype(np.float32)
    assert followed(planes, planes >= 1.0, 0.0) is planes


def test_smoothing_keeps_what_is_not_noise():
    clean, noisy = (each.astype(np.float32) for each in picture(0.02))
    found = denoised(noisy, 0.02)
    assert found.dtype == np.float32
    assert np.square(found - clean).mean() < 0.1 * np.square(noisy - clean).mean()
    np.testing.assert_allclose(denoised(noisy, 0.0), noisy, atol=2e-6)
    level = np.full((1, 5, 9), 0.3, dtype=np.float32)  # smaller than a patch
    np.testing.assert_allclose(denoised(level, 0.1), level, rtol=1e-6)
    clipped = noisy >= 0.9
    assert (followed(noisy, clipped, 0.02)[clipped] == 1.0).all()


@pytest.mark.parametrize(("sigma", "wanted"), [(0.0, 1.0), (0.02, 2.0)])
def test_deviations_count_by_their_variance_where_noise_adds_to_them(
    monkeypatch, sigma, wanted
):
    found = []

    def recording(*args, power, **rest):
        found.append(power)
        return energy_of(*args, power=power, **rest)

    monkeypatch.setattr(parts, "energy_of", recording)
    _clean, noisy = (np.moveaxis(each, 0, -1) for each in picture(sigma, shape=(96, 96)))
    declip(np.minimum(noisy, 0.7), high=0.7, channel_axis=-1, certify=False)
    assert found
    assert set(found) == {wanted}


@pytest.mark.parametrize("seed", range(2))
def test_noise_of_one_channel_does_not_enter_another(seed):
    clean, noisy = (np.moveaxis(each, 0, -1) for each in picture(0.015, seed=seed))
    clipped = np.minimum(noisy, 0.8)
    result = declip(clipped, high=0.8, channel_axis=-1, certify=False)
    model = declip(
        clipped, high=0.8, channel_axis=-1, certify=False, method="MultigridObstacle"
    )
    error, before = (
        np.linalg.norm((each.image - clean)[result.recovered]) for each in (result, model)
    )
    assert error < 0.9 * before
    assert "noise of about" in " ".join(result.notes)
    np.testing.assert_array_equal(result.image[~result.recovered], clipped[~result.recovered])
    quiet = declip(np.minimum(clean, 0.8), high=0.8, channel_axis=-1, certify=False)
    assert "noise" not in " ".join(quiet.notes)
