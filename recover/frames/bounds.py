"""Proved frame bounds of a frame or of the sub-frame that a mask keeps.

One table of routes, cheapest first.  Each route either proves something or returns None; a
verifier calls the same function with the route and the value to be proved (`at`), which costs
no search.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recover.core.arrays import Array
from recover.core.eigen import (
    EigenBound,
    eigmax_upper,
    eigmin_lower,
    eigmin_lower_banded,
    gram_of,
    nonnegative_norm_upper,
    sigma_min_lower,
)
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import down, gamma, norm_upper, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.masked import Masked
from recover.frames.structure import (
    Diagonal,
    HasBands,
    HasDiagonal,
    HasGramKernel,
    HasParts,
    HasRows,
    HasSymbol,
)

__all__ = ["UNPROVED", "proved_bounds", "real_matrix", "subframe_lower", "subframe_upper"]

DENSE_SIZE = 3000  # largest signal size for the dense routes: n^3 work, n^2 memory
DENSE_ENTRIES = 2**26  # largest matrix formed (512 MB in float64)
UNPROVED = "none"


def subframe_lower(
    frame: Frame,
    keep: Array | None = None,
    *,
    at: float | None = None,
    route: str | None = None,
) -> EigenBound:
    """Prove a lower bound of the smallest eigenvalue of the kept vectors' frame operator.

    Parameters
    ----------
    frame : Frame
        The whole frame.
    keep : array of bool [shape=frame.coef_shape], optional
        Which vectors are kept; all by default.
    at : float, optional
        Only try to prove this value (what a verifier does); otherwise the best that the route
        finds.
    route : str, optional
        The only route to try, by its name in `EigenBound.route`.

    Returns
    -------
    EigenBound
        Value 0, route "none" and a reason where nothing positive could be proved.

    Raises
    ------
    ParameterError
        If `keep` has another shape or `route` is not a route's name.
    """
    frame, keep = _unwrap(frame, keep)
    names = ROUTES if route is None else {route: _route_named(route)}
    reasons: list[str] = []
    for name, prove in names.items():
        bound = prove(frame, keep, at)
        if bound is not None and bound.value > 0.0:
            return bound
        if bound is not None:
            reasons.append(f"{name}: {bound.reason or 'the bound is not positive'}")
    reason = "; ".join(reasons) or f"too large to prove ({frame.signal_size} unknowns)"
    return EigenBound(0.0, PROVED, UNPROVED, math.inf, reason)


def subframe_upper(frame: Frame, keep: Array | None = None) -> EigenBound:
    """Prove an upper bound of the largest eigenvalue of the kept vectors' frame operator.

    Returns
    -------
    EigenBound
        Value infinity, route "none" and a reason where no bound could be proved.

    Raises
    ------
    ParameterError
        If `keep` has another shape.
    """
    frame, keep = _unwrap(frame, keep)
    for route, known in (("diagonal", _entries(frame, keep)), ("symbol", _symbol(frame, keep))):
        if known is not None:
            value = up(float(known.entries.max(initial=0.0)) + known.slack, 2)
            return EigenBound(value, PROVED, route, known.slack)
    if isinstance(frame, HasParts):
        total = 0.0
        for part in frame.subframe_parts(keep):
            inner = subframe_upper(part.frame, part.keep).value
            total = up(total + up(up(part.weight**2) * inner))
        return EigenBound(total, PROVED, "parts", 0.0)
    if _dense_fits(frame):
        rows, error = real_matrix(frame, keep)
        if math.isfinite(error):
            gram, slack = gram_of(rows)
            bound = eigmax_upper(gram, gram_slack=slack)
            value = up(up(math.sqrt(max(bound.value, 0.0)) + error) ** 2)
            return EigenBound(value, PROVED, "cholesky", bound.slack)
    if isinstance(frame, HasRows):
        rows, _ = real_matrix(frame, keep)
        return EigenBound(up(norm_upper(rows) ** 2), PROVED, "frobenius", 0.0)
    if not keep.all():
        whole = frame.bounds()
        return EigenBound(whole.upper, whole.rigor, "whole frame", math.inf)
    return EigenBound(
        math.inf, PROVED, UNPROVED, math.inf, f"too large ({frame.signal_size} unknowns)"
    )


def proved_bounds(frame: Frame) -> FrameBounds:
    """Return proved frame bounds of a frame that has no closed form."""
    lower = subframe_lower(frame)
    upper = subframe_upper(frame)
    return FrameBounds(
        lower.value, upper.value, lower.rigor & upper.rigor, f"{lower.route} / {upper.route}"
    )


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


def _unwrap(frame: Frame, keep: Array | None) -> tuple[Frame, Array]:
    """Return the innermost frame that is not `Masked`, and the mask in its coefficients."""
    shape = frame.coef_shape
    kept = np.ones(shape, dtype=bool) if keep is None else np.asarray(keep, dtype=bool)
    if kept.shape != shape:
        raise ParameterError(f"keep must have shape {shape}, got {kept.shape}")
    while isinstance(frame, Masked):
        inner = np.zeros(frame.frame.coef_shape, dtype=bool)
        inner[frame.keep] = kept
        frame, kept = frame.frame, inner
    return frame, kept


def _dense_fits(frame: Frame) -> bool:
    entries = frame.coef_size * frame.signal_size
    return frame.signal_size <= DENSE_SIZE and entries <= DENSE_ENTRIES


def _entries(frame: Frame, keep: Array) -> Diagonal | None:
    return frame.subframe_diagonal(keep) if isinstance(frame, HasDiagonal) else None


def _symbol(frame: Frame, keep: Array) -> Diagonal | None:
    return frame.subframe_symbol(keep) if isinstance(frame, HasSymbol) else None


def _smallest(known: Diagonal | None, route: str) -> EigenBound | None:
    if known is None:
        return None
    least = float(known.entries.min())
    value = max(least if known.slack == 0.0 else down(least - known.slack), 0.0)
    return EigenBound(value, PROVED, route, known.slack, "" if value > 0.0 else "an eigenvalue is 0")


def _diagonal(frame: Frame, keep: Array, _at: float | None) -> EigenBound | None:
    return _smallest(_entries(frame, keep), "diagonal")


def _circulant(frame: Frame, keep: Array, _at: float | None) -> EigenBound | None:
    return _smallest(_symbol(frame, keep), "symbol")


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
    """Return the rows for a dense route, a reason why they prove nothing, or None: too large."""
    if not _dense_fits(frame):
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


def _by_parts(frame: Frame, keep: Array, _at: float | None) -> EigenBound | None:
    """Sum of the parts' bounds: the frame operators of a union add up."""
    if not isinstance(frame, HasParts):
        return None
    total, slack = 0.0, 0.0
    for part in frame.subframe_parts(keep):
        bound = subframe_lower(part.frame, part.keep)
        square = max(down(part.weight**2), 0.0)
        total = max(down(total + max(down(square * bound.value), 0.0)), 0.0)
        slack = up(slack + up(up(part.weight**2) * bound.slack)) if bound.value > 0.0 else slack
    return EigenBound(total, PROVED, "parts", slack, "" if total > 0.0 else "no part is a frame")


Route = Callable[[Frame, Array, float | None], EigenBound | None]
ROUTES: dict[str, Route] = {
    "diagonal": _diagonal,
    "symbol": _circulant,
    "banded": _banded,
    "cholesky": _dense,
    "qr": _orthogonal,
    "removal": _removal,
    "parts": _by_parts,
}


def _route_named(route: str) -> Route:
    if route not in ROUTES:
        raise ParameterError(f"route must be one of {sorted(ROUTES)}, got {route!r}")
    return ROUTES[route]
