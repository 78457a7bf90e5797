"""A matrix product as accurate as if it were computed in twice the precision."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.core.eigen.bound import UNDERFLOW
from recover.core.errors import ParameterError
from recover.core.rounding import U, gamma, norm_upper, up

__all__ = ["accurate_product"]

# Slices of rows or columns whose largest entry is below 2**FLOOR get fewer (or no) bits, so
# that the products of slices stay far from underflow; what they lose goes to the remainder.
FLOOR = -400


def accurate_product(a: Array, b: Array) -> tuple[Array, float]:
    """Return ``a @ b`` and a bound on the Frobenius norm of its error.

    Each factor is cut into two slices of at most ``(53 - log2 k) / 2`` bits relative to its
    row's (column's) largest entry, and a remainder, ``a = a1 + a2 + ar`` without error. The
    products a1 b1, a1 b2 and a2 b1 are sums of k integers of at most ``2**53 / k`` times one
    power of two, hence exact in any order of summation. The rest,
    ``a1 br + a2 (b - b1) + ar b``, is about 2**-50 of ``|a||b|`` and computed in plain
    arithmetic. The parts are added with error-free sums. So the error is one rounding of the
    result plus about ``k U 2**-50 |a|_F |b|_F``.

    Parameters
    ----------
    a : array [shape=(m, k), real, entries at most 1 in size]
    b : array [shape=(k, n), real, entries at most 1 in size]

    Returns
    -------
    product : array [shape=(m, n)]
    error : float
        ``|product - a b|_F <= error``.

    Raises
    ------
    ParameterError
        If ``k`` exceeds 2**40.

    References
    ----------
    .. [1] K. Ozaki, T. Ogita, S. Oishi, S. M. Rump, "Error-free transformations of matrix
       multiplication by using fast routines of matrix multiplication", Numer. Algorithms 59
       (2012) 95-118.
    .. [2] T. Ogita, S. M. Rump, S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput.
       26 (2005) 1955-1988 (the error-free sum, after Knuth).
    """
    terms = a.shape[1]
    if terms > 2**40:
        raise ParameterError(f"a must have at most 2**40 columns, got {terms}")
    bits = (53 - (terms - 1).bit_length()) // 2
    a1 = _leading(a, 1, bits)
    a2 = _leading(a - a1, 1, bits)
    b1 = _leading(b, 0, bits)
    b_low = b - b1
    b2 = _leading(b_low, 0, bits)
    a_rest, b_rest = a - a1 - a2, b_low - b2  # exact: the bits that the slices left
    low = a1 @ b_rest + a2 @ b_low + a_rest @ b
    size = (
        norm_upper(a1) * norm_upper(b_rest)
        + norm_upper(a2) * norm_upper(b_low)
        + norm_upper(a_rest) * norm_upper(b)
    )
    total, first = _two_sum(a1 @ b1, a1 @ b2)
    total, second = _two_sum(total, a2 @ b1)
    tail = first + second + low
    product = total + tail
    tail_size = norm_upper(first) + norm_upper(second) + norm_upper(low)
    error = gamma(terms + 2) * size + gamma(2) * tail_size + U * norm_upper(product)
    # the factor 1 + 32 U covers the dozen roundings of the error bound itself
    return product, up(error * (1.0 + 32.0 * U) + UNDERFLOW)


def _leading(x: Array, axis: int, bits: int) -> Array:
    """Return x rounded to multiples of ``2**(e - bits)``, ``2**e`` above its row or column.

    The difference to x is exact: it is a multiple of the last place of x (or zero) and not
    larger than x.
    """
    exponents = np.frexp(np.abs(x).max(axis=axis, keepdims=True, initial=0.0))[1]
    shift = bits - np.maximum(exponents, FLOOR)
    leading: Array = np.ldexp(np.rint(np.ldexp(x, shift)), -shift)
    return leading


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded sum and its error: ``a + b = total + error`` exactly (Knuth)."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)
