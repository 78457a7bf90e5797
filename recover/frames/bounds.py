"""Proved frame bounds of a frame or of the sub-frame that a mask keeps.

One table of routes, cheapest first.  Each route either proves something or returns None; a
verifier calls the same function with the route and the value to be proved (`at`), which costs
no search.
"""

from __future__ import annotations

import math
from collections.abc import Callable

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
from recover.core.rounding import down, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.masked import Masked
from recover.frames.structure import HasBands, HasDiagonal, HasGramKernel, HasRows

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
        Value 0 and route "none" where nothing positive could be proved.
    """
    frame, keep = _unwrap(frame, keep)
    names = ROUTES if route is None else {route: _route_named(route)}
    for prove in names.values():
        bound = prove(frame, keep, at)
        if bound is not None and bound.value > 0.0:
            return bound
    return EigenBound(0.0, PROVED, UNPROVED, math.inf)


def subframe_upper(frame: Frame, keep: Array | None = None) -> EigenBound:
    """Prove an upper bound of the largest eigenvalue of the kept vectors' frame operator."""
    frame, keep = _unwrap(frame, keep)
    if isinstance(frame, HasDiagonal):
        diagonal = frame.subframe_diagonal(keep)
        if diagonal is not None:
            value = up(float(diagonal.entries.max(initial=0.0)) + diagonal.slack)
            return EigenBound(value, PROVED, "diagonal", diagonal.slack)
    if _dense_fits(frame):
        rows, error = real_matrix(frame, keep)
        if math.isfinite(error):
            gram, slack = gram_of(rows)
            bound = eigmax_upper(gram, gram_slack=slack)
            return EigenBound(
                up(up(math.sqrt(bound.value) + error) ** 2), PROVED, "cholesky", bound.slack
            )
    if not keep.all():
        whole = frame.bounds()
        return EigenBound(whole.upper, whole.rigor, "whole frame", math.inf)
    return EigenBound(math.inf, PROVED, UNPROVED, math.inf)


def proved_bounds(frame: Frame) -> FrameBounds:
    """Return proved frame bounds of a frame that has no closed form."""
    lower = subframe_lower(frame)
    upper = subframe_upper(frame)
    return FrameBounds(
        lower.value, upper.value, lower.rigor & upper.rigor, f"{lower.route} / {upper.route}"
    )


def real_matrix(frame: Frame, keep: Array) -> tuple[Array, float]:
    """Return the kept rows as a real matrix on real signals, or a complex one on complex signals.

    Also returns a bound on the spectral norm of its error: zero for a frame that holds its rows.
    Complex rows on real signals are split in real and imaginary parts, which keeps the norm of
    the coefficients.
    """
    if isinstance(frame, HasRows):
        matrix, error = frame.rows, 0.0
    else:
        matrix = frame.matrix()
        error = up(math.sqrt(frame.signal_size) * frame.roundoff())
    rows = matrix[keep.reshape(-1)]
    if frame.real_signal and np.iscomplexobj(rows):
        rows = np.concatenate([rows.real, rows.imag])
    return rows, error


def _unwrap(frame: Frame, keep: Array | None) -> tuple[Frame, Array]:
    """Return the innermost frame that is not `Masked`, and the mask in its coefficients."""
    kept = (
        np.ones(frame.coef_shape, dtype=bool) if keep is None else np.asarray(keep, dtype=bool)
    )
    if kept.shape != frame.coef_shape:
        raise ParameterError(f"keep must have shape {frame.coef_shape}, got {kept.shape}")
    while isinstance(frame, Masked):
        inner = np.zeros(frame.frame.coef_shape, dtype=bool)
        inner[frame.keep] = kept
        frame, kept = frame.frame, inner
    return frame, kept


def _dense_fits(frame: Frame) -> bool:
    entries = frame.coef_size * frame.signal_size
    return frame.signal_size <= DENSE_SIZE and entries <= DENSE_ENTRIES


def _diagonal(frame: Frame, keep: Array, _at: float | None) -> EigenBound | None:
    if not isinstance(frame, HasDiagonal):
        return None
    diagonal = frame.subframe_diagonal(keep)
    if diagonal is None:
        return None
    value = max(down(float(diagonal.entries.min()) - diagonal.slack), 0.0)
    if diagonal.slack == 0.0:
        value = max(float(diagonal.entries.min()), 0.0)
    return EigenBound(value, PROVED, "diagonal", diagonal.slack)


def _dense(frame: Frame, keep: Array, at: float | None) -> EigenBound | None:
    """C1: shifted Cholesky of the Gram matrix."""
    if not _dense_fits(frame):
        return None
    rows, error = real_matrix(frame, keep)
    if rows.shape[0] < rows.shape[1] or not math.isfinite(error):
        return None
    gram, slack = gram_of(rows)
    target = None if at is None else up(up(math.sqrt(at) + error) ** 2)
    bound = eigmin_lower(gram, gram_slack=slack, at=target)
    return _less_error(bound, error, at, "cholesky")


def _orthogonal(frame: Frame, keep: Array, at: float | None) -> EigenBound | None:
    """C2: the QR route, for ill-conditioned rows."""
    if not _dense_fits(frame):
        return None
    rows, error = real_matrix(frame, keep)
    if rows.shape[0] < rows.shape[1] or not math.isfinite(error):
        return None
    target = None if at is None else up(math.sqrt(at) + error)
    sigma = sigma_min_lower(rows, at=target)
    squared = EigenBound(max(down(sigma.value**2), 0.0), sigma.rigor, sigma.route, sigma.slack)
    return _less_error(squared, error, at, "qr")


def _banded(frame: Frame, keep: Array, at: float | None) -> EigenBound | None:
    """C3: banded Cholesky of a frame operator with compactly supported atoms."""
    if not isinstance(frame, HasBands):
        return None
    bands = frame.subframe_bands(keep)
    if bands is None:
        return None
    bound = eigmin_lower_banded(bands.bands, slack=bands.slack, at=at)
    return EigenBound(bound.value, bound.rigor, "banded", bound.slack)


def _removal(frame: Frame, keep: Array, _at: float | None) -> EigenBound | None:
    """C4: the whole frame's bound less the norm of what was removed."""
    if not isinstance(frame, HasGramKernel):
        return None
    kernel = frame
    removed = ~keep
    whole = frame.bounds().lower
    if not removed.any():
        return EigenBound(whole, PROVED, "removal", 0.0)

    def apply(p: Array) -> Array:
        return np.where(removed, kernel.absolute_gram(np.where(removed, p, 0.0))[0], 0.0)

    def roundoff(p: Array) -> float:
        return kernel.absolute_gram(np.where(removed, p, 0.0))[1]

    norm, _ = nonnegative_norm_upper(apply, frame.coef_shape, roundoff=roundoff)
    return EigenBound(max(down(whole - norm), 0.0), PROVED, "removal", norm)


Route = Callable[[Frame, Array, float | None], EigenBound | None]
ROUTES: dict[str, Route] = {
    "diagonal": _diagonal,
    "cholesky": _dense,
    "qr": _orthogonal,
    "banded": _banded,
    "removal": _removal,
}


def _route_named(route: str) -> Route:
    if route not in ROUTES:
        raise ParameterError(f"route must be one of {sorted(ROUTES)}, got {route!r}")
    return ROUTES[route]


def _less_error(bound: EigenBound, error: float, at: float | None, route: str) -> EigenBound:
    """Return the bound for the exact rows: |smallest singular values' difference| <= error."""
    if error == 0.0:
        value = bound.value
    else:
        value = max(down(down(math.sqrt(bound.value)) - error), 0.0)
        value = max(down(value * value), 0.0)
    if at is not None and value > 0.0:
        value = max(value, at) if bound.value >= up(up(math.sqrt(at) + error) ** 2) else value
    return EigenBound(value, bound.rigor, route, bound.slack)
