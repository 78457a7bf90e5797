"""The verifier's bounds of single entries, against exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from recover.certificates.checks import entrywise
from recover.certificates.checks.entrywise import entry_bounds, inverse_rows
from recover.certificates.checks.residual import CheckedResidual, checked_residual
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import TINY, U
from recover.frames import Dense, Identity, Masked, Stack
from recover.models import Noise, Problem, Saturation


def exact(matrix: Array) -> list[list[Fraction]]:
    return [[Fraction(float(entry)) for entry in row] for row in matrix]


def product(a: list[list[Fraction]], b: list[list[Fraction]]) -> list[list[Fraction]]:
    columns = list(zip(*b, strict=True))
    return [[sum(x * y for x, y in zip(row, col, strict=True)) for col in columns] for row in a]


def at_least(bound: float, squares: Fraction) -> bool:
    return Fraction(float(bound)) ** 2 >= squares


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (7, 2), (12, 5)])
def test_of_rows_in_exact_arithmetic(shape: tuple[int, int]) -> None:
    for seed in range(12):
        rows = np.random.default_rng(seed).standard_normal(shape)
        error = (0.125, 0.3, 1e3 / 7.0)[seed % 3]
        found = inverse_rows(rows, error)
        assert found is not None
        inverse, norms, defects = found
        assert inverse.shape == shape[::-1]
        assert np.allclose(inverse @ rows, np.eye(shape[1]), atol=1e-12)
        true = product(exact(inverse), exact(rows))
        sizes = np.abs(inverse) @ np.abs(rows) + np.eye(shape[1])
        for j, row in enumerate(exact(inverse)):
            squares = sum(entry * entry for entry in row)
            size = math.sqrt(float(squares))
            assert at_least(norms[j], squares)
            assert norms[j] <= size * (1.0 + 1e-13)
            off = [entry - (i == j) for i, entry in enumerate(true[j])]
            # what rounding may hide in a product that was computed on other hardware
            hidden = shape[0] * U * float(np.linalg.norm(sizes[j]))
            least = math.sqrt(float(sum(entry * entry for entry in off))) + error * size
            assert least + hidden <= defects[j]
            assert defects[j] <= (least + 40.0 * (shape[0] + 1) * hidden) * (1.0 + 1e-13)


def test_any_inverse_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defect is that of the inverse there is, however poor."""
    rows, solve = np.diag([0.5, -2.0, 1.0]), np.linalg.solve
    for ulps in [*range(40), 2**20, 2**50]:
        off = 2.0 * U * ulps
        monkeypatch.setattr(np.linalg, "solve", lambda a, b, off=off: solve(a, b) * (1.0 + off))
        found = inverse_rows(rows, 0.0)
        assert found is not None
        norms, defects = found[1:]
        for bounds, true in ((defects, np.full(3, off)), (norms, [2.0, 0.5, 1.0])):
            assert (
                bounds >= np.asarray(true) * (1.0 if bounds is defects else 1.0 + off)
            ).all()
        assert (defects <= off * (1.0 + 1e-13) + 100.0 * U).all()


def test_rows_of_any_size() -> None:
    for power in (-1000, -600, 600, 1000, 1021):
        rows = np.ldexp(np.array([[1.0, 0.0], [0.0, 3.0], [1.0, 1.0]]), power)
        found = inverse_rows(rows, 0.0)
        assert found is not None
        inverse, norms, defects = found
        for j, row in enumerate(exact(inverse)):
            squares = sum(entry * entry for entry in row)
            assert at_least(norms[j], squares)
            below = max(float(norms[j]) * (1.0 - 1e-13) - 4.0 * TINY, 0.0)
            assert squares >= Fraction(below) ** 2
        assert (defects < (1e-13 if power < 1000 else 1e-12)).all()


def test_subnormal_lengths_are_not_rounded_downwards() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        rows = np.ldexp(rng.uniform(0.5, 1.0, (2, 1)), 1022)
        found = inverse_rows(rows, 0.0)
        assert found is not None
        assert at_least(found[1][0], sum(e * e for e in exact(found[0])[0]))


def test_lengths_of_any_size_are_bounds() -> None:
    rng = np.random.default_rng(4)
    numbers = rng.uniform(0.5, 1.0, (40, 3))
    powers = np.linspace(-1074, 1022, 40).astype(int)
    matrix = np.vstack([np.ldexp(numbers, powers[:, None]), np.full((1, 3), TINY)])
    for length, row in zip(entrywise._lengths(matrix), exact(matrix), strict=True):
        squares = sum(e * e for e in row)
        assert at_least(length, squares)
        below = max(float(length) * (1.0 - 1e-13) - 2.0 * TINY, 0.0)
        assert squares >= Fraction(below) ** 2
    assert 0.0 <= entrywise._lengths(np.zeros((1, 3)))[0] <= TINY


def test_there_is_none_of_rows_that_do_not_span() -> None:
    assert inverse_rows(np.ones((1, 2)), 0.0) is None
    assert inverse_rows(np.zeros((3, 2)), 0.0) is None
    with np.errstate(all="ignore"):
        assert inverse_rows(np.full((1, 1), 2.0**-1074), 0.0) is None  # beyond the largest


def residual_of(
    entries: list[float], *, error: float = 0.0, noise: float = math.inf
) -> CheckedResidual:
    one = Enclosure.exactly
    return CheckedResidual(np.array(entries), one(0.0), one(error), None, Enclosure(0.0, noise))


def problem_of(frame: Any, each: list[float] | float, y: list[float] | None = None) -> Problem:
    data = np.zeros(frame.coef_shape) if y is None else np.array(y)
    noise = Noise(each=each if isinstance(each, float) else np.array(each))
    return Problem(Saturation(frame, -8.0, 8.0), data, noise=noise)


HALF = Dense(np.array([[2.0, 0.0], [0.0, 4.0]]))  # |d| = (|c_0| / 2, |c_1| / 4)


@pytest.mark.parametrize(
    ("each", "entries", "error", "noise", "due"),
    [
        ([1.0, 0.5], [0.0, 0.0], 0.0, math.inf, (0.5, 0.125)),
        ([1.0, 0.5], [0.0, 0.0], 0.0, 0.5, (0.25, 0.125)),
        ([0.0, 0.0], [0.5, -1.0], 0.0, math.inf, (0.25, 0.25)),
        ([0.0, 0.0], [0.0, 0.0], 0.5, math.inf, (0.25, 0.125)),
        ([1.0, 0.5], [-0.5, 1.0], 0.5, math.inf, (1.0, 0.5)),
    ],
)
def test_each_part_of_a_bound(
    each: list[float],
    entries: list[float],
    error: float,
    noise: float,
    due: tuple[float, float],
) -> None:
    problem = problem_of(HALF, each)
    residual = residual_of(entries, error=error, noise=noise)
    bounds = entry_bounds(problem, residual, 2.0)
    assert bounds is not None
    assert bounds.shape == (2,)
    assert (bounds >= due).all()
    assert (bounds <= np.asarray(due) + 1e-13).all()
    # no entry is off by more than the whole signal is
    for radius in (0.1875, 0.25):
        least = entry_bounds(problem, residual, radius)
        assert least is not None
        assert np.allclose(least, np.minimum(due, radius), rtol=1e-12)
        assert (least <= radius).all()


def test_a_residual_that_cancels() -> None:
    """The rounding of ``C r`` is that of its terms, not that of the sum."""
    problem = problem_of(Dense(np.ones((2, 1))), 0.0)
    for small in (2.0**-52, 2.0**-50, 2.0**-49, 2.0**-48):
        bounds = entry_bounds(problem, residual_of([1.0, small - 1.0]), 1e-3)
        assert bounds is not None
        assert bounds[0] >= 0.5 * small + 2.0 * U  # two terms of 1/2, each rounded
        assert bounds[0] <= 0.5 * small + 100.0 * U


def test_a_poor_inverse_costs_its_defect_times_the_radius(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solve = np.linalg.solve
    monkeypatch.setattr(np.linalg, "solve", lambda a, b: 0.75 * solve(a, b))
    bounds = entry_bounds(problem_of(HALF, [1.0, 0.5]), residual_of([0.0, 0.0]), 2.0)
    assert bounds is not None
    assert np.allclose(bounds, [0.375 + 0.25 * 2.0, 0.09375 + 0.25 * 2.0], rtol=1e-12)
    assert (bounds >= [0.875, 0.59375]).all()


def test_the_allowance_for_rounding_widens_the_sum_too(monkeypatch: pytest.MonkeyPatch) -> None:
    large, radius = 0.01, 2.0
    monkeypatch.setattr(entrywise, "_slack", lambda _terms: large)
    bounds = entry_bounds(problem_of(HALF, [1.0, 0.5]), residual_of([0.0, 0.0]), radius)
    assert bounds is not None
    # an entry of the product of the inverse and the rows is one, that of the identity another
    defect = 2.0 * large
    least = (np.array([0.5, 0.125]) + defect * radius) * (1.0 + large)
    assert (bounds >= least).all()
    assert (bounds <= least * (1.0 + 4.0 * large)).all()


def test_samples_have_their_own_noise_and_residual() -> None:
    frame = Masked(Identity((2, 2)), np.array([[True, True], [False, True]]))
    problem = problem_of(frame, [0.5, 0.25, 0.125], [0.5, 8.0, -0.25])
    residual = CheckedResidual(
        np.array([-0.5, 9.0, 0.25]),
        Enclosure.exactly(0.0),
        Enclosure.exactly(0.0625),
        None,
        Enclosure(0.0, 1.0),
    )
    bounds = entry_bounds(problem, residual, 0.0)  # the radius is not needed
    # the second is clipped, the third not sampled
    due = np.array([[1.0625, 0.0625], [0.0625, 0.4375]])
    assert bounds is not None
    assert (bounds >= due).all()
    assert (bounds <= due * (1.0 + 1e-15)).all()
    assert (bounds > due).any()


def test_a_frame_may_be_masked_twice() -> None:
    once = Masked(Dense(np.array([[2.0, 0.0], [5.0, 5.0], [0.0, 4.0]])), np.arange(3) != 1)
    twice = Masked(once, np.array([True, True]))
    for frame in (once, twice, Masked(Masked(Identity(2), np.ones(2, bool)), np.ones(2, bool))):
        bounds = entry_bounds(problem_of(frame, [1.0, 1.0]), residual_of([0.0, 0.0]), 2.0)
        assert bounds is not None
        own = (1.0, 1.0) if frame.coef_size == 2 and frame.bounds().upper < 2.0 else (0.5, 0.25)
        assert np.allclose(bounds, own, rtol=1e-12)


def test_the_bounds_have_the_signal_s_shape() -> None:
    twice = Stack([Identity((2, 2)), Identity((2, 2))])
    problem = problem_of(twice, 1.0)
    bounds = entry_bounds(problem, residual_of([0.0] * 8), 2.0)
    assert bounds is not None
    assert bounds.shape == (2, 2)
    assert np.allclose(bounds, 1.0, rtol=1e-12)


def test_the_limits_of_size(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, residual = problem_of(HALF, [1.0, 0.5]), residual_of([0.0, 0.0])
    for name, largest in (("MAX_UNKNOWNS", 2), ("MAX_ENTRIES", 4)):
        monkeypatch.setattr(entrywise, name, largest)
        assert entry_bounds(problem, residual, 2.0) is not None
        monkeypatch.setattr(entrywise, name, largest - 1)
        assert entry_bounds(problem, residual, 2.0) is None
        monkeypatch.setattr(entrywise, name, 100)


def test_where_no_inverse_is_found_nothing_is_said() -> None:
    frame = Dense(np.array([[1.0, 1.0]]))
    assert entry_bounds(problem_of(frame, 0.5), residual_of([0.0]), 2.0) is None


def test_the_true_error_is_within() -> None:
    rng = np.random.default_rng(6)
    for _ in range(10):
        rows, truth = rng.standard_normal((8, 3)), rng.uniform(-0.1, 0.1, 3)
        problem = problem_of(Dense(rows), 1e-3, list(np.clip(rows @ truth, -1.0, 1.0)))
        x = truth + rng.uniform(-1e-3, 1e-3, 3)
        bounds = entry_bounds(problem, checked_residual(problem, x), 1.0)
        assert bounds is not None
        worst = np.abs(x - truth) + np.abs(np.linalg.pinv(rows)).sum(axis=1) * 1e-3
        assert (np.abs(x - truth) <= bounds).all()
        assert (bounds <= worst * (1.0 + 1e-9) + 1e-9).all()
