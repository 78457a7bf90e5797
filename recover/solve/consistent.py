"""What clipped samples allow, in the working units and precision of an iterative declipper."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.frames.base import Frame
from recover.frames.identity import Identity
from recover.models.problem import Problem
from recover.models.saturation import Saturation

__all__ = ["SampleBox", "frame_bound", "refuse_unless_samples"]

_TIGHT = 1e-6  # relative gap of the frame bounds below which a frame counts as tight


@dataclass(frozen=True, eq=False)
class SampleBox:
    """The consistent signals ``lower <= x <= upper``, scaled by a power of two near the data.

    Parameters
    ----------
    y : array [shape=signal_shape]
        The data in working units, largest modulus in [1, 2).
    lower, upper : array
        What the data say of each sample; equal where the sample is reliable and exact.
    clipped : array of bool
        Samples that the data do not fix.
    scale : float
        Working unit in signal units, a power of two.
    norm : float
        Euclidean norm of `y`.
    """

    y: Array
    lower: Array
    upper: Array
    clipped: Array
    scale: float
    norm: float

    @staticmethod
    def of(problem: Problem, *, single: bool) -> SampleBox:
        """Return the box of a problem whose coefficients are samples."""
        known = problem.knowledge
        peak = float(np.abs(problem.y).max(initial=0.0))
        scale = 1.0 if peak == 0.0 else math.ldexp(1.0, math.frexp(peak)[1] - 1)
        dtype = np.dtype(np.float32 if single else np.float64)
        y = (problem.y.astype(np.float64) / scale).astype(dtype)
        return SampleBox(
            y=y,
            lower=(known.lower / scale).astype(dtype),
            upper=(known.upper / scale).astype(dtype),
            clipped=~known.fixed,
            scale=scale,
            norm=float(np.linalg.norm(y)),
        )

    def start(self, overshoot: float) -> Array:
        """Return the data with clipped samples multiplied by `overshoot`, made consistent."""
        factor = np.asarray(overshoot, dtype=self.y.dtype)
        return self.project(np.where(self.clipped, self.y * factor, self.y))

    def enter(self, x: Array) -> Array:
        """Return a signal in working units, made consistent."""
        return self.project((x / self.scale).astype(self.y.dtype))

    def project(self, x: Array) -> Array:
        """Return the nearest consistent signal."""
        nearest = np.maximum(x, self.lower)
        return np.minimum(nearest, self.upper, out=nearest)

    def leave(self, x: Array, problem: Problem) -> Array:
        """Return a signal in signal units: exactly consistent, reliable samples bit for bit."""
        known = problem.knowledge
        wide = np.clip(x.astype(np.float64) * self.scale, known.lower, known.upper)
        exact = known.fixed & (known.lower == known.upper)
        return np.where(exact, problem.y, wide).astype(problem.dtype)


def refuse_unless_samples(problem: Problem, frame: Frame) -> str | None:
    """Return why a sparsity-based declipper with `frame` does not fit `problem`, or None."""
    model = problem.model
    if not isinstance(model, Saturation):
        return f"it recovers saturated samples, not {type(model).__name__} measurements"
    if not isinstance(model.frame, Identity):
        return (
            f"it needs saturated samples (an Identity frame), not {type(model.frame).__name__} "
            "coefficients"
        )
    if frame.signal_shape != model.frame.signal_shape:
        return (
            f"its sparsifying frame is for signals of shape {frame.signal_shape}, not "
            f"{model.frame.signal_shape} like the problem's"
        )
    if not frame.real_signal:
        return "its sparsifying frame must be for real signals"
    lower, upper = frame.bounds()
    if not (lower > 0.0 and upper - lower <= _TIGHT * upper):
        return f"its sparsifying frame must be tight, got bounds [{lower:.6g}, {upper:.6g}]"
    return None


def frame_bound(frame: Frame) -> float:
    """Return the bound B of a tight frame, exactly 1 for a Parseval one."""
    bound = frame.bounds().upper
    return 1.0 if abs(bound - 1.0) <= _TIGHT else bound
