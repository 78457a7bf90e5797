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


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1000])
def test_margins_cover_every_order_of_summation_and_little_more(n: int) -> None:
    # a sum in any order, fused or not, may be off by the factor 1 +- gamma_n
    u, rng = Fraction(U), np.random.default_rng(n)
    worst = n * u / (1 - n * u)
    for x in (np.ones(n), np.full(n, 0.75), rng.random(n), 1e300 * rng.random(n)):
        total, square = sum((Fraction(v) for v in x), Fraction()), exact_square(list(x))
        room = (2 * n + 20) * u
        assert total * (1 + worst / 2) <= Fraction(sum_upper(x)) <= total * (1 + room)
        assert total * (1 - worst / 2) >= Fraction(sum_lower(x)) >= total * (1 - room)
        assert square * (1 + worst) <= Fraction(norm_upper(x)) ** 2 <= square * (1 + room)
        assert square * (1 - worst) >= Fraction(norm_lower(x)) ** 2 >= square * (1 - room)


def test_sums_near_overflow() -> None:
    assert sum_upper([]) == sum_lower([]) == 0.0
    largest = float(np.finfo(float).max)
    half = 0.5 * largest
    assert half < sum_upper([half]) < 0.51 * largest
    assert sum_upper([up(half)]) == math.inf  # another order of summation might overflow
    assert sum_upper([-largest, -largest, largest]) == math.inf
    assert sum_lower([0.4 * largest, 0.4 * largest]) == -math.inf


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool, np.float32, np.float16])
def test_other_types_are_made_float64_first(dtype: type) -> None:
    x = np.array([[1, 1, 0], [1, 0, 1]], dtype=dtype)
    assert norm_lower(x) <= 2.0 <= norm_upper(x) < 2.0 + 1e-14
    assert norm_lower(1j * x) <= 2.0 <= norm_upper(1j * x) < 2.0 + 1e-14
    assert sum_lower(x) <= 4.0 <= sum_upper(x) < 4.0 + 1e-14
    assert sum_lower(x) > 4.0 - 1e-14
    assert scale(x, 200).dtype == np.float64
    assert scale(x, 200).sum() == 2.0**202
    assert binary_exponent(x) == 1
    assert up_array(x).dtype == np.float64


def test_arrays_of_any_layout() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    norm = math.sqrt(float(np.square(x).sum()))
    for y in (x, x.T, x[:, ::-2], x[:, :, 1::2], 1j * x.T, x[0] + 1j * x[1], np.float64(3.0)):
        norm = math.sqrt(float(np.square(np.abs(y)).sum()))
        assert norm_upper(y) == pytest.approx(norm, rel=1e-14)
        assert norm_lower(y) == pytest.approx(norm, rel=1e-14)
        assert norm_lower(y) < norm_upper(y)
    single = np.array([6e4, 6e4], dtype=np.float16)  # whose sum and squares float16 cannot hold
    assert sum_lower(single) < 1.2e5 < sum_upper(single) < 1.2e5 + 1e-9
    assert norm_upper(single) == pytest.approx(6e4 * math.sqrt(2.0), rel=1e-14)
    assert norm_lower(np.array(3.0 + 4.0j)) == pytest.approx(5.0, rel=1e-14)
    assert norm_upper(np.array([-128, 1], dtype=np.int8)) == pytest.approx(128.004, rel=1e-6)
    assert (
        norm_upper([complex(0.0, -np.inf)]) == norm_lower([complex(-np.inf, 0.0)]) == math.inf
    )


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
    assert np.array_equal(scale(x, 1), 2.0 * x)
    assert binary_exponent([]) == binary_exponent([0.0]) == 0
    assert binary_exponent(np.array([0.25, 3.0j])) == 2
    assert binary_exponent([np.inf]) == 0
    assert scaled_up(3.0, 5) == 96.0
    assert scaled_up(3.0, -1076) == TINY
    assert scaled_up(-3.0, -1076) == 0.0
    assert scaled_up(math.inf, 7) == math.inf
    assert scaled_up(1.0, 1024) == math.inf
    tiny = scale(np.array([3.0 * TINY, 2.0 * TINY]), -1)  # halves go to even
    assert list(tiny) == [2.0 * TINY, TINY]
    with np.errstate(under="raise"):  # underflow is allowed for, whatever the caller's setting
        assert scale(np.array([3.0 * TINY]), -1) == 2.0 * TINY
