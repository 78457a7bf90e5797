"""Floating-point bounds: what a certificate writer needs to round in the safe direction.

The model is IEEE 754 double precision, round to nearest: ``fl(a op b) = (a op b)(1 + d) + e``
with ``|d| <= U`` and ``|e| <= TINY / 2`` (``e`` only where a product, quotient or root
underflows). Sums of n terms in any order, blocked, vectorised or fused, obey the bounds below;
Strassen-like products do not.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM (2002),
   chapters 2 to 4.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array
from recover.core.errors import ParameterError

__all__ = [
    "TINY",
    "U",
    "binary_exponent",
    "down",
    "gamma",
    "norm_lower",
    "norm_upper",
    "round_down",
    "round_up",
    "scale",
    "scaled_up",
    "sum_lower",
    "sum_upper",
    "up",
    "up_array",
]

U = 2.0**-53  # unit round-off of float64
TINY = 2.0**-1074  # the smallest positive float64
LARGEST = float(np.finfo(np.float64).max)


def gamma(k: int) -> float:
    """Return an upper bound of ``k U / (1 - k U)``, the error constant of k roundings.

    Parameters
    ----------
    k : int, 0 <= k < 2**52
        Number of roundings that a result has gone through.

    Raises
    ------
    ParameterError
        If `k` is outside its range.

    References
    ----------
    .. [1] Higham (2002), Lemma 3.1.
    """
    if not 0 <= k < 2**52:
        raise ParameterError(f"k must lie in [0, 2**52), got {k}; split the sum into parts")
    # k U and 1 - k U are exact (k < 2**52), so the division is all that rounds
    return up(k * U / (1.0 - k * U)) if k else 0.0


def up(x: float, ulps: int = 1) -> float:
    """Return `x` moved up by `ulps` floating-point numbers (plus infinity stays)."""
    for _ in range(ulps):
        x = math.nextafter(x, math.inf)
    return x


def down(x: float, ulps: int = 1) -> float:
    """Return `x` moved down by `ulps` floating-point numbers (minus infinity stays)."""
    return -up(-x, ulps)


def up_array(x: npt.ArrayLike) -> Array:
    """Return each entry moved up by one floating-point number (plus infinity stays)."""
    moved: Array = np.nextafter(np.asarray(x, dtype=np.float64), np.inf)
    return moved


def round_up(exact: Fraction) -> float:
    """Return the smallest float64 that is at least the rational number `exact`."""
    try:
        nearest = float(exact)  # correctly rounded: CPython divides the two integers so
    except OverflowError:
        return math.inf if exact > 0 else -LARGEST
    return nearest if Fraction(nearest) >= exact else up(nearest)


def round_down(exact: Fraction) -> float:
    """Return the largest float64 that is at most the rational number `exact`."""
    return 0.0 - round_up(-exact)  # 0.0 - x: no negative zero


def binary_exponent(x: npt.ArrayLike) -> int:
    """Return e with ``2**(e - 1) <= max |real and imaginary parts| < 2**e``.

    Dividing by ``2**e`` brings the largest entry to [1/2, 1) without rounding it.  Zero for no
    data, zeros and infinities.
    """
    parts = _real_parts(x)
    largest = max(float(parts.max(initial=0.0)), -float(parts.min(initial=0.0)))
    return math.frexp(largest)[1]


def scale(x: Array, exponent: int) -> Array:
    """Return ``x * 2**exponent``; exact but for entries that leave the normal range.

    An entry that becomes subnormal has an absolute error of at most ``TINY / 2`` in each part.
    """
    if np.iscomplexobj(x):
        scaled: Array = scale(x.real, exponent) + 1j * scale(x.imag, exponent)
        return scaled
    with np.errstate(under="ignore"):
        result: Array = np.ldexp(np.asarray(x, dtype=np.float64), exponent)
    return result


def scaled_up(x: float, exponent: int) -> float:
    """Return an upper bound of ``x * 2**exponent``, exact where the product is a float64."""
    if not math.isfinite(x):
        return x
    return round_up(Fraction(x) * Fraction(2) ** exponent)


def sum_upper(x: npt.ArrayLike) -> float:
    """Return an upper bound of the sum of real numbers.

    ``|fl(sum) - sum| <= gamma_(n-1) sum |x|`` in any order [1]_; both sums are computed.
    Infinity where ``sum |x|`` exceeds half the largest float64: then an order might overflow.

    Raises
    ------
    ParameterError
        If `x` holds NaN, or infinities of both signs.

    References
    ----------
    .. [1] Higham (2002), section 4.2.
    """
    array = _without_nan("x", np.asarray(x, dtype=np.float64))
    if array.size == 0:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(np.sum(array))
        size = float(np.sum(np.abs(array)))
    if not size <= 0.5 * LARGEST:
        return _infinite_sum_upper(array)
    # the computed sum of sizes is itself short by at most the factor 1 - gamma_(n-1)
    return up(total + up(gamma(2 * array.size) * size))


def sum_lower(x: npt.ArrayLike) -> float:
    """Return a lower bound of the sum of real numbers (see `sum_upper`)."""
    return -sum_upper(-np.asarray(x, dtype=np.float64))


def norm_upper(x: npt.ArrayLike) -> float:
    """Return an upper bound of the Euclidean (Frobenius) norm of a real or complex array.

    Scaled by a power of two first, so that huge and subnormal entries do no harm; infinite
    entries give infinity.

    Raises
    ------
    ParameterError
        If `x` holds NaN.
    """
    parts = _without_nan("x", _real_parts(x))
    if np.isinf(parts).any():
        return math.inf
    exponent, square, error = _scaled_square(parts)
    if square == 0.0:
        return 0.0
    return scaled_up(up(math.sqrt(up(square + error))), exponent)


def norm_lower(x: npt.ArrayLike) -> float:
    """Return a lower bound of the Euclidean norm (see `norm_upper`); never negative."""
    parts = _without_nan("x", _real_parts(x))
    if np.isinf(parts).any():
        return math.inf
    exponent, square, error = _scaled_square(parts)
    root = max(down(math.sqrt(max(down(square - error), 0.0))), 0.0)
    return round_down(Fraction(root) * Fraction(2) ** exponent)


def _scaled_square(parts: Array) -> tuple[int, float, float]:
    """Return e, the computed sum of squares of ``parts / 2**e``, and a bound of its error."""
    exponent = binary_exponent(parts)
    scaled = scale(parts, -exponent).ravel(order="K")
    square = float(scaled @ scaled)
    # A sum that is not zero is at least 1/4, so the n underflows (products, and scaling to
    # subnormals: below 4 TINY together, each) are far below one rounding of it. gamma_(2n) >=
    # gamma_n / (1 - gamma_n) turns the bound by the exact sum into one by the computed sum.
    return exponent, square, up(gamma(2 * scaled.size + 2) * square)


def _real_parts(x: npt.ArrayLike) -> Array:
    array = np.asarray(x)
    if np.iscomplexobj(array):
        parts: Array = np.ascontiguousarray(array, dtype=np.complex128).view(np.float64)
        return parts
    return array


def _without_nan(name: str, array: Array) -> Array:
    if np.isnan(array).any():
        raise ParameterError(f"{name} must not hold NaN; remove or repair those entries first")
    return array


def _infinite_sum_upper(array: Array) -> float:
    plus, minus = bool(np.any(array == np.inf)), bool(np.any(array == -np.inf))
    if plus and minus:
        raise ParameterError("x must not hold infinities of both signs; their sum is undefined")
    return -math.inf if minus else math.inf
