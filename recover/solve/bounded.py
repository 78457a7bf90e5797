"""Coefficients that the data fix and those that they bound, as one convex set of targets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import square
from recover.frames.base import Frame
from recover.models.problem import Problem
from recover.solve.fixed import coef_dtype, real_dtype

__all__ = ["BoundedRows", "cast_inward"]


@dataclass(frozen=True, eq=False)
class BoundedRows:
    """The set ``{t: t_i = value_i on I, lower_j <= t_j <= upper_j on J}`` of coefficients.

    Parameters
    ----------
    frame : Frame
        The whole frame, with real coefficients.
    fixed, bounded : array of bool [shape=frame.coef_shape]
        I and J, disjoint; the data say nothing of the other coefficients.
    value, lower, upper : array
        Zero, or infinite, where they do not apply.
    scale : float
        Norm of the point of the set nearest to zero.
    gradient_scale : float
        Norm of its synthesis: gradients are measured relative to it.
    """

    frame: Frame
    fixed: Array
    bounded: Array
    value: Array
    lower: Array
    upper: Array
    scale: float
    gradient_scale: float

    @staticmethod
    def of(problem: Problem) -> BoundedRows:
        """Return what the data say, in the precision of the problem."""
        known, frame = problem.knowledge, problem.model.frame
        dtype = coef_dtype(problem)
        bounded = ~known.fixed & (np.isfinite(known.lower) | np.isfinite(known.upper))
        value = np.where(known.fixed, known.value, 0.0).astype(dtype)
        lower, upper = cast_inward(known.lower, known.upper, real_dtype(problem))
        lower = np.where(bounded, lower, np.asarray(-np.inf, dtype=dtype))
        upper = np.where(bounded, upper, np.asarray(np.inf, dtype=dtype))
        nearest = np.where(known.fixed, value, np.clip(np.zeros_like(value), lower, upper))
        return BoundedRows(
            frame,
            known.fixed,
            bounded,
            value,
            lower,
            upper,
            math.sqrt(square(nearest)),
            math.sqrt(square(frame.synthesis(nearest))),
        )

    def pull(self, t: Array, shift: Array, weight: float) -> tuple[Array, Array]:
        """Return the negative gradient in the coefficients, and the next scaled multipliers.

        The augmented Lagrangian of the bounds is ``w/2 dist^2(t + shift, [lower, upper])``
        with ``shift = multiplier / w``; the next multipliers are ``w`` times what is cut off.
        """
        moved = t + shift
        excess = np.where(self.bounded, moved - np.clip(moved, self.lower, self.upper), 0.0)
        excess = excess.astype(t.dtype, copy=False)
        pull = np.where(self.fixed, self.value - t, np.asarray(-weight, dtype=t.dtype) * excess)
        return pull, excess


def cast_inward(
    lower: Array, upper: Array, dtype: np.dtype[np.floating]
) -> tuple[Array, Array]:
    """Return bounds in another precision, rounded so that the interval does not grow."""
    below, above = lower.astype(dtype), upper.astype(dtype)
    below = np.where(below < lower, np.nextafter(below, np.asarray(np.inf, dtype)), below)
    above = np.where(above > upper, np.nextafter(above, np.asarray(-np.inf, dtype)), above)
    crossed = below > above  # an interval that holds no number of this precision
    return np.where(crossed, above, below), above
