"""What `phase_from_magnitude` is given: checks, and the frame that it is about."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recover.audio.mel import magnitudes_from_mel
from recover.core.arrays import Array, as_count, as_numeric
from recover.core.errors import ParameterError
from recover.frames.spectrogram import Spectrogram

__all__ = [
    "checked_magnitudes",
    "checked_mel",
    "checked_starts",
    "checked_window",
    "coefficients",
    "frame_of",
    "without_mel",
]


def checked_magnitudes(magnitude: npt.ArrayLike) -> Array:
    """Return magnitudes as float32 or float64, or raise `ParameterError`."""
    data = as_numeric("magnitude", magnitude)
    if np.iscomplexobj(data):
        raise ParameterError("magnitude must be real, got complex values; pass abs(stft)")
    if data.ndim < 2 or data.size == 0:
        raise ParameterError(
            f"magnitude must have shape (..., bins, frames), got {data.shape}; "
            "bins come before frames"
        )
    if float(data.min()) < 0.0:
        raise ParameterError(
            f"magnitude must be >= 0, got {float(data.min()):.6g}; undo decibels and "
            "logarithms first"
        )
    return data.astype(np.float32 if data.dtype.itemsize <= 4 else np.float64, copy=False)


def checked_window(window: str | npt.ArrayLike, n_fft: int | None, bins: int) -> Array:
    """Return the window, centred in the transform."""
    size = 2 * (bins - 1) if n_fft is None else int(n_fft)
    if size < 1:
        raise ParameterError(f"n_fft must be >= 1, got {size}; {bins} bins allow no transform")
    if isinstance(window, str):
        from scipy.signal import get_window

        try:
            return np.asarray(get_window(window, size), dtype=np.float64)
        except ValueError as error:
            raise ParameterError(
                f"window must be a name that scipy.signal.get_window knows, or an array, got "
                f"{window!r}: {error}"
            ) from None
    taps = as_numeric("window", window).astype(np.float64)
    if taps.ndim != 1 or taps.size > size:
        raise ParameterError(
            f"window must be a vector of at most n_fft = {size} samples, got shape "
            f"{taps.shape}; take longer transforms or a shorter window"
        )
    before = (size - taps.size) // 2
    return np.pad(taps, (before, size - taps.size - before))


def checked_mel(mel: npt.ArrayLike, data: Array) -> Array:
    """Return the filters, or raise `ParameterError` if they are not those of the data."""
    matrix = as_numeric("mel", mel)
    bands = data.shape[-2]
    if matrix.ndim != 2 or matrix.shape[0] != bands:
        raise ParameterError(
            f"mel must have shape (bands, bins) with the {bands} bands of magnitude, got "
            f"{matrix.shape}"
        )
    if np.iscomplexobj(matrix) or (matrix < 0.0).any() or not matrix.any():
        raise ParameterError(
            "mel must be real and >= 0, with an entry that is not zero; pass the filters, not "
            "the spectrogram or its logarithm"
        )
    return matrix


def without_mel(data: Array, matrix: Array) -> Array:
    """Return the magnitudes behind Mel bands, shape (..., bins, frames)."""
    flat = np.swapaxes(data, -1, -2).reshape(-1, data.shape[-2])
    found = magnitudes_from_mel(flat, matrix)
    shape = (*data.shape[:-2], data.shape[-1], matrix.shape[1])
    return np.swapaxes(found.reshape(shape), -1, -2)


def frame_of(
    taps: Array, hop: int, *, center: bool, length: int | None, frames: int
) -> tuple[Spectrogram, int, int]:
    """Return the frame, the first sample of the sound that it sees, and the sound's length."""
    hop = as_count("hop", hop)
    size = taps.size
    lead = size // 2 if center else 0
    covered = (frames - 1) * hop + size - 2 * lead
    total = covered if length is None else as_count("length", length, 0)
    if total < 1 or 1 + (total + 2 * lead - size) // hop != frames:
        raise ParameterError(
            f"length must be {max(covered, 1)} to {covered + hop - 1} for {frames} frame(s) at "
            f"hop {hop}, got {total}; give the length of the sound"
        )
    if not taps.any():
        raise ParameterError("window must have an entry that is not zero")
    # samples that only zeros of the first or last window meet stay zero
    offset = 0 if center else int(np.argmax(taps != 0.0))
    last = (frames - 1) * hop - lead + size - int(np.argmax(taps[::-1] != 0.0))
    seen = min(total, last) - offset
    return Spectrogram(seen, taps, hop, lead + offset, frames), offset, total


def checked_starts(
    start: npt.ArrayLike | None, batch: tuple[int, ...], total: int
) -> Array | None:
    """Return the sounds to start from, checked."""
    if start is None:
        return None
    guesses = as_numeric("start", start)
    if guesses.shape != (*batch, total) or np.iscomplexobj(guesses):
        raise ParameterError(
            f"start must be real with shape {(*batch, total)}, got {guesses.shape}; pass the "
            "sound, not its spectrogram"
        )
    return guesses


def coefficients(frame: Spectrogram, magnitude: Array) -> Array:
    """Return magnitudes as the frame scales and lays them out."""
    scale = frame.weights / math.sqrt(frame.window.size)
    y: Array = np.ascontiguousarray(magnitude.T * scale.astype(magnitude.dtype))
    return y
