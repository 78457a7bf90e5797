"""The critical bias of a layer of any size, as far as its budget goes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recover.certificates.cheap import cheap_lower
from recover.certificates.coherence import coherence_lower
from recover.certificates.search.active import search_few_active
from recover.certificates.search.bracket import bracket_cells
from recover.certificates.search.clock import Clock
from recover.certificates.search.critical import critical_bias
from recover.certificates.search.measure import Bands
from recover.certificates.search.sight import too_large
from recover.core.enclosure import Enclosure
from recover.core.errors import NotAFrameError
from recover.core.rounding import binary_exponent, up

__all__ = ["critical_of"]

EXACT_DIMENSION, EXACT_ROWS = 6, 80  # up to which the exact engine alone decides every value
ACCURACY = 1e-3  # of the bisections, relative to the largest coefficient on the ball
SHARES = (0.4, 0.5)  # of the time: for norms and inner products, then for searches of inputs
MOMENTS = 500_000  # entries of moments that are worth their time in a bisection
CERTAIN, SMALL = 8, 10**8  # steps that are made in any case, where they cost little
WIDE_SECONDS = 20.0  # with less, layers too large for the exact engine are not tried
EXACT_PROBES = 6  # between the ends that these leave


def critical_of(bands: Bands, clock: Clock, rng: np.random.Generator) -> Enclosure | None:
    """Enclose the largest frame bias that all neurons can share with the layer injective.

    Small layers by the exact engine.  Else the lower end comes from what norms and inner
    products of the rows prove, the upper one from inputs with too few active neurons, and what
    time is left goes to the exact engine between them.

    Parameters
    ----------
    bands : Bands
        The layer on its domain; its own thresholds do not matter.
    clock : Clock
        The budget.
    rng : Generator
        For the searches.

    Returns
    -------
    Enclosure or None
        None on unbounded domains, where the question has no answer, and for layers without
        enough rows to span.
    """
    m, n = bands.rows.shape
    if not math.isfinite(bands.radius) or m < n:
        return None
    if n <= EXACT_DIMENSION and m <= EXACT_ROWS:
        try:
            return critical_bias(
                bands.rows, bands.radius, bands.nonnegative, budget=clock.left, rng=rng
            )
        except NotAFrameError:
            return None
    e, f = binary_exponent(bands.rows), binary_exponent(np.array([bands.radius]))
    scaled = replace(bands, rows=np.ldexp(bands.rows, -e), radius=math.ldexp(bands.radius, -f))
    ends = _ends(scaled, clock, rng)
    return None if ends is None else Enclosure(*(math.ldexp(end, e + f) for end in ends))


def _ends(bands: Bands, clock: Clock, rng: np.random.Generator) -> tuple[float, float] | None:
    norms = np.sqrt((bands.rows**2).sum(axis=1))
    # with this bias no neuron is ever off
    good, bad = -up(float(norms.max()) * bands.radius * (1.0 + 1e-12), 4), 0.0
    width = -good * ACCURACY
    if too_large(bands) and clock.left < WIDE_SECONDS:
        return None
    if not _proved(bands, good):
        return None  # the rows do not span, or could not be shown to
    least = CERTAIN if bands.count**2 * bands.dimension <= SMALL else 0
    good, _ = _bisect(
        lambda a: _proved(bands, a),
        (good, bad),
        width,
        clock.within(SHARES[0] * clock.left),
        least,
    )

    def crowded(a: float) -> bool:
        return not _thin(_at(bands, a), clock.within(SHARES[1] * clock.left / 4.0), rng)

    if clock.left > 0.0:
        limit = clock.within(SHARES[1] * clock.left)
        _, bad = _bisect(crowded, (good, bad), width, limit, 0)
    return _between(bands, (good, bad), clock, rng)


def _at(bands: Bands, bias: float) -> Bands:
    return replace(bands, low=np.full(bands.count, bias))


def _proved(bands: Bands, bias: float) -> bool:
    at = _at(bands, bias)
    if bands.count * bands.dimension**2 > MOMENTS:
        return coherence_lower(at.rows, at.low, at.radius, at.nonnegative)[0] > 0.0
    return cheap_lower(at.rows, at.low, at.high, at.radius, at.nonnegative) > 0.0


def _thin(bands: Bands, clock: Clock, rng: np.random.Generator) -> bool:
    """Tell whether an input was found with fewer active neurons than inputs."""
    x = search_few_active(bands, clock, rng, enough=bands.dimension - 1)
    return int(np.count_nonzero(~bands.surely_saturated(x[None])[0])) < bands.dimension


def _bisect(
    holds: Callable[[float], bool],
    ends: tuple[float, float],
    width: float,
    clock: Clock,
    least: int,
) -> tuple[float, float]:
    """Narrow [good, bad] around where `holds` turns false, with some steps in any case."""
    good, bad = ends
    done = 0
    while bad - good > width and (clock.left > 0.0 or done < least):
        done += 1
        middle = (good + bad) / 2.0
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good, bad


def _between(
    bands: Bands, ends: tuple[float, float], clock: Clock, rng: np.random.Generator
) -> tuple[float, float]:
    """Let the exact engine decide values between the ends, nearer to `good` if it fails."""
    good, bad = ends
    if too_large(bands):
        return ends
    part = 0.5
    for _ in range(EXACT_PROBES):
        if clock.left <= 0.0:
            break
        middle = good + part * (bad - good)
        found = bracket_cells(_at(bands, middle), clock.within(clock.left / 3.0), rng)
        if found.lower > 0.0:
            good = middle
        elif found.upper == 0.0:
            bad = middle
        else:
            part /= 2.0
    return good, bad
