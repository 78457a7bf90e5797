"""Sums of binomial coefficients: exact, and as upper bounds beyond the range of float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.core.rounding import gamma, up

__all__ = ["Scaled", "few_exact", "few_upper", "patterns_exact", "patterns_upper"]

CHUNK = 16  # factors multiplied before the exponent is taken out; each is below 2^24


@dataclass(frozen=True)
class Scaled:
    """The number ``mantissa * 2**exponent``, mantissa in [1/2, 1)."""

    mantissa: float
    exponent: int

    @staticmethod
    def of(value: float, exponent: int = 0) -> Scaled:
        """Return ``value * 2**exponent``, exactly."""
        mantissa, power = math.frexp(value)
        return Scaled(mantissa, exponent + power)

    def times(self, other: Scaled) -> Scaled:
        """Return the product, rounded upward."""
        product = up(self.mantissa * other.mantissa)
        return Scaled.of(product, self.exponent + other.exponent)

    def upper(self) -> float:
        """Return a float64 at or above; infinite or the smallest one beyond the range."""
        if self.exponent > 1023:
            return math.inf
        return up(math.ldexp(self.mantissa, max(self.exponent, -1080)))


def patterns_exact(m: int, n: int) -> int:
    """Return ``2 sum_(i<n) C(m-1, i)``, the cells of m general hyperplanes through 0 in R^n."""
    return 2 * few_exact(m - 1, n)


def few_exact(m: int, required: int) -> int:
    """Return ``sum_(k<required) C(m, k)``."""
    term, total = 1, 0
    for k in range(min(required, m + 1)):
        total += term
        term = term * (m - k) // (k + 1)
    return total


def patterns_upper(m: int, n: int) -> Scaled:
    """Return an upper bound of `patterns_exact`, for ``2 n <= m``."""
    return Scaled(0.5, 2).times(_partial_sum(m - 1, n - 1))


def few_upper(m: int, required: int) -> Scaled:
    """Return an upper bound of ``2^-m sum_(k<required) C(m, k)``, for ``2 required <= m``."""
    total = _partial_sum(m, required - 1)
    return Scaled(total.mantissa, total.exponent - m)


def _partial_sum(m: int, top: int) -> Scaled:
    """Return an upper bound of ``sum_(i<=top) C(m, i)``, for ``2 top <= m``.

    That is ``C(m, top) (1 + t_1 + t_2 + ...)``, ``t_j = t_(j-1) (top-j+1) / (m-top+j)``. All
    terms are positive and fall, and none has gone through more than 5 top roundings.
    """
    i = np.arange(1, top + 1, dtype=np.float64)
    mantissa, exponent = 1.0, 0
    factors = (m - top + i) / i
    for part in np.array_split(factors, 1 + top // CHUNK):
        mantissa, power = math.frexp(mantissa * float(np.prod(part)))
        exponent += power
    # what underflows is replaced by a larger number
    terms = np.maximum(np.cumprod((top - i + 1.0) / (m - top + i)), np.finfo(np.float64).tiny)
    error = gamma(8 * top + 8)
    total = up((1.0 + float(np.sum(terms))) * up(1.0 + error))
    return Scaled(mantissa, exponent).times(Scaled.of(total))
