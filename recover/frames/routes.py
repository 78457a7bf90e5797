"""Routes to a proved lower bound of a sub-frame, one function each, cheapest first.

Each takes the frame (never a `Masked` one), the mask, and the value to be proved or None for a
search. It returns None where it does not apply or the job is too large, and a bound of value 0
with a reason where it tried in vain.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recover.core.arrays import Array
from recover.core.eigen import (
    EigenBound,
    eigmin_lower,
    eigmin_lower_banded,
    gram_of,
    nonnegative_norm_upper,
    sigma_min_lower,
)
from recover.core.rigor import PROVED
from recover.core.rounding import down, up
from recover.frames.base import Frame
from recover.frames.structure import (
    Diagonal,
    HasBands,
    HasDiagonal,
    HasGramKernel,
    HasRows,
    HasSymbol,
)

__all__ = [
    "DENSE_ENTRIES",
    "DENSE_SIZE",
    "ROUTES",
    "UNPROVED",
    "dense_fits",
    "entries",
    "real_matrix",
    "symbol",
]

DENSE_SIZE = 3000  # largest signal size for the dense routes: n^3 work, n^2 memory
DENSE_ENTRIES = 2**26  # largest matrix formed (512 MB in float64)
UNPROVED = "none"


def real_matrix(frame: Frame, keep: Array) -> tuple[Array, float]:
    """Return the kept rows as a matrix, real on real signals and complex on complex signals.

    Complex rows on real signals are split in real and imaginary parts, which keeps the norm of
    the coefficients.

    Returns
    -------
    rows : array [shape=(rows, signal_size)]
    error : float
        Bound on the spectral norm of the error of `rows`; zero for a frame that holds its rows.
    """
    if isinstance(frame, HasRows):
        matrix, error = frame.rows, 0.0
    else:
        matrix = frame.matrix()
        error = up(up(math.sqrt(frame.signal_size)) * frame.roundoff())
    rows = matrix[keep.reshape(-1)]
    if frame.real_signal and np.iscomplexobj(rows):
        rows = np.concatenate([rows.real, rows.imag])
    return rows, error


def dense_fits(frame: Frame) -> bool:
    """Return whether the dense routes are affordable."""
    size = frame.coef_size * frame.signal_size
    return frame.signal_size <= DENSE_SIZE and size <= DENSE_ENTRIES


def entries(frame: Frame, keep: Array) -> Diagonal | None:
    """Return the kept vectors' frame operator if it is known to be diagonal."""
    return frame.subframe_diagonal(keep) if isinstance(frame, HasDiagonal) else None


def symbol(frame: Frame, keep: Array) -> Diagonal | None:
    """Return the eigenvalues of the kept vectors' frame operator if they are known."""
    return frame.subframe_symbol(keep) if isinstance(frame, HasSymbol) else None


def _smallest(known: Diagonal | None, route: str) -> EigenBound | None:
    if known is None:
        return None
    least = float(known.entries.min())
    value = max(least if known.slack == 0.0 else down(least - known.slack), 0.0)
    return EigenBound(
        value, PROVED, route, known.slack, "" if value > 0.0 else "an eigenvalue is 0"
    )


def _diagonal(frame: Frame, keep: Array, _at: float | None) -> EigenBound | None:
    return _smallest(entries(frame, keep), "diagonal")


def _circulant(frame: Frame, keep: Array, _at: float | None) -> EigenBound | None:
    return _smallest(symbol(frame, keep), "symbol")


def _banded(frame: Frame, keep: Array, at: float | None) -> EigenBound | None:
    """Banded Cholesky of a frame operator with compactly supported atoms."""
    if not isinstance(frame, HasBands):
        return None
    bands = frame.subframe_bands(keep)
    if bands is None:
        return None
    return eigmin_lower_banded(bands.bands, slack=bands.slack, at=at)


def _dense(frame: Frame, keep: Array, at: float | None) -> EigenBound | None:
    """Shifted Cholesky of the Gram matrix."""
    found = _rows_that_may_span(frame, keep)
    if found is None or isinstance(found, EigenBound):
        return found
    rows, error = found
    gram, slack = gram_of(rows)
    bound = eigmin_lower(gram, gram_slack=slack, at=_shifted(at, error) if at else at)
    if error == 0.0 or bound.value <= 0.0:
        return bound
    if at is not None:
        return replace(bound, value=at)
    root = max(down(down(math.sqrt(bound.value)) - error), 0.0)
    return replace(bound, value=max(down(root * root), 0.0))


def _orthogonal(frame: Frame, keep: Array, at: float | None) -> EigenBound | None:
    """QR, for ill-conditioned rows."""
    found = _rows_that_may_span(frame, keep)
    if found is None or isinstance(found, EigenBound):
        return found
    rows, error = found
    # the root of `at`, rounded up, plus the error of the rows' singular values
    target = None if at is None else up(up(math.sqrt(max(at, 0.0))) + error)
    sigma = sigma_min_lower(rows, at=target)
    if at is not None and sigma.value > 0.0:
        return replace(sigma, value=at)
    root = max(down(sigma.value - error), 0.0)
    return replace(sigma, value=max(down(root * root), 0.0))


def _shifted(at: float, error: float) -> float:
    """Return the eigenvalue to prove of rows that are off by `error` in norm, rounded up."""
    return at if error == 0.0 else up(up(up(math.sqrt(max(at, 0.0))) + error) ** 2)


def _rows_that_may_span(frame: Frame, keep: Array) -> tuple[Array, float] | EigenBound | None:
    """Return the rows for a dense route, why they prove nothing, or None: too large."""
    if not dense_fits(frame):
        return None
    rows, error = real_matrix(frame, keep)
    if not math.isfinite(error):
        return EigenBound(0.0, PROVED, UNPROVED, math.inf, "the rows' error is not known")
    if rows.shape[0] < rows.shape[1]:
        reason = f"{rows.shape[0]} rows cannot span {rows.shape[1]} dimensions"
        return EigenBound(0.0, PROVED, UNPROVED, math.inf, reason)
    return rows, error


def _removal(frame: Frame, keep: Array, _at: float | None) -> EigenBound | None:
    """Take the norm of what was removed off the whole frame's bound."""
    if not isinstance(frame, HasGramKernel):
        return None
    kernel = frame
    removed = ~keep
    whole = frame.bounds().lower
    if not removed.any():
        return EigenBound(whole, PROVED, "removal", 0.0)

    def spread(p: Array) -> Array:
        full = np.zeros(removed.shape)
        full[removed] = p
        return full

    norm = nonnegative_norm_upper(
        lambda p: kernel.absolute_gram(spread(p))[removed],
        (int(np.count_nonzero(removed)),),
        roundoff=lambda p: kernel.absolute_gram_error(spread(p)),
    ).value
    value = max(down(whole - norm), 0.0)
    return EigenBound(
        value, PROVED, "removal", norm, "" if value > 0.0 else "too many vectors were removed"
    )


Route = Callable[[Frame, Array, float | None], EigenBound | None]
ROUTES: dict[str, Route] = {
    "diagonal": _diagonal,
    "symbol": _circulant,
    "banded": _banded,
    "cholesky": _dense,
    "qr": _orthogonal,
    "removal": _removal,
}
