"""Estimates of frame bounds, for orientation: they prove nothing."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.core.eigen import estimate_extremes
from recover.core.rigor import ESTIMATE
from recover.frames.base import Frame, FrameBounds

__all__ = ["estimate_bounds"]


def estimate_bounds(frame: Frame, rng: np.random.Generator, steps: int = 60) -> FrameBounds:
    """Estimate the frame bounds by Lanczos iteration on the frame operator.

    The lower one is too large and the upper one too small, the unsafe directions, unless the
    iteration has converged; never part of a certificate.

    Parameters
    ----------
    frame : Frame
    rng : numpy.random.Generator
        Draws the starting vector.
    steps : int >= 1
        Applications of analysis and synthesis.
    """

    def operator(x: Array) -> Array:
        return frame.synthesis(frame.analysis(x.reshape(frame.signal_shape))).reshape(-1)

    found = estimate_extremes(
        operator, frame.signal_size, rng=rng, steps=steps, is_complex=not frame.real_signal
    )
    return FrameBounds(
        found.smallest, found.largest, ESTIMATE, f"Lanczos, {steps} steps at most"
    )
