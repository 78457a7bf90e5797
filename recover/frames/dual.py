"""Canonical duals in closed form."""

from __future__ import annotations

import numpy as np

from recover.core.errors import NotAFrameError, ParameterError
from recover.frames.base import Frame
from recover.frames.bounds import frame_diagonal
from recover.frames.dense import Dense
from recover.frames.masked import Masked
from recover.frames.premultiplied import Premultiplied
from recover.frames.structure import HasDual, HasRows

__all__ = ["canonical_dual"]

TIGHT = 1e-13  # relative difference of the frame bounds below which one number inverts exactly


def canonical_dual(frame: Frame) -> Frame:
    """Return the canonical dual: ``dual.synthesis(frame.analysis(x)) = x``, of least norm.

    For frames with a closed form of the inverse frame operator: circulant, diagonal or tight
    ones, and those that hold their rows.

    Raises
    ------
    NotAFrameError
        If the vectors do not span the signals.
    ParameterError
        If there is no closed form.

    References
    ----------
    .. [1] O. Christensen, "An Introduction to Frames and Riesz Bases", 2nd ed., Birkhaeuser
       (2016), section 5.1.
    """
    if isinstance(frame, HasDual):
        return frame.canonical_dual()
    diagonal = frame_diagonal(frame)
    if diagonal is not None:
        if float(diagonal.entries.min()) <= diagonal.slack:
            missing = int(np.count_nonzero(diagonal.entries <= diagonal.slack))
            raise NotAFrameError(
                f"{missing} of {frame.signal_size} samples are met by no kept vector, so "
                "no dual exists; keep more vectors"
            )
        return Premultiplied(frame, 1.0 / diagonal.entries)
    if isinstance(frame, Masked) and isinstance(frame.frame, HasRows):
        return Dense(frame.frame.rows[frame.keep], frame.real_signal).canonical_dual()
    lower, upper = frame.bounds()
    if lower > 0.0 and upper - lower <= TIGHT * upper:
        return Premultiplied(frame, 2.0 / (lower + upper))
    name = type(frame).__name__
    raise ParameterError(
        f"frame must have a closed-form dual, got {name} with frame bounds {lower:g} and "
        f"{upper:g}; invert it iteratively by one of recover.methods (conjugate gradients)"
    )
