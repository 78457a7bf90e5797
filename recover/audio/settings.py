"""How much effort a declipping takes: iterations, thresholds and the start, by quality."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.rounding import binary_exponent
from recover.frames import Boundary, Gabor

__all__ = [
    "TRIAL",
    "Effort",
    "Quality",
    "choose_frames",
    "effort_for",
    "neighbourhood_of",
    "quality_named",
    "tight_gabor",
    "wants_trial",
    "window_costs",
]


class Quality(Enum):
    """Trade of time against quality; the values are the help text."""

    AUTO = "as QUALITY, a tenth faster"
    QUALITY = (
        "200 iterations and 60 in a second window, 400 and more where a short trial says that "
        "much is lost"
    )
    FAST = "70 iterations, and 12 in a second window: a third of the time"
    EXTREME = "450 iterations from far beyond the level, for the worst clipping"


@dataclass(frozen=True)
class Effort:
    """The parameters of one run of the declipper.

    Parameters
    ----------
    max_iter : int
        Iterations.
    first, last : float
        First and last threshold, relative to the largest coefficient.
    overshoot : float
        Clipped samples start at this multiple of the level: from the level itself the iteration
        can settle at too small a signal.
    view_iter : int
        Iterations in the second-best window, from the result of the first; 0 for none.
    view_first, view_last : float
        Their thresholds.
    """

    max_iter: int
    first: float
    last: float
    overshoot: float
    view_iter: int = 0
    view_first: float = 0.02
    view_last: float = 5e-4


TRIAL = Effort(25, 0.3, 3e-3, 4.0)
# Below this share of clipped samples the input SDR was above 4.5 dB on every recording tried,
# tonal ones and transients, so no trial is made.
_NO_TRIAL = 0.09
_EXTREME = Effort(450, 0.3, 5e-4, 8.0, 40)
_USUAL = {
    Quality.AUTO: Effort(180, 0.1, 5e-4, 2.0, 50),
    Quality.QUALITY: Effort(200, 0.1, 5e-4, 2.0, 60),
    Quality.FAST: Effort(70, 0.1, 7e-4, 2.0, 12, 0.01, 7e-4),
    Quality.EXTREME: _EXTREME,
}
_TRIED = (Quality.AUTO, Quality.QUALITY)
# What AUTO and QUALITY do by the input SDR in dB that the trial estimates (mostly 0 to 1 dB too
# much, 1 to 2 below 2 dB), from the first limit on that it is not above.
_BY_INPUT_SDR = (
    (3.4, _EXTREME),
    (4.5, Effort(400, 0.3, 5e-4, 8.0, 40)),
)


def quality_named(name: str) -> Quality:
    """Return the quality of this name (lower case), or raise `ParameterError`."""
    names = {quality.name.lower(): quality for quality in Quality}
    if name not in names:
        raise ParameterError(f"quality must be one of {', '.join(names)}, got {name!r}")
    return names[name]


def wants_trial(quality: Quality, clipped: float) -> bool:
    """Return whether a trial decides on the effort, for a share of clipped samples."""
    return quality in _TRIED and clipped > _NO_TRIAL


def effort_for(quality: Quality, estimated_input_sdr: float = math.inf) -> Effort:
    """Return the parameters of a quality.

    Parameters
    ----------
    quality : Quality
    estimated_input_sdr : float
        In dB, as the recovery of `TRIAL` estimates it, where one was made.
    """
    if quality in _TRIED:
        for limit, effort in _BY_INPUT_SDR:
            if estimated_input_sdr <= limit:
                return effort
    return _USUAL[quality]


# Window sizes in seconds: 18432 ... 1152 samples at 44.1 kHz.  A shorter window has to win by
# the factor beside it; the sum of moduli is slightly smaller for short windows on noise.
_WINDOWS = (
    (0.3715, 1.0),
    (0.1858, 1.0),
    (0.0929, 1.02),
    (0.0464, 1.04),
    (0.0232, 1.06),
)
_SMALLEST = 8
_LONG_WINDOW = 0.3  # seconds
_SINGLE_RANGE = 100  # exponents of two between which float32 keeps all its digits


def choose_frames(y: Array, rate: float) -> tuple[Gabor, ...]:
    """Return the tight Gabor frames in which the clipped signal is sparsest, the best first.

    Of five Hann windows, those are taken whose coefficients have the least sums of moduli:
    clipping spreads all of them alike, so the clipped signal's own sums rank the windows as the
    lost signal's would.  The second view is two thirds as long as the window that it is taken
    for: what the two have in common is then more likely the signal's.

    Parameters
    ----------
    y : array [shape=(n,)]
        The clipped signal.
    rate : float
        Samples per second.

    Returns
    -------
    tuple of Gabor
        The best, and one of the second best window; the best alone where no two windows fit a
        short signal.
    """
    costs = window_costs(y, rate)
    ranked = sorted(costs, key=lambda size: costs[size])
    best = tight_gabor(len(y), ranked[0] * 9 // 8)
    return (best, *(tight_gabor(len(y), size * 3 // 4) for size in ranked[1:2]))


def window_costs(y: Array, rate: float) -> dict[int, float]:
    """Return how dense a signal's coefficients are, by window size: the smallest is best.

    Parameters
    ----------
    y : array [shape=(n,)]
        The clipped signal.
    rate : float
        Samples per second.

    Returns
    -------
    dict of int to float
        The sums of moduli weighted as `_WINDOWS` says; sizes that a short signal does not
        hold are left out.  One size alone has cost 0.
    """
    sizes: dict[int, float] = {}
    for seconds, penalty in _WINDOWS:
        size = 2 ** round(np.log2(seconds * rate))
        while size > max(len(y), _SMALLEST):
            size //= 2
        sizes.setdefault(max(size, _SMALLEST), penalty)
    if len(sizes) == 1:
        return dict.fromkeys(sizes, 0.0)
    # single precision is enough, and half the work, where it holds the samples
    fits = abs(binary_exponent(y)) <= _SINGLE_RANGE
    held = y.astype(np.float32 if fits else np.float64)
    return {size: penalty * _spread(held, size) for size, penalty in sizes.items()}


def _spread(y: Array, size: int) -> float:
    """Return the sum of the moduli of the coefficients in the frame of one window size."""
    frame = Gabor.hann(len(y), size, size // 4, boundary=Boundary.ZERO_PADDED, tight=True)
    return float(np.abs(frame.analysis(y)).sum(dtype=np.float64))


def tight_gabor(length: int, size: int) -> Gabor:
    """Return the Parseval Hann frame of hops of a third; beyond the ends are zeros.

    The squares of Hann windows a third apart sum to a constant, so the window stays a Hann
    window.  Quarter hops cost a third more time and recover no more.

    Parameters
    ----------
    length : int
        Samples of the signal.
    size : int
        Samples of the window, a multiple of 3.
    """
    return Gabor.hann(length, size, size // 3, boundary=Boundary.ZERO_PADDED, tight=True)


def neighbourhood_of(frame: Gabor, rate: float) -> tuple[int, int]:
    """Return the extent (frames, bins) of the neighbourhood: fewer frames for long windows."""
    return (4 if frame.window.size > _LONG_WINDOW * rate else 5, 3)
