"""The largest bias, and the smallest level, for which a layer stays injective on a ball.

A layer is injective on a convex domain if and only if in every cell the rows that are in their
bands span (A > 0).  Raising a uniform bias, or lowering a level, only takes rows away, so the
admissible values form an interval, whose end is found by bisection on the exact engine: a value
counts as admissible when A > 0 is proved, and as inadmissible when a signal is shown whose rows
in their bands are too few, or exactly dependent, to span.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from recover.certificates.search.bracket import bracket_cells
from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands
from recover.core.arrays import Array, as_generator, as_numeric
from recover.core.enclosure import Enclosure
from recover.core.errors import NotAFrameError, ParameterError
from recover.core.rounding import binary_exponent, up

__all__ = ["critical_bias", "critical_level"]

ACCURACY = 1e-10  # of the bisection, relative to the largest coefficient on the ball


def critical_bias(
    rows: npt.ArrayLike,
    radius: float = 1.0,
    nonnegative: bool = False,
    *,
    budget: float = 60.0,
    rng: int | np.random.Generator = 0,
) -> Enclosure:
    """Enclose the largest uniform bias a for which ``max(rows @ x - a, 0)`` is injective.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        The frame; rows of any norm.
    radius : float > 0
        Of the ball.
    nonnegative : bool
        Only signals with entries >= 0.
    budget : float
        Seconds; the enclosure is wider where they do not suffice.
    rng : int or Generator
        For the local searches.

    Returns
    -------
    Enclosure
        Every bias up to the lower end is admissible (proved), every bias above the upper end is
        not.  Never above 0: a positive bias leaves no row active near the origin.

    Raises
    ------
    ParameterError
        If `rows` is not a real matrix, or `radius` not positive.
    NotAFrameError
        If the rows do not span even when all are active.
    """
    matrix, largest, e, f = _scaled(rows, radius)
    clock, generator = Clock.starting(budget), as_generator(rng)

    def probe(bias: float) -> bool | None:
        low, high = np.full(len(matrix), bias), np.full(len(matrix), np.inf)
        ball = math.ldexp(radius, -f)
        return _spans(Bands(matrix, low, high, ball, nonnegative), clock, generator)

    if probe(0.0):
        return Enclosure(0.0, 0.0)
    ends = _bisect(probe, -largest, 0.0, clock)
    return Enclosure(math.ldexp(ends[0], e + f), math.ldexp(ends[1], e + f))


def critical_level(
    rows: npt.ArrayLike,
    radius: float = 1.0,
    nonnegative: bool = False,
    *,
    budget: float = 60.0,
    rng: int | np.random.Generator = 0,
) -> Enclosure:
    """Enclose the smallest level l for which ``clip(rows @ x, -l, l)`` is injective.

    Parameters, errors and the meaning of the ends are those of `critical_bias`, with the upper
    end admissible: every level from there on is proved to be.
    """
    matrix, largest, e, f = _scaled(rows, radius)
    clock, generator = Clock.starting(budget), as_generator(rng)

    def probe(negative: float) -> bool | None:
        level = np.full(len(matrix), -negative)
        ball = math.ldexp(radius, -f)
        return _spans(Bands(matrix, -level, level, ball, nonnegative), clock, generator)

    ends = _bisect(probe, -largest, 0.0, clock)
    return Enclosure(math.ldexp(-ends[1], e + f), math.ldexp(-ends[0], e + f))


def _scaled(rows: npt.ArrayLike, radius: float) -> tuple[Array, float, int, int]:
    """Return scaled rows, an upper bound of coefficients on the ball, and both exponents."""
    matrix = as_numeric("rows", rows)
    if matrix.ndim != 2 or 0 in matrix.shape or np.iscomplexobj(matrix):
        raise ParameterError(
            f"rows must be a real (m, n) matrix, got {matrix.dtype} {matrix.shape}"
        )
    if not 0.0 < radius < math.inf:
        raise ParameterError(f"radius must be positive and finite, got {radius}")
    e, f = binary_exponent(matrix), binary_exponent(np.array([radius]))
    scaled = np.ldexp(matrix.astype(np.float64), -e)
    norms = np.sqrt((scaled**2).sum(axis=1))
    largest = up(float(norms.max()) * math.ldexp(radius, -f) * (1.0 + 1e-12), 4)
    everything = np.full(len(scaled), -np.inf)
    all_linear = Bands(scaled, everything, -everything, 1.0)
    found = bracket_cells(all_linear, Clock.starting(10.0), np.random.default_rng(0))
    if found.lower <= 0.0:
        raise NotAFrameError(
            f"{len(scaled)} rows could not be shown to span R^{matrix.shape[1]} "
            f"(smallest eigenvalue at most {found.upper:g}); add rows"
        )
    return scaled, largest, e, f


def _spans(bands: Bands, clock: Clock, rng: np.random.Generator) -> bool | None:
    """Tell whether A > 0 (True), A = 0 (False), or neither could be shown (None)."""
    found = bracket_cells(bands, clock, rng)
    if found.lower > 0.0:
        return True
    return False if found.upper == 0.0 else None


def _bisect(
    probe: Callable[[float], bool | None], good: float, bad: float, clock: Clock
) -> tuple[float, float]:
    """Shrink [good, bad], good < bad, until the probe cannot tell or the ends are close."""
    size = bad - good
    while bad - good > ACCURACY * size and clock.left > 0.0:
        middle = (good + bad) / 2.0
        verdict = probe(middle)
        if verdict is None:
            # between an undecided value and the ends there is still something to gain
            good, bad = _around(probe, good, middle, bad, clock)
            break
        if verdict:
            good = middle
        else:
            bad = middle
    return good, bad


def _around(
    probe: Callable[[float], bool | None], good: float, middle: float, bad: float, clock: Clock
) -> tuple[float, float]:
    """Narrow both ends towards a value that the probe leaves open."""
    for _ in range(4):
        if clock.left <= 0.0:
            break
        below, above = (good + middle) / 2.0, (middle + bad) / 2.0
        good = below if probe(below) else good
        bad = above if probe(above) is False else bad
    return good, bad
