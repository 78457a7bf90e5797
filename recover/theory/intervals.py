"""Decimal intervals with outward rounding, and the functions that capacity formulas need."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

from recover.core.enclosure import Enclosure
from recover.core.rounding import round_down, round_up

__all__ = ["PI", "Interval", "arctan", "density", "exp", "log", "sqrt", "upper_tail"]

DIGITS = 40
FLOOR = Context(prec=DIGITS, rounding=ROUND_FLOOR)
CEILING = Context(prec=DIGITS, rounding=ROUND_CEILING)
ZERO = Decimal(0)


@dataclass(frozen=True)
class Interval:
    """A closed interval of 40-digit decimals that holds one real number.

    Sums, products, quotients and square roots are rounded in the safe direction; the library's
    ``exp`` and ``ln`` are correctly rounded [1]_, so one unit in the last place outward is
    safe.

    Parameters
    ----------
    lower, upper : decimal.Decimal
        The ends, ``lower <= upper``.

    References
    ----------
    .. [1] Python Software Foundation, documentation of the module `decimal`: "correctly rounded
       using ROUND_HALF_EVEN" for `exp` and `ln`.
    """

    lower: Decimal
    upper: Decimal

    @staticmethod
    def of(value: float | int) -> Interval:
        """Return the interval of a number that is taken as exact."""
        exact = Decimal(value)
        return Interval(FLOOR.plus(exact), CEILING.plus(exact))

    def __neg__(self) -> Interval:
        return Interval(self.upper.copy_negate(), self.lower.copy_negate())

    def __add__(self, other: Interval | int) -> Interval:
        that = _interval(other)
        return Interval(FLOOR.add(self.lower, that.lower), CEILING.add(self.upper, that.upper))

    def __sub__(self, other: Interval | int) -> Interval:
        return self + -_interval(other)

    def __mul__(self, other: Interval | int) -> Interval:
        that = _interval(other)
        corners = [(a, b) for a in (self.lower, self.upper) for b in (that.lower, that.upper)]
        return Interval(
            min(FLOOR.multiply(a, b) for a, b in corners),
            max(CEILING.multiply(a, b) for a, b in corners),
        )

    def __truediv__(self, other: Interval | int) -> Interval:
        that = _interval(other)
        if that.lower <= ZERO <= that.upper:
            raise ZeroDivisionError("the divisor's interval holds zero")
        corners = [(a, b) for a in (self.lower, self.upper) for b in (that.lower, that.upper)]
        return Interval(
            min(FLOOR.divide(a, b) for a, b in corners),
            max(CEILING.divide(a, b) for a, b in corners),
        )

    @property
    def positive(self) -> bool:
        """Whether the number is proved to be above zero."""
        return self.lower > ZERO

    @property
    def negative(self) -> bool:
        """Whether the number is proved to be below zero."""
        return self.upper < ZERO

    def enclosure(self) -> Enclosure:
        """Return the float64 interval around this one."""
        return Enclosure(round_down(Fraction(self.lower)), round_up(Fraction(self.upper)))


def _interval(value: Interval | int) -> Interval:
    return value if isinstance(value, Interval) else Interval.of(value)


def exp(x: Interval) -> Interval:
    """Return the exponential."""
    return Interval(
        FLOOR.next_minus(FLOOR.exp(x.lower)), CEILING.next_plus(CEILING.exp(x.upper))
    )


def log(x: Interval) -> Interval:
    """Return the natural logarithm of a positive number."""
    return Interval(FLOOR.next_minus(FLOOR.ln(x.lower)), CEILING.next_plus(CEILING.ln(x.upper)))


def sqrt(x: Interval) -> Interval:
    """Return the square root of a number that is not negative."""
    # the library's root is correctly rounded half-even whatever the context says
    low, high = FLOOR.sqrt(x.lower), CEILING.sqrt(x.upper)
    return Interval(max(FLOOR.next_minus(low), ZERO), CEILING.next_plus(high))


PI = Interval(
    Decimal("3.141592653589793238462643383279502884197"),
    Decimal("3.141592653589793238462643383279502884198"),
)
SQRT_TWO_PI = sqrt(PI * 2)


def density(x: Interval) -> Interval:
    """Return the standard normal density."""
    return exp(-(x * x) / 2) / SQRT_TWO_PI


def upper_tail(x: Interval) -> Interval:
    """Return ``P(g > x)`` of a standard normal g, for ``0 <= x``.

    ``P(0 < g < x) = density(x) sum_k x^(2k+1) / (2k+1)!!`` has positive terms only; they are
    summed until the ratio of neighbours is below 1/2, so the rest is below the last term.
    """
    square, term, total = x * x, x, x
    k = 0
    while True:
        k += 1
        term = term * square / (2 * k + 1)
        total = total + term
        small = term.upper <= total.lower.scaleb(-DIGITS, FLOOR)
        if small and 2 * square.upper < 2 * k + 3:
            break
    total = Interval(total.lower, CEILING.add(total.upper, term.upper))
    return Interval.of(1) / 2 - density(x) * total


def arctan(x: Interval) -> Interval:
    """Return the arc tangent of a number that is not negative.

    Halved by ``atan x = 2 atan(x / (1 + sqrt(1 + x^2)))`` to at most ``2^-4 pi / 2``, then the
    alternating series, whose error is below the first term left out.
    """
    halvings = 4
    for _ in range(halvings):
        x = x / (sqrt(x * x + 1) + 1)
    square, power, total = x * x, x, x
    k = 1
    while True:
        power = -(power * square)
        k += 2
        term = power / k
        size = max(abs(term.lower), abs(term.upper))
        if size <= total.lower.scaleb(-DIGITS, FLOOR):
            break
        total = total + term
    total = Interval(FLOOR.subtract(total.lower, size), CEILING.add(total.upper, size))
    return total * (1 << halvings)
