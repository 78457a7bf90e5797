"""Outward-rounded decimals against 50 digits."""

from decimal import Decimal

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recover.theory import intervals
from recover.theory.intervals import Interval, arctan, density, exp, log, sqrt, upper_tail

positive = st.floats(1e-6, 20.0)


def holds(interval, exact, digits=1e-33):
    with mpmath.workdps(60):
        low, high = mpmath.mpf(str(interval.lower)), mpmath.mpf(str(interval.upper))
        assert low <= exact <= high
        assert high - low <= digits * max(1, abs(exact))


@settings(max_examples=60, deadline=None)
@given(positive, st.floats(-5.0, 5.0))
def test_arithmetic_and_functions_hold_the_exact_value(x, y):
    with mpmath.workdps(60):
        a, b = mpmath.mpf(x), mpmath.mpf(y)
        left, right = Interval.of(x), Interval.of(y)
        holds(left + right, a + b)
        holds(left - right, a - b)
        holds(left * right, a * b)
        holds(right / left, b / a)
        holds(sqrt(left), mpmath.sqrt(a))
        holds(log(left), mpmath.log(a))
        holds(exp(right), mpmath.exp(b))
        holds(density(left), mpmath.npdf(a))
        holds(arctan(left), mpmath.atan(a))
        holds(upper_tail(left), mpmath.erfc(a / mpmath.sqrt(2)) / 2)


def test_pi_is_held():
    holds(intervals.PI, mpmath.mp.pi)
    with mpmath.workdps(60):
        holds(intervals.PI, +mpmath.pi, 1e-38)


def test_intervals_of_intervals_hold_every_choice():
    wide = Interval(Decimal(-2), Decimal(3))
    product = wide * Interval(Decimal(-5), Decimal(1))
    assert (product.lower, product.upper) == (Decimal(-15), Decimal(10))
    assert not wide.positive
    assert not wide.negative
    assert (Interval.of(2) / 3).enclosure().contains(2 / 3)
    with pytest.raises(ZeroDivisionError, match="zero"):
        _ = Interval.of(1) / wide
