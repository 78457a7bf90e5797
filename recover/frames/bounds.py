"""Proved frame bounds of a frame or of the sub-frame that a mask keeps.

One table of routes, cheapest first.  Each route either proves something or returns None; a
verifier calls the same function with the route and the value to be proved (`at`), which costs
no search.
"""

from __future__ import annotations

import math
from dataclasses import replace

from recover.core.arrays import Array
from recover.core.eigen import EigenBound, eigmax_upper, gram_of
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import down, norm_upper, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.masked import unmasked
from recover.frames.routes import (
    DENSE_ENTRIES,
    DENSE_SIZE,
    ROUTES,
    UNPROVED,
    dense_fits,
    entries,
    real_matrix,
    symbol,
)
from recover.frames.structure import Diagonal, HasParts, HasRows

__all__ = [
    "DENSE_ENTRIES",
    "DENSE_SIZE",
    "UNPROVED",
    "frame_diagonal",
    "proved_bounds",
    "real_matrix",
    "subframe_lower",
    "subframe_upper",
]

SHADE = 2.0**-36
PARTS = "parts"  # the last route: it calls the others for each frame of a union


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
    bound = _best(*unmasked(frame, keep), at, route)
    return bound if at is not None else _shaded(bound)


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
    frame, keep = unmasked(frame, keep)
    for route, known in (("diagonal", entries(frame, keep)), ("symbol", symbol(frame, keep))):
        if known is not None:
            value = up(float(known.entries.max(initial=0.0)) + known.slack, 2)
            return EigenBound(value, PROVED, route, known.slack)
    if dense_fits(frame):
        rows, error = real_matrix(frame, keep)
        if math.isfinite(error):
            gram, slack = gram_of(rows)
            bound = eigmax_upper(gram, gram_slack=slack)
            value = up(up(math.sqrt(max(bound.value, 0.0)) + error) ** 2)
            return EigenBound(value, PROVED, "cholesky", bound.slack)
    if isinstance(frame, HasParts):
        total = 0.0
        for part in frame.subframe_parts(keep):
            inner = subframe_upper(part.frame, part.keep).value
            total = up(total + up(up(part.weight**2) * inner))
        return EigenBound(total, PROVED, "parts", 0.0)
    if isinstance(frame, HasRows):
        rows, _ = real_matrix(frame, keep)
        return EigenBound(up(norm_upper(rows) ** 2), PROVED, "frobenius", 0.0)
    if not keep.all():
        whole = frame.bounds()
        return EigenBound(whole.upper, whole.rigor, "whole frame", math.inf)
    return EigenBound(
        math.inf, PROVED, UNPROVED, math.inf, f"too large ({frame.signal_size} unknowns)"
    )


def frame_diagonal(frame: Frame) -> Diagonal | None:
    """Return the frame operator's diagonal, None if it is not known to be diagonal."""
    return entries(*unmasked(frame, None))


def proved_bounds(frame: Frame) -> FrameBounds:
    """Return proved frame bounds of a frame that has no closed form."""
    lower = _best(*unmasked(frame, None), None, None)
    upper = subframe_upper(frame)
    return FrameBounds(
        lower.value, upper.value, lower.rigor & upper.rigor, f"{lower.route} / {upper.route}"
    )


def _best(frame: Frame, keep: Array, at: float | None, route: str | None) -> EigenBound:
    """Return the first positive bound of the routes, else why there is none."""
    if route is not None and route not in (*ROUTES, PARTS):
        raise ParameterError(f"route must be one of {sorted([*ROUTES, PARTS])}, got {route!r}")
    reasons: list[str] = []
    for name in (*ROUTES, PARTS) if route is None else (route,):
        prove = ROUTES.get(name)
        bound = _by_parts(frame, keep) if prove is None else prove(frame, keep, at)
        if bound is not None and bound.value > 0.0:
            return bound
        if bound is not None:
            reasons.append(f"{name}: {bound.reason or 'the bound is not positive'}")
    fallback = (
        f"too large to prove ({frame.signal_size} unknowns)"
        if route is None
        else f"route {route} does not apply to this frame and mask"
    )
    reason = "; ".join(reasons) or fallback
    return EigenBound(0.0, PROVED, UNPROVED, math.inf, reason)


def _shaded(bound: EigenBound) -> EigenBound:
    """Lower a value that rounding entered, for verifiers whose libraries round otherwise."""
    if bound.value == 0.0 or bound.slack == 0.0:
        return bound
    return replace(bound, value=max(down(bound.value * (1.0 - SHADE)), 0.0))


def _by_parts(frame: Frame, keep: Array) -> EigenBound | None:
    """Sum of the parts' bounds: the frame operators of a union add up."""
    if not isinstance(frame, HasParts):
        return None
    total, slack = 0.0, 0.0
    for part in frame.subframe_parts(keep):
        bound = subframe_lower(part.frame, part.keep)
        square = max(down(part.weight**2), 0.0)
        total = max(down(total + max(down(square * bound.value), 0.0)), 0.0)
        slack = up(slack + up(up(part.weight**2) * bound.slack)) if bound.value > 0.0 else slack
    return EigenBound(total, PROVED, PARTS, slack, "" if total > 0.0 else "no part is a frame")
