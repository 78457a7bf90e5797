"""Bounds of single entries of the error, with an inverse of the verifier's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.residual import CheckedResidual
from recover.core.arrays import Array
from recover.core.rounding import gamma
from recover.frames.bounds import real_matrix
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.models.problem import Problem

__all__ = ["entry_bounds", "entrywise_faults", "inverse_rows"]

MAX_UNKNOWNS = 256
MAX_ENTRIES = 2**18


def inverse_rows(rows: Array, error: float) -> tuple[Array, Array, Array] | None:
    """Return an approximate left inverse C, its rows' norms, and those of ``C rows - I``.

    Each entry of the product carries at most ``gamma_(m+1)`` times the product of the moduli
    (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 3.1).
    """
    m, n = rows.shape
    if m < n:
        return None
    q, r = np.linalg.qr(rows)
    try:
        inverse = np.linalg.solve(r, q.T)
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(inverse).all():
        return None
    slack = gamma(2 * m + 8)
    defect = np.abs(inverse @ rows - np.eye(n)) + slack * (
        np.abs(inverse) @ np.abs(rows) + np.eye(n)
    )
    loose = 1.0 + gamma(2 * m + 16)
    norms = _lengths(inverse, loose)
    defects = loose * (_lengths(defect, loose) + norms * error)
    return inverse, norms, defects


def _lengths(matrix: Array, loose: float) -> Array:
    """Return upper bounds of the rows' norms, with each row brought near 1 first."""
    size = np.abs(matrix).max(axis=1)
    power = np.frexp(size)[1]
    near = np.ldexp(matrix, -power[:, None])
    with np.errstate(over="ignore"):
        found = np.ldexp(loose * np.sqrt(np.einsum("ij,ij->i", near, near)), power)
    return np.where(size > 0.0, found + 2.0**-1074, 0.0)


def entry_bounds(problem: Problem, residual: CheckedResidual, radius: float) -> Array | None:
    """Return upper bounds of ``|x - x_hat|`` entry by entry from the fixed coefficients."""
    frame, knowledge = problem.model.frame, problem.knowledge
    inner, fixed = frame, knowledge.fixed
    while isinstance(inner, Masked):
        inner = inner.frame
    if isinstance(inner, Identity):
        own = np.where(fixed, np.abs(residual.entries) + knowledge.each, 0.0)
        return (frame.synthesis(own) + residual.error.upper) * (1.0 + gamma(4))
    if (
        frame.signal_size > MAX_UNKNOWNS
        or knowledge.fixed_count * frame.signal_size > MAX_ENTRIES
    ):
        return None
    found = inverse_rows(*real_matrix(frame, fixed))
    if found is None:
        return None
    inverse, norms, defects = found
    r, each = residual.entries[fixed], knowledge.each[fixed]
    moduli = np.abs(inverse)
    slack = gamma(2 * r.size + 16)
    pulled = np.abs(inverse @ r) + slack * (moduli @ np.abs(r))
    noise = np.minimum((1.0 + slack) * (moduli @ each), norms * residual.noise.upper)
    total = pulled + noise + norms * residual.error.upper + defects * radius
    bounds: Array = np.minimum(total * (1.0 + gamma(16)), radius).reshape(frame.signal_shape)
    return bounds


def entrywise_faults(certificate: Certificate, proved: Array | None) -> Iterator[str]:
    """Yield the faults of `Certificate.pointwise` against bounds that were proved again."""
    claimed = certificate.pointwise
    if claimed is None:
        return
    if proved is None or claimed.shape != proved.shape or claimed.dtype != np.float64:
        yield "bounds of single entries are claimed that cannot be proved"
    elif not bool((claimed >= proved).all()):
        count = int(np.count_nonzero(~(claimed >= proved)))
        yield f"{count} bound(s) of single entries are smaller than what is proved"
