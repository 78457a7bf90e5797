"""The image model: domains, slopes, boxes, validation, and the minimiser's conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recover.image import declip
from recover.image.arguments import Side
from recover.image.boxes import plan_boxes, some_boxes
from recover.image.domain import COLOUR, LINEAR, LOGARITHM, ROOT, ValueDomain
from recover.image.model import default_settings, energy_of
from recover.image.opposed import opposed
from recover.image.points import point_sources
from recover.image.side import Scaled
from recover.image.slopes import SlopeSettings, pair_maps
from recover.image.validation import AGAIN, Trial, blended, blends_of, share_of, shrinkage_of


@pytest.mark.parametrize("domain", [LINEAR, ROOT, COLOUR, LOGARITHM, ValueDomain(2.0)])
def test_domains_invert_and_know_their_slope(domain):
    x = np.linspace(0.05, 9.0, 40)
    v = domain.forward(x)
    np.testing.assert_allclose(domain.inverse(v), x, rtol=1e-12)
    step = 1e-6
    numeric = (domain.inverse(v + step) - domain.inverse(v - step)) / (2.0 * step)
    np.testing.assert_allclose(domain.slope(v), numeric, rtol=1e-6)
    assert np.isfinite(domain.forward(np.array([-1.0, 0.0]))).all()
    with pytest.raises(ValueError, match="power"):
        ValueDomain(-1.0)


def test_slopes_of_proportional_channels_are_their_ratios():
    rng = np.random.default_rng(0)
    base = rng.random((40, 40)).astype(np.float32)
    v = np.stack([base, 0.5 * base, 0.8 * base])
    maps = pair_maps(v, np.ones(v.shape, dtype=bool), SlopeSettings())
    wanted = [2.0, 1.25, 0.5, 0.625, 0.8, 1.6]
    for slope, ratio in zip(maps.slopes, wanted, strict=True):
        np.testing.assert_allclose(slope, ratio, rtol=1e-2)
    np.testing.assert_allclose(maps.weights.mean(axis=0), 1.0, rtol=1e-5)


def test_slopes_do_not_look_at_clipped_samples_and_survive_having_none():
    rng = np.random.default_rng(1)
    v = rng.random((2, 30, 30)).astype(np.float32)
    usable = np.ones(v.shape, dtype=bool)
    usable[0, 5:20, 5:20] = False
    other = v.copy()
    other[0, 5:20, 5:20] = 7.0
    found = [pair_maps(each, usable, SlopeSettings()) for each in (v, other)]
    np.testing.assert_allclose(found[0].slopes, found[1].slopes, rtol=1e-5)
    none = pair_maps(v, np.zeros(v.shape, dtype=bool), SlopeSettings())
    assert np.isfinite(none.slopes).all()
    assert np.isfinite(none.weights).all()


def test_weights_by_variance_are_the_squares_of_those_by_deviation():
    v = np.random.default_rng(2).random((3, 24, 40)).astype(np.float32)
    usable = np.ones(v.shape, dtype=bool)
    plain, again, square = (
        pair_maps(v, usable, SlopeSettings(), **power)
        for power in ({}, {"power": 1.0}, {"power": 2.0})
    )
    np.testing.assert_array_equal(plain.weights, again.weights)
    np.testing.assert_array_equal(plain.slopes, square.slopes)
    wanted = plain.weights**2 / (plain.weights**2).mean(axis=0)
    np.testing.assert_allclose(square.weights, wanted, rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_channels_with_independent_errors_are_best_weighted_by_variance(seed):
    """Gauss and Markov: of two guides, one three times as noisy as the other."""
    rng = np.random.default_rng(seed)
    truth = np.full((3, 48, 48), 0.6) + 0.1 * rng.standard_normal((48, 48))
    truth[1:] += np.array([0.01, 0.03])[:, None, None] * rng.standard_normal((2, 48, 48))
    clipped = np.zeros(truth.shape, dtype=bool)
    clipped[0, 16:32, 16:32] = True
    scaled = (truth / truth[clipped].min()).astype(np.float32)
    planes = np.where(clipped, np.float32(1.0), scaled)
    single, double = (
        np.linalg.norm((energy_of(planes, clipped, power=power).values - scaled)[clipped])
        for power in (1.0, 2.0)
    )
    assert double < 0.95 * single


@pytest.mark.parametrize("channels", [1, 3])
def test_the_minimiser_fulfils_its_conditions(channels):
    """An early-stopped solver once hid that the true minimiser was a bad one."""
    rng = np.random.default_rng(2)
    x = np.cumsum(rng.standard_normal((channels, 40, 40)), axis=2).astype(np.float32)
    x = np.abs(x + 3.0 * rng.standard_normal((1, 40, 40)))
    level = np.quantile(x, 0.85)
    planes, clipped = np.minimum(x / level, 1.0), x >= level
    energy = energy_of(planes, clipped, tol=1e-5)
    assert energy.settings == default_settings(channels)
    v = energy.minimiser.astype(np.float64)
    gradient = energy.operator.synthesis(energy.operator.analysis(v))
    scale = np.abs(energy.operator.synthesis(energy.operator.analysis(planes)))[clipped].max()
    inside = clipped & (energy.minimiser > energy.level)
    assert np.abs(gradient[inside]).max() < 1e-3 * scale
    assert gradient[clipped & (energy.minimiser == energy.level)].min() > -1e-3 * scale
    assert (energy.values[clipped] >= 1.0).all()
    np.testing.assert_array_equal(energy.problem.y[~clipped], energy.minimiser[~clipped])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_boxes_hold_every_pixel_once_and_cut_no_coupling(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 60, size=2))
    anywhere = rng.random(shape) < rng.choice([0.002, 0.02, 0.2])
    boxes = plan_boxes(anywhere, 5, int(rng.choice([8, 20, 100])), 4)
    owner = np.full(shape, -1)
    for k, box in enumerate(boxes):
        part = owner[box.rows, box.columns]
        assert (part[box.own] == -1).all()
        part[box.own] = k
        assert box.rows.start % 4 == 0 == box.columns.start % 4
    np.testing.assert_array_equal(owner >= 0, anywhere)
    where = np.argwhere(anywhere)
    for p in where[:40]:
        near = where[np.abs(where - p).sum(axis=1) <= 2]
        assert (owner[tuple(near.T)] == owner[tuple(p)]).all()


def test_some_boxes_are_as_many_as_are_worth_trying_or_enough():
    anywhere = np.zeros((40, 90), bool)
    for k in range(9):
        anywhere[5 : 5 + k + 1, 10 * k + 3] = True  # columns of 1 to 9 pixels
    boxes = plan_boxes(anywhere, 2, 10, 1)
    assert sorted(box.count for box in boxes) == list(range(1, 10))
    firsts = set()
    for seed in range(40):
        counts = [box.count for box in some_boxes(boxes, 20, np.random.default_rng(seed))]
        assert sum(counts) <= 20
        assert sum(counts) + min(set(range(1, 10)) - set(counts)) > 20  # no other fits
        few = some_boxes(boxes, 20, np.random.default_rng(seed), 8)
        found = [box.count for box in few]
        assert found == counts[: len(found)]
        assert sum(found) >= 8 > sum(found[:-1])
        firsts.add(found[0])
    assert len(firsts) > 5
    assert len(some_boxes(boxes, 3, np.random.default_rng(2), 1)) == 1
    assert some_boxes([], 3, np.random.default_rng(0), 1) == []


def trial(model, known, clipped, rule=None):
    model, known = np.asarray(model), np.asarray(known)
    channel = np.zeros(model.size, dtype=int)
    return Trial(channel, known, np.asarray(clipped), model, (model if rule is None else rule,))


def test_shrinkage_is_least_squares_on_what_is_known():
    true = np.array([0.82, 0.85, 0.9, 0.95])
    known = trial(AGAIN + 2.5 * (true - AGAIN), true, np.zeros(4, bool))
    assert shrinkage_of(known, 1) == (pytest.approx(0.4),)
    # an exact model is trusted whole, one that is too low is not enlarged
    assert shrinkage_of(trial(true, true, np.zeros(4, bool)), 1) == (1.0,)
    assert shrinkage_of(trial(AGAIN + 0.5 * (true - AGAIN), true, np.zeros(4, bool)), 1) == (
        1.0,
    )
    # predictions that fall are worth nothing; without any knowledge the model stands
    assert shrinkage_of(
        trial(AGAIN + 3 * (true - AGAIN), 0 * true + AGAIN, np.zeros(4, bool)), 1
    ) == (0.0,)
    assert shrinkage_of(trial([], [], np.zeros(0, bool)), 1) == (1.0,)
    # a clipped sample predicted above 1 says nothing
    beyond = trial([0.9, 3.0], [0.9, 1.0], np.array([False, True]))
    assert shrinkage_of(beyond, 1) == (1.0,)


def test_trials_hide_as_much_as_is_missing():
    assert share_of(np.full(5, 0.05)) == pytest.approx(0.95)
    assert share_of(np.array([0.03, 0.04]) * np.sqrt(2.0)) == pytest.approx(0.95)
    assert share_of(np.full(5, 1e-4)) == 0.98
    assert share_of(np.full(5, 0.7)) == share_of(np.zeros(0)) == AGAIN
    true = np.array([0.96, 0.97, 0.98])
    high = 0.95 + 4.0 * (true - 0.95)
    near = Trial(np.zeros(3, int), true, np.zeros(3, bool), high, (true,), share=0.95)
    assert shrinkage_of(near, 1) == (pytest.approx(0.25),)
    # the model is right at 0.96 once shrunk; the rule adds nothing
    assert blends_of(near, (0.25,)) == (0.0,)


def test_the_blend_is_the_better_one_s():
    true = np.array([0.82, 0.85, 0.9, 0.95])
    wrong = np.full(4, AGAIN)
    rule_right = trial(wrong, true, np.zeros(4, bool), rule=true)
    assert blends_of(rule_right, (1.0,)) == (pytest.approx(1 / 1.02),)
    model_right = trial(true, true, np.zeros(4, bool), rule=wrong)
    assert blends_of(model_right, (1.0,)) == (0.0,)
    assert blends_of(trial([], [], np.zeros(0, bool)), (1.0,)) == (0.0,)


def test_a_factor_below_one_is_lowered_by_its_standard_error():
    predicted = np.array([0.1, 0.1, 0.1, 0.1])
    actual = np.array([0.05, 0.05, 0.01, 0.01])
    known, none = AGAIN + actual, np.zeros(4, bool)
    whole = np.zeros(4, int)
    pairs = Trial(whole, known, none, AGAIN + predicted, blocks=np.array([7, 7, 9, 9]))
    # the ratio is 0.3; two blocks that miss by 0.2 each way put it off by 0.2
    assert shrinkage_of(pairs, 1) == (pytest.approx(0.1),)
    even = Trial(whole, known, none, AGAIN + predicted, blocks=np.array([1, 2, 2, 1]))
    assert shrinkage_of(even, 1) == (pytest.approx(0.3),)


def test_rivals_are_blended_one_after_the_other():
    true = np.array([0.82, 0.85, 0.9, 0.95])
    wrong = np.full(4, AGAIN)
    both = Trial(np.zeros(4, int), true, np.zeros(4, bool), wrong, (true, true))
    first, second = blends_of(both, (1.0,))
    assert first == pytest.approx(1 / 1.02)
    assert second == pytest.approx(1 / 1.02)
    three = np.full(2, 3.0)
    assert blended(np.zeros(2), (np.ones(2), three), (0.5, 0.5)) == pytest.approx(1.75)


def test_opposed_channels_rebuild_a_grey_highlight():
    light = np.outer(np.hanning(30), np.hanning(30)).astype(np.float32) * 1.5
    balance = np.array([2.0, 1.0, 1.6])
    planes = np.stack([light / b for b in balance]).astype(np.float32)
    clipped = planes >= 1.0
    found = opposed(np.minimum(planes, 1.0), clipped, balance)
    np.testing.assert_allclose(found[clipped], planes[clipped], rtol=1e-3)
    grey = opposed(np.minimum(planes[1:2], 1.0), clipped[1:2], np.ones(1))
    np.testing.assert_array_equal(grey, np.minimum(planes[1:2], 1.0))


def stars(count=30, size=96, seed=0):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    image = np.full((size, size), 0.05)
    for _ in range(count):
        y, x = rng.uniform(4, size - 4, 2)
        flux = rng.pareto(1.2) * 0.4 + 0.1
        image += flux * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2.0 * 1.6**2))
    return image


def test_the_logarithm_is_for_point_sources_only():
    field, level = stars(), 0.5
    side = Side(np.full((1, 1, 1), level), (field >= level)[None])
    assert point_sources(Scaled.high(np.minimum(field, level)[None], side))
    rows, columns = np.mgrid[:96, :96]
    hills = 1.0 + np.sin(rows / 9.0) * np.cos(columns / 9.0)
    side = Side(np.full((1, 1, 1), 1.5), (hills >= 1.5)[None])
    assert not point_sources(Scaled.high(np.minimum(hills, 1.5)[None], side))
    result = declip(np.minimum(field, level), high=level, certify=False)
    linear = declip(
        np.minimum(field, level), high=level, certify=False, method="MultigridObstacle"
    )
    mask = field >= level
    errors = [np.linalg.norm((r.image - field)[mask]) for r in (result, linear)]
    assert errors[0] < 0.8 * errors[1]
