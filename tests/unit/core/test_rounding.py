"""Rounding helpers against exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recover.core.errors import ParameterError
from recover.core.rounding import (
    TINY,
    U,
    binary_exponent,
    dot_bounds,
    down,
    gamma,
    norm_lower,
    norm_upper,
    round_down,
    round_up,
    scale,
    scaled_up,
    sum_lower,
    sum_upper,
    up,
    up_array,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
vectors = st.lists(finite, min_size=0, max_size=20)
moderate = st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=20)


def exact_square(values: list[float]) -> Fraction:
    return sum((Fraction(v) ** 2 for v in values), Fraction(0))


def test_gamma_is_above_its_definition_and_tight() -> None:
    for k in (1, 2, 7, 1000, 2**30):
        exact = k * Fraction(U) / (1 - k * Fraction(U))
        assert exact <= Fraction(gamma(k)) <= exact * (1 + 4 * Fraction(U))
    assert gamma(0) == 0.0


@pytest.mark.parametrize("k", [-1, 2**52])
def test_gamma_refuses(k: int) -> None:
    with pytest.raises(ParameterError, match=rf"k must lie in \[0, 2\*\*52\), got {k}; split"):
        gamma(k)


def test_up_and_down() -> None:
    assert up(1.0) == 1.0 + 2 * U
    assert down(1.0) == 1.0 - U
    assert up(0.0, 3) == 3 * TINY
    assert down(up(2.5, 4), 4) == 2.5
    assert up(math.inf) == math.inf
    assert down(-math.inf) == -math.inf
    assert list(up_array([1.0, 0.0])) == [up(1.0), TINY]


@given(st.fractions())
def test_directed_rounding_is_the_best(x: Fraction) -> None:
    above, below = round_up(x), round_down(x)
    assert Fraction(below) <= x <= Fraction(above)
    assert above == below or up(below) == above
    assert (above == below) == (Fraction(above) == x)


def test_directed_rounding_at_the_ends() -> None:
    huge = Fraction(2) ** 1024
    largest = float(np.finfo(float).max)
    assert round_up(huge) == math.inf
    assert round_down(huge) == largest
    assert round_down(-huge) == -math.inf
    assert round_up(-huge) == -largest
    assert round_up(Fraction(1, 2**1080)) == TINY
    assert round_down(Fraction(1, 2**1080)) == 0.0
    assert math.copysign(1.0, round_down(Fraction(0))) == 1.0


@given(vectors)
def test_norms_enclose_the_exact_one(values: list[float]) -> None:
    square = exact_square(values)
    upper, lower = norm_upper(values), norm_lower(values)
    assert Fraction(lower) ** 2 <= square
    assert upper == math.inf or square <= Fraction(upper) ** 2
    if square > Fraction(2) ** -2000 and upper < math.inf:
        assert upper <= lower * (1.0 + 60.0 * U * (len(values) + 2))


def test_norms_of_extreme_values() -> None:
    assert norm_upper([1e308, 1e308]) == pytest.approx(math.sqrt(2.0) * 1e308)
    assert norm_upper([1.5e308, 1.5e308]) == math.inf
    assert norm_lower([1.5e308, 1.5e308]) == float(np.finfo(float).max)
    assert 0.0 < norm_lower([1e-320] * 5) <= norm_upper([1e-320] * 5) < 3e-320
    assert norm_upper([]) == norm_lower([]) == norm_upper([0.0]) == 0.0
    assert norm_upper([3.0, -np.inf]) == math.inf
    assert norm_lower([3.0 + 4.0j]) <= 5.0 <= norm_upper([3.0 + 4.0j])
    assert norm_lower(np.array([[3.0, 4.0]]).T) <= 5.0 <= norm_upper(np.array([[3.0], [4.0]]))


@given(vectors)
def test_sums_enclose_the_exact_one(values: list[float]) -> None:
    exact = sum((Fraction(v) for v in values), Fraction(0))
    upper, lower = sum_upper(values), sum_lower(values)
    assert upper == math.inf or exact <= Fraction(upper)
    assert lower == -math.inf or Fraction(lower) <= exact


def test_sum_is_tight_and_knows_infinity() -> None:
    values = np.random.default_rng(0).random(1000)
    assert sum_upper(values) - sum_lower(values) <= 5000.0 * U * values.sum()
    assert sum_upper([1.0, np.inf]) == math.inf
    assert sum_upper([1.0, -np.inf]) == -math.inf
    with pytest.raises(ParameterError, match="x must not hold infinities of both signs"):
        sum_upper([np.inf, -np.inf])


@given(moderate, st.integers(0, 2**32 - 1))
def test_dot_product_is_enclosed(values: list[float], seed: int) -> None:
    other = np.random.default_rng(seed).standard_normal(len(values))
    exact = sum(
        (Fraction(a) * Fraction(b) for a, b in zip(values, other, strict=True)), Fraction()
    )
    lower, upper = dot_bounds(values, other)
    assert Fraction(lower) <= exact <= Fraction(upper)


def test_dot_product_with_cancellation_and_overflow() -> None:
    lower, upper = dot_bounds([1e16, 1.0, -1e16], [1.0, 1.0, 1.0])
    assert lower <= 1.0 <= upper
    assert dot_bounds([1e200], [1e200]) == (-math.inf, math.inf)
    lower, upper = dot_bounds([1e-200], [1e-200])
    assert lower <= 0.0 < upper
    with pytest.raises(ParameterError, match="y must have 2 entries like x, got 1"):
        dot_bounds([1.0, 2.0], [1.0])


@pytest.mark.parametrize("bound", [norm_upper, norm_lower, sum_upper, sum_lower])
def test_nan_is_refused(bound) -> None:
    with pytest.raises(ParameterError, match="x must not hold NaN"):
        bound([1.0, np.nan])


@given(st.lists(finite, min_size=1, max_size=5))
def test_binary_exponent(values: list[float]) -> None:
    e = binary_exponent(values)
    largest = max(abs(Fraction(v)) for v in values)
    assert largest == 0 or Fraction(2) ** (e - 1) <= largest < Fraction(2) ** e


def test_scaling() -> None:
    x = np.array([1.5 - 2.0j, 0.0])
    assert np.array_equal(scale(scale(x, 300), -300), x)
    assert binary_exponent(np.array([0.25, 3.0j])) == 2
    assert binary_exponent([np.inf]) == 0
    assert scaled_up(3.0, 5) == 96.0
    assert scaled_up(3.0, -1076) == TINY
    assert scaled_up(-3.0, -1076) == 0.0
    assert scaled_up(math.inf, 7) == math.inf
