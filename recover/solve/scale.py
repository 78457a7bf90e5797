"""Which scales can be worked on: squares must not overflow."""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.structure import HasRows
from recover.models.modulus import Modulus
from recover.models.problem import Problem

__all__ = ["check_scale"]


def check_scale(problem: Problem) -> None:
    """Raise `ParameterError` where sums of squares of a matrix or of magnitudes overflow."""
    frame = problem.model.frame
    if isinstance(frame, HasRows):
        _check("rows", frame.rows)
    if isinstance(problem.model, Modulus):
        _check("magnitudes", problem.y)


def _check(name: str, values: Array) -> None:
    largest = float(np.abs(values).max(initial=0.0))
    # eight: products of sums with what has the size of a few of them
    if 8.0 * values.size * largest * largest < math.inf:
        return
    raise ParameterError(
        f"{name} must have sums of squares below the largest float64, got entries up to "
        f"2**{math.frexp(largest)[1]}; scale them by a power of two"
    )
