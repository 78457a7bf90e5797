"""Two-sigma bands of recovered gaps from a local autoregressive model: an estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.linalg import solveh_banded

from recover.audio.levels import runs_of
from recover.core.arrays import Array

__all__ = [
    "HYPOTHESIS",
    "ORDER",
    "GapBands",
    "Neighbourhood",
    "clusters_of",
    "gap_bands",
    "prediction_filter",
]

ORDER = 32
_CONTEXT = 512  # samples on either side that the model is fitted to
_NEIGHBOURHOOD = 600  # samples on either side whose prediction error sets the level
_LARGEST = 400  # unknown samples of gaps that are treated together
_FEWEST = 32  # clean prediction errors, below which their level is not known
_EXHAUSTED = 1e-12  # of the power: nothing is left to predict

HYPOTHESIS = (
    "inside a gap the signal follows the autoregressive model of order 32 that is fitted to "
    "its surroundings, with a Gaussian prediction error of the level found in the clean "
    "neighbourhood, on its louder side; gaps fewer than 32 samples apart are treated together"
)


@dataclass(frozen=True, eq=False)
class GapBands:
    """Two-sigma bands of the gaps of one channel: estimates that rest on `HYPOTHESIS`.

    Parameters
    ----------
    starts, stops : array of int [shape=(gaps,)]
        Where: samples ``start`` to ``stop`` (exclusive).
    bands : array of float64 [shape=(gaps,), >= 0]
        Of the l2 norm of a gap's error, in signal units; infinite where none can be stated.
    isolated : array of bool [shape=(gaps,)]
        Whether at least `ORDER` reliable samples are between the gap and its neighbours.
    """

    starts: Array
    stops: Array
    bands: Array
    isolated: Array


def gap_bands(signal: Array, mask: Array) -> GapBands:
    """Return the two-sigma band of every gap of a recovered channel.

    With A the prediction error filter as a matrix and C the gap, the model makes the gap
    Gaussian: its mean is the least-squares interpolation m, its covariance sigma^2 B with
    ``B = (A_C^T A_C)^-1`` (Janssen, Veldhuis and Vries, 1986).  The recovered gap r is not the
    mean, and its expected squared error is ``sigma^2 tr B + |r - m|^2``; the band is
    ``sqrt(4 sigma^2 tr B + |r - m|^2)``.  sigma^2 comes from the near neighbourhood, see
    `Neighbourhood.model`: over longer times it is not constant.

    Parameters
    ----------
    signal : array of float64 [shape=(n,)]
        The recovered channel.
    mask : array of bool [shape=(n,)]
        Its recovered samples.
    """
    starts, stops = runs_of(mask)
    bands, isolated = np.full(len(starts), np.inf), np.zeros(len(starts), dtype=bool)
    around = Neighbourhood(signal, mask)
    first = 0
    for a, b in clusters_of(mask):
        last = int(np.searchsorted(starts, b))
        gaps = slice(first, last)
        isolated[gaps] = last - first == 1
        bands[gaps] = _cluster(around, a, b, starts[gaps], stops[gaps])
        first = last
    return GapBands(starts, stops, bands, isolated)


def clusters_of(mask: Array) -> list[tuple[int, int]]:
    """Return first sample and end of each gap, those with a common prediction row as one.

    Parameters
    ----------
    mask : array of bool [shape=(n,)]
        The unknown samples.
    """
    starts, stops = runs_of(mask)
    apart = starts[1:] - stops[:-1] >= ORDER
    heads = [*starts[:1].tolist(), *starts[1:][apart].tolist()]
    tails = [*stops[:-1][apart].tolist(), *stops[-1:].tolist()]
    return list(zip(heads, tails, strict=True))


class Neighbourhood:
    """The autoregressive models of gaps from what surrounds them.

    Parameters
    ----------
    signal : array of float64 [shape=(n,)]
        The recovered channel.
    mask : array of bool [shape=(n,)]
        Its recovered samples.
    """

    def __init__(self, signal: Array, mask: Array) -> None:
        self.signal, self.mask = signal, mask
        self.before = np.concatenate([[0], np.cumsum(mask)])

    def model(self, start: int, stop: int) -> tuple[Array, float] | None:
        """Return filter and variance for the gap from `start` to `stop`.

        The variance is the mean squared prediction error over the neighbourhood's rows that
        hold reliable samples only, of both sides or of the louder one, whichever is more: at an
        onset the quiet side tells nothing of the gap.  None where such rows are too few.
        """
        signal, before = self.signal, self.before
        taps = prediction_filter(signal[max(start - _CONTEXT, 0) : stop + _CONTEXT])
        low, high = self.reach(start, stop)
        squares = np.square(np.convolve(signal[low:high], taps)[ORDER : high - low])
        index = np.arange(low + ORDER, high)
        clean = before[index + 1] == before[index - ORDER]
        sides = (clean, clean & (index < start), clean & (index >= stop))
        levels = [
            float(np.mean(squares[side])) for side in sides if np.count_nonzero(side) >= _FEWEST
        ]
        return (taps, max(levels)) if levels else None

    def reach(self, start: int, stop: int) -> tuple[int, int]:
        """Return the part of the signal that tells the variance."""
        low = max(start - _NEIGHBOURHOOD - ORDER, 0)
        return low, min(stop + _NEIGHBOURHOOD, len(self.signal))


def prediction_filter(piece: Array) -> Array:
    """Return the prediction error filter (1, a_1, ..., a_32) of a Hann-windowed piece.

    Levinson's recursion on the autocorrelation; it ends early where nothing is left to
    predict, and the remaining entries are zero.
    """
    windowed = piece * np.hanning(len(piece) + 2)[1:-1]
    size = fft.next_fast_len(len(piece) + ORDER, real=True)
    correlation = fft.irfft(np.square(np.abs(fft.rfft(windowed, size))), size)[: ORDER + 1]
    taps = np.zeros(ORDER + 1)
    taps[0] = 1.0
    power = float(correlation[0])
    for k in range(1, ORDER + 1):
        if power <= _EXHAUSTED * correlation[0]:
            break
        reflection = -float(taps[:k] @ correlation[k:0:-1]) / power
        taps[1 : k + 1] += reflection * taps[k - 1 :: -1]
        power *= 1.0 - reflection * reflection
    return taps


def _cluster(around: Neighbourhood, a: int, b: int, starts: Array, stops: Array) -> Array:
    """Return the bands of gaps that are too near to one another to be treated alone."""
    none = np.full(len(starts), np.inf)
    unknown = np.flatnonzero(around.mask[a:b]) + a
    model = around.model(a, b) if len(unknown) <= _LARGEST else None
    if model is None:
        return none
    taps, variance = model
    low, high = around.reach(a, b)
    # row n is the prediction error of sample n; rows behind the end are the filter's tail
    rows = np.convolve(around.signal[low:high], taps)
    inverse = _inverse(np.correlate(taps, taps, "full")[ORDER:], unknown)
    gradient = np.correlate(rows, taps, "valid")[unknown - low]
    shift = inverse @ gradient
    spread = 4.0 * variance * np.diag(inverse) + np.square(shift)
    sums = np.concatenate([[0.0], np.cumsum(spread)])
    ends = around.before[stops] - around.before[a]
    squares = sums[ends] - sums[ends - (stops - starts)]
    return np.array([math.sqrt(value) for value in np.maximum(squares, 0.0)])


def _inverse(products: Array, unknown: Array) -> Array:
    """Return the inverse of ``A_C^T A_C``, whose entries depend on the samples' distance.

    Unknown samples that far apart share no row, so the matrix is banded.
    """
    count = len(unknown)
    upper = np.zeros((min(ORDER, count - 1) + 1, count))
    for k in range(len(upper)):
        lag = unknown[k:] - unknown[: count - k]
        near = np.where(lag <= ORDER, products[np.minimum(lag, ORDER)], 0.0)
        upper[len(upper) - 1 - k, k:] = near
    inverse: Array = solveh_banded(upper, np.eye(count), overwrite_b=True, check_finite=False)
    return inverse
