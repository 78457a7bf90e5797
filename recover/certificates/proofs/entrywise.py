"""Bounds of single entries of the error from an approximate left inverse.

For any C write ``C A = I + E``.  Then ``d = C A d - E d``, so with ``A d = r + e``
``|d_j| <= |(C r)_j| + |C_j . e| + |E_j| |d|`` and ``|C_j . e|`` is at most both
``sum_i |C_ji| eps_i`` and ``|C_j| eps``.  C need not be accurate; E is bounded from the
computed product.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack, qr

from recover.certificates.proofs.base import Case
from recover.certificates.proofs.linear import ALLOWANCES
from recover.core.arrays import Array
from recover.core.rounding import gamma, norm_upper, up
from recover.frames.bounds import real_matrix
from recover.frames.identity import Identity
from recover.frames.masked import Masked

__all__ = ["LeftInverse", "entrywise_bound", "left_inverse"]

MAX_UNKNOWNS = 256
MAX_ENTRIES = 2**18
WORST_DEFECT = 1e-8  # of C A from I: beyond it two libraries' inverses may differ visibly
PAD = 1.0 + 1e-6  # covers the roundings of the sums


class LeftInverse(NamedTuple):
    """An approximate left inverse and bounds of its rows.

    Parameters
    ----------
    matrix : array [shape=(n, m)]
    norms : array [shape=(n,)]
        Upper bounds of its rows' norms.
    defects : array [shape=(n,)]
        Upper bounds of the norms of the rows of ``matrix @ rows - I``.
    """

    matrix: Array
    norms: Array
    defects: Array


def left_inverse(rows: Array, error: float) -> LeftInverse | None:
    """Return an approximate left inverse of tall real rows, None if it is too large or poor.

    Parameters
    ----------
    rows : array [shape=(m, n)]
    error : float
        Bound of the spectral norm of the error of `rows`.
    """
    m, n = rows.shape
    if m < n or n > MAX_UNKNOWNS or m * n > MAX_ENTRIES:
        return None
    q, r = qr(rows, mode="economic", check_finite=False)
    inverse, info = lapack.dtrtri(r)
    if info != 0:
        return None
    matrix = inverse @ q.T
    if not np.isfinite(matrix).all():
        return None
    product = matrix @ rows
    product[np.arange(n), np.arange(n)] -= 1.0
    rounding = gamma(2 * m + 8)
    sizes = np.abs(matrix) @ np.abs(rows) + np.eye(n)
    norms = _row_norms(matrix)
    defects = _row_norms(np.abs(product) + rounding * sizes) + norms * error
    defects = defects * (1.0 + gamma(8))
    return LeftInverse(matrix, norms, defects) if float(defects.max()) <= WORST_DEFECT else None


def entrywise_bound(case: Case, radius: float) -> Array | None:
    """Return bounds of the entries of ``x - x_hat`` from the fixed rows, None if too large.

    Parameters
    ----------
    case : Case
    radius : float
        Proved bound of ``|x - x_hat|``.

    Returns
    -------
    array [shape=frame.signal_shape] or None
    """
    frame, knowledge, residual = case.problem.model.frame, case.knowledge, case.residual
    inner = frame
    while isinstance(inner, Masked):
        inner = inner.frame
    if isinstance(inner, Identity):
        if frame.signal_size > 2**17:
            return None
        # samples are the signal: each has its own residual and its own noise
        own = np.where(knowledge.fixed, np.abs(residual.entries) + knowledge.each, 0.0)
        return (frame.synthesis(own) + residual.error) * (1.0 + gamma(16))
    if (
        frame.signal_size > MAX_UNKNOWNS
        or knowledge.fixed_count * frame.signal_size > MAX_ENTRIES
    ):
        return None
    rows, error = real_matrix(frame, knowledge.fixed)
    inverse = left_inverse(rows, error)
    if inverse is None:
        return None
    fixed = knowledge.fixed
    r = residual.entries[fixed]
    each = knowledge.each[fixed]
    sizes = np.abs(inverse.matrix)
    # another library's inverse D has ``(D - C) A`` of about the size of the defects, and rows
    # in the span of A but for as much: its rows differ by at most so much
    defects = ALLOWANCES * inverse.defects
    moved = 2.0 * defects * norm_upper(inverse.norms)
    rounding = ALLOWANCES * gamma(2 * r.size + 8)
    pulled = np.abs(inverse.matrix @ r) + rounding * (sizes @ np.abs(r)) + moved * norm_upper(r)
    noise = np.minimum(
        sizes @ each + moved * norm_upper(each), (inverse.norms + moved) * residual.noise
    )
    total = pulled + noise + (inverse.norms + moved) * residual.error + defects * radius
    bounds: Array = np.minimum(total * PAD, radius).reshape(frame.signal_shape)
    return bounds


def _row_norms(matrix: Array) -> Array:
    """Return upper bounds of the rows' norms; powers of two keep their squares in range."""
    largest = np.max(np.abs(matrix), axis=1, keepdims=True)
    exponent = np.frexp(largest)[1]
    scaled = np.ldexp(matrix, -exponent)
    norms = np.sqrt(np.sum(scaled * scaled, axis=1)) * up(1.0 + gamma(matrix.shape[1] + 8))
    with np.errstate(over="ignore"):
        back = np.ldexp(norms, exponent[:, 0])
    # a subnormal result may have been rounded downwards
    result: Array = np.where(norms > 0.0, np.nextafter(back, np.inf), 0.0)
    return result
