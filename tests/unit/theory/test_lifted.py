"""The lifted functional against direct quadrature and its limits."""

import math
from fractions import Fraction

import numpy as np
import pytest

from recover.theory.classical import _euler, capacity_bounds
from recover.theory.descent import _pack, _split, _unpack, capacity_optimum, energy_optimum
from recover.theory.lifted import Lifting, energies
from recover.theory.plain import active_fraction

LEVEL_2 = Lifting(0.0533007, (0.7772310,), (3.286661,))
LEVEL_3 = Lifting(0.035673, (0.741098, 0.976634), (2.66732, 5.35334))


def direct_loss(lifting, nodes):
    """Return Phi by nested trapezoid sums of the definition itself, without a closed form."""
    z = np.linspace(-8.5, 8.5, nodes)
    weight = np.exp(-z * z / 2)
    weight /= weight.sum()
    deviations = [math.sqrt(lifting.overlaps[0]), *lifting.steps]

    def g(level, h):
        if level == len(lifting.tilts):
            return -np.minimum(1.0, np.maximum(h, 0.0) ** 2 / (2 * lifting.chi))
        inner = g(level + 1, h[..., None] + deviations[level + 1] * z)
        tilt = lifting.tilts[level]
        return np.log(np.exp(tilt * inner) @ weight) / tilt

    return -float(weight @ g(0, deviations[0] * z))


@pytest.mark.parametrize(("lifting", "nodes"), [(LEVEL_2, 601), (LEVEL_3, 161)])
def test_grid_recursion_is_the_nested_average(lifting, nodes):
    # the definition has a kink, so its own trapezoid sum is good to the square of its step
    _, loss = energies(lifting, lifting.spacing(6))
    assert loss == pytest.approx(direct_loss(lifting, nodes), rel=1e-4)


def test_trapezoid_sums_converge_at_once():
    values = [energies(LEVEL_3, LEVEL_3.spacing(r))[1] for r in (2, 3, 4, 8)]
    assert abs(values[0] - values[3]) < 1e-7
    assert abs(values[1] - values[3]) < 1e-11
    assert abs(values[2] - values[3]) < 1e-13


def test_a_split_that_changes_nothing_changes_no_energy():
    """Equal tilts on two neighbouring steps are one step."""
    doubled = Lifting(LEVEL_2.chi, (LEVEL_2.overlaps[0], 0.9), (LEVEL_2.tilts[0],) * 2)
    one = energies(LEVEL_2, 0.02)
    two = energies(doubled, 0.02)
    assert two == pytest.approx(one, rel=1e-12)


def test_packing_is_undone():
    for lifting in (LEVEL_2, LEVEL_3, _split(LEVEL_3)):
        back = _unpack(_pack(lifting), len(lifting.tilts))
        assert back.chi == pytest.approx(lifting.chi, rel=1e-14)
        assert back.overlaps == pytest.approx(lifting.overlaps, rel=1e-13)
        assert back.tilts == pytest.approx(lifting.tilts, rel=1e-13)


@pytest.mark.parametrize("level", [2, 3, 4])
def test_the_optimum_is_a_minimum_on_a_finer_grid(level):
    found = capacity_optimum(level, 1.0)
    point = _pack(found.lifting)
    spacing = found.lifting.spacing(8)

    def value(x):
        sphere, loss = energies(_unpack(x, level - 1), spacing)
        return (1 + sphere) / loss

    assert value(point) == pytest.approx(found.value, abs=1e-12)
    rng = np.random.default_rng(level)
    for size in (1e-3, 1e-2, 1e-1):
        for _ in range(10):
            shift = rng.standard_normal(point.size)
            assert value(point + size * shift / np.linalg.norm(shift)) > found.value - 1e-13


def test_level_2_starts_elsewhere_and_ends_in_the_same_place():
    for required, value in ((1.0, 6.71569684), (1.5, 8.405406), (2.0, 9.991034)):
        assert capacity_optimum(2, required).value == pytest.approx(value, abs=1e-6)
    assert capacity_optimum(3, 2.0).value == pytest.approx(9.959576, abs=1e-6)


def test_energies_lie_above_plain_random_duality_near_its_edge():
    for alpha in (2.01, 2.1, 2.5, 30.0):
        assert energy_optimum(alpha, 2).value > active_fraction(alpha)


def euler_exact(m, n):
    """Return E chi of the unit inputs with fewer than n positives among m, in whole numbers."""
    minus, plus = [Fraction(-1, 2), Fraction(1, 2)], [Fraction(1, 2), Fraction(1, 2)]

    def power(base, k):
        result = [Fraction(1)]
        for _ in range(k):
            result = [
                sum(result[i - j] * base[j] for j in (0, 1) if 0 <= i - j < len(result))
                for i in range(len(result) + 1)
            ]
        return result

    total = [Fraction(0)] * (m + 1)
    for k in range(n):
        a, b = power(minus, k), power(plus, m - k)
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                total[i + j] += math.comb(m, k) * x * y
    return 2 * sum(total[m - n + 1 :: 2])


def test_euler_generating_function_counts_arcs_on_the_circle():
    """n = 2: the Euler characteristic of a union of arcs is their number; 3 standard errors."""
    rng, m, trials = np.random.default_rng(4), 7, 6000
    angle = rng.uniform(0, 2 * np.pi, (trials, m))
    t = np.sort(np.concatenate([angle + np.pi / 2, angle - np.pi / 2], axis=1) % (2 * np.pi))
    middle = (t + np.roll(t, -1, axis=1) + 2 * np.pi * (np.arange(2 * m) == 2 * m - 1)) / 2
    few = (np.cos(middle[:, :, None] - angle[:, None, :]) > 0).sum(axis=2) < 2
    arcs = (few & ~np.roll(few, 1, axis=1)).sum(axis=1)
    error = arcs.std() / math.sqrt(trials)
    assert arcs.mean() == pytest.approx(float(euler_exact(m, 2)), abs=3 * error)


def test_euler_rate_is_the_growth_of_the_exact_value():
    alpha = capacity_bounds().euler_characteristic
    assert _euler(1 / alpha) == pytest.approx(0.0, abs=1e-14)
    for ratio in (8, 10):
        # the power of n in front cancels to first order between n and 2 n
        small, large = (math.log(abs(euler_exact(ratio * n, n))) for n in (6, 12))
        assert (large - small) / (6 * ratio) == pytest.approx(_euler(1 / ratio), abs=0.02)
