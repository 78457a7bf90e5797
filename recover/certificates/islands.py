"""Certificates of spectrograms that are too large, or too far from their data, as a whole.

The strong coefficients of a recovered sound fall into connected islands.  Of each a local
amplification is proved (see `recover.certificates.island`), strongest first, as far as the work
allows; an island that is too long for that is cut into stretches, of which the same holds.
"""

from __future__ import annotations

import heapq
import math
import time
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.island import (
    KAPPA_SHARE,
    coefs_of,
    island_of,
    radius_of,
    sigma_island,
)
from recover.certificates.island_statements import (
    IslandClaim,
    beyond_values,
    deviation_of,
    island_assumptions,
    island_reason,
    island_scope,
    island_withheld,
)
from recover.certificates.parts import combine
from recover.certificates.phase.statements import DELTA
from recover.certificates.reasons import Why, Withheld
from recover.certificates.withheld import withheld_certificate
from recover.core.arrays import Array, digest
from recover.core.enclosure import Enclosure
from recover.core.rigor import probabilistic
from recover.core.rounding import down
from recover.frames.spectrogram import Spectrogram
from recover.models.problem import Problem

__all__ = ["FLOOR", "certify_islands"]

FLOOR = 1e-2  # of the largest magnitude of a block of frames: what is strong
BLOCK = 2048  # frames in which islands are looked for at once
MOST = 48  # islands and stretches that are spoken of one by one
STRETCH = 16  # frames of a stretch
STEPS = 900  # products of a start at most; there are two starts
LOSS = 0.25  # part of s^2 that may be lost for speed
SHADE = 2.0**-10  # a drawn bound is stated lower by this much: another draw proves it too
ROUNDED = 2.0**-20  # a radius: for a verifier whose libraries round otherwise


class _Place(NamedTuple):
    """Part of an island: minus its energy, a name, its first frame, and a mask from there."""

    order: float
    name: str
    first: int
    mask: Array

    @property
    def steps(self) -> int:
        """About the steps that a proof takes: more for what is long, within a factor 2."""
        return min(40 + 4 * len(self.mask), STEPS)


def certify_islands(
    problem: Problem,
    signal: Array,
    *,
    work: float,
    seconds: float = math.inf,
    beyond: Withheld | None = None,
) -> Certificate:
    """Return the certificate of a sound from its spectrogram, island by island.

    There is no error bound: what is promised is how much the magnitudes near those of the
    recovered sound tell.  The same input gives the same certificate if no time is given.

    Parameters
    ----------
    problem : Problem
        Of a `Spectrogram` and its magnitudes.
    signal : array [shape=(frame.length,)]
        The recovered sound.
    work : float
        How many frames may be transformed forth and back.
    seconds : float
        Time after which no further island is begun.
    beyond : Withheld, optional
        Why there is no bound for all signals; the islands' reasons say so.
    """
    frame = problem.model.frame
    if not isinstance(frame, Spectrogram):
        raise AssertionError("islands are those of a spectrogram")
    wide = np.ascontiguousarray(signal, dtype=np.float64)
    heap, energy = _places(frame, wide)
    end = time.monotonic() + seconds
    named = digest([wide])
    parts: list[tuple[str, Certificate]] = []
    left, left_energy = 0, 0.0
    while heap:
        place = heapq.heappop(heap)
        each = 2.0 * (len(place.mask) + 2 * frame.overlap)
        full = len(parts) >= MOST or time.monotonic() >= end
        if not full and work < place.steps * each:
            if len(place.mask) > STRETCH:
                for piece in _stretches(frame, wide, place):
                    heapq.heappush(heap, piece)
                continue
            full = True
        if full:
            left, left_energy = left + 1, left_energy - place.order
            continue
        steps = int(min(work / each, STEPS))
        part, products = _proved(problem, wide, place, named, steps=steps, beyond=beyond)
        work -= products * 0.5 * each
        parts.append((place.name, part))
    if left or not parts:
        share = left_energy / energy if energy > 0.0 else 0.0
        parts.append(("the rest", _rest(problem, left, share)))
    return combine(parts)


def _places(frame: Spectrogram, signal: Array) -> tuple[list[_Place], float]:
    """Return a heap of the islands, and the energy of all coefficients."""
    from scipy.ndimage import find_objects, label

    found: list[tuple[float, int, Array]] = []
    energy = 0.0
    touching = np.ones((3, 3))
    for first in range(0, frame.frames, BLOCK):
        square = _squares(frame, signal, first, min(first + BLOCK, frame.frames))
        energy += float(square.sum())
        plain = square / np.square(frame.weights)
        peak = float(plain.max(initial=0.0))
        strong = plain >= FLOOR**2 * peak if peak > 0.0 else np.zeros(square.shape, dtype=bool)
        labels, count = label(strong, structure=touching)
        sums = np.bincount(labels.reshape(-1), square.reshape(-1), count + 1)
        for k, (rows, _) in enumerate(find_objects(labels), start=1):
            found.append((-float(sums[k]), first + rows.start, labels[rows] == k))
        found = heapq.nsmallest(4096, found, key=lambda one: one[:2])
    ordered = sorted(found, key=lambda one: one[:2])
    heap = [_Place(o, f"island {k + 1}", f, m) for k, (o, f, m) in enumerate(ordered)]
    return heap, energy


def _squares(frame: Spectrogram, signal: Array, first: int, stop: int) -> Array:
    """Return the squared moduli of the coefficients of some frames."""
    c, _ = coefs_of(frame, signal, first, stop - 1)
    return np.asarray(c.real**2 + c.imag**2)


def _stretches(frame: Spectrogram, signal: Array, place: _Place) -> list[_Place]:
    """Return an island cut into stretches of frames."""
    square = _squares(frame, signal, place.first, place.first + len(place.mask))
    pieces = []
    for start in range(0, len(place.mask), STRETCH):
        mask = place.mask[start : start + STRETCH]
        rows = np.flatnonzero(mask.any(axis=1))
        mask = mask[rows[0] : rows[-1] + 1]
        begin = start + int(rows[0])
        energy = float(square[begin : begin + len(mask)][mask].sum())
        first = place.first + begin
        name = f"{place.name} from frame {first}"
        pieces.append(_Place(-energy, name, first, mask))
    return pieces


def _proved(
    problem: Problem,
    signal: Array,
    place: _Place,
    named: str,
    *,
    steps: int,
    beyond: Withheld | None,
) -> tuple[Certificate, int]:
    """Return the certificate of an island and the products that it took."""
    frame = problem.model.frame
    assert isinstance(frame, Spectrogram)
    island = island_of(frame, signal, place.first, place.mask)
    rng = np.random.default_rng(int(named[:12], 16))
    found = sigma_island(island, DELTA / 2.0, rng, steps=steps, loss=LOSS)
    sigma = down(found.sigma * (1.0 - SHADE), 2) if found.sigma > 0.0 else 0.0
    if sigma <= 0.0:
        claim = IslandClaim.of(island, place.first, place.mask, 0.0)
        numbers: dict[str, float | int | str] = {"where": claim.where, "count": claim.count}
        numbers["products"] = found.products
        return withheld_certificate(problem, Withheld(Why.ISLAND_OPEN, numbers)), found.products
    radius = radius_of(island, sigma) * (1.0 - ROUNDED)
    claim = IslandClaim.of(island, place.first, place.mask, radius)
    kappa = down(KAPPA_SHARE * sigma, 2)
    deviation = deviation_of(problem, island, claim)
    withheld = island_withheld(claim, deviation, kappa * claim.radius)
    certificate = Certificate(
        kappa=Enclosure(kappa, math.inf),
        error_bound=math.inf,
        scope=island_scope(claim),
        assumptions=island_assumptions(problem, claim),
        rigor=problem.noise_bound.rigor & probabilistic(DELTA),
        evidence=Evidence(
            "spectrogram island",
            {
                "signal_digest": named,
                "sigma": sigma,
                **withheld.values(),
                **beyond_values(beyond),
            },
            {"mask": np.packbits(place.mask)},
        ),
        reason=island_reason(withheld, beyond),
        subject=problem.digest,
        noise=problem.noise.to_json(),
    )
    return certificate, found.products


def _rest(problem: Problem, count: int, share: float) -> Certificate:
    return withheld_certificate(
        problem, Withheld(Why.ISLANDS_LEFT, {"count": count, "share": share})
    )
