"""Gram matrices with a proved bound of their rounding error."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.core.eigen.bound import UNDERFLOW, require_matrix
from recover.core.errors import ParameterError
from recover.core.rounding import TINY, binary_exponent, gamma, norm_upper, scale, scaled_up, up

__all__ = ["gram_of"]


def gram_of(rows: Array) -> tuple[Array, float]:
    """Return the Gram matrix ``rows^H rows`` and a bound on the spectral norm of its error.

    An inner product of k terms has an error of at most ``gamma_k |x|.|y|`` (Higham, section
    3.1), so the error matrix is below ``gamma_k A^T A`` entry by entry with A the moduli of the
    rows (the sum of the moduli of real and imaginary parts), whose norm is at most
    ``gamma_k min(|A|_F^2, |A|_1 |A|_inf)``. k counts the non-zero terms only.

    Parameters
    ----------
    rows : array [shape=(m, n), n >= 1], real or complex
        The analysis vectors, one a row; taken as exact.

    Returns
    -------
    gram : array [shape=(n, n)], exactly symmetric or Hermitian
    slack : float
        ``|gram - rows^H rows|_2 <= slack``.

    Raises
    ------
    ParameterError
        If `rows` is not a finite matrix or its squares overflow.
    """
    matrix = require_matrix("rows", rows)
    n = matrix.shape[1]
    exponent = binary_exponent(matrix)
    if 2 * exponent + matrix.shape[0].bit_length() > 1022:
        raise ParameterError(
            f"rows must have squares below the largest float64, got entries up to "
            f"2**{exponent}; scale them by a power of two"
        )
    scaled = scale(matrix, -exponent)
    if np.iscomplexobj(scaled):
        stacked = np.concatenate([scaled.real, scaled.imag])
        moduli = np.abs(scaled.real) + np.abs(scaled.imag)
        cross = scaled.real.T @ scaled.imag
        gram = _mirrored(stacked.T @ stacked) + 1j * (cross - cross.T)
    else:
        stacked, moduli = scaled, np.abs(scaled)
        gram = _mirrored(stacked.T @ stacked)
    terms = int(np.count_nonzero(stacked, axis=0).max())
    frobenius = norm_upper(moduli)
    by_sums = moduli.sum(axis=0).max() * moduli.sum(axis=1).max(initial=0.0)
    size = min(up(frobenius * frobenius), float(by_sums))
    # four roundings beyond k: the moduli (two), the difference of cross products, and one of
    # size U that is more than the sums of moduli are off by, (m + n) U, times gamma_k
    error = up(gamma(terms + 4) * size) + UNDERFLOW
    slack = scaled_up(up(error), 2 * exponent)
    if 2 * exponent < -500:
        slack = up(slack + 2.0 * n * TINY)  # entries that the scaling back rounds to subnormals
    return scale(gram, 2 * exponent), slack


def _mirrored(product: Array) -> Array:
    """Return the lower triangle of a computed ``x^T x``, reflected: exactly symmetric."""
    return np.tril(product) + np.tril(product, -1).T
