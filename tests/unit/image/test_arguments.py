"""Arguments of declipping as users give them: levels without a side, masks, wrong types."""

import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.image import declip, declip_raw, detect_levels


@pytest.fixture(scope="module")
def picture():
    """A colour picture of which only the last channel is clipped, at 0.8."""
    rows, columns = np.mgrid[0:24, 0:24] / 24.0
    plane = 1.0 - (rows - 0.5) ** 2 - (columns - 0.5) ** 2
    return np.stack([0.3 * plane, 0.5 * plane, np.minimum(plane, 0.8)], axis=-1)


def test_levels_that_were_found_can_be_given_back(picture):
    found = declip(picture, channel_axis=-1, certify=False)
    assert [level.high for level in found.levels] == [None, None, 0.8]
    again = declip(
        picture,
        low=[level.low for level in found.levels],
        high=[level.high for level in found.levels],
        channel_axis=-1,
        certify=False,
    )
    np.testing.assert_array_equal(again.recovered, found.recovered)
    np.testing.assert_array_equal(again.image, found.image)
    assert [level.high for level in again.levels] == [None, None, 0.8]


def test_a_mask_of_pixels_holds_for_every_channel(picture):
    mask = picture[..., 2] >= 0.8
    flat = declip(picture, mask=mask, channel_axis=-1, certify=False)
    full = declip(
        picture, mask=np.repeat(mask[..., None], 3, axis=-1), channel_axis=-1, certify=False
    )
    np.testing.assert_array_equal(flat.image, full.image)
    assert flat.recovered.sum() == 3 * mask.sum()
    with pytest.raises(ParameterError, match=r"shape \(24, 24, 3\) or \(24, 24\)"):
        declip(picture, mask=mask[:5], channel_axis=-1)


def test_the_place_of_a_nan_is_the_callers(picture):
    damaged = picture.copy()
    damaged[3, 7, 1] = np.nan
    with pytest.raises(ParameterError, match=r"first at \(3, 7, 1\)"):
        declip(damaged, channel_axis=-1)
    with pytest.raises(ParameterError, match=r"first at \(3, 7\)"):
        declip(damaged[..., 1])


@pytest.mark.parametrize("call", [declip, detect_levels])
@pytest.mark.parametrize("axis", ["last", 2.0])
def test_an_axis_is_a_whole_number(picture, call, axis):
    with pytest.raises(ParameterError, match="channel_axis must be a whole number or None"):
        call(picture, channel_axis=axis)


def test_other_wrong_types_are_named(picture):
    grey = picture[..., 2]
    with pytest.raises(ParameterError, match="tolerance must be finite and >= 0, got 'x'"):
        declip(grey, tolerance="x")
    with pytest.raises(ParameterError, match="watch must be a function"):
        declip(grey, watch=3)
    with pytest.raises(ParameterError, match="high must be a number, one per channel"):
        declip(grey, high="much")
    with pytest.raises(ParameterError, match="watch must be a function"):
        declip_raw(grey, "RGGB", levels=0.8, watch=3)
    with pytest.raises(ParameterError, match="pattern must be a Bayer pattern"):
        declip_raw(grey, None, levels=0.8)


def test_integers_that_floating_point_would_change_are_refused():
    ramp = np.add.outer(np.arange(12), np.arange(12)) + np.int64(2**53 - 22)
    exact = declip(ramp, high=2.0**53 - 4.0, certify=False)
    kept = ~exact.recovered
    np.testing.assert_array_equal(exact.image[kept].astype(np.int64), ramp[kept])
    with pytest.raises(ParameterError, match=r"integers beyond 2\^53"):
        declip(ramp + 1, high=2.0**53 - 4.0)
    with pytest.raises(ParameterError, match=r"integers beyond 2\^53"):
        declip(ramp.astype(np.uint64) + np.uint64(1), high=2.0**53 - 4.0)
