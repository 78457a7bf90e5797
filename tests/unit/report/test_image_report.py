"""The report of an image: what it shows, for colour, grey, stacks, and nothing recovered."""

import dataclasses
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import recover as rv
from recover.report.image import image_report
from recover.report.pictures import (
    CLASSES,
    Scene,
    class_picture,
    exposure_of,
    jpeg,
    scene_of,
    swatch,
)


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :56]
    light = 0.2 + 6.0 * np.exp(-((y - 18) ** 2 + (x - 30) ** 2) / 60.0)
    scene = light[..., None] * np.array([0.5, 1.0, 0.8]) + 0.01 * rng.random((40, 56, 3))
    done = rv.image.declip(np.minimum(scene, 1.5), high=1.5, channel_axis=-1, certify=False)
    trust = np.where(done.recovered, 0.2 * done.image, 0.0)
    return dataclasses.replace(done, trust_map=trust, notes=("A note <of> care.",))


def test_the_page_holds_everything_and_asks_for_nothing(result):
    page = image_report(result, "a <b>", "recover verify r.json a.tif")
    assert page.startswith("<!doctype html>")
    for words in (
        "Before and after",
        "What was found",
        "How far one can see",
        "recover verify",
    ):
        assert words in page
    assert "http://" not in page
    assert "https://" not in page
    assert "a &lt;b&gt;" in page
    assert "A note &lt;of&gt; care." in page
    assert page.count("<img alt=") == page.count("<img")
    # without its script the page still holds both pictures; the slider is hidden by the style
    bare = re.sub(r"<script>.*?</script>", "", page)
    assert bare.count('class="before"') == bare.count('class="after"') >= 1
    assert image_report(result, "a <b>", "recover verify r.json a.tif") == page


def test_the_exposure_shows_what_was_recovered(result):
    scene = scene_of(result)
    stops = exposure_of(scene)
    assert 0.5 < stops < 3.0
    assert scene.after[scene.mask].max() > scene.before[scene.mask].max()
    assert scene.before.max() <= 1.0 + 1e-6
    np.testing.assert_array_equal(scene.after[~scene.mask], scene.before[~scene.mask])
    assert jpeg(scene.after, stops).startswith(b"\xff\xd8")


def test_grey_stacks_and_srgb(result):
    grey = rv.image.declip(result.image[..., 1].clip(max=1.5), high=1.5, certify=False)
    assert "1 channel(s)" in image_report(grey, "grey")
    stack = dataclasses.replace(
        grey,
        image=np.stack([grey.image, grey.image]),
        recovered=np.stack([np.zeros_like(grey.recovered), grey.recovered]),
    )
    assert scene_of(stack).index == 1
    assert "Picture 2 is shown" in image_report(stack, "stack")
    coded = dataclasses.replace(result, transfer="srgb")
    assert "Before and after" in image_report(coded, "coded")


def test_nothing_recovered():
    flat = rv.image.declip(np.add.outer(np.arange(9.0), np.arange(9.0)), certify=False)
    page = image_report(flat, "flat")
    assert "Nothing was clipped" in page
    assert "Before and after" not in page


def test_no_map_is_said(result):
    page = image_report(dataclasses.replace(result, trust_map=None), "plain")
    assert "No error was estimated sample by sample" in page


def test_large_pictures_are_made_smaller_and_keep_the_worst_class():
    mask = np.zeros((30, 2600), bool)
    mask[4, 5] = True
    light = np.full(mask.shape, 0.5, np.float32)
    scene = Scene(light, light, mask, 0)
    with Image.open(BytesIO(class_picture(scene, np.full(mask.shape, 1)))) as picture:
        assert picture.size == (866, 10)
        red, green, blue = np.asarray(picture)[1, 1].astype(int)
        assert green > red > blue
    assert swatch(len(CLASSES) - 1) != swatch(0)


@pytest.mark.parametrize("shape", [(3, 6000), (6000, 3), (1, 40), (40, 1)])
def test_narrow_strips_are_drawn(shape):
    wave = np.sin(np.arange(np.prod(shape)) / 7.0).reshape(shape)
    done = rv.image.declip(np.minimum(wave, 0.9), high=0.9, certify=False)
    trust = np.where(done.recovered, 0.1, 0.0)
    page = image_report(dataclasses.replace(done, trust_map=trust), "strip")
    assert "Before and after" in page
    assert "How far one can see" in page


def test_a_mosaic_with_bounds_is_drawn_by_its_tiles():
    rows, columns = np.mgrid[:16, :20]
    light = 1.0 - ((rows - 8) / 16.0) ** 2 - ((columns - 10) / 20.0) ** 2
    found = rv.image.declip_raw(np.minimum(light, 0.95), "RGGB", levels=0.95, certify=False)
    trust = np.where(found.recovered, 0.01, 0.0)
    row, column = np.argwhere(found.recovered)[0]
    trust[row, column] = np.inf
    page = image_report(dataclasses.replace(found, trust_map=trust), "mosaic")
    assert "a raw mosaic" in page
    shares = re.findall(r"(?:within|beyond)[^<>]* (\d+) %", page)
    tiles = found.recovered.reshape(8, 2, 10, 2).any(axis=(1, 3)).sum()
    assert [int(each) for each in shares[::4]] == [
        round(100 * (tiles - 1) / tiles),
        round(100 / tiles),
    ]


@pytest.mark.parametrize(("axis", "count"), [(0, 3), (1, 2), (2, 4), (0, 1), (2, 1)])
def test_channels_along_any_axis_make_the_same_picture(axis, count):
    rows, columns = np.mgrid[:12, :16]
    light = 1.0 - ((rows - 6) / 12.0) ** 2 - ((columns - 8) / 16.0) ** 2
    last = np.stack([light * (1.0 - 0.1 * c) for c in range(count)], axis=-1)
    shown = np.moveaxis(np.minimum(last, 0.8), -1, axis)
    done = rv.image.declip(shown, high=0.8, channel_axis=axis, certify=False)
    scene = scene_of(done)
    assert scene.mask.shape == (12, 16)
    assert (scene.mask == (light >= 0.8)).all()
    assert f"16 x 12 pixels, {count} channel(s)" in image_report(done, "axes")
    drawn = done.plot().images[0].get_array()
    assert drawn.shape == ((12, 16, 3) if count > 2 else (12, 16))
