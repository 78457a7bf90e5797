"""Levels of a file's image: given, stated, found; masks; regions; stacks."""

import dataclasses

import numpy as np
import pytest

import recover as rv
from recover.image import account
from recover.image.app import transfer_of
from recover.image.measurement import channel_names, levels_of, mask_levels, regions_of
from recover.image.mosaic import mosaic_levels
from recover.image.stack import as_stack, join
from recover.image.transfer import Transfer
from recover.io.image_file import Container, ImageFile, RawMosaic


def ramp(level=150, dtype=np.uint8):
    return np.minimum(np.add.outer(np.arange(60), 4 * np.arange(60)), level).astype(dtype)


def image(pixels, **fields):
    return ImageFile(pixels, pixels.ndim == 3, Container.TIFF, **fields)


def test_what_is_given_holds_and_the_rest_is_found():
    (found,) = levels_of(image(ramp()), None, None, 0.0)
    assert found.high == 150.0
    (given,) = levels_of(image(ramp()), None, 140.0, 0.0)
    assert given.high == 140.0
    assert given.fraction == pytest.approx((ramp() >= 140).mean())
    (wide,) = levels_of(image(ramp()), None, 150.0, 20.0)
    assert wide.fraction == pytest.approx((ramp() >= 130).mean())
    (open_,) = levels_of(image(ramp()), None, np.inf, 0.0)
    assert not open_.clipped
    (stated,) = levels_of(image(ramp(), saturation=120.0), None, None, 0.0)
    assert stated.high == 120.0
    (unreached,) = levels_of(image(ramp(), saturation=250.0), None, None, 0.0)
    assert unreached.high == 150.0


def test_a_level_that_just_misses_the_samples_is_moved():
    (found,) = levels_of(image(ramp(0.123456, np.float32)), None, 0.1235, 0.0)
    assert found.high == np.float32(0.123456)
    assert found.clipped


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, 200.0, "largest sample is 150"),
        (-5.0, np.inf, "smallest sample is 0"),
        (None, float("nan"), "NaN"),
        (160.0, 140.0, "low must be below high"),
        (None, (1.0, 2.0), "one per channel"),
    ],
)
def test_levels_that_cannot_be(low, high, words):
    with pytest.raises(rv.ParameterError, match=words):
        levels_of(image(ramp()), low, high, 0.0)


def test_masked_samples_stopped_where_they_are():
    pixels, mask = ramp(), ramp() > 100
    level = mask_levels(pixels, mask)
    np.testing.assert_array_equal(level[mask], pixels[mask])
    assert np.all(level[~mask] == 150)


def test_names_regions_and_transfer():
    colour = image(np.zeros((4, 4, 3), np.uint8))
    assert channel_names(colour) == ("red", "green", "blue")
    assert channel_names(image(np.zeros((4, 4, 2)))) == ("channel 1", "channel 2")
    assert transfer_of(colour, "auto") is Transfer.SRGB
    assert transfer_of(colour, "linear") is Transfer.LINEAR
    assert transfer_of(image(np.zeros((4, 4), np.uint8)), "auto") is Transfer.LINEAR
    mask = np.zeros((5, 5), bool)
    assert regions_of(mask) == (0, 0)
    mask[0, :2] = mask[3:, 3:] = True
    assert regions_of(mask) == (2, 4)


def test_the_colours_of_a_mosaic_have_their_own_levels():
    rng = np.random.default_rng(0)
    mosaic = np.rint(600 + 500 * rng.random((60, 60))).astype(np.uint16)
    mosaic[10:30, 10:30] = 4000
    mosaic[10:30:2, 10:30:2] = 3000  # red
    raw = RawMosaic(("RG", "GB"), (4095.0,) * 3, (0.0,) * 3, (1.0,) * 3, np.eye(3), "")
    found = mosaic_levels(mosaic, raw)
    assert [each.high for each in found] == [3000.0, 4000.0, 4000.0]
    assert found[0].fraction == pytest.approx(100 / 900)
    assert found[1].fraction == pytest.approx(200 / 1800)


def test_a_stack_of_pictures_becomes_one_result():
    rng = np.random.default_rng(0)
    picture = np.minimum(rng.random((24, 24)).cumsum(axis=0), 8.0)
    one = rv.image.declip(picture, high=8.0)
    two = rv.image.declip(picture[::-1].copy(), high=8.0)
    assert join([one], stack=False) is one
    both = join([one, two], stack=True)
    assert both.image.shape == (2, 24, 24)
    np.testing.assert_array_equal(both.recovered[1], two.recovered)
    assert [label for label, _ in both.certificate.parts] == ["picture 1", "picture 2"]
    assert as_stack(picture, stack=False).shape == (1, 24, 24)
    result = rv.image.declip(picture)
    np.testing.assert_array_equal(result.recovered, one.recovered)


def test_declip_finds_levels_and_takes_masks():
    rng = np.random.default_rng(0)
    picture = np.minimum(rng.random((24, 24)).cumsum(axis=0), 8.0)
    found = rv.image.declip(picture)
    np.testing.assert_array_equal(found.recovered, picture == 8.0)
    masked = rv.image.declip(picture, mask=picture == 8.0)
    np.testing.assert_array_equal(masked.recovered, found.recovered)
    assert np.all(masked.image[masked.recovered] >= 8.0)
    with pytest.raises(rv.ParameterError, match="all 4 samples"):
        rv.image.declip(np.full((2, 2), 3.0), high=3.0)
    with pytest.warns(rv.image.TransferWarning):
        rv.image.declip(np.zeros((4, 4, 3), np.uint8), channel_axis=-1)


def test_a_picture_too_large_to_prove_says_so(monkeypatch):
    monkeypatch.setattr(account, "WIDEST", 100)
    rng = np.random.default_rng(0)
    picture = np.minimum(rng.random((24, 24)).cumsum(axis=0), 8.0)
    for high in (8.0, np.inf):
        found = rv.image.declip(picture, high=high).certificate
        assert found.error_bound == np.inf
        assert "too large" in found.reason
        assert account.verify_image(found, picture, high=high).accepted
        assert not account.verify_image(found, picture + 1.0, high=high + 1.0).accepted
        forged = dataclasses.replace(found, error_bound=1.0)
        assert not account.verify_image(forged, picture, high=high).accepted
