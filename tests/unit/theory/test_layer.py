"""The closed expectations against quadrature, the proved width against sampled ascent."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from recover.theory import deep, partial, plain
from recover.theory.intervals import Interval
from recover.theory.layer import log_exponential_mean, mean, mean_enclosure
from recover.theory.unit_multiplier import dual_value, next_distance
from recover.theory.width import _cover, _optimum, _proved, width_after

CASES = [(0.7, 1.3, 1.0), (2.0, 0.4, 0.6), (0.05, 3.0, 1.7), (5.0, 5.0, 1.0)]


def best(nu, kappa, weight, g, h):
    off = -nu * max(g, 0.0) ** 2 / 2
    pull = max(weight * h + nu * g, 0.0)
    return max(off, pull**2 / (2 * (kappa + nu)) - nu * g**2 / 2)


@pytest.mark.parametrize(("nu", "kappa", "weight"), CASES)
def test_mean_is_the_integral_of_the_best_value(nu, kappa, weight):
    kinks = [-math.atan2(nu, weight), 0.0, math.pi / 2]
    kinks.append(math.pi - math.atan2(nu + math.sqrt(nu * (kappa + nu)), weight))
    ends = [-math.pi, -math.pi / 2, *kinks, math.pi]
    pieces = list(pairwise(ends))

    def v(t):
        return best(nu, kappa, weight, math.cos(t), math.sin(t))

    direct = sum(quad(v, a, b, epsabs=1e-13)[0] for a, b in pieces) / math.pi
    assert mean(nu, kappa, weight) == pytest.approx(direct, abs=1e-11)
    if weight == 1.0:
        enclosure = mean_enclosure(nu, kappa).enclosure()
        assert enclosure.lower - 1e-14 <= mean(nu, kappa) <= enclosure.upper + 1e-14
        assert enclosure.width < 1e-15

    exponential = log_exponential_mean(nu, kappa, weight)
    if max(2 * v(t) for t in np.linspace(-math.pi, math.pi, 10001)) < 0.99:
        integral = sum(quad(lambda t: 1 / (1 - 2 * v(t)), a, b)[0] for a, b in pieces)
        assert exponential == pytest.approx(math.log(integral / (2 * math.pi)), abs=1e-10)
    else:
        assert math.isnan(exponential)


def test_the_best_value_is_the_best_over_preactivations():
    u = np.linspace(-12, 12, 240001)
    for g, h in np.random.default_rng(1).standard_normal((20, 2)):
        value = 0.8 * h * np.maximum(u, 0) - 1.3 * np.maximum(u, 0) ** 2 / 2
        value -= 0.7 * (u - g) ** 2 / 2
        assert value.max() == pytest.approx(best(0.7, 1.3, 0.8, g, h), abs=1e-7)


@pytest.mark.parametrize(
    ("alpha", "value"),
    [(3, 0.966131), (6.7, 0.982652), (7.647694935, 0.984124), (20, 0.991061), (1e4, 0.999625)],
)
def test_width_values(alpha, value):
    width = width_after(alpha, 1.0)
    assert width == pytest.approx(value, abs=1e-6)
    assert 0 < width / _optimum(alpha, 1.0)[0] - 1 < 2e-12


def test_width_scales_with_the_width_of_the_inputs():
    assert width_after(7.5, 0.9) == pytest.approx(0.9 * width_after(7.5 / 0.81, 1.0), rel=1e-10)


def test_a_width_below_the_true_one_is_not_proved():
    exact, kappa = _optimum(7.0, 1.0)
    pairs = _cover(7.0, 1.0, exact * (1 + 1e-9), kappa)
    assert _proved(7.0, 1.0, exact * (1 + 1e-9), pairs)
    assert not _proved(7.0, 1.0, exact * (1 - 1e-9), pairs)
    assert not _proved(7.0, 1.0, exact * (1 + 1e-9), pairs[:4] + pairs[7:])
    assert not _proved(7.0, 1.0, exact * (1 + 1e-9), pairs[1:])
    assert not _proved(7.0, 1.0, exact * (1 + 1e-9), pairs[:-1])
    assert _cover(7.0, 1.0, exact * (1 - 1e-9), kappa) is None


def test_no_sampled_input_exceeds_the_width():
    """Ascent on real networks stays below the asymptotic width, up to n^(-1/2)."""
    rng, n, alpha = np.random.default_rng(3), 200, 6.7
    best_seen = []
    for _ in range(4):
        a, h = rng.standard_normal((int(alpha * n), n)), rng.standard_normal(int(alpha * n))
        x = a.T @ h
        for _ in range(60):
            z = np.maximum(a @ x, 0)
            gradient = a.T @ np.where(z > 0, h / np.linalg.norm(z) - (h @ z) * z /
                                      np.linalg.norm(z) ** 3, 0)  # fmt: skip
            x = x / np.linalg.norm(x) + 0.5 * gradient / np.linalg.norm(gradient)
        best_seen.append((h @ z) / np.linalg.norm(z) / math.sqrt(n))
    limit = width_after(alpha, 1.0)
    assert max(best_seen) < limit + 3 / math.sqrt(n)
    assert np.mean(best_seen) > 0.8 * limit


def test_unit_multiplier_anchors():
    assert dual_value(6.7003919494, 1.0896393689) == pytest.approx(1.0, abs=1e-9)
    chain = deep.deep_injectivity_capacity(3, "unit_multiplier", first=6.7003919494)
    assert chain.values[2] == pytest.approx(9.47137, abs=1e-5)


def test_the_best_weight_turns_the_unit_multiplier_into_the_weak_chain():
    weak = deep.deep_injectivity_capacity(2, "weak", first=6.7003919494).values[1]

    def value(weight):
        distance = next_distance(6.7003919494, 1.0, weight) / weight
        return plain.capacity(1.0, Interval.of(distance)).upper

    weights = np.linspace(0.60, 0.76, 17)
    values = [value(float(w)) for w in weights]
    assert value(0.67755) == pytest.approx(weak, abs=1e-8)
    assert min(values) >= weak - 1e-9
    assert value(1.0) == pytest.approx(8.26673, abs=1e-5)


def test_partial_enclosure_and_minimum():
    nu, s = partial.stationary(1.0)
    assert nu == pytest.approx(0.70847600579246, abs=1e-10)
    assert s == pytest.approx(2.54375436431283, abs=1e-10)
    least = partial.ratio(nu, s, 1.0)
    assert partial.bound(nu, s, 1.0).contains(7.448638726293976785)
    rng = np.random.default_rng(5)
    for a, b in np.exp(rng.normal(0, 0.5, (50, 2))):
        assert partial.ratio(nu * a, s * b, 1.0) >= least
        exact = partial.bound(nu * a, s * b, 1.0)
        assert partial.ratio(nu * a, s * b, 1.0) == pytest.approx(exact.upper, rel=1e-13)


@pytest.mark.parametrize(
    ("required", "value", "lifted"),
    [(1.25, 8.688234, 8.405712), (1.5, 9.686557, 9.319502), (2.0, 11.592154, 11.055825)],
)
def test_more_active_neurons_need_more_rows(required, value, lifted):
    assert plain.capacity(required, Interval.of(1)).upper == pytest.approx(value, abs=1e-6)
    pair = partial.stationary(required)
    assert partial.bound(*pair, required).upper == pytest.approx(lifted, abs=1e-6)


def test_partial_lifting_goes_over_to_plain():
    # s -> 0 with nu = s c^2 / 2
    s = 1e-5
    c = plain.cut(1.0, 1.0)
    assert partial.ratio(s * c * c / 2, s, 1.0) == pytest.approx(
        plain.capacity(1.0, Interval.of(1)).upper, rel=1e-5
    )
