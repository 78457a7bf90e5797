"""What the certificate of an island of a spectrogram says in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recover.certificates.island import Island
from recover.certificates.phase.statements import DELTA
from recover.certificates.reasons import Why, Withheld, local_only
from recover.certificates.scope import Scope
from recover.certificates.statements import assumptions_of
from recover.core.arrays import Array
from recover.core.rounding import norm_upper, up
from recover.models.problem import Problem

__all__ = [
    "IslandClaim",
    "beyond_of",
    "beyond_values",
    "deviation_of",
    "island_assumptions",
    "island_reason",
    "island_scope",
    "island_withheld",
]


BEYOND = "beyond:"


@dataclass(frozen=True)
class IslandClaim:
    """Of what a certificate speaks.

    Parameters
    ----------
    frames, bins : (int, int)
        The first and the last.
    samples : (int, int)
        Those that may change: from the first up to but without the second.
    count : int
        Coefficients.
    radius : float
        Largest change, in signal units.
    """

    frames: tuple[int, int]
    bins: tuple[int, int]
    samples: tuple[int, int]
    count: int
    radius: float

    @staticmethod
    def of(island: Island, first: int, mask: Array, radius: float) -> IslandClaim:
        """Return the claim of an island whose mask begins with the frame `first`."""
        bins = np.flatnonzero(mask.any(axis=0))
        return IslandClaim(
            (first, first + len(mask) - 1),
            (int(bins[0]), int(bins[-1])),
            (island.first, island.first + island.frame.length),
            island.count,
            radius,
        )

    @property
    def where(self) -> str:
        """Frames and bins in words."""
        return "frames {}-{}, bins {}-{}".format(*self.frames, *self.bins)


def island_scope(claim: IslandClaim) -> Scope:
    """Return the scope of a promise about an island."""
    return Scope(
        "local",
        {
            "radius": claim.radius,
            "up_to": "the phase of the island",
            "frames": list(claim.frames),
            "bins": list(claim.bins),
            "samples": list(claim.samples),
            "coefficients": claim.count,
        },
    )


def island_assumptions(problem: Problem, claim: IslandClaim) -> tuple[str, ...]:
    """Return everything that a promise about an island rests on."""
    return (
        f"of the island in {claim.where}: for changes of the samples {claim.samples[0]} to "
        f"{claim.samples[1] - 1} by at most {claim.radius:.6g}, kappa compares the change with "
        "what it does to the island's magnitudes and to all coefficients outside it together",
        "changes are at right angles to the one that turns the island's phase: that phase, and "
        "so the phase between islands, is not determined by this",
        *assumptions_of(problem),
        "the eigenvalue bound holds with a probability of at least "
        f"1 - {DELTA:g} over the random vectors drawn to prove it",
    )


def island_withheld(claim: IslandClaim, deviation: float, carried: float) -> Withheld:
    """Return why an island has no error bound."""
    return Withheld(
        Why.ISLAND,
        {
            "where": claim.where,
            "count": claim.count,
            "deviation": deviation,
            "carried": carried,
            "radius": claim.radius,
        },
    )


def beyond_values(beyond: Withheld | None) -> dict[str, float | int | str | bool]:
    """Return the evidence values from which `beyond_of` rebuilds why no more is promised."""
    said = {} if beyond is None else beyond.values()
    return {f"{BEYOND}{name}": value for name, value in said.items()}


def beyond_of(values: Mapping[str, float | int | str | bool]) -> Withheld | None:
    """Return why there is no bound for all signals, None if that is not said."""
    kept = {k.removeprefix(BEYOND): v for k, v in values.items() if k.startswith(BEYOND)}
    return Withheld.restored(kept) if kept else None


def island_reason(withheld: Withheld, beyond: Withheld | None) -> str:
    """Return why an island has no error bound, and why there is none for all signals."""
    more = None if beyond is None else local_only(withheld.sentence, beyond)
    return withheld.sentence if more is None else more


def deviation_of(problem: Problem, island: Island, claim: IslandClaim) -> float:
    """Return a bound of the distance of the island's magnitudes from the data, with noise."""
    count = claim.frames[1] - claim.frames[0] + 1
    rows = np.flatnonzero(island.mask.any(axis=1))
    here = island.mask[rows[0] : rows[0] + count]
    sizes = np.abs(island.coefs[rows[0] : rows[0] + count])
    data = problem.y[claim.frames[0] : claim.frames[1] + 1].astype(np.float64)
    noise = problem.noise_bound
    each = noise.each
    if each.shape == problem.y.shape:
        each = each[claim.frames[0] : claim.frames[1] + 1]
    noisy = min(noise.l2, norm_upper(np.where(here, each, 0.0)))
    gap = norm_upper(np.where(here, sizes - data, 0.0))
    return up(gap + noisy + island.error, 8)
