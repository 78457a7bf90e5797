"""Bounds of single entries of the error, with an inverse of the verifier's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.residual import CheckedResidual
from recover.core.arrays import Array
from recover.core.rounding import TINY, gamma
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
    q, r = np.linalg.qr(rows)
    try:
        inverse = np.linalg.solve(r, q.T)
    except np.linalg.LinAlgError:
        return None  # wide rows, or a zero on the diagonal
    if not np.isfinite(inverse).all():
        return None
    slack, unit = _slack(len(rows)), np.eye(len(inverse))
    sizes = np.abs(inverse) @ np.abs(rows) + unit
    norms = _lengths(inverse)
    defects = _lengths(np.abs(inverse @ rows - unit) + slack * sizes)
    return inverse, norms, (defects + norms * error) * (1.0 + slack)


def _slack(terms: int) -> float:
    """Return more than the rounding of a sum of products, and of the few steps after it."""
    return gamma(2 * terms + 16)


def _lengths(matrix: Array) -> Array:
    """Return upper bounds of the rows' norms, with each row brought near 1 first."""
    power = np.frexp(np.abs(matrix).max(axis=1))[1]
    near = np.ldexp(matrix, -power[:, None])
    found = np.sqrt(np.einsum("ij,ij->i", near, near)) * (1.0 + _slack(matrix.shape[1]))
    # a subnormal length may have been rounded downwards
    return np.asarray(np.ldexp(found, power) + TINY)


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
    moduli, slack = np.abs(inverse), _slack(r.size)
    pulled = np.abs(inverse @ r) + slack * (moduli @ np.abs(r))
    noise = np.minimum(moduli @ each, norms * residual.noise.upper)
    total = pulled + noise + norms * residual.error.upper + defects * radius
    bounds: Array = np.minimum(total * (1.0 + slack), radius).reshape(frame.signal_shape)
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
