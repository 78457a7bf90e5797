"""The short-time Fourier transform as phase retrieval uses it: a Gabor frame, no new class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recover.frames.gabor import Gabor

__all__ = ["STFT"]


def STFT(
    length: int,
    window: npt.ArrayLike,
    hop: int = 1,
    channels: int | None = None,
    *,
    real_signal: bool = False,
) -> Gabor:
    """Return the circular short-time Fourier transform of a window, for magnitudes.

    Parameters
    ----------
    length : int >= 1
        Samples of the signal.
    window : array [shape=(size,), real]
        Any window; asymmetric ones let all magnitudes together determine a signal globally.
    hop : int >= 1
        Samples between frames.
    channels : int >= size, optional
        Length of the transforms; by default ``2 size - 1``, with which the squared magnitudes
        of a frame determine the whole autocorrelation of its windowed signal.
    real_signal : bool
        Whether signals are real.

    Returns
    -------
    Gabor
        The operator is the same: unitary transforms of the windowed signal.

    Raises
    ------
    ParameterError
        As `Gabor`.
    NotAFrameError
        As `Gabor`.
    """
    size = np.asarray(window).size
    return Gabor(
        length,
        window,
        hop,
        max(2 * size - 1, 1) if channels is None else channels,
        real_signal=real_signal,
    )
