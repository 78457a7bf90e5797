"""Sparse route: reverse Cuthill-McKee reordering, then the banded route."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from recover.core.arrays import Array, require_finite
from recover.core.eigen.banded import eigmin_lower_banded
from recover.core.eigen.bound import EigenBound
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED

__all__ = ["MAX_ENTRIES", "eigmin_lower_sparse"]

MAX_ENTRIES = 2**27  # band storage of 1 GB in float64; the search needs about three times that


def eigmin_lower_sparse(
    matrix: sparse.csr_array | sparse.csc_array | sparse.coo_array,
    *,
    slack: float = 0.0,
    at: float | None = None,
    max_entries: int = MAX_ENTRIES,
) -> EigenBound:
    """Return a proved lower bound of the smallest eigenvalue of a sparse Gram matrix.

    A permutation keeps the eigenvalues, so the banded route proves it for the reordered matrix.

    Parameters
    ----------
    matrix : scipy sparse array [shape=(n, n), exactly Hermitian], real or complex
        Positive semidefinite up to `slack`.
    slack : float >= 0
        Bound on the spectral norm of the error of `matrix`.
    at : float, optional
        Only try to prove this value.
    max_entries : int
        Largest band storage ``(w + 1) n``, in real numbers, that is tried; n w^2 is the time.

    Returns
    -------
    EigenBound
        As `eigmin_lower_banded`; value 0 with a reason if the matrix is too large to prove.

    Raises
    ------
    ParameterError
        If `matrix` is not square, finite and exactly Hermitian.

    References
    ----------
    .. [1] E. Cuthill, J. McKee, "Reducing the bandwidth of sparse symmetric matrices", Proc.
       24th ACM National Conference (1969) 157-172.
    """
    csr = _checked(matrix)
    n, _ = csr.shape
    order = reverse_cuthill_mckee(csr, symmetric_mode=True)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    entries = csr.tocoo()
    row, column = place[entries.coords[0]], place[entries.coords[1]]
    below = row >= column
    row, column, data = row[below], column[below], entries.data[below]
    width = int((row - column).max(initial=0))
    copies = 4 if np.iscomplexobj(data) else 1  # twice the size and twice the width
    if (width + 1) * n * copies > max_entries:
        reason = f"too large to prove: n = {n}, half-bandwidth {width} after reordering"
        return EigenBound(0.0, PROVED, "banded", math.inf, reason)
    bands: Array = np.zeros((width + 1, n), dtype=data.dtype)
    bands[row - column, column] = data
    return eigmin_lower_banded(bands, slack=slack, at=at)


def _checked(
    matrix: sparse.csr_array | sparse.csc_array | sparse.coo_array,
) -> sparse.csr_array:
    """Return an own copy in row form, or raise `ParameterError`."""
    csr = sparse.csr_array(matrix, copy=True)
    csr.sum_duplicates()
    rows, columns = csr.shape
    if rows != columns or rows == 0:
        raise ParameterError(f"matrix must be square and not empty, got shape {csr.shape}")
    require_finite("matrix", csr.data)
    gap = abs(csr - sparse.csr_array(csr.conj().T))
    if gap.max() > 0.0:
        raise ParameterError(
            "matrix must be exactly Hermitian, got an asymmetric one; take (S + S^H) / 2 and "
            "add the norm of (S - S^H) / 2 to the slack"
        )
    return csr
