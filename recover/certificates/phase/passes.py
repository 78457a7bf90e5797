"""Analysis and its adjoint among the signals that a support allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.certificates.phase.rows import Magnitudes
from recover.core.arrays import Array
from recover.frames.base import Frame

__all__ = ["Passes"]


@dataclass(frozen=True, eq=False)
class Passes:
    """The frame's maps, on the entries that may differ from zero.

    With R the selection of these entries the maps are ``A R^T`` and ``R A^*``; to select and to
    fill in zeros is exact, so that rounding and norms are at most the frame's own.

    Parameters
    ----------
    frame : Frame
    columns : array of int or None
        Flat indices of these entries; None for all, and then signals keep their shape.
    """

    frame: Frame
    columns: Array | None

    @staticmethod
    def of(magnitudes: Magnitudes) -> Passes:
        """Return the maps on the signals that `magnitudes` speaks of."""
        columns = magnitudes.columns
        whole = columns.size == magnitudes.frame.signal_size
        return Passes(magnitudes.frame, None if whole else columns)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the arrays of entries."""
        return self.frame.signal_shape if self.columns is None else (self.columns.size,)

    def analysis(self, v: Array) -> Array:
        """Return the coefficients of the signal with these entries."""
        if self.columns is None:
            return self.frame.analysis(v)
        whole: Array = np.zeros(self.frame.signal_size, dtype=v.dtype)
        whole[self.columns] = v
        return self.frame.analysis(whole.reshape(self.frame.signal_shape))

    def synthesis(self, c: Array) -> Array:
        """Return the entries of the adjoint's image."""
        return self.entries(self.frame.synthesis(c))

    def entries(self, signal: Array) -> Array:
        """Return the entries of a signal."""
        return signal if self.columns is None else signal.reshape(-1)[self.columns]
