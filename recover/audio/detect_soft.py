"""Levels that coding or a soft limiter has blurred: a knee in the density of the amplitudes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array

__all__ = ["SoftLevel", "knee_width", "soft_level"]

_BINS = 160  # of the amplitudes from zero to `_REACH` times the top
_REACH = 1.25
_KERNEL = 2.0  # standard deviation of the smoothing, in bins: 1.6 % of the top
_LOWEST = 0.35  # of the top: no level is looked for below
_VALLEY = 0.6  # of the level: from here on the density below the knee is looked at
_FEW = 20.0  # smoothed samples per bin that a mode must have
_FLOOR = 5.0  # and that an empty valley counts for
_MIN_PROMINENCE = 2.1  # mode over valley; densities of recordings fall towards the top
_BEYOND = 6  # bins above the level, from where on hardly a sample may lie
_MAX_BEYOND = 0.2  # of the samples above the valley
_THRESHOLD = 0.8  # of the level: excursions beyond it are compared with parabolas
_MIN_DURATION = 4  # samples of an excursion
_MIN_EXCURSIONS = 5
_MAX_RISE = 0.5  # measured height over that of the parabola: tones have about 1
_STEPS = 100  # of the amplitudes from zero to a flat top
_BODY = slice(50, 85)  # steps whose usual count stands for what is not limited
_PILED = 2.0  # a step below the top that a knee fills has more than this many times that count
_FEWEST = 20.0  # samples in a step that count at least
_MOST_PILED = 4  # steps
# A limiter bends well below where its output piles up: chosen by the gain on recordings that
# are not among the nine of the benchmarks, with knees of 5 to 40 % of the level.
_BENT = 2.0
_COARSE = 0.0025  # of the level: steps of a format as large as this hide a knee
# The band's half width in standard deviations of the noise: a sample of a clipped arch that is
# taken for reliable holds the whole arch down, so nearly all of them have to be in the band.
# Chosen by the gain on nine recordings, with quality fast; the optimum is broad.
_WIDTH = 4.0


@dataclass(frozen=True)
class SoftLevel:
    """A blurred level of one side.

    Parameters
    ----------
    level : float > 0
        Above the middle of the signal.
    tolerance : float > 0
        Half width of the band in which clipped samples lie: four standard deviations of those
        above the level.
    confidence : float in [0, 1)
        One less valley over mode of the density.
    """

    level: float
    tolerance: float
    confidence: float


def soft_level(y: Array) -> SoftLevel | None:
    """Return the level at which the upper side was clipped before noise was added, or None.

    Clipping puts a bump into the density of the amplitudes, and coders widen it; above it the
    density falls at once.  A steady tone has such a bump too.  But its arches are as high as
    their slopes and widths demand (a parabola that crosses a threshold with slope s and stays
    above it for the time T rises to s T / 4), and clipped arches are not.  So both are asked
    for: a mode with little beyond it, and excursions much lower than parabolas.

    Parameters
    ----------
    y : array of float64 [shape=(n,)]
        The signal less its median.
    """
    rank = max(1, round(2e-5 * len(y))) + 1
    if len(y) <= rank:
        return None
    top = float(np.partition(y, len(y) - rank)[len(y) - rank])
    if not top > 0.0:
        return None
    width = _REACH * top / _BINS
    found = _knee(np.histogram(y[y > 0.0], _BINS, range=(0.0, _REACH * top))[0])
    if found is None:
        return None
    place, prominence = found
    level = (place + 0.5) * width
    if _rise(y, _THRESHOLD * level) > _MAX_RISE:
        return None
    over = np.minimum(y[y > level] - level, (_BEYOND + 1) * width)
    # no sample is above a level that nothing has blurred: the bins' width remains
    spread = float(np.sqrt(np.mean(np.square(over)))) if over.size else 0.5 * width
    return SoftLevel(level, _WIDTH * spread, 1.0 - 1.0 / prominence)


def knee_width(y: Array, level: float) -> float:
    """Return how far below a flat top a limiter has bent the signal; 0 for hard clipping.

    A limiter with a knee fills the amplitudes just below its flat top, where hard clipping
    leaves what the signal has there.  A tone has many of them too, but its arches rise as
    parabolas do (see `soft_level`).

    Parameters
    ----------
    y : array of float64 [shape=(n,)]
        The signal less its median.
    level : float > 0
        The lower end of the flat top.
    """
    inside = y[(y > 0.0) & (y < level)]
    if inside.size == 0 or level - float(inside.max()) > _COARSE * level:
        return 0.0
    counts = np.histogram(inside, _STEPS, range=(0.0, level))[0]
    usual = _PILED * max(float(np.median(counts[_BODY])), _FEWEST)
    piled = 0
    while piled < _MOST_PILED and counts[_STEPS - 1 - piled] > usual:
        piled += 1
    if piled == 0 or _rise(y, _THRESHOLD * level) > _MAX_RISE:
        return 0.0
    return _BENT * piled * level / _STEPS


def _knee(counts: Array) -> tuple[float, float] | None:
    """Return place (in bins, fractional) and prominence of the mode that stands for a level."""
    reach = round(4.0 * _KERNEL)
    kernel = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / _KERNEL))
    density = np.convolve(counts, kernel / kernel.sum(), "same")
    best: tuple[float, float] | None = None
    lowest = int(_LOWEST / _REACH * _BINS)
    for i in range(lowest, int(_BINS / _REACH) + _BEYOND // 2):
        here = density[i]
        if here < _FEW or here < density[i - 1] or here < density[i + 1]:
            continue
        start = int(_VALLEY * i)
        valley = start + int(np.argmin(density[start : i + 1]))
        prominence = float(here / max(density[valley], _FLOOR))
        beyond = float(density[i + _BEYOND :].sum() / density[valley:].sum())
        if prominence < _MIN_PROMINENCE or beyond > _MAX_BEYOND:
            continue
        if best is None or prominence > best[1]:
            bend = float(density[i - 1] - 2.0 * here + density[i + 1])
            shift = 0.5 * float(density[i - 1] - density[i + 1]) / bend if bend < 0.0 else 0.0
            best = (i + shift, prominence)
    return best


def _rise(y: Array, threshold: float) -> float:
    """Return how high excursions beyond a threshold rise, over what parabolas would.

    Excursions count by their duration.  Infinite where there are too few to say.
    """
    above = y > threshold
    edges = np.flatnonzero(above[1:] != above[:-1]) + 1
    if above[0]:
        edges = edges[1:]
    edges = edges[: len(edges) // 2 * 2]
    starts, stops = edges[::2], edges[1::2]
    long = stops - starts >= _MIN_DURATION
    starts, stops = starts[long], stops[long]
    if len(starts) < _MIN_EXCURSIONS:
        return np.inf
    duration = stops - starts
    # over a tenth of the excursion, outside it: noise makes single steps at crossings steep
    reach = np.minimum(np.minimum(duration // 10, starts), len(y) - stops)
    reach = np.maximum(reach, 1)
    slope = 0.5 * (y[starts] - y[starts - reach] + y[stops - 1] - y[stops - 1 + reach]) / reach
    ends = np.stack([starts, stops], axis=1).reshape(-1)
    height = np.maximum.reduceat(y, ends)[::2] - threshold
    return float(np.sum(height * duration) / np.sum(slope * duration * duration / 4.0))
