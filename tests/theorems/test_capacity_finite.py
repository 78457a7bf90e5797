"""Finite sizes: the proved bounds against exact counting and against simulation."""

import json
import math
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.theory import (
    deep_failure_bound,
    injectivity_failure_bound,
    local_injectivity_probability,
    minimal_rows,
)
from recover.theory.counting import few_exact, few_upper, patterns_exact, patterns_upper

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "data" / "golden" / "capacity.json").read_text()
)


def exact_bound(m, n):
    cells = 2 * sum(math.comb(m - 1, i) for i in range(n))
    return Fraction(cells * sum(math.comb(m, k) for k in range(n)), 2**m)


def least_active(rows):
    """Return the least number of active rows per trial; rows [shape=(trials, m, n)].

    A ray on which n - 1 rows vanish touches cells with every sign of those rows, and every
    cell has such a ray, so the least count is that of the other rows on a ray or its negative.
    """
    _, m, n = rows.shape
    best = np.full(rows.shape[0], m)
    for chosen in combinations(range(m), n - 1):
        ray = np.linalg.svd(rows[:, list(chosen)])[2][:, -1]
        others = [i for i in range(m) if i not in chosen]
        positive = (np.einsum("tmn,tn->tm", rows[:, others], ray) > 0).sum(axis=1)
        best = np.minimum(best, np.minimum(positive, len(others) - positive))
    return best


@pytest.mark.parametrize("n", [1, 2, 5, 17])
def test_failure_bound_is_the_exact_number_rounded_upward(n):
    for m in range(n, 15 * n + 10):
        exact = exact_bound(m, n)
        bound = injectivity_failure_bound(m, n)
        assert Fraction(bound) >= min(exact, 1)
        assert bound == 1.0 or Fraction(math.nextafter(bound, 0.0)) < exact


@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 1), (40, 3), (900, 100), (3000, 1400)])
def test_scaled_counts_are_above_the_exact_ones_and_close(m, n):
    if 2 * n > m:
        return
    for scaled, exact in (
        (patterns_upper(m, n), Fraction(patterns_exact(m, n))),
        (few_upper(m, n), Fraction(few_exact(m, n), 2**m)),
    ):
        value = Fraction(scaled.mantissa) * Fraction(2) ** scaled.exponent
        assert 0 <= value / exact - 1 < 1e-14 * (n + 1)


def test_large_sizes_join_the_exact_ones():
    # 2049 rows take the other branch; beside it the exact number
    bound, exact = injectivity_failure_bound(2049, 210), exact_bound(2049, 210)
    assert 0 <= Fraction(bound) / exact - 1 < 1e-11
    assert injectivity_failure_bound(10**6, 1000) == 5e-324


@pytest.mark.parametrize("n", GOLDEN["minimal_rows"]["rows"])
def test_minimal_rows(n):
    for failure, rows in zip(
        GOLDEN["minimal_rows"]["failures"], GOLDEN["minimal_rows"]["rows"][n], strict=True
    ):
        assert minimal_rows(int(n), failure) == rows


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("failure", [0.9, 0.5, 0.1, 1e-3])
def test_minimal_rows_is_minimal(n, failure):
    found = min(m for m in range(n, 300) if exact_bound(m, n) <= Fraction(failure))
    assert minimal_rows(n, failure) == found


def test_least_active_count_against_wendel():
    """P(some input switches all rows off) is Wendel's formula; 3 standard errors."""
    rng = np.random.default_rng(8)
    for n, m in ((2, 5), (3, 8)):
        trials = 4000
        count = least_active(rng.standard_normal((trials, m, n)))
        wendel = sum(math.comb(m - 1, i) for i in range(n)) / 2 ** (m - 1)
        error = math.sqrt(wendel * (1 - wendel) / trials)
        assert (count == 0).mean() == pytest.approx(wendel, abs=3 * error)


# probabilities of an injective layer from an exact enumeration of other random draws
@pytest.mark.parametrize(
    ("n", "m", "seen", "earlier"),
    [(2, 8, 0.6268, 4000), (2, 14, 0.980, 4000), (3, 15, 0.730, 3000), (3, 21, 0.9747, 3000)],
)
def test_failure_bound_holds_in_simulation(n, m, seen, earlier):
    rng = np.random.default_rng(n * 100 + m)
    trials = 3000
    failed = (least_active(rng.standard_normal((trials, m, n))) < n).mean()
    spread = math.sqrt(seen * (1 - seen))
    error = spread * math.sqrt(1 / trials + 1 / earlier)
    assert 1 - failed == pytest.approx(seen, abs=3 * error)
    assert failed <= injectivity_failure_bound(m, n) + 3 * spread / math.sqrt(trials)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "m", "seen", "earlier"), [(4, 20, 0.5667, 1500), (4, 28, 0.980, 1500)]
)
def test_failure_bound_holds_in_longer_simulation(n, m, seen, earlier):
    test_failure_bound_holds_in_simulation(n, m, seen, earlier)


def circle_counts(rng, widths, trials, directions):
    """Return the least active counts per layer of random networks on the circle."""
    angle = np.linspace(0, 2 * np.pi, directions, endpoint=False)
    circle = np.array([np.cos(angle), np.sin(angle)])
    least = np.empty((trials, len(widths)), int)
    for trial in range(trials):
        z = circle
        for layer, rows in enumerate(widths):
            z = np.maximum(rng.standard_normal((rows, z.shape[0])) @ z, 0)
            least[trial, layer] = (z > 0).sum(axis=0).min()
    return least


@pytest.mark.parametrize("widths", [(10, 16), (14, 20), (16, 24)])
def test_deep_bound_holds_in_simulation(widths):
    rng = np.random.default_rng(sum(widths))
    trials = 500
    least = circle_counts(rng, widths, trials, 2000)
    weak = (least < 2).any(axis=1).mean()
    strong = (least < [2, 4]).any(axis=1).mean()
    for observed, criterion in ((weak, "weak"), (strong, "strong")):
        bound = deep_failure_bound(2, widths, criterion)
        error = math.sqrt(max(bound * (1 - bound), 0.0) / trials)
        assert observed <= bound + 3 * error
    # the bound is a union bound over few events: within a factor of 5 where it is not void
    bound = deep_failure_bound(2, widths, "weak")
    assert weak * 5 >= bound - 15 * math.sqrt(bound / trials)


@pytest.mark.parametrize(
    ("widths", "weak", "strong"),
    [
        ((10, 16), 0.381, 1.0),
        ((14, 20), 0.0481, 1.0),
        ((16, 24), 0.0106, 0.221),
        ((20, 30), 0.00087, 0.0109),
    ],
)
def test_deep_bound_values(widths, weak, strong):
    assert deep_failure_bound(2, widths, "weak") == pytest.approx(weak, rel=5e-3)
    assert deep_failure_bound(2, widths) == pytest.approx(strong, rel=5e-3)


def test_deep_bound_of_one_layer_is_the_single_bound_and_large_ones_hold():
    assert deep_failure_bound(3, [24]) == injectivity_failure_bound(24, 3)
    assert deep_failure_bound(10, (120, 190)) == pytest.approx(1.42e-3, rel=5e-3)
    assert deep_failure_bound(100, (1000, 2300)) == pytest.approx(1.1e-23, rel=0.05)
    assert deep_failure_bound(100, (1000, 1650)) == 1.0


@pytest.mark.parametrize(
    ("n", "widths", "value"),
    [(5, (11, 10), 0.4521), (20, (44, 40), 0.4357), (10, (22, 20, 24), 0.36743)],
)
def test_local_injectivity(n, widths, value):
    probability = local_injectivity_probability(n, widths)
    assert probability == pytest.approx(value, abs=6e-5)
    rng, trials = np.random.default_rng(n), 4000
    alive = np.ones(trials, bool)
    z = np.tile(rng.standard_normal(n), (trials, 1))
    for rows in widths:
        # given z, a Gaussian layer's preactivations are independent normal of size |z|
        size = np.linalg.norm(z, axis=1, keepdims=True)
        z = np.maximum(rng.standard_normal((trials, rows)) * size, 0)
        alive &= (z > 0).sum(axis=1) >= n
    error = math.sqrt(value * (1 - value) / trials)
    assert alive.mean() == pytest.approx(probability, abs=3 * error)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: injectivity_failure_bound(0, 3), ["m", "0"]),
        (lambda: injectivity_failure_bound(10, 2.5), ["n", "2.5"]),
        (lambda: injectivity_failure_bound(10**8, 2), ["m", "100000000", "10000000"]),
        (lambda: minimal_rows(-1, 0.1), ["n", "-1"]),
        (lambda: minimal_rows(10**8, 0.1), ["n", "100000000"]),
        (lambda: minimal_rows(3, 1.0), ["failure", "1.0", "between 0 and 1"]),
        (lambda: minimal_rows(3, "small"), ["failure", "'small'"]),
        (lambda: deep_failure_bound(2, ()), ["widths", "none"]),
        (lambda: deep_failure_bound(2, (8, 0)), ["widths", "0"]),
        (lambda: deep_failure_bound(2, (8,), "typical"), ["criterion", "'typical'"]),
        (lambda: local_injectivity_probability(2, []), ["widths", "none"]),
    ],
)
def test_bad_input_is_refused_with_value_and_cure(call, words):
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
