"""Clipped samples of which patches of the picture have few cosine coefficients."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array
from recover.frames.block_cosine import BlockCosine
from recover.frames.identity import Identity
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.solve.loop import solve
from recover.solve.spade import AnalysisSPADE

__all__ = ["smooth_patches"]

_PATCH, _STEP = 16, 4
_GROWTH, _TOL = 1.1, 1e-2
_MARGIN = 16  # pixels around what is clipped

Single = npt.NDArray[np.float32]


def smooth_patches(planes: Single, clipped: Array) -> Single:
    """Return the planes with clipped samples by SPADE on overlapping patches, plane by plane.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), float32]
        The level of each channel 1.
    clipped : array of bool [shape of planes]

    Returns
    -------
    array [shape of planes]
        At least 1 where clipped, unchanged elsewhere.
    """
    out = planes.copy()
    for c, hidden in enumerate(clipped):
        if hidden.any():
            part = _around(hidden)
            out[c][part] = _plane(planes[c][part], hidden[part])
    return out


def _around(hidden: Array) -> tuple[slice, slice]:
    """Return the part that holds what is clipped, with a margin."""
    spans = []
    for axis in (1, 0):
        at = np.flatnonzero(hidden.any(axis=axis))
        spans.append(slice(max(int(at[0]) - _MARGIN, 0), int(at[-1]) + _MARGIN + 1))
    return spans[0], spans[1]


def _plane(plane: Single, hidden: Array) -> Single:
    height, width = plane.shape
    ends = [(0, -size % _PATCH) for size in plane.shape]
    # what is put on at the end is known as well, so that patches there are not torn
    values, free = (np.pad(each, ends, mode="symmetric") for each in (plane, hidden))
    rows, columns = values.shape
    high = np.where(free, np.float32(1.0), np.inf)
    problem = Problem(Saturation(Identity(values.shape), None, high), values)
    frame = BlockCosine((rows, columns), _PATCH, _STEP)
    found = solve(problem, AnalysisSPADE(frame, growth=_GROWTH, tol=_TOL)).signal
    return np.asarray(found[:height, :width], dtype=np.float32)
