"""How few coefficients a recovered signal has in the window that is best for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.frames import Gabor

__all__ = ["Piece", "Sparsity", "sparsity_of"]


@dataclass(frozen=True, eq=False)
class Piece:
    """The frames of one stretch.

    Parameters
    ----------
    window : int
        Samples of the window.
    bins : int
        Coefficients of a frame.
    centres : array of float64 [shape=(frames,)]
        Middles of the frames, in samples of the recording.
    sums, energies : array of float64 [shape=(frames,)]
        Sum of the moduli, and of the squared moduli, of each frame's coefficients.
    start, stop : int
        The stretch: samples ``start`` to ``stop`` (exclusive).
    """

    window: int
    bins: int
    centres: Array
    sums: Array
    energies: Array
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Sparsity:
    """The frames of one channel's stretches.

    Parameters
    ----------
    pieces : tuple of Piece
        At least one, in order of time.
    """

    pieces: tuple[Piece, ...]

    def at(self, start: int, stop: int) -> tuple[int, float]:
        """Return the window's samples and the share of coefficients in use around a segment.

        The share is ``(sum |c|)^2 / sum |c|^2`` over the number of coefficients of the frames
        whose windows hold the segment's middle: 1 if all moduli are equal, the reciprocal of
        the number if there is a single coefficient, and 1 if there is none.

        Parameters
        ----------
        start, stop : int
            The segment, in samples of the recording.
        """
        middle = 0.5 * (start + stop)
        piece = min(self.pieces, key=lambda p: max(p.start - middle, middle - p.stop, 0.0))
        away = np.abs(piece.centres - middle)
        near = away <= max(0.5 * piece.window, 0.5 * (stop - start), float(away.min()))
        energy = float(piece.energies[near].sum())
        if energy == 0.0:
            return piece.window, 1.0
        count = piece.bins * int(np.count_nonzero(near))
        return piece.window, float(piece.sums[near].sum()) ** 2 / (energy * count)


def sparsity_of(signal: Array, frame: Gabor, start: int) -> Piece:
    """Return what `Sparsity` needs of one stretch.

    Parameters
    ----------
    signal : array of floating [shape=(n,)]
        The recovered stretch.
    frame : Gabor
        For signals of its length.
    start : int
        Its first sample in the recording.
    """
    moduli = np.abs(frame.analysis(signal))
    size = frame.window.size
    return Piece(
        window=size,
        bins=moduli.shape[1],
        centres=frame.starts + 0.5 * size + start,
        sums=moduli.sum(axis=1, dtype=np.float64),
        energies=np.square(moduli).sum(axis=1, dtype=np.float64),
        start=start,
        stop=start + len(signal),
    )
