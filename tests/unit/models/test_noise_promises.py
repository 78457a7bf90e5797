"""Noise in numbers: what each promise bounds, with which chance, and what it says as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, poisson

from recover.certificates.checks.reading import reading_faults
from recover.core.arrays import Array, digest
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED, probabilistic
from recover.core.rounding import norm_upper
from recover.frames import Identity
from recover.models import AFTER, BEFORE, Modulus, Noise, Problem
from recover.models.noise import _means

INF = math.inf


def chance_of_at_least(k: float, mean: float) -> float:
    """P(Poisson(mean) >= k) by its series, for counts of any size."""
    v = (mean - k) / k
    n = np.arange(1.0, min(60.0 * math.sqrt(k) + 100.0, 4e6))
    terms = np.exp(np.cumsum(np.log(mean / (k + n))))
    if k < 1000:
        first = poisson.pmf(k, mean)
    else:  # Stirling's series
        log = -k * (v - math.log1p(v)) - 0.5 * math.log(2 * math.pi * k) - 1 / (12 * k)
        first = math.exp(log)
    return float(first * (1.0 + terms.sum()))


def test_given_bounds() -> None:
    y = np.zeros((2, 3))
    by_norm = Noise(l2=0.5).bound(y)
    assert by_norm.l2 == 0.5
    np.testing.assert_array_equal(by_norm.each, np.full((2, 3), 0.5))
    assert by_norm.rigor == PROVED
    assert by_norm.where is AFTER
    each = np.array([[1.0, 2.0, 0.0], [0.5, 0.0, 0.25]])
    single = Noise(each=each, where=BEFORE).bound(y)
    assert single.l2 == norm_upper(each)
    np.testing.assert_array_equal(single.each, each)
    assert single.where is BEFORE
    both = Noise(l2=1.0, each=each).bound(y)
    assert both.l2 == 1.0
    np.testing.assert_array_equal(both.each, np.minimum(each, 1.0))
    partly = Noise(l2=3.0, each=[INF, 1.0]).bound(np.zeros(2))
    assert (partly.l2, list(partly.each)) == (3.0, [3.0, 1.0])


def test_exact_data() -> None:
    y = np.zeros(2)
    assert Noise(l2=0.0).bound(y).is_zero
    assert Noise(each=0.0).bound(y).is_zero
    assert not Noise(l2=0.5).bound(y).is_zero
    assert not Noise(each=[0.0, 0.5]).bound(y).is_zero


@pytest.mark.parametrize(
    "bounds",
    [
        {"l2": -1e-9},
        {"l2": math.nan},
        {"each": -1e-9},
        {"each": math.nan},
        {"each": [0.1, -0.1]},
        {"l2": 1.0, "each": [0.1, math.nan]},
        {"l2": -1.0, "each": 1.0},
    ],
)
def test_negative_bounds_are_refused(bounds: dict) -> None:
    with pytest.raises(ParameterError, match="noise bounds must be >= 0, got l2="):
        Noise(**bounds)


def test_no_bound_at_all_is_refused() -> None:
    for each in (INF, [1.0, INF]):
        with pytest.raises(ParameterError, match="noise needs a finite bound"):
            Noise(each=each)
    assert Noise(l2=1.0).each == Noise(each=1.0).l2 == INF


@pytest.mark.parametrize("m", [1, 2, 1000])
@pytest.mark.parametrize("delta", [1e-9, 0.2])
def test_gaussian_bounds_fail_with_the_stated_chance(m: int, delta: float) -> None:
    sigma = 0.25
    bound = Noise.gaussian(sigma, delta, BEFORE).bound(np.zeros(m))
    # concentration of the norm, and the union bound for the entries: half of delta each
    assert math.exp(-((bound.l2 / sigma - math.sqrt(m)) ** 2) / 2) == pytest.approx(delta / 2)
    assert bound.l2 > sigma * math.sqrt(m)
    single = bound.each[0] / sigma
    assert 2 * m * math.exp(-(single**2) / 2) == pytest.approx(delta / 2)
    assert 2 * m * norm.sf(single) < delta / 2
    assert bound.each.shape == (m,)
    assert np.ptp(bound.each) == 0.0
    assert bound.rigor == probabilistic(delta)
    assert bound.where is BEFORE


def test_chances_unless_said_otherwise() -> None:
    y = np.ones(3)
    for noise in (Noise.gaussian(1.0), Noise.poisson(1.0), Noise.counted(1.0)):
        assert noise.bound(y).rigor == probabilistic(1e-9)
        assert noise.bound(y).where is AFTER
    empty = Noise.gaussian(1.0, 0.5).bound(np.zeros((0, 2)))
    assert empty.each.shape == (0, 2)
    assert math.isfinite(empty.l2)
    assert Noise.poisson(1.0).bound(np.zeros(0)).l2 == 0.0
    assert Noise.counted(1.0).bound(np.zeros(0)).l2 == 0.0


@pytest.mark.parametrize("law", [Noise.gaussian, Noise.poisson, Noise.counted])
def test_laws_refuse_what_is_no_chance_or_no_size(law) -> None:
    name = "sigma" if law is Noise.gaussian else "counts_per_unit"
    for value in (0.0, -1.0, INF, math.nan):
        with pytest.raises(ParameterError, match=f"^{name} must be positive and finite, got"):
            law(value)
    for delta in (0.0, 1.0, -0.5, math.nan):
        with pytest.raises(ParameterError, match=r"delta must lie in \(0, 1\), got"):
            law(0.5, delta)


@pytest.mark.parametrize("m", [1, 5])
@pytest.mark.parametrize("delta", [1e-9, 0.3])
def test_counts_by_the_tails_of_the_poisson_law(m: int, delta: float) -> None:
    unit, counts = 0.5, np.array([0.0, 1.0, 7.0, 300.0, 99_999.0])
    for k in counts:
        bound = Noise.poisson(unit, delta).bound(np.full(m, k / unit))
        # the interval is longer upwards
        tail = poisson.cdf(k, k + unit * bound.each[0])
        assert tail == pytest.approx(delta / (2 * m), rel=1e-5)
        assert tail <= delta / (2 * m)
        assert bound.l2 == norm_upper(bound.each)
        assert bound.each.shape == (m,)
        assert bound.rigor == probabilistic(delta)


@pytest.mark.parametrize("k", [1.0, 9.0])
def test_an_interval_may_be_longer_downwards(k: float) -> None:
    # between two counts, nearer to the upper one, at a level at which intervals are short
    y, delta = k + 0.49, 0.98
    e = float(Noise.poisson(1.0, delta).bound(np.array([y])).each[0])
    assert chance_of_at_least(k, y - e) == pytest.approx(delta / 2, rel=1e-6)
    assert chance_of_at_least(k, y - e) <= delta / 2
    assert poisson.cdf(k, y + e) < delta / 2


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"counts must be >= 0, got -0\.5; subtract"):
        Noise.poisson(1.0).bound(np.array([2.0, -0.5]))


@pytest.mark.parametrize("delta", [1e-9, 0.3])
@pytest.mark.parametrize("k", [300.0, 99_999.0, 100_001.0, 1e6, 1e8, 1e10])
def test_lower_ends_of_large_counts(k: float, delta: float) -> None:
    unit, m = 4.0, 3
    width = norm.isf(delta / (4 * m)) * math.sqrt(k)
    background = (k - 2.0 * width) / unit  # so that the lower half is longer
    y = math.sqrt(k / unit - background)
    noise = Noise.counted(unit, delta, background=background)
    e = float(noise.bound(np.full(m, y)).each[0])
    mean = unit * ((y - e) ** 2 + background)
    tail = chance_of_at_least(k, mean) / (delta / (4 * m))
    assert tail <= 1.0
    assert tail > (1.0 - 1e-3 if k < 1e5 else 0.4)


@pytest.mark.parametrize("background", [0.0, 9e7])
def test_the_second_reading_agrees_on_large_counts(background: float) -> None:
    y = np.sqrt(np.array([1e8, 1e8 + 1e5, 3e8, 9e12]) - background)
    model = Modulus(Identity(4))
    honest = Problem(model, y, noise=Noise.counted(1.0, 1e-6, background=background))
    assert list(reading_faults(honest)) == []
    # at another level of the tails the bounds are shorter by a few per cent
    claim = replace(honest.noise_bound, each=0.99 * honest.noise_bound.each)
    shorter = Problem(model, y, noise=honest.noise)
    object.__setattr__(shorter, "noise_bound", claim)
    assert list(reading_faults(shorter))


def test_few_counts_above_a_background() -> None:
    unit, delta, background = 1.0, 0.99, 0.27
    y = math.sqrt(1.0 - background)
    bound = Noise.counted(unit, delta, background=background).bound(np.array([y]))
    least = y - float(bound.each[0])
    assert chance_of_at_least(1.0, least**2 + background) == pytest.approx(delta / 4, rel=1e-6)
    assert bound.l2 == norm_upper(bound.each)  # the closed form is for no background


def test_a_magnitude_of_zero_may_hide_any_count_below_the_background() -> None:
    delta, background = 0.04, np.array([[0.0], [7.0]])
    noise = Noise.counted(1.0, delta, background=background)
    each = noise.bound(np.zeros((2, 1))).each
    for k, b, e in ((0, 0.0, each[0, 0]), (7, 7.0, each[1, 0])):
        assert poisson.cdf(k, e**2 + b) == pytest.approx(delta / 8, rel=1e-6)


def test_upper_ends_of_small_magnitudes() -> None:
    unit, delta, counts = 1e4, 1e-3, np.array([0.0, 1.0, 25.0, 900.0])
    y = np.sqrt(counts / unit)
    each = Noise.counted(unit, delta).bound(y).each
    tails = poisson.cdf(counts, unit * (y + each) ** 2)
    np.testing.assert_allclose(tails, delta / 16, rtol=1e-5)
    assert (tails <= delta / 16).all()


@pytest.mark.parametrize("law", [Noise.poisson, Noise.counted])
def test_single_data_have_the_bounds_of_their_values(law) -> None:
    y = np.array([0.0, 1.7, 300.3, 7e7], dtype=np.float32)
    single, double = (law(1.5, 1e-3).bound(data) for data in (y, y.astype(np.float64)))
    assert single.each.dtype == np.float64
    np.testing.assert_array_equal(single.each, double.each)
    assert single.l2 == double.l2


def test_what_is_no_root_of_a_count_has_its_distance_added() -> None:
    noise, m = Noise.counted(1.0, 1e-3), 400
    whole = noise.bound(np.full(m, 10.0))
    for off in (0.02, -0.02):  # 100.4 and 99.6 counts
        bound = noise.bound(np.full(m, 10.0 + off))
        top = 10.0 + whole.each[0]
        assert bound.each[0] == pytest.approx(top - (10.0 + off) + abs(off), rel=1e-9)
        assert bound.l2 == pytest.approx(whole.l2 + abs(off) * math.sqrt(m), rel=1e-9)


@pytest.mark.parametrize("m", [100, 30_000])
def test_the_norm_of_roots_by_the_best_tilt(m: int) -> None:
    unit, delta = 4.0, 1e-6
    bound = Noise.counted(unit, delta).bound(np.full(m, 10.0))
    tilt = np.linspace(1e-4, 1.0, 20_000, endpoint=False)
    total = (math.log(2 / delta) + m * np.log((1 + tilt) / (1 - tilt))) / tilt
    best = math.sqrt(total.min() / unit)
    assert best <= bound.l2 <= best * 1.0003
    assert bound.l2 <= norm_upper(bound.each)
    one = Noise.counted(unit, delta).bound(np.full(1, 10.0))
    assert one.l2 <= norm_upper(one.each)


def test_the_norm_of_roots_at_the_last_tilt() -> None:
    unit, delta, m = 4.0, 1e-300, 9
    bound = Noise.counted(unit, delta).bound(np.full(m, 100.0))
    total = (math.log(2 / delta) + m * math.log(1.99 / 0.01)) / 0.99
    assert total / unit <= bound.l2**2 <= total / unit * (1.0 + 1e-8)


def test_no_count_bounds_no_mean_from_below() -> None:
    low, high = _means(np.array([0.0, 1.0, 1e5, 2e5]), 0.01)
    assert low[0] == 0.0
    np.testing.assert_allclose([low[1], high[0]], [-math.log(0.99), -math.log(0.01)])
    assert (np.diff(low) > 0.0).all()
    assert (np.diff(high) > 0.0).all()


def test_backgrounds_that_are_refused() -> None:
    for background in (-1.0, INF, math.nan, np.array([0.1, -0.1]), np.array([0.1, INF])):
        with pytest.raises(ParameterError, match="background must be finite and >= 0"):
            Noise.counted(1.0, background=background)
    with pytest.raises(ParameterError, match=r"^background must be a scalar or have shape"):
        Noise.counted(1.0, background=np.ones(3)).bound(np.ones(2))
    with pytest.raises(ParameterError, match=r"^noise each must be a scalar or have shape"):
        Noise(each=np.ones(3)).bound(np.ones(2))


SIZES: Array = np.array([0.5, 1.0])


@pytest.mark.parametrize(
    ("noise", "data"),
    [
        (Noise(l2=0.5), {"where": "after", "l2": 0.5, "each": "inf"}),
        (Noise(each=0.5, where=BEFORE), {"where": "before", "l2": "inf", "each": 0.5}),
        (Noise(l2=1, each=1), {"where": "after", "l2": 1.0, "each": 1.0}),
        (Noise(each=SIZES), {"where": "after", "l2": "inf", "each": digest([SIZES])}),
        (
            Noise.gaussian(0.5, 1e-6, BEFORE),
            {"where": "before", "law": "gaussian", "sigma": 0.5, "delta": 1e-6},
        ),
        (
            Noise.poisson(0.5, 1e-6),
            {"where": "after", "law": "poisson", "counts_per_unit": 0.5, "delta": 1e-6},
        ),
        (
            Noise.counted(2.0, 1e-6, background=3),
            {
                "where": "after",
                "law": "poisson",
                "counts_per_unit": 2.0,
                "delta": 1e-6,
                "roots": True,
                "background": 3.0,
            },
        ),
        (
            Noise.counted(2.0, 1e-6, background=SIZES),
            {
                "where": "after",
                "law": "poisson",
                "counts_per_unit": 2.0,
                "delta": 1e-6,
                "roots": True,
                "background": digest([SIZES]),
            },
        ),
    ],
)
def test_the_promise_as_json(noise: Noise, data: dict) -> None:
    assert noise.to_json() == data
    assert json.loads(json.dumps(noise.to_json(), allow_nan=False)) == data


def test_arrays_of_any_type_have_one_digest() -> None:
    whole = np.array([1, 2])
    assert Noise(each=whole).to_json() == Noise(each=whole.astype(float)).to_json()
    first, second = (Noise.counted(1.0, background=b) for b in (whole, whole.astype(float)))
    assert first.to_json() == second.to_json()
