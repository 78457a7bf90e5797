"""Enclosures: outward rounding against exact rational arithmetic, and the edges."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError

INF = math.inf
finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.floats(allow_nan=False)


@st.composite
def enclosures(draw, ends=finite) -> Enclosure:
    a, b = draw(ends), draw(ends)
    return Enclosure(min(a, b), max(a, b))


@st.composite
def members(draw) -> tuple[Enclosure, Fraction]:
    """An enclosure, and a rational number inside it."""
    e = draw(enclosures())
    t = draw(st.fractions(0, 1))
    return e, Fraction(e.lower) + t * (Fraction(e.upper) - Fraction(e.lower))


def holds(e: Enclosure, x: Fraction) -> bool:
    low = e.lower == -INF or (e.lower < INF and Fraction(e.lower) <= x)
    return low and (e.upper == INF or (e.upper > -INF and x <= Fraction(e.upper)))


@given(members(), members())
def test_sum_difference_and_product_hold_the_exact_ones(a, b) -> None:
    assert holds(a[0] + b[0], a[1] + b[1])
    assert holds(a[0] - b[0], a[1] - b[1])
    assert holds(a[0] * b[0], a[1] * b[1])


@given(members(), members())
def test_quotient_holds_the_exact_one(a, b) -> None:
    assume(b[1] != 0)
    assert holds(a[0] / b[0], a[1] / b[1])
    assert holds(b[0].reciprocal(), 1 / b[1])


@given(finite, finite)
def test_results_from_points_are_the_best(x: float, y: float) -> None:
    for result, exact in [
        (Enclosure.exactly(x) + y, Fraction(x) + Fraction(y)),
        (x - Enclosure.exactly(y), Fraction(x) - Fraction(y)),
        (x * Enclosure.exactly(y), Fraction(x) * Fraction(y)),
    ]:
        if result.finite:
            assert result.upper in (result.lower, math.nextafter(result.lower, INF))
            assert (result.lower == result.upper) == (Fraction(result.lower) == exact)
    if y != 0.0:
        quotient, exact = Enclosure.exactly(x) / y, Fraction(x) / Fraction(y)
        assert quotient.finite or abs(exact) > Fraction(math.nextafter(INF, 0.0))
        if quotient.finite:
            assert quotient.upper in (quotient.lower, math.nextafter(quotient.lower, INF))
            assert (quotient.lower == quotient.upper) == (Fraction(quotient.lower) == exact)


@given(st.floats(0.0, allow_infinity=False))
def test_root_holds_the_exact_one(x: float) -> None:
    root = Enclosure.exactly(x).sqrt()
    assert Fraction(root.lower) ** 2 <= Fraction(x) <= Fraction(root.upper) ** 2
    assert root.upper in (root.lower, math.nextafter(root.lower, INF))


def test_root_edges() -> None:
    assert Enclosure(4.0, INF).sqrt() == Enclosure(2.0, INF)
    assert Enclosure(0.0, 2.25).sqrt() == Enclosure(0.0, 1.5)
    assert Enclosure.exactly(-0.0).sqrt() == Enclosure.exactly(0.0)
    with pytest.raises(
        ParameterError, match=r"lower must be >= 0 .* got \[-1.0, 4.0\]; inters"
    ):
        Enclosure(-1.0, 4.0).sqrt()


def test_reciprocal_and_division_by_zero() -> None:
    assert Enclosure(0.0, 4.0).reciprocal() == Enclosure(0.25, INF)
    assert Enclosure(-4.0, 0.0).reciprocal() == Enclosure(-INF, -0.25)
    assert Enclosure(-1.0, 1.0).reciprocal() == Enclosure(-INF, INF)
    assert Enclosure(0.0, 0.0).reciprocal() == Enclosure(-INF, INF)
    assert Enclosure(2.0, INF).reciprocal() == Enclosure(0.0, 0.5)
    assert 1.0 / Enclosure(2.0, 4.0) == Enclosure(0.25, 0.5)
    assert Enclosure(-6.0, 3.0) / Enclosure(-3.0, -1.5) == Enclosure(-2.0, 4.0)
    assert Enclosure(1.0, 2.0) / Enclosure(0.0, 4.0) == Enclosure(0.25, INF)
    third = Enclosure.exactly(1.0) / 3.0
    assert third.lower < third.upper
    assert third.contains(1.0 / 3.0)


def test_no_stability_and_no_noise_is_not_no_error() -> None:
    amplification = Enclosure(0.0, 0.5).reciprocal()
    assert amplification * 0.0 == Enclosure(0.0, INF)
    assert Enclosure.exactly(0.0) / Enclosure(0.0, 1.0) == Enclosure(0.0, INF)
    assert Enclosure(1.0, INF) / Enclosure(1.0, INF) == Enclosure(0.0, INF)
    assert Enclosure.exactly(INF) / Enclosure.exactly(INF) == Enclosure(0.0, INF)
    assert Enclosure(2.0, INF) - Enclosure(2.0, INF) == Enclosure(-INF, INF)
    assert Enclosure(0.0, 1.0) * Enclosure(2.0, INF) == Enclosure(0.0, INF)
    assert Enclosure.exactly(INF) + 1.0 == Enclosure.exactly(INF)
    assert Enclosure(-1.0, 2.0) * INF == Enclosure(-INF, INF)
    assert Enclosure.exactly(-0.0) / Enclosure(0.0, 1.0) == Enclosure(0.0, INF)


def test_opposite_infinities_leave_an_end_unknown() -> None:
    infinite, anything = Enclosure.exactly(INF), Enclosure(-INF, INF)
    assert infinite - infinite == anything
    assert infinite + -INF == anything
    assert Enclosure(-INF, 1.0) + infinite == anything
    assert Enclosure(-1.0, INF) + -infinite == anything
    assert Enclosure(-INF, 1.0) + 2.0 == Enclosure(-INF, 3.0)
    assert 2.0 + Enclosure(1.0, INF) == Enclosure(3.0, INF)


def test_quotients_of_infinite_ends() -> None:
    assert Enclosure(-INF, -1.0) / Enclosure(2.0, 4.0) == Enclosure(-INF, -0.25)
    assert Enclosure(-2.0, INF) / Enclosure(0.0, 4.0) == Enclosure(-INF, INF)
    assert Enclosure(1.0, 2.0) / Enclosure(4.0, INF) == Enclosure(0.0, 0.5)
    assert Enclosure(-INF, -1.0) / Enclosure(1.0, INF) == Enclosure(-INF, 0.0)
    assert -1.0 / Enclosure(0.0, 4.0) == Enclosure(-INF, -0.25)
    assert Enclosure(1.0, 2.0) / Enclosure(-4.0, 0.0) == Enclosure(-INF, -0.25)
    assert Enclosure(1.0, 2.0) / 0.0 == Enclosure(-INF, INF)


def test_products_of_infinite_ends() -> None:
    assert Enclosure(-INF, -1.0) * Enclosure(2.0, 3.0) == Enclosure(-INF, -2.0)
    assert Enclosure(-INF, 2.0) * -1.0 == Enclosure(-2.0, INF)
    assert -INF * Enclosure(0.0, 1.0) == Enclosure(-INF, 0.0)
    assert Enclosure(0.0, 0.0) * -INF == Enclosure(-INF, 0.0)
    assert Enclosure(-INF, INF) * 0.0 == Enclosure(-INF, INF)


@given(enclosures(numbers), enclosures(numbers), numbers, numbers)
def test_inclusion_is_monotone(a: Enclosure, b: Enclosure, x: float, y: float) -> None:
    wide_a, wide_b = a.hull(x), b.hull(y)
    assert wide_a.contains(a)
    assert (wide_a + wide_b).contains(a + b)
    assert (wide_a * wide_b).contains(a * b)
    if not (a.lower <= 0.0 <= a.upper or wide_b.lower <= 0.0 <= wide_b.upper):
        assert (wide_a / wide_b).contains(a / b)


def test_sets() -> None:
    a, b = Enclosure(0.0, 2.0), Enclosure(1.0, 3.0)
    assert a.hull(b) == Enclosure(0.0, 3.0)
    assert a.hull(-1.0) == Enclosure(-1.0, 2.0)
    assert a.intersect(b) == Enclosure(1.0, 2.0)
    assert a.intersect(Enclosure(2.0, 3.0)) == Enclosure.exactly(2.0)
    assert a.contains(2.0)
    assert not a.contains(2.0000000001)
    assert not a.contains(b)
    with pytest.raises(ParameterError, match=r"other must meet \[0.0, 2.0\], got \[3.0, 4.0\]"):
        a.intersect(Enclosure(3.0, 4.0))


def test_width_and_closed() -> None:
    assert Enclosure(1.0, 3.0).width == 2.0
    assert Enclosure.exactly(INF).width == 0.0
    assert Enclosure(0.0, INF).width == INF
    assert Enclosure(-1e-30, 1.0).width == math.nextafter(1.0, 2.0)
    assert Enclosure(0.99, 1.0).closed(0.0101)
    assert not Enclosure(0.99, 1.0).closed(0.0099)
    assert Enclosure(-1.0, -0.99).closed(0.0101)
    assert Enclosure(99.0, 100.0).closed(0.01)
    assert not Enclosure(99.0, 100.0).closed(0.0099)
    assert not Enclosure(0.0099, 0.01).closed(0.0099)
    assert Enclosure(-100.0, 1.0).closed(1.02)
    assert Enclosure(0.0, 1.0).closed(1.0)
    assert not Enclosure(-INF, 1.0).finite
    assert Enclosure(-1.0, 1.0).finite
    assert Enclosure(-INF, 5.0).width == INF
    assert Enclosure(-INF, INF).width == INF
    assert Enclosure.exactly(0.0).closed(0.0)
    assert Enclosure.exactly(INF).closed(0.0)
    assert not Enclosure(1.0, INF).closed(10.0)
    assert not Enclosure(1.0, INF).finite
    with pytest.raises(ParameterError, match=r"rtol must be >= 0, got -0\.1"):
        Enclosure(0.0, 1.0).closed(-0.1)


@given(enclosures(numbers))
def test_json_round_trip(e: Enclosure) -> None:
    text = json.dumps(e.to_json(), allow_nan=False)
    assert Enclosure.from_json(json.loads(text)) == e


def test_json_words_and_errors() -> None:
    assert Enclosure(-INF, INF).to_json() == {"lower": "-inf", "upper": "inf"}
    assert Enclosure(0.5, 2.0).to_json() == {"lower": 0.5, "upper": 2.0}
    with pytest.raises(
        ParameterError, match=r'upper must be a number, "inf" or "-inf", got None'
    ):
        Enclosure.from_json({"lower": 0.0})
    for wrong in ("zero", None, [1.0], 10**400):
        with pytest.raises(ParameterError, match=r"lower must be a number"):
            Enclosure.from_json({"lower": wrong, "upper": 1.0})
    with pytest.raises(ParameterError, match="must be numbers, got"):
        Enclosure.from_json({"lower": "nan", "upper": 1.0})
    assert str(Enclosure(0.1, INF)) == "[0.1, inf]"


def test_bad_ends() -> None:
    with pytest.raises(
        ParameterError, match=r"lower must be at most upper, got \[2.0, 1.0\]; swap"
    ):
        Enclosure(2.0, 1.0)
    with pytest.raises(ParameterError, match=r"must be numbers, got \[nan, 1.0\]"):
        Enclosure(math.nan, 1.0)


def test_is_a_value() -> None:
    assert Enclosure(1, 2) == Enclosure(1.0, 2.0)
    assert isinstance(Enclosure(1, 2).lower, float)
    assert isinstance(Enclosure(1, 2).upper, float)
    assert Enclosure.exactly(3) == Enclosure(3.0, 3.0)
    assert len({Enclosure(1.0, 2.0), Enclosure(1.0, 2.0)}) == 1
    with pytest.raises(AttributeError):
        Enclosure(1.0, 2.0).lower = 0.0
