"""Declipping images: exactness, invariance, safety, bad input."""

import numpy as np
import pytest

import recover as rv
from recover.core.errors import ParameterError
from recover.image import ImageResult, declip
from recover.solve.base import Status


def scene(shape=(48, 56), channels=3, seed=0, gain=(1.0, 0.4, 0.6)):
    """A smooth coloured picture with bright blobs; channels move together."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    light = 0.25 + 0.05 * np.sin(rows / 7.0) + 0.04 * np.cos(columns / 5.0)
    for _ in range(5):
        y, x = rng.uniform(8, shape[0] - 8), rng.uniform(8, shape[1] - 8)
        width = rng.uniform(2.5, 5.0)
        light += rng.uniform(0.5, 1.2) * np.exp(
            -((rows - y) ** 2 + (columns - x) ** 2) / (2.0 * width**2)
        )
    planes = [light * g + 0.02 * k for k, g in enumerate(gain[:channels])]
    return np.stack(planes, axis=-1) if channels > 1 else planes[0]


def gain(truth, clipped, found, mask):
    before = np.linalg.norm((clipped - truth)[mask])
    return 20.0 * np.log10(before / np.linalg.norm((found - truth)[mask]))


def colour_case(seed=0, level=0.55):
    truth = scene(seed=seed)
    return truth, np.minimum(truth, level), level


@pytest.mark.parametrize("seed", range(3))
def test_recovers_a_coloured_scene(seed):
    truth, clipped, level = colour_case(seed)
    result = declip(clipped, high=level, channel_axis=-1, certify=False)
    mask = truth >= level
    np.testing.assert_array_equal(result.recovered, mask)
    np.testing.assert_array_equal(result.image[~mask], clipped[~mask])
    assert (result.image[mask] >= level).all()
    assert gain(truth, clipped, result.image, mask) > 10.0
    assert result.status is Status.CONVERGED
    assert result.signal is result.image
    assert result.fraction == pytest.approx(mask.mean())


def test_is_invariant_to_scale_layout_and_unused_levels():
    _truth, clipped, level = colour_case()
    base = declip(clipped, high=level, channel_axis=-1, certify=False).image
    moved = declip(
        np.moveaxis(clipped, -1, 0) * 1024.0, high=level * 1024.0, channel_axis=0, certify=False
    )
    np.testing.assert_array_equal(np.moveaxis(moved.image, 0, -1), base * 1024.0)
    scaled = declip(clipped * 3.7, high=level * 3.7, channel_axis=-1, certify=False).image
    np.testing.assert_allclose(scaled, base * 3.7, rtol=2e-3)
    each = declip(clipped, high=[level] * 3, low=-np.inf, channel_axis=-1, certify=False).image
    np.testing.assert_array_equal(each, base)
    where = np.full(clipped.shape, level)
    per_pixel = declip(clipped, high=where, channel_axis=-1, certify=False).image
    np.testing.assert_allclose(per_pixel, base, rtol=1e-6)


def test_is_deterministic_and_never_writes_to_its_input():
    _truth, clipped, level = colour_case(4)
    clipped.setflags(write=False)
    once = declip(clipped, high=level, channel_axis=-1, certify=False)
    again = declip(clipped, high=level, channel_axis=-1, certify=False)
    np.testing.assert_array_equal(once.image, again.image)
    assert once.shrinkage == again.shrinkage


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_levels_that_the_precision_cannot_hold_are_still_reached(dtype):
    truth = scene().astype(dtype)
    level = 0.5500000001
    clipped = np.minimum(truth, dtype(level))
    result = declip(clipped, high=level, tolerance=1e-6, channel_axis=-1, certify=False)
    assert result.image.dtype == dtype
    assert result.recovered.any()
    assert (result.image[result.recovered].astype(np.float64) >= level).all()


def test_integers_come_back_floating_in_their_own_unit():
    truth = np.round(scene() * 200.0)
    clipped = np.minimum(truth, 120.0).astype(np.uint8)
    with pytest.warns(rv.image.TransferWarning):
        result = declip(clipped, high=120, channel_axis=-1, certify=False)
    assert result.image.dtype == np.float32
    np.testing.assert_array_equal(result.image[~result.recovered], clipped[~result.recovered])
    assert gain(truth, clipped, result.image, result.recovered) > 6.0


def test_a_grey_picture_and_one_clipped_from_below():
    truth = scene(channels=1)
    clipped = np.minimum(truth, 0.6)
    result = declip(clipped, high=0.6, certify=False)
    up = gain(truth, clipped, result.image, result.recovered)
    assert up > 3.0
    turned = declip(2.0 - clipped, low=1.4, certify=False)
    assert (turned.image[turned.recovered] <= 1.4).all()
    down = gain(2.0 - truth, 2.0 - clipped, turned.image, turned.recovered)
    assert down > 3.0
    np.testing.assert_array_equal(
        turned.image[~turned.recovered], (2.0 - clipped)[~turned.recovered]
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_grey_picture_whose_tones_end_just_above_the_level(seed):
    """A dome is expected where there is a plateau: clipping nearer the level shows it."""
    truth = np.tanh(4.0 * scene((96, 112), channels=1, seed=seed))
    level = np.quantile(truth, 0.985)
    clipped = np.minimum(truth, level)
    result = declip(clipped, high=level, certify=False)
    model = declip(clipped, high=level, certify=False, method="MultigridObstacle")
    assert result.shrinkage[0] < 0.7
    assert "clipping the image again at 0.98" in " ".join(result.notes)
    found = [gain(truth, clipped, each.image, truth >= level) for each in (model, result)]
    assert found[1] > found[0] + 5.0


def test_channels_that_have_nothing_in_common_are_left_alone():
    """White noise tells nothing of what is above the level: the excess is shrunk."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.0, 1.0, size=(64, 64, 3)) ** 0.5
    clipped = np.minimum(truth, 0.8)
    result = declip(clipped, high=0.8, channel_axis=-1, certify=False)
    model = declip(
        clipped, high=0.8, channel_axis=-1, certify=False, method="MultigridObstacle"
    )
    validated = gain(truth, clipped, result.image, result.recovered)
    assert validated > -0.3
    assert validated >= gain(truth, clipped, model.image, model.recovered)


def test_nothing_clipped_is_the_same_picture():
    truth = scene()
    result = declip(truth, high=9.0, channel_axis=-1)
    np.testing.assert_array_equal(result.image, truth)
    assert result.status is Status.DIRECT
    assert "nothing was changed" in " ".join(result.notes)


def test_a_mask_says_what_is_clipped():
    truth, clipped, level = colour_case(2)
    mask = truth >= level
    given = declip(clipped, mask=mask, channel_axis=-1, certify=False)
    by_level = declip(clipped, high=level, channel_axis=-1, certify=False)
    np.testing.assert_array_equal(given.recovered, mask)
    np.testing.assert_allclose(given.image, by_level.image, rtol=1e-6)


def test_watch_can_stop_it_and_what_is_left_stays_clipped():
    _truth, clipped, level = colour_case()
    result = declip(
        clipped, high=level, channel_axis=-1, certify=False, watch=lambda progress: True
    )
    assert result.status is Status.STOPPED
    np.testing.assert_array_equal(result.image, clipped)


def test_is_saved_and_loaded(tmp_path):
    _truth, clipped, level = colour_case()
    result = declip(clipped, high=level, channel_axis=-1, certify=False)
    result.save(tmp_path / "r.npz")
    again = ImageResult.load(tmp_path / "r.npz")
    np.testing.assert_array_equal(again.image, result.image)
    np.testing.assert_array_equal(again.recovered, result.recovered)
    assert again.levels == result.levels
    assert (again.shrinkage, again.blend) == (result.shrinkage, result.blend)
    assert again.notes == result.notes
    assert again.status is result.status


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.full((4, 4), np.nan)}, "finite"),
        ({"image": np.zeros((4, 4), dtype=complex)}, "integers or floating"),
        ({"image": np.zeros(4)}, "channel_axis=-1 for colour"),
        ({"image": np.zeros((4, 4)), "channel_axis": -1}, "three axes"),
        ({"image": np.zeros((0, 4))}, "not be empty"),
        ({"high": [1.0, 2.0]}, "one per channel"),
        ({"high": np.nan}, "NaN"),
        ({"high": 0.0}, "samples of the image are clipped|must be positive"),
        ({"low": 3.0, "high": 2.0}, "low must be below high"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"mask": np.zeros((3, 3))}, "mask must be a boolean"),
        ({"method": "Magic"}, "method must be one of"),
        ({"transfer": "rec709"}, "transfer must be one of"),
    ],
)
def test_bad_input_is_one_clear_line(change, message):
    arguments = {"image": scene(channels=1), "high": 0.6} | change
    with pytest.raises(ParameterError, match=message) as error:
        declip(arguments.pop("image"), **arguments)
    assert "\n" not in str(error.value)


def test_where_no_channel_is_left_is_said():
    picture = scene(seed=2) * 0.5
    picture[10:25, 12:30] = 1.0
    picture[40:44, 3:9] = 1.0
    found = declip(picture, high=1.0, channel_axis=-1, certify=False)
    (note,) = (each for each in found.notes if "no channel is left" in each)
    assert "2 regions with 100 % of the clipped pixels" in note
    assert "270 pixels in rows 10 to 24 and columns 12 to 29" in note
    partly = declip(
        np.where(np.arange(3) == 0, picture, 0.5 * picture), high=1.0, channel_axis=-1
    )
    assert not any("no channel is left" in each for each in partly.notes)
