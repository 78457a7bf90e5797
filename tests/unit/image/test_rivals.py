"""Other guesses for clipped samples: each by itself, and as candidates of the validation."""

import numpy as np
import pytest
from scipy import stats

from recover.core.errors import ParameterError
from recover.image import declip
from recover.image.conditional import ColourStatistics, conditional_means
from recover.image.patches import smooth_patches


def colours(seed=0, side=40):
    rng = np.random.default_rng(seed)
    covariance = np.array([[0.05, 0.04, 0.03], [0.04, 0.06, 0.03], [0.03, 0.03, 0.04]])
    mean = np.array([0.7, 0.6, 0.5])
    planes = rng.multivariate_normal(mean, covariance, size=(side, side))
    return np.moveaxis(planes, -1, 0), ColourStatistics(mean, covariance)


def test_the_conditional_mean_is_that_of_the_normal_distribution_cut_off():
    truth, known = colours()
    clipped = np.zeros(truth.shape, bool)
    clipped[0] = truth[0] >= 1.0
    planes = np.where(clipped, 1.0, truth)
    found = conditional_means(planes, clipped, known)
    row, column = np.argwhere(clipped[0])[0]
    slope = np.linalg.solve(known.covariance[1:, 1:], known.covariance[1:, 0])
    centre = known.mean[0] + slope @ (planes[1:, row, column] - known.mean[1:])
    spread = np.sqrt(known.covariance[0, 0] - slope @ known.covariance[1:, 0])
    exact = stats.truncnorm.mean((1.0 - centre) / spread, np.inf, centre, spread)
    assert found[0, row, column] == pytest.approx(exact, rel=1e-9)
    assert np.array_equal(found[~clipped], planes[~clipped])
    assert (found[clipped] >= 1.0).all()


def test_the_conditional_mean_has_the_least_error_of_all_on_normal_colours():
    truth, _known = colours(1, side=120)
    clipped = truth >= 1.0
    planes = np.minimum(truth, 1.0)
    found = conditional_means(planes, clipped, colours()[1])
    constant = np.where(clipped, truth[clipped].mean(), planes)
    left, best = (np.linalg.norm((each - truth)[clipped]) for each in (planes, constant))
    assert np.linalg.norm((found - truth)[clipped]) < best < left


def test_statistics_need_pixels_and_survive_equal_channels():
    planes = np.random.default_rng(0).uniform(0.0, 0.9, (1, 20, 20)).repeat(3, axis=0)
    usable = np.ones(planes.shape, bool)
    assert ColourStatistics.of(planes, ~usable) is None
    statistics = ColourStatistics.of(planes, usable)
    assert statistics is not None
    clipped = np.zeros(planes.shape, bool)
    clipped[0, 5, 5] = True
    shown = planes.copy()
    shown[:, 5, 5] = 1.0, 1.4, 1.4
    assert conditional_means(shown, clipped, statistics)[0, 5, 5] == pytest.approx(
        1.4, abs=0.01
    )


def test_patches_of_few_cosines_are_completed():
    rows, columns = np.mgrid[:40, :36]
    truth = (0.8 + 0.3 * np.cos(np.pi * (rows + 0.5) / 8) + 0.0 * columns).astype(np.float32)
    clipped = truth >= 1.0
    planes = np.minimum(truth, 1.0)[None]
    found = smooth_patches(planes, clipped[None])[0]
    assert np.array_equal(found[~clipped], planes[0][~clipped])
    assert (found[clipped] >= 1.0).all()
    off = np.linalg.norm((found - truth)[clipped])
    assert off < 0.35 * np.linalg.norm((planes[0] - truth)[clipped])
    assert np.array_equal(smooth_patches(planes, np.zeros_like(clipped)[None]), planes)


def scene():
    rows, columns = np.mgrid[:48, :40] / 12.0
    light = 0.6 + 0.5 * np.sin(rows) * np.cos(columns)
    return np.stack([light, 0.8 * light, 0.6 * light], axis=-1).astype(np.float32)


@pytest.mark.parametrize("method", ["opposed", "conditional mean", "SPADE"])
def test_each_is_a_method(method):
    truth = scene()
    clipped = np.minimum(truth, np.float32(0.9))
    found = declip(clipped, high=0.9, channel_axis=-1, method=method, certify=False)
    assert found.blend == 1.0
    assert np.array_equal(found.image[~found.recovered], clipped[~found.recovered])
    assert (found.image[found.recovered] >= np.float32(0.9)).all()
    off = np.linalg.norm((found.image - truth)[found.recovered])
    assert off < 0.9 * np.linalg.norm((clipped - truth)[found.recovered])


def test_a_level_is_taken_in_the_precision_of_the_samples():
    clipped = np.minimum(scene(), np.float32(0.9))
    assert declip(clipped, high=0.9, channel_axis=-1, certify=False).count > 0


def test_candidates_are_chosen_by_name():
    truth = scene()
    clipped = np.minimum(truth, np.float32(0.9))
    names = ["opposed", "conditional mean", "SPADE"]
    found = declip(clipped, high=0.9, channel_axis=-1, candidates=names, certify=False)
    alone = declip(clipped, high=0.9, channel_axis=-1, candidates=(), certify=False)
    assert alone.blend == 0.0
    for result in (found, alone):
        off = np.linalg.norm((result.image - truth)[result.recovered])
        assert off < 0.1 * np.linalg.norm((clipped - truth)[result.recovered])
    grey = declip(clipped[..., 0], high=0.9, candidates=["SPADE"], certify=False)
    assert 0.0 <= grey.blend <= 1.0
    with pytest.raises(ParameterError, match="must be of"):
        declip(clipped, high=0.9, channel_axis=-1, candidates=["magic"])
    with pytest.raises(ParameterError, match="needs colour"):
        declip(clipped[..., 0], high=0.9, candidates=["opposed"])
    with pytest.raises(ParameterError, match="several names"):
        declip(clipped, high=0.9, channel_axis=-1, candidates="opposed")
