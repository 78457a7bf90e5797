"""Stars put to the test: the field is clipped again, lower, where its stars are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.image.domain import LINEAR, LOGARITHM, ValueDomain
from recover.image.model import EnergySettings, default_settings, energy_of
from recover.image.star_profile import FAINTEST, RING, Profile, fit_star, flanks_of

__all__ = [
    "KnownStar",
    "Span",
    "clipped_again",
    "fitted",
    "labels_of",
    "smooth_light",
    "span_of",
]

Span = tuple[slice, slice]

MOST = 60  # stars of one trial
FEWEST = 3
_REACH = math.ceil(RING) + 1  # pixels around a star's saturated ones that are looked at
_COUPLED = 2  # pixels over which the smooth models couple samples
_LOGARITHMIC = EnergySettings(domain=LOGARITHM, curvature=1.0, tension=0.0)


@dataclass(frozen=True, eq=False)
class KnownStar:
    """A star that was clipped again, with what it should come to; the level clipped at is 1.

    Parameters
    ----------
    light : array [shape=(height, width)]
        The part of the field around it, as clipped again.
    hidden : array of bool [shape of light]
        What is clipped in that part.
    own : array of bool [shape of light]
        The star's clipped samples.
    truth : array [shape of light]
        Where it is really clipped, only a lower bound.
    lost : array of bool [shape of light]
        Where it is really clipped.
    smooth, straight : array [shape of light]
        The guesses of the smoothest logarithm and of the smoothest light.
    """

    light: Array
    hidden: Array
    own: Array
    truth: Array
    lost: Array
    smooth: Array
    straight: Array

    def flux(self, values: Array) -> float:
        """Return the logarithm of the ratio of a guess's flux and the true one."""
        found = float(np.maximum(values[self.own], 1.0).sum(dtype=np.float64))
        return math.log(found / float(self.truth[self.own].sum(dtype=np.float64)))


def labels_of(clipped: Array) -> tuple[Array, int]:
    """Return connected regions, corners touching, numbered from 1, and their count."""
    from scipy import ndimage

    labels, count = ndimage.label(clipped, np.ones((3, 3)))
    return np.asarray(labels), int(count)


def span_of(place: tuple[slice, ...], shape: tuple[int, ...]) -> Span:
    """Return the part of the field that holds a region and its flanks."""
    rows, columns = (
        slice(max(part.start - _REACH, 0), min(part.stop + _REACH, size))
        for part, size in zip(place, shape, strict=True)
    )
    return rows, columns


def smooth_light(light: Array, clipped: Array, domain: ValueDomain) -> Array:
    """Return light that is smoothest in a domain, at or above the level.

    Parameters
    ----------
    light : array [shape=(height, width)]
        1 at the level, 0 at the background.
    clipped : array of bool [shape of light]
    domain : ValueDomain
        The logarithm, or the light itself.
    """
    settings = _LOGARITHMIC if domain == LOGARITHM else default_settings(1)
    values = np.maximum(light, FAINTEST) if domain == LOGARITHM else light
    found = energy_of(values.astype(np.float32)[None], clipped[None], settings).values[0]
    return np.where(clipped, found, light)


def clipped_again(light: Array, clipped: Array, level: float) -> list[KnownStar]:
    """Return the stars of the field clipped again at a level; none if too few are known.

    A region without a truly clipped sample is known; the largest are taken.

    Parameters
    ----------
    light : array [shape=(height, width)]
        1 at the true level, 0 at the background.
    clipped : array of bool [shape of light]
    level : float in (0, 1)
    """
    from scipy import ndimage

    hidden = clipped | (light >= level)
    labels, count = labels_of(hidden)
    lost = np.bincount(labels[clipped], minlength=count + 1) > 0
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    known = [k for k in range(1, count + 1) if not lost[k] and sizes[k] >= 2]
    if len(known) < FEWEST:
        return []
    known = sorted(known, key=lambda k: -sizes[k])[:MOST]
    chosen = np.zeros(count + 1, dtype=bool)
    chosen[known] = True
    near = ndimage.binary_dilation(
        chosen[labels], np.ones((3, 3), dtype=np.bool_), iterations=_COUPLED
    )
    chosen[np.unique(labels[near])] = True
    chosen[0] = False
    scaled = np.where(hidden, np.float32(1.0), light / np.float32(level))
    smooth = smooth_light(scaled, chosen[labels], LOGARITHM)
    straight = smooth_light(scaled, chosen[labels], LINEAR)
    found, places = list[KnownStar](), ndimage.find_objects(labels)
    for k in known:
        span = span_of(places[k - 1], light.shape)
        found.append(
            KnownStar(
                light=scaled[span],
                hidden=hidden[span],
                own=labels[span] == k,
                truth=light[span] / np.float32(level),
                lost=clipped[span],
                smooth=smooth[span],
                straight=straight[span],
            )
        )
    return found


def fitted(light: Array, hidden: Array, own: Array, profile: Profile) -> Array | None:
    """Fit flux and position of one star to its flanks; None where that fails."""
    found = fit_star(light, flanks_of(light, own) & ~hidden, own, profile)
    if found is None:
        return None
    grid = np.mgrid[: light.shape[0], : light.shape[1]].astype(np.float64)
    values = np.exp(
        found.height + profile.logarithm(grid[0] - found.row, grid[1] - found.column)[0]
    )
    return values if bool(np.isfinite(values[own]).all()) else None
