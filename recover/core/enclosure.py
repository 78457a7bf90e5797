"""Enclosures: a lower and an upper bound of one number, with outward-rounded arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from recover.core.errors import ParameterError
from recover.core.rounding import round_down, round_up

__all__ = ["Enclosure"]


@dataclass(frozen=True)
class Enclosure:
    """A closed interval that is known to hold one real (or infinite) number.

    Arithmetic is exact in rational numbers and then rounded outward once, so each end is the
    best float64 there is: ``Enclosure(1, 1) + Enclosure(1, 1)`` is the point 2. Zero times
    infinity is anything from zero to that infinity.

    Parameters
    ----------
    lower, upper : float
        The ends, ``lower <= upper``; infinite ends mean that nothing is known on that side.

    Raises
    ------
    ParameterError
        If an end is NaN or the ends are in the wrong order.
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        lower, upper = float(self.lower), float(self.upper)
        if math.isnan(lower) or math.isnan(upper):
            raise ParameterError(
                f"lower and upper must be numbers, got [{lower}, {upper}]; "
                "use infinity for an unknown end"
            )
        if lower > upper:
            raise ParameterError(
                f"lower must be at most upper, got [{lower}, {upper}]; swap them"
            )
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)

    @staticmethod
    def exactly(value: float) -> Enclosure:
        """Return the enclosure of a number that is known exactly."""
        return Enclosure(value, value)

    @property
    def width(self) -> float:
        """``upper - lower``, rounded up; infinite where an end is, zero for a point."""
        if self.lower == self.upper:
            return 0.0
        return (self - Enclosure.exactly(self.lower)).upper

    @property
    def finite(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.lower) and math.isfinite(self.upper)

    def closed(self, rtol: float) -> bool:
        """Tell whether the ends agree to `rtol` of the larger one in size (a point always)."""
        if not rtol >= 0.0:
            raise ParameterError(f"rtol must be >= 0, got {rtol}; 0 asks for a single point")
        size = max(abs(self.lower), abs(self.upper))
        return self.lower == self.upper or (self.finite and self.width <= rtol * size)

    def contains(self, other: float | Enclosure) -> bool:
        """Tell whether a number, or a whole enclosure, lies inside."""
        inner = _as_enclosure(other)
        return self.lower <= inner.lower and inner.upper <= self.upper

    def hull(self, other: float | Enclosure) -> Enclosure:
        """Return the smallest enclosure that holds both."""
        that = _as_enclosure(other)
        return Enclosure(min(self.lower, that.lower), max(self.upper, that.upper))

    def intersect(self, other: Enclosure) -> Enclosure:
        """Return what two enclosures of the same number say together.

        Raises
        ------
        ParameterError
            If they are disjoint: then one of them is false.
        """
        lower, upper = max(self.lower, other.lower), min(self.upper, other.upper)
        if lower > upper:
            raise ParameterError(
                f"other must meet {self}, got {other}; they cannot enclose the same number"
            )
        return Enclosure(lower, upper)

    def __neg__(self) -> Enclosure:
        return Enclosure(-self.upper, -self.lower)

    def __add__(self, other: float | Enclosure) -> Enclosure:
        that = _as_enclosure(other)
        return Enclosure(
            _add(self.lower, that.lower, round_down, -math.inf),
            _add(self.upper, that.upper, round_up, math.inf),
        )

    __radd__ = __add__

    def __sub__(self, other: float | Enclosure) -> Enclosure:
        return self + -_as_enclosure(other)

    def __rsub__(self, other: float) -> Enclosure:
        return -self + other

    def __mul__(self, other: float | Enclosure) -> Enclosure:
        that = _as_enclosure(other)
        corners = [(a, b) for a in (self.lower, self.upper) for b in (that.lower, that.upper)]
        return Enclosure(
            min(_multiply(a, b, upward=False) for a, b in corners),
            max(_multiply(a, b, upward=True) for a, b in corners),
        )

    __rmul__ = __mul__

    def __truediv__(self, other: float | Enclosure) -> Enclosure:
        that = _as_enclosure(other)
        if that.lower < 0.0 < that.upper or that.lower == that.upper == 0.0:
            return Enclosure(-math.inf, math.inf)
        if that.upper <= 0.0:
            return -self / -that
        # a zero lower end of the divisor is the limit from above: quotients up to infinity
        corners = [(a, b) for a in (self.lower, self.upper) for b in (that.lower, that.upper)]
        return Enclosure(
            min(_divide(a, b, upward=False) for a, b in corners),
            max(_divide(a, b, upward=True) for a, b in corners),
        )

    def __rtruediv__(self, other: float) -> Enclosure:
        return Enclosure.exactly(other) / self

    def reciprocal(self) -> Enclosure:
        """Return ``1 / self``: [0, x] gives [1/x, inf], a change of sign the whole line."""
        return Enclosure(1.0, 1.0) / self

    def sqrt(self) -> Enclosure:
        """Return the square root.

        Raises
        ------
        ParameterError
            If the enclosure reaches below zero.
        """
        if self.lower < 0.0:
            raise ParameterError(
                f"lower must be >= 0 for a square root, got {self}; "
                "intersect with [0, inf] if the number is known to be non-negative"
            )
        return Enclosure(_root(self.lower, up=False), _root(self.upper, up=True))

    def to_json(self) -> dict[str, float | str]:
        """Return ``{"lower": ..., "upper": ...}``; infinite ends are "inf" and "-inf"."""
        return {"lower": _to_json(self.lower), "upper": _to_json(self.upper)}

    @staticmethod
    def from_json(data: Mapping[str, float | str]) -> Enclosure:
        """Rebuild from `to_json`.

        Raises
        ------
        ParameterError
            If an end is missing or not a number.
        """
        return Enclosure(_from_json(data, "lower"), _from_json(data, "upper"))

    def __str__(self) -> str:
        return f"[{self.lower!r}, {self.upper!r}]"


def _as_enclosure(value: float | Enclosure) -> Enclosure:
    return value if isinstance(value, Enclosure) else Enclosure(value, value)


def _add(a: float, b: float, rounded: Callable[[Fraction], float], unknown: float) -> float:
    if math.isinf(a) or math.isinf(b):
        # opposite infinities leave this end unknown
        return unknown if a == -b else a + b
    return rounded(Fraction(a) + Fraction(b))


def _multiply(a: float, b: float, *, upward: bool) -> float:
    if (a == 0.0 and math.isinf(b)) or (b == 0.0 and math.isinf(a)):
        return _undefined(a + b, upward=upward)
    if math.isinf(a) or math.isinf(b):
        return a * b
    return (round_up if upward else round_down)(Fraction(a) * Fraction(b))


def _divide(a: float, b: float, *, upward: bool) -> float:
    """Return a corner of the quotient by a divisor ``b >= 0``, 0 being the limit from above."""
    if a == b == 0.0:
        return _undefined(math.inf, upward=upward)
    if math.isinf(a) and math.isinf(b):
        return _undefined(a, upward=upward)
    if math.isinf(b):
        return 0.0
    if math.isinf(a) or b == 0.0:
        return math.copysign(math.inf, a)
    return (round_up if upward else round_down)(Fraction(a) / Fraction(b))


def _undefined(infinity: float, *, upward: bool) -> float:
    """Return an end of 0 times an infinity: anything from 0 to that infinity.

    Not 0, as interval arithmetic on finite numbers has it: here infinity is a value (an
    amplification that does not exist), and no noise times no stability is not no error.
    """
    return max(infinity, 0.0) if upward else min(infinity, 0.0)


def _root(x: float, *, up: bool) -> float:
    if math.isinf(x):
        return x
    root = math.sqrt(x)  # correctly rounded, so within one unit of the exact root
    exact = Fraction(root) ** 2
    if up:
        return root if exact >= x else math.nextafter(root, math.inf)
    return root if exact <= x else math.nextafter(root, 0.0)


def _to_json(x: float) -> float | str:
    return x if math.isfinite(x) else str(x)


def _from_json(data: Mapping[str, float | str], end: str) -> float:
    try:
        return float(data[end])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ParameterError(
            f'{end} must be a number, "inf" or "-inf", got {data.get(end)!r}'
        ) from None
