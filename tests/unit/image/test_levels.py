"""Levels found in images: spikes, piles, both sides, and no false alarms."""

import numpy as np
import pytest

import recover as rv
from recover.image.levels import ChannelLevel, detect_levels
from recover.io import bundled
from recover.io.image_read import read_image


def smooth(rng, shape=(120, 160)):
    """A picture with long gradients and a few bright spots, unclipped."""
    from scipy import ndimage

    noise = ndimage.gaussian_filter(rng.standard_normal(shape), 6)
    spots = ndimage.gaussian_filter((rng.random(shape) > 0.998).astype(float), 4)
    return 0.3 * np.exp(0.4 * noise / noise.std()) + 3.0 * spots / spots.max()


def as_type(picture, kind):
    if kind == "float32":
        return picture.astype(np.float32)
    bits = {"uint8": 200.0, "uint12": 3000.0, "uint16": 50000.0}[kind]
    return np.rint(picture / picture.max() * bits).astype(
        np.uint8 if kind == "uint8" else np.uint16
    )


KINDS = ["float32", "uint8", "uint12", "uint16"]


@pytest.mark.parametrize("kind", KINDS)
def test_unclipped_pictures_raise_no_alarm(kind):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        picture = smooth(rng)
        if seed % 2:
            picture = picture + 0.003 * rng.standard_normal(picture.shape)
        (found,) = detect_levels(as_type(picture, kind))
        assert found.low is None, (seed, found)
        assert found.high is None, (seed, found)
        assert found.fraction == 0.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quantile", [80, 90, 95, 99])
def test_a_level_is_where_samples_pile_up(kind, quantile):
    for seed in range(3):
        picture = smooth(np.random.default_rng(seed))
        level = np.percentile(picture, quantile)
        clipped = as_type(np.minimum(picture, level), kind)
        (found,) = detect_levels(clipped)
        assert found.high == clipped.max()
        assert found.low is None
        assert found.fraction == pytest.approx((clipped == clipped.max()).mean())
        assert found.confidence > 0.5
        assert found.spread == 0.0


def test_noise_before_clipping_changes_nothing():
    rng = np.random.default_rng(4)
    picture = smooth(rng)
    level = float(np.percentile(picture, 95))
    noisy = np.minimum(picture + 0.01 * level * rng.standard_normal(picture.shape), level)
    (found,) = detect_levels(noisy)
    assert found.high == level


def test_the_white_level_of_raw_files_is_a_band():
    rng = np.random.default_rng(5)
    picture = smooth(rng)
    level = np.percentile(picture, 92)
    scatter = level * (1.0 - np.abs(0.003 * rng.standard_normal(picture.shape)))
    raw = np.rint(np.where(picture >= level, scatter, picture) / level * 15000)
    (found,) = detect_levels(raw.astype(np.uint16))
    assert 0.985 * 15000 <= found.high <= 0.998 * 15000
    assert 0 < found.spread <= 0.016 * 15000
    covered = (raw >= found.high)[picture >= level].mean()
    assert covered > 0.9


def test_the_low_side_counts_but_not_at_zero():
    picture = smooth(np.random.default_rng(6))
    floor = np.percentile(picture, 12)
    (found,) = detect_levels(np.maximum(picture, floor))
    assert found.low == floor
    assert found.high is None
    (dark,) = detect_levels(np.maximum(picture - floor, 0.0))
    assert dark.low is None
    (both,) = detect_levels(np.clip(picture, floor, np.percentile(picture, 90)))
    assert both.low is not None
    assert both.high is not None


def test_hot_pixels_are_no_clipping():
    rng = np.random.default_rng(7)
    picture = as_type(smooth(rng), "uint16")
    picture[rng.integers(0, 120, 20), rng.integers(0, 160, 20)] = 65535
    (found,) = detect_levels(picture)
    assert found.high is None


def test_channels_have_their_own_levels():
    rng = np.random.default_rng(8)
    planes = [smooth(rng) for _ in range(3)]
    levels = [np.percentile(planes[0], 90), np.inf, np.percentile(planes[2], 97)]
    image = np.stack([np.minimum(p, t) for p, t in zip(planes, levels, strict=True)], axis=-1)
    found = rv.image.detect_levels(image, channel_axis=-1)
    assert [each.high for each in found] == [levels[0], None, levels[2]]
    moved = rv.image.detect_levels(np.moveaxis(image, -1, 0), channel_axis=0)
    assert moved == found


def test_a_picture_of_nothing_but_white():
    (white,) = detect_levels(np.full((9, 9), 255, np.uint8))
    assert (white.high, white.fraction) == (255.0, 1.0)
    (flat,) = detect_levels(np.full((9, 9), 0.5))
    assert not flat.clipped


def test_the_bundled_picture():
    found = detect_levels(read_image(bundled("image/courtyard_clipped.tif")).pixels, -1)
    assert [each.high for each in found] == [None, 65535.0, 65535.0]
    truth = detect_levels(read_image(bundled("image/courtyard.exr")).pixels, -1)
    assert not any(each.clipped for each in truth)


@pytest.mark.parametrize("quality", [90, 95])
def test_jpeg_at_full_scale(quality):
    import io

    from PIL import Image

    picture = smooth(np.random.default_rng(9))
    level = np.percentile(picture, 90)
    eight = np.rint(np.minimum(picture / level, 1.0) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(eight).save(buffer, "JPEG", quality=quality)
    (found,) = detect_levels(np.asarray(Image.open(buffer)))
    assert found.high is not None
    assert 245 <= found.high <= 255
    below = rv.image.detect_levels(np.asarray(Image.open(buffer)) // 2 + 20)
    assert below[0].high is not None


@pytest.mark.parametrize(
    ("image", "axis", "words"),
    [
        (np.ones((3, 3), complex), None, "real"),
        (np.ones(5), None, "two axes"),
        (np.ones((3, 3)), 2, "axis"),
        (np.ones((3, 3)), 0, "two axes"),
        (np.ones((0, 3)), None, "empty"),
        (np.array([[1.0, np.nan], [1.0, 1.0]]), None, "NaN"),
    ],
)
def test_bad_arguments(image, axis, words):
    with pytest.raises(rv.ParameterError, match=words):
        detect_levels(image, axis)


def test_a_level_without_samples_is_not_clipped():
    assert not ChannelLevel(None, 1.0, 0.0, 1.0).clipped
