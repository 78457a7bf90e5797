"""The result type of all eigenvalue bounds, and the checks that their arguments share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError
from recover.core.rigor import Rigor

__all__ = [
    "UNDERFLOW",
    "EigenBound",
    "realified",
    "require_matrix",
    "require_slack",
    "require_target",
]

# What the underflows of up to n**3 products of entries below 1 add to a norm: 2**-1022 each if
# they are flushed to zero, n below 2**17. Far below anything else that is added to it.
UNDERFLOW = 2.0**-970


@dataclass(frozen=True)
class EigenBound:
    """A one-sided bound of an eigenvalue (or, where said so, of a singular value).

    Parameters
    ----------
    value : float
        The bound. For lower bounds of Gram matrices 0 means "nothing beyond positive
        semidefinite was proved"; see `reason`.
    rigor : Rigor
        How firmly it holds.
    route : str
        The method: "cholesky", "qr", "banded", "lanczos".
    slack : float >= 0
        The rounding allowance that stands between `value` and the number that was tested;
        infinite where nothing was tested.
    reason : str
        Why nothing beyond the trivial bound was proved; empty otherwise.
    """

    value: float
    rigor: Rigor
    route: str
    slack: float
    reason: str = ""


def require_matrix(name: str, value: Array) -> Array:
    """Return a finite float64 or complex128 matrix with at least one column, unrounded."""
    matrix = as_numeric(name, value)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise ParameterError(
            f"{name} must be a matrix with at least one column, got shape {matrix.shape}"
        )
    double = np.dtype(np.complex128 if matrix.dtype.kind == "c" else np.float64)
    if matrix.dtype.itemsize > double.itemsize:
        raise ParameterError(
            f"{name} must have at most double precision, got {matrix.dtype}; "
            "round it yourself and put the error into the slack"
        )
    if np.asarray(value).dtype.kind in "iu" and np.abs(matrix).max(initial=0.0) >= 2.0**53:
        raise ParameterError(
            f"{name} must hold integers below 2**53 in size, got one of about "
            f"{np.abs(matrix).max():g}, which float64 may round; give float64"
        )
    return matrix.astype(double, copy=False)


def require_slack(name: str, value: float) -> float:
    """Return a non-negative float; infinity (nothing known) is allowed."""
    slack = float(value)
    if not slack >= 0.0:
        raise ParameterError(f"{name} must be >= 0, got {slack}; give a spectral-norm bound")
    return slack


def require_target(at: float | None) -> float | None:
    """Return the value to be proved, or None for a search."""
    if at is not None and not math.isfinite(at):
        raise ParameterError(f"at must be finite, got {at}; use at=None to search")
    return None if at is None else float(at)


def realified(matrix: Array) -> Array:
    """Return ``[[X, -Y], [Y, X]]`` for ``X + iY``, and a real matrix as it is.

    The map is a homomorphism: singular values (and eigenvalues of Hermitian matrices) stay,
    each twice. The rounding bounds used here are for real arithmetic.
    """
    if not np.iscomplexobj(matrix):
        return matrix
    return np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])
