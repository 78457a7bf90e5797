"""The norms of frame vectors among the signals of a support."""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.core.rounding import U, gamma, up
from recover.frames.base import Frame
from recover.frames.coded_diffraction import CodedDiffraction
from recover.frames.fft import one_sided_weights
from recover.frames.fourier import Fourier
from recover.frames.fresnel import Fresnel
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.frames.ptychography import Ptychography
from recover.frames.stack import Stack
from recover.frames.structure import HasRows

__all__ = ["row_norms"]

NORM_ENTRIES = 2**22  # largest matrix formed for the norms of its rows alone


def row_norms(frame: Frame, columns: Array | None = None) -> Array:
    """Return upper bounds of the norms of the frame vectors, shape `coef_shape`.

    The root of the upper frame bound where there is nothing better.

    Parameters
    ----------
    frame : Frame
    columns : array of int, optional
        Flat indices of the entries of a signal that may differ from zero: all by default.
        Only these entries of a vector count.
    """
    shape = frame.coef_shape
    if isinstance(frame, Masked):
        return np.asarray(row_norms(frame.frame, columns)[frame.keep])
    if isinstance(frame, Stack):
        parts = [
            row_norms(part, columns).reshape(-1) * (float(weight) * (1.0 + 2.0 * U))
            for part, weight in zip(frame.frames, frame.weights, strict=True)
        ]
        return np.concatenate(parts)
    if isinstance(frame, CodedDiffraction | Ptychography):
        return frame.row_norms()
    if isinstance(frame, Fourier):
        return _fourier(frame, frame.signal_size if columns is None else columns.size)
    if isinstance(frame, Fresnel):  # each plane is unitary, but for rounded transfer functions
        return np.full(shape, 1.0 + 64.0 * U)
    if isinstance(frame, Identity):
        ones = np.ones(frame.signal_size)
        if columns is not None:  # samples outside the support are not seen
            ones[:] = 0.0
            ones[columns] = 1.0
        return ones.reshape(shape)
    if isinstance(frame, HasRows) or frame.coef_size * frame.signal_size <= NORM_ENTRIES:
        rows = frame.rows if isinstance(frame, HasRows) else frame.matrix()
        rows = rows if columns is None else rows[:, columns]
        off = 0.0 if isinstance(frame, HasRows) else math.sqrt(frame.signal_size)
        error = up(off * frame.roundoff(), 8) if off * frame.roundoff() > 0.0 else 0.0
        squares = (rows.real**2 + rows.imag**2).sum(axis=1)
        norms = np.sqrt(squares) * (1.0 + gamma(2 * rows.shape[1] + 8)) + error
        return np.asarray(norms.reshape(shape))
    return np.full(shape, up(math.sqrt(frame.bounds().upper)))


def _fourier(frame: Fourier, count: int) -> Array:
    """Return the norms of vectors whose entries have the modulus ``W / sqrt(N)``."""
    size = up(math.sqrt(count / math.prod(frame.padded_shape)), 4)
    line = np.ones(frame.coef_shape[-1])
    if frame.one_sided:
        line = one_sided_weights(frame.padded_shape[-1])
    return np.asarray(np.broadcast_to(line * size * (1.0 + 4.0 * U), frame.coef_shape))
