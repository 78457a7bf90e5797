"""Fields of saturated stars: fluxes with profiles that the fit has not seen."""

import numpy as np
import pytest
from scipy import ndimage

from recover.core.errors import ParameterError
from recover.image import declip
from recover.image.domain import LOGARITHM
from recover.image.star_trials import smooth_light
from recover.image.stars import Profile, recover_stars

MOFFAT = "moffat"
GAUSS = "gauss"


def field(kind, seed, stars=140, side=160):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side].astype(float)
    image = np.full((side, side), 100.0)
    for _ in range(stars):
        y, x = rng.uniform(0, side, 2)
        height = 30.0 * np.exp(rng.exponential(1.3))
        square = (rows - y) ** 2 + (columns - x) ** 2
        if kind == MOFFAT:
            image += height * (1.0 + square / 2.5**2) ** -3
        else:
            image += height * np.exp(-square / (2.0 * 1.5**2))
    return image + rng.standard_normal(image.shape) * np.sqrt(image / 25.0)


def misses(truth, found, mask):
    """Median error of the flux above the background in each saturated star, in magnitudes."""
    labels, count = ndimage.label(mask)
    index = np.arange(1, count + 1)
    ratio = ndimage.sum(found - 100.0, labels, index) / ndimage.sum(
        truth - 100.0, labels, index
    )
    return float(np.median(2.5 * np.abs(np.log10(ratio))))


@pytest.mark.parametrize(("kind", "most"), [(MOFFAT, 0.12), (GAUSS, 0.06)])
@pytest.mark.parametrize("seed", range(2))
def test_fluxes_of_saturated_stars_come_out(kind, most, seed):
    truth = field(kind, seed)
    level = np.percentile(truth, 99.0)
    mask = truth >= level
    clipped = np.minimum(truth, level)
    found = recover_stars(clipped, mask, level)
    assert np.array_equal(found.image[~mask], clipped[~mask])
    assert (found.image[mask] >= level).all()
    assert misses(truth, found.image, mask) < most
    assert misses(truth, clipped, mask) > 2.0 * misses(truth, found.image, mask)
    assert found.background == pytest.approx(100.0, abs=5.0)


def test_a_profile_that_the_logarithm_cannot_guess_is_found():
    truth = field(MOFFAT, 3, stars=90, side=128)
    level = np.percentile(truth, 99.0)
    mask = truth >= level
    clipped = np.minimum(truth, level)
    found = recover_stars(clipped, mask, level)
    light = np.where(mask, 1.0, (clipped - found.background) / (level - found.background))
    plain = found.background + smooth_light(light, mask, LOGARITHM) * (level - found.background)
    smooth = np.where(mask, plain, clipped)
    assert misses(truth, found.image, mask) < 0.6 * misses(truth, smooth, mask)
    assert found.share > 0.3
    half = found.profile.width * np.sqrt(2.0 ** (1.0 / found.profile.slope) - 1.0)
    assert half == pytest.approx(2.5 * np.sqrt(2.0 ** (1.0 / 3.0) - 1.0), rel=0.1)


def test_the_profile_s_slopes_are_its_derivatives():
    profile = Profile(2.3, 2.7, 0.2, -0.3)
    y, x, step = np.array([0.3, -1.2]), np.array([1.1, 0.4]), 1e-6
    _, dy, dx = profile.logarithm(y, x)
    up, down = profile.logarithm(y + step, x)[0], profile.logarithm(y - step, x)[0]
    assert np.allclose(dy, (up - down) / (2.0 * step), atol=1e-7)
    right, left = profile.logarithm(y, x + step)[0], profile.logarithm(y, x - step)[0]
    assert np.allclose(dx, (right - left) / (2.0 * step), atol=1e-7)


def test_a_field_with_nothing_to_learn_from_falls_back():
    rows, columns = np.mgrid[:40, :40]
    truth = 100.0 + 900.0 * np.exp(-((rows - 20) ** 2 + (columns - 18) ** 2) / 12.0)
    clipped, mask = np.minimum(truth, 600.0), truth >= 600.0
    found = recover_stars(clipped, mask, 600.0)
    assert found.stars == 0
    assert found.share == 0.0
    assert misses(truth, found.image, mask) < 0.1


def test_bad_input_is_refused():
    with pytest.raises(ParameterError, match="grey"):
        recover_stars(np.ones((2, 3, 3)), np.ones((3, 3), bool), 1.0)
    image = np.full((20, 20), 5.0)
    with pytest.raises(ParameterError, match="above the background"):
        recover_stars(image, image > 9.0, 4.0)


def test_declip_takes_a_field_of_stars_for_what_it_is():
    truth = field(MOFFAT, 3, stars=90, side=128)
    level = np.percentile(truth, 99.0)
    clipped = np.minimum(truth, level)
    found = declip(clipped, high=level, certify=False)
    assert np.allclose(found.image, recover_stars(clipped, truth >= level, level).image)
    assert any("field of stars" in note for note in found.notes)
    stretched = declip(clipped - 99.0, high=level - 99.0, certify=False)
    assert np.allclose(stretched.image + 99.0, found.image, rtol=1e-3)


def test_a_smooth_highlight_is_no_field_of_stars_unless_it_is_said_to_be():
    rows, columns = np.mgrid[:60, :60]
    truth = 100.0 + 900.0 * np.exp(-((rows - 30) ** 2 + (columns - 28) ** 2) / 400.0)
    clipped = np.minimum(truth, 600.0)
    assert not any("stars" in note for note in declip(clipped, high=600.0).notes)
    forced = declip(clipped, high=600.0, method="stars", certify=False)
    assert any("field of stars" in note for note in forced.notes)
    assert any("too few" in note for note in forced.notes)


def test_stars_are_refused_where_they_cannot_be():
    image = field(MOFFAT, 3, stars=90, side=128)
    with pytest.raises(ParameterError, match="grey"):
        declip(np.stack([image] * 3), high=300.0, channel_axis=0, method="stars")
    mask = image > 300.0
    uneven = np.where(mask, 300.0 + 200.0 * (np.arange(128) % 2), image)
    with pytest.raises(ParameterError, match="one level"):
        declip(uneven, mask=mask, method="stars")
    assert not any(
        "field of stars" in note for note in declip(uneven, mask=mask, certify=False).notes
    )


def test_small_highlights_of_many_shapes_are_no_stars():
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:160, :160].astype(float)
    truth = np.full((160, 160), 60.0)
    for _ in range(70):
        y, x = rng.uniform(6, 154, 2)
        tall, wide = rng.uniform(0.6, 6.0, 2)
        square = ((rows - y) / tall) ** 4 + ((columns - x) / wide) ** 4
        truth += rng.uniform(100.0, 900.0) * np.exp(-square)
    level = np.percentile(truth, 97.0)
    clipped = np.minimum(truth, level)
    found = recover_stars(clipped, truth >= level, level)
    assert found.misses is not None
    assert not found.pays
    assert not any(
        "stars:" in note for note in declip(clipped, high=level, certify=False).notes
    )
    left, now = (
        np.linalg.norm((each - truth)[truth >= level])
        for each in (clipped, declip(clipped, high=level, certify=False).image)
    )
    assert now <= left
