"""QR route: the smallest singular value of rows too ill-conditioned for a Gram matrix.

For any square Y with ``A Y`` of full rank, ``|A x| = |A Y Y^-1 x| >= smin(A Y) |x| / |Y|_2``.
With R from a floating-point QR factorisation and Y near ``R^-1`` the product ``W = A Y`` is
near orthonormal; it is computed as if in twice the precision (`product.accurate_product`), so
its error is about ``sqrt(n) U`` whatever the condition of A. A second factor Z near the inverse
of the triangular factor of W makes ``A Y Z`` orthonormal to rounding, and then

``smin(A) >= (sqrt(1 - |I - T^T T|) - |T - A Y Z|) / |Y Z|_2``,  T the computed ``W Z``,

is sharp: if ``A Y Z`` is orthonormal both sides agree. Neither R, Y nor Z needs to be accurate,
no constant of the factorisation is assumed, and ``|A - Q R|`` (some ``U |A|``, which is more
than smin(A) above condition 1e16) does not enter.

References
----------
.. [1] S. M. Rump, "Verified bounds for singular values, in particular for the spectral norm of
   a matrix and its inverse", BIT 51 (2011) 367-384 (the preconditioning by an approximate
   inverse; the second factor and the accurate product are this module's).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import lapack, qr

from recover.core.arrays import Array
from recover.core.eigen.bound import EigenBound, realified, require_matrix, require_target
from recover.core.eigen.dense import eigmax_upper
from recover.core.eigen.gram import gram_of
from recover.core.eigen.product import accurate_product
from recover.core.rigor import PROVED
from recover.core.rounding import (
    TINY,
    binary_exponent,
    down,
    gamma,
    norm_upper,
    scale,
    scaled_up,
    up,
)

__all__ = ["sigma_min_lower"]

ROUTE = "qr"
# A found value is lowered by this much, so that a verifier on other hardware, whose QR
# factorisation rounds otherwise, proves it too.
SHADE = 2.0**-36


def sigma_min_lower(rows: Array, *, at: float | None = None) -> EigenBound:
    """Return a proved lower bound of the smallest singular value of a tall matrix.

    Parameters
    ----------
    rows : array [shape=(m, n), n >= 1], real or complex
        Taken as exact.
    at : float, optional
        Only tell whether this value is proved.

    Returns
    -------
    EigenBound
        Of the singular value itself (its square bounds the frame operator's eigenvalue).
        Value 0 with a reason if nothing positive (or not `at`) could be proved.

    Raises
    ------
    ParameterError
        If `rows` is not a finite matrix or `at` is not finite.

    References
    ----------
    .. [1] Rump (2011); see the module's derivation.
    """
    matrix = require_matrix("rows", rows)
    target = require_target(at)
    exponent = binary_exponent(matrix)
    scaled = realified(scale(matrix, -exponent))
    proved, slack, reason = _unit_scale_bound(scaled[np.any(scaled != 0.0, axis=1)])
    proved = max(down(proved - TINY * scaled.size), 0.0)  # what the scaling may have lost
    slack = scaled_up(slack, exponent)
    if target is None:
        value = 0.0 - scaled_up(-max(down(proved * (1.0 - SHADE)), 0.0), exponent)
        return EigenBound(value, PROVED, ROUTE, slack, reason)
    if target <= max(0.0 - scaled_up(-proved, exponent), 0.0):
        return EigenBound(target, PROVED, ROUTE, slack)
    return EigenBound(0.0, PROVED, ROUTE, slack, reason or f"{target:g} could not be proved")


def _unit_scale_bound(a: Array) -> tuple[float, float, str]:
    """Return the bound for real rows with entries below 1, its allowance, and what failed."""
    n = a.shape[1]
    if a.shape[0] < n:
        return 0.0, math.inf, f"{a.shape[0]} non-zero rows cannot span {n} dimensions"
    # columns of equal size: a = b D, with D powers of two, so a (D^-1 y) = b y
    columns = np.frexp(np.abs(a).max(axis=0))[1]
    a = np.ldexp(a, -columns)
    y = _inverse_of_triangle(a)
    if y is None:
        return 0.0, math.inf, "the rows are linearly dependent to working precision"
    lift = binary_exponent(y)
    product, product_error = accurate_product(a, scale(y, -lift))
    # back to the scale at which the product is near orthonormal
    product, product_error = scale(product, lift), scaled_up(product_error, lift)
    # entries of D^-1 y, scaled to below 1; what underflows is far below the norm's rounding
    exponents = np.frexp(y)[1] - columns[:, None]
    lift = int(exponents.max(where=y != 0.0, initial=-(2**20)))
    y = np.ldexp(y, -columns[:, None] - lift)
    z = _inverse_of_triangle(product)
    if z is None or not np.isfinite(product).all():
        return 0.0, math.inf, "the rows are linearly dependent to twice the working precision"
    z_norm, k = norm_upper(z), gamma(n + 1)
    orthonormal = product @ z
    orthonormal_error = up(up(product_error + up(k * norm_upper(product))) * z_norm)
    gram, gram_error = gram_of(orthonormal)
    defect = up(up(norm_upper(gram - np.eye(n))) + gram_error)  # a difference has one rounding
    inverse = y @ z
    inverse_gram, inverse_gram_error = gram_of(inverse)
    inverse_norm = up(
        math.sqrt(eigmax_upper(inverse_gram, gram_slack=inverse_gram_error).value)
    )
    inverse_norm = up(inverse_norm + up(up(k * norm_upper(y)) * z_norm))
    smallest = down(down(math.sqrt(max(down(1.0 - defect), 0.0))) - orthonormal_error)
    if smallest <= 0.0:
        return 0.0, math.inf, "the preconditioned rows are not provably independent"
    bound = down(smallest / inverse_norm)
    slack = up((1.0 - smallest) / inverse_norm)
    return _lowered(bound, lift), scaled_up(slack, -lift), ""


def _lowered(bound: float, lift: int) -> float:
    """Return the bound for ``y 2**lift``: ``|y|`` grows by that factor, the bound falls."""
    return 0.0 - scaled_up(-bound, -lift)


def _inverse_of_triangle(a: Array) -> Array | None:
    """Return the computed inverse of the computed triangular factor of a, None if singular."""
    if not np.isfinite(a).all():
        return None
    triangle = np.asarray(qr(a, mode="r")[0])[: a.shape[1]]
    inverse, info = lapack.dtrtri(np.triu(triangle))
    return np.asarray(inverse) if info == 0 and np.isfinite(inverse).all() else None
