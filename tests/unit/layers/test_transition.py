"""The experiment on random layers: its counts, its shares, and what it is compared with."""

import json
import math

import numpy as np
import pytest

import recover as rv
from recover.layers.sweep import fewest_by_sweep
from recover.layers.transition import Share, Transition, transition
from recover.theory import planar_injectivity_probability, wendel_probability


@pytest.mark.parametrize("seed", range(40))
def test_the_sweep_counts_as_the_enumeration_of_rays(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    rows = rng.standard_normal((int(rng.integers(n, (22, 20, 16, 14, 12)[n - 2])), n))
    expected = rv.theory.min_active_neurons(rows, exact=True)
    assert expected.exact
    assert fewest_by_sweep(rows) == expected.count
    # an early end gives a count that is attained, and small enough
    early = fewest_by_sweep(rows, n - 1)
    assert early >= expected.count
    assert (early >= n) == (expected.count >= n)


def test_shares_in_the_plane_are_those_of_the_formula():
    found = transition([2], [2.5, 3.0, 4.0, 5.0, 6.0], trials=1500, budget=60.0, rng=5)
    for point in found.of(2):
        exact = planar_injectivity_probability(point.rows)
        assert point.trials == 1500
        assert abs(point.share - exact) <= 3.0 * point.standard_error(exact)
    (off,) = found.all_off
    assert abs(off.share - wendel_probability(4, 2)) <= 3.0 * off.standard_error(0.5)
    assert 3.4 < found.half(2) < 3.8


# shares from an exact enumeration of other draws, with their numbers of trials
@pytest.mark.parametrize(
    ("n", "ratio", "seen", "earlier", "trials"),
    [(3, 4, 0.3227, 3000, 600), (3, 6, 0.9137, 3000, 600), (4, 5, 0.5667, 1500, 150)],
)
def test_shares_are_those_of_earlier_counts(n, ratio, seen, earlier, trials):
    (point,) = transition([n], [ratio], trials=trials, budget=60.0, rng=n).injective
    error = math.sqrt(seen * (1 - seen) * (1 / trials + 1 / earlier))
    assert abs(point.share - seen) <= 3.0 * error


def test_layers_searched_beyond_six_inputs_follow_wendel_and_the_bound():
    found = transition([7], [3.0], trials=10, budget=60.0, rng=1)
    assert found.injective[0].share == 0.0  # below the easy bound
    (off,) = found.all_off
    assert abs(off.share - 0.5) <= 3.0 * off.standard_error(0.5)
    # a layer that fails with less than 1 %, proved
    (wide,) = transition([7], [11.0], trials=1, budget=60.0, rng=1).injective
    assert rv.theory.injectivity_failure_bound(77, 7) < 0.01
    assert wide.count == 1


def test_the_same_seed_gives_the_same_layers():
    first, again = (transition([3, 7], [4.0], trials=5, budget=60.0, rng=3) for _ in range(2))
    assert first == again


def test_at_least_one_layer_is_drawn_and_watch_may_stop():
    assert transition([2], [3.0], budget=0.0).injective[0].trials == 1
    seen = []

    def watch(progress):
        seen.append(progress)
        return len(seen) >= 4

    found = transition([2], [3.0], trials=100, budget=60.0, watch=watch)
    assert found.injective[0].trials == 4
    assert seen[-1].total == 100


def test_half_is_interpolated_and_unknown_outside():
    points = (Share(2, 6, 20, 100), Share(2, 8, 60, 100))
    found = Transition(points, ())
    assert found.half(2) == pytest.approx(3.75)
    assert math.isnan(Transition(points[:1], ()).half(2))
    assert math.isnan(Share(2, 6, 0, 0).share)


def test_json_table_and_picture():
    found = transition([2, 3], [3.0, 4.0, 5.0], trials=30, budget=30.0)
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert [entry["how"] for entry in data["injective"]] == ["exact"] * 6
    assert data["all_off"][0]["wendel"] == 0.5
    assert "2 inputs" in found._repr_html_()
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert found.plot(axes) is axes
    assert axes.get_xlabel() == "neurons per input"
    assert len(axes.lines) >= 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dimensions": [1]}, "dimensions must be 2 to 200, got 1"),
        ({"dimensions": [500]}, "got 500"),
        ({"ratios": [0.5]}, "ratios must be 1 to 20"),
        ({"ratios": [math.nan]}, "ratios must be 1 to 20"),
        ({"dimensions": []}, "must not be empty"),
        ({"trials": 0}, "trials must be >= 1"),
        ({"budget": math.nan}, "budget must be >= 0"),
    ],
)
def test_bad_numbers_are_refused(options, message):
    with pytest.raises(rv.ParameterError, match=message):
        transition(**options)
