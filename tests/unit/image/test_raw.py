"""Declipping mosaics."""

import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.image import declip_raw
from recover.image.bayer import Mosaic
from recover.image.boxes import plan_boxes
from recover.image.demosaic import check_fit, colour_sites, demosaic
from recover.image.joint import JointSettings, complete
from recover.solve.base import Status

GAINS = np.array([2.0, 1.0, 1.6])


def mosaic_case(pattern="RGGB", shape=(64, 72), seed=0):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    light = 0.3 + 0.05 * np.sin(rows / 9.0) * np.cos(columns / 8.0)
    for _ in range(4):
        y, x = rng.uniform(10, shape[0] - 10), rng.uniform(10, shape[1] - 10)
        light += 1.2 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 40.0)
    tint = np.array([1.0, 0.9, 0.8])
    planes = light[None] * (tint / GAINS)[:, None, None]
    sites = colour_sites(pattern, *shape)
    truth = np.take_along_axis(planes, sites[None], axis=0)[0]
    return truth, sites


@pytest.mark.parametrize("pattern", ["RGGB", "GRBG", "BGGR", "GBRG"])
def test_recovers_a_mosaic(pattern):
    truth, _sites = mosaic_case(pattern)
    clipped = np.minimum(truth, 0.6)
    result = declip_raw(clipped, pattern, levels=0.6, white_balance=GAINS)
    mask = truth >= 0.6
    np.testing.assert_array_equal(result.recovered, mask)
    np.testing.assert_array_equal(result.image[~mask], clipped[~mask])
    assert (result.image[mask] >= 0.6).all()
    before = np.linalg.norm((clipped - truth)[mask])
    assert 20.0 * np.log10(before / np.linalg.norm((result.image - truth)[mask])) > 10.0
    assert np.linalg.norm(result.image - truth) <= result.error_bound < np.inf


def test_black_levels_and_units_only_shift_and_scale():
    truth, sites = mosaic_case()
    base = declip_raw(np.minimum(truth, 0.6), "RGGB", levels=0.6, white_balance=GAINS)
    black = np.array([512.0, 500.0, 520.0])
    counts = np.minimum(truth, 0.6) * 8192.0 + black[sites]
    moved = declip_raw(
        counts, "RGGB", levels=0.6 * 8192.0 + black, black=black, white_balance=GAINS
    )
    found = (moved.image - black[sites]) / 8192.0
    np.testing.assert_allclose(found, base.image, rtol=2e-3)


def test_integers_and_nothing_clipped():
    truth, _sites = mosaic_case()
    counts = np.round(truth * 20000).astype(np.uint16)
    result = declip_raw(counts, "RGGB", levels=65535)
    assert result.status is Status.DIRECT
    np.testing.assert_array_equal(result.image, counts)
    unclipped_blue = declip_raw(counts, "RGGB", levels=[9000, 9000, np.inf], certify=False)
    assert not unclipped_blue.recovered[1::2, 1::2].any()


def test_it_can_be_stopped():
    truth, _sites = mosaic_case()
    clipped = np.minimum(truth, 0.6)
    result = declip_raw(clipped, "RGGB", levels=0.6, watch=lambda progress: True)
    assert result.status is Status.STOPPED
    np.testing.assert_array_equal(result.image, clipped)


def two_lamps(shape=(72, 150)):
    """A clipped mosaic with highlights at both ends, in units of the level, and its truth."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    light = 0.3 + 0.05 * np.sin(rows / 9.0) * np.cos(columns / 8.0)
    for x, size in ((30, 1.3), (118, 1.1)):
        light = light + size * np.exp(-((rows - 36) ** 2 + (columns - x) ** 2) / 50.0)
    sites = colour_sites("RGGB", *shape)
    truth = light * (np.array([1.0, 0.9, 0.8]) / GAINS)[sites] / 0.6
    hidden = truth >= 1.0
    return np.minimum(truth, 1.0).astype(np.float32), hidden, sites, truth


def test_only_what_is_asked_for_is_solved_and_it_is_the_same():
    mosaic, hidden, sites, truth = two_lamps()
    settings = JointSettings(tol=1e-6, rounds=1)
    everywhere = np.ones(mosaic.shape, bool)
    left = everywhere.copy()
    left[:, 75:] = False

    def completed(own):
        return complete(mosaic, hidden, own, sites, GAINS, settings=settings)

    whole, part = completed(everywhere), completed(left)
    taken = np.take_along_axis(part.planes, sites[None], axis=0)[0]
    np.testing.assert_allclose(part.planes[:, :, :75], whole.planes[:, :, :75], rtol=2e-3)
    np.testing.assert_allclose(part.planes[:, :, 75:], part.first[:, :, 75:], rtol=1e-5)
    asked = hidden & left
    assert asked.any()
    assert (hidden & ~left).any()
    before = np.linalg.norm((mosaic - truth)[asked])
    assert np.linalg.norm((taken - truth)[asked]) < 0.3 * before
    nothing = completed(np.zeros(mosaic.shape, bool))
    np.testing.assert_allclose(nothing.planes, nothing.first, rtol=1e-5)


def test_boxes_that_see_each_others_regions_recover_what_one_box_does(monkeypatch):
    mosaic, hidden, _sites, _truth = two_lamps()
    task = Mosaic.of(mosaic, "RGGB", 1.0, 0.0, GAINS)
    assert len(plan_boxes(task.hidden, 64, 64, 16)) == 2
    whole = declip_raw(mosaic, "RGGB", levels=1.0, white_balance=GAINS, certify=False)
    monkeypatch.setattr("recover.image.raw._TILE", 64)
    split = declip_raw(mosaic, "RGGB", levels=1.0, white_balance=GAINS, certify=False)
    np.testing.assert_array_equal(split.recovered, hidden)
    np.testing.assert_allclose(split.image, whole.image, rtol=0.03)


def test_demosaicing_keeps_the_samples_and_is_exact_on_grey_ramps():
    rows, columns = np.mgrid[:20, :24].astype(np.float32)
    ramp = 0.2 + 0.01 * rows + 0.02 * columns
    for pattern in ("RGGB", "GBRG"):
        sites = colour_sites(pattern, *ramp.shape)
        planes = demosaic(ramp, sites)
        np.testing.assert_array_equal(np.take_along_axis(planes, sites[None], axis=0)[0], ramp)
        for plane in planes:
            np.testing.assert_allclose(plane[4:-4, 4:-4], ramp[4:-4, 4:-4], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pattern": "GGRGGB" * 6}, "X-Trans"),
        ({"pattern": "RGBG"}, "Bayer"),
        ({"pattern": "RRGB"}, "Bayer"),
        ({"cfa": np.zeros((3, 3, 3))}, "mosaic"),
        ({"cfa": np.full((4, 4), np.inf)}, "finite"),
        ({"levels": [1.0, 2.0]}, "one number or three"),
        ({"levels": 0.0}, "above black"),
        ({"white_balance": [1.0, 0.0, 1.0]}, "white_balance"),
    ],
)
def test_bad_input_is_one_clear_line(change, message):
    arguments = {"cfa": np.zeros((4, 4)), "pattern": "RGGB", "levels": 1.0} | change
    with pytest.raises(ParameterError, match=message):
        declip_raw(arguments.pop("cfa"), arguments.pop("pattern"), **arguments)


def test_a_pattern_that_begins_elsewhere_is_refused():
    rng = np.random.default_rng(4)
    light = 0.2 + 0.6 * rng.random((80, 64))
    tint = np.array([0.5, 1.0, 0.8])
    mosaic = (light * tint[colour_sites("GRBG", 80, 64)]).astype(np.float32)
    for wrong in ("RGGB", "BGGR"):
        with pytest.raises(ParameterError, match=r"two greens differ by \d+ %.*shift it"):
            declip_raw(mosaic, wrong, levels=0.75)
    usable = np.ones(mosaic.shape, bool)
    check_fit(mosaic, usable, "GRBG")
    check_fit(mosaic[:20, :20], usable[:20, :20], "RGGB")  # too little to judge by
    check_fit(light, usable, "RGGB")  # grey under this light: any pattern would do
    check_fit(np.zeros_like(mosaic), usable, "RGGB")
