"""How much effort a declipping takes: iterations, thresholds and the start, by quality."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames import Boundary, Gabor

__all__ = [
    "TRIAL",
    "Effort",
    "Quality",
    "choose_frame",
    "effort_for",
    "effort_of",
    "neighbourhood_of",
    "quality_named",
    "tight_gabor",
]


class Quality(Enum):
    """Trade of time against quality; the values are the help text."""

    AUTO = "200 iterations, or 400 and more where a short trial says that much is lost"
    QUALITY = "200 iterations"
    FAST = "60 iterations, a third of the time"
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
    """

    max_iter: int
    first: float
    last: float
    overshoot: float


TRIAL = Effort(25, 0.3, 3e-3, 4.0)
_QUALITY = Effort(200, 0.1, 5e-4, 2.0)
_EXTREME = Effort(450, 0.3, 5e-4, 8.0)
_FIXED = {
    Quality.QUALITY: _QUALITY,
    Quality.FAST: Effort(60, 0.1, 1e-3, 2.0),
    Quality.EXTREME: _EXTREME,
}
# Efforts of AUTO by the input SDR in dB that the trial estimates (mostly 0 to 1 dB too much,
# 1 to 2 below 2 dB), the first whose limit is exceeded.
_BY_INPUT_SDR = (
    (9.0, Effort(200, 0.1, 5e-4, 1.2)),
    (4.5, _QUALITY),
    (3.4, Effort(400, 0.3, 5e-4, 8.0)),
    (-math.inf, _EXTREME),
)


def quality_named(name: str) -> Quality:
    """Return the quality of this name (lower case), or raise `ParameterError`."""
    names = {quality.name.lower(): quality for quality in Quality}
    if name not in names:
        raise ParameterError(f"quality must be one of {', '.join(names)}, got {name!r}")
    return names[name]


def effort_of(quality: Quality) -> Effort | None:
    """Return the parameters of a quality, None for AUTO, which needs a trial."""
    return _FIXED.get(quality)


def effort_for(estimated_input_sdr: float) -> Effort:
    """Return the parameters for an input SDR in dB, as the recovery of `TRIAL` estimates it."""
    return next(effort for limit, effort in _BY_INPUT_SDR if estimated_input_sdr > limit)


# Window sizes in seconds: 16384 ... 1024 samples at 44.1 kHz.  A shorter window has to win by
# the factor beside it; the sum of moduli is slightly smaller for short windows on noise.
_WINDOWS = (
    (0.3715, 1.0),
    (0.1858, 1.0),
    (0.0929, 1.02),
    (0.0464, 1.04),
    (0.0232, 1.06),
)
_SMALLEST = 8
_LONG_WINDOW = 0.25  # seconds


def choose_frame(y: Array, rate: float) -> Gabor:
    """Return the tight Gabor frame in which the clipped signal is sparsest.

    Of five Hann windows with 75 % overlap, the one whose coefficients have the least sum of
    moduli is taken: clipping spreads all of them alike, so the clipped signal's own sum ranks
    the windows as the lost signal's would.

    Parameters
    ----------
    y : array [shape=(n,)]
        The clipped signal.
    rate : float
        Samples per second.
    """
    sizes: dict[int, float] = {}
    for seconds, penalty in _WINDOWS:
        size = 2 ** round(np.log2(seconds * rate))
        while size > max(len(y), _SMALLEST):
            size //= 2
        sizes.setdefault(max(size, _SMALLEST), penalty)
    frames = {size: tight_gabor(len(y), size) for size in sizes}
    if len(frames) == 1:
        return next(iter(frames.values()))
    single = y.astype(np.float32)
    best = min(
        sizes,
        key=lambda size: (
            sizes[size] * float(np.abs(frames[size].analysis(single)).sum(dtype=np.float64))
        ),
    )
    return frames[best]


def tight_gabor(length: int, size: int) -> Gabor:
    """Return the Parseval Hann frame of quarter hops; beyond the ends are zeros."""
    return Gabor.hann(length, size, size // 4, boundary=Boundary.ZERO_PADDED, tight=True)


def neighbourhood_of(frame: Gabor, rate: float) -> tuple[int, int]:
    """Return the extent (frames, bins) of the neighbourhood: fewer frames for long windows."""
    return (5 if frame.window.size > _LONG_WINDOW * rate else 7, 3)
