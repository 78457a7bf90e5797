"""Saturated stars: one point-spread function for the whole field, fitted to what is left.

The profile is Moffat's, ``(1 + r^2 / a^2)^(-b)``, elliptical and the same for all stars of the
field.  Its shape is the one that fits the brightest stars that are not saturated, cores
included.  A saturated star keeps its flanks; its flux and position are fitted to them in the
logarithm, so that errors are relative ones.  Clipping the field again at lower levels shows how
much the fit is worth against the smoothest logarithm, in crowded fields little; the two are
weighed by that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.domain import LOGARITHM
from recover.image.star_profile import FEWEST, Profile, StarBatch, flanks_of
from recover.image.star_trials import (
    KnownStar,
    clipped_again,
    fitted,
    labels_of,
    smooth_light,
    span_of,
)

__all__ = ["Misses", "Profile", "StarField", "recover_stars"]

AGAIN = (0.4, 0.6, 0.75)  # levels at which the field is clipped again
WIDEST = 0.5  # logarithm of the ratio of the profile's axes
_ROUND = Profile(2.0, 3.0)  # where no star is known
_MOST_LEFT = 0.4  # of the error of stars that are left clipped
_MOST = 200_000  # samples from which the background is taken


class Misses(NamedTuple):
    """Median absolute logarithm of the ratio of found and true flux, by what was put in.

    Parameters
    ----------
    clipped, straight, smooth, field : float
        Nothing; the smoothest light; the smoothest logarithm; what `recover_stars` does.
    """

    clipped: float
    straight: float
    smooth: float
    field: float


@dataclass(frozen=True, eq=False)
class StarField:
    """What was fitted.

    Parameters
    ----------
    image : array [shape=(height, width)]
        The field with its saturated samples replaced.
    profile : Profile
    background : float
    share : float in [0, 1]
        Weight of the fitted profile against the smooth logarithm, chosen by clipping again.
    stars : int
        Saturated stars that were fitted.
    misses : Misses or None
        How far the fluxes of stars that were clipped again came out; None where none is known.
    """

    image: Array
    profile: Profile
    background: float
    share: float
    stars: int
    misses: Misses | None

    @property
    def pays(self) -> bool:
        """Whether known stars lose most of their error, and more than by the smoothest light.

        Lamps and other small highlights that do not share a profile lose less than half of it.
        """
        misses = self.misses
        if misses is None:
            return False
        return misses.field < min(misses.straight, _MOST_LEFT * misses.clipped)


def recover_stars(image: Array, clipped: Array, level: float) -> StarField:
    """Recover the saturated samples of a field of stars.

    Parameters
    ----------
    image : array [shape=(height, width), real]
        Saturated samples may hold anything.
    clipped : array of bool [shape of image]
    level : float
        Where samples saturate, above the background.

    Raises
    ------
    ParameterError
        If the image is not grey, or the level is not above the background.
    """
    if image.ndim != 2 or clipped.shape != image.shape:
        raise ParameterError(f"image must be grey with a mask, got shape {image.shape}")
    background = _background(image, clipped)
    if not level > background:
        raise ParameterError(f"level must lie above the background {background:g}, got {level}")
    light = ((np.minimum(image, level) - background) / (level - background)).astype(np.float32)
    light[clipped] = 1.0
    smooth = smooth_light(light, clipped, LOGARITHM)
    known = [star for at in AGAIN for star in clipped_again(light, clipped, at)]
    if not known:
        out = np.where(clipped, background + smooth * (level - background), image)
        return StarField(out, _ROUND, background, 0.0, 0, None)
    profile = _fitted_profile(known)
    share, misses = _judged(known, profile)
    model, count = _modelled(light, clipped, smooth, profile)
    above = smooth[clipped].astype(np.float64) ** (1.0 - share) * model[clipped] ** share
    out = image.astype(np.result_type(image, np.float32))
    out[clipped] = background + np.maximum(above, 1.0) * (level - background)
    return StarField(out, profile, background, share, count, misses)


def _background(image: Array, clipped: Array) -> float:
    """Return the middle of the field's own distribution, stars left out."""
    stride = max(1, math.isqrt(image.size // _MOST))
    part = np.s_[::stride, ::stride]
    values = image[part][~clipped[part]].astype(np.float64)
    for _ in range(20):
        middle = float(np.median(values))
        spread = 1.4826 * float(np.median(np.abs(values - middle)))
        kept = values[np.abs(values - middle) <= 3.0 * max(spread, 1e-12)]
        if kept.size == values.size:
            break
        values = kept
    return float(np.median(values))


def _fitted_profile(known: list[KnownStar]) -> Profile:
    """Return the profile that fits known stars best, their cores included."""
    from scipy.optimize import minimize

    stars = []
    for star in known:
        used = star.own | (flanks_of(star.truth, star.own) & ~star.lost)
        if np.count_nonzero(used) >= FEWEST:
            stars.append((star.truth, used, star.own))
    if not stars:
        return _ROUND
    batch = StarBatch.of(stars)

    def cost(p: Array) -> float:
        if not (-1.5 < p[0] < 3.0 and -0.5 < p[1] < 3.0 and math.hypot(p[2], p[3]) < WIDEST):
            return 1e6
        profile = Profile(math.exp(p[0]), math.exp(p[1]), float(p[2]), float(p[3]))
        return float(np.median(np.sqrt(batch.fit(profile).misfit)))

    start = min(
        (
            [math.log(a), math.log(b), 0.0, 0.0]
            for a in (1.5, 3.0, 6.0)
            for b in (1.5, 3.0, 8.0)
        ),
        key=lambda p: cost(np.array(p)),
    )
    first = np.array(start)
    best = minimize(
        cost,
        first,
        method="Nelder-Mead",
        options={
            "maxfev": 120,
            "xatol": 1e-2,
            "fatol": 1e-4,
            "initial_simplex": np.array([first, *(first + 0.2 * np.eye(4))]),
        },
    ).x
    return Profile(math.exp(best[0]), math.exp(best[1]), float(best[2]), float(best[3]))


def _judged(known: list[KnownStar], profile: Profile) -> tuple[float, Misses]:
    """Return the weight of the profile with which flux errors are least, and all errors."""
    clipped = np.array([star.flux(star.light) for star in known])
    straight = np.array([star.flux(star.straight) for star in known])
    smooth = np.array([star.flux(star.smooth) for star in known])
    model = smooth.copy()
    for k, star in enumerate(known):
        found = fitted(star.light, star.hidden, star.own, profile)
        if found is not None:
            model[k] = star.flux(found)
    weights = np.linspace(0.0, 1.0, 11)
    # medians: a few known stars have neighbours that no fit of single stars can do justice to
    costs = [float(np.median(np.abs(w * model + (1.0 - w) * smooth))) for w in weights]
    best = int(np.argmin(costs))
    plain = [float(np.median(np.abs(values))) for values in (clipped, straight, smooth)]
    return float(weights[best]), Misses(plain[0], plain[1], plain[2], costs[best])


def _modelled(
    light: Array, clipped: Array, smooth: Array, profile: Profile
) -> tuple[Array, int]:
    """Return the field with every saturated star replaced by its fit."""
    from scipy import ndimage

    labels, _count = labels_of(clipped)
    out, count = smooth.copy(), 0
    for k, place in enumerate(ndimage.find_objects(labels), start=1):
        span = span_of(place, light.shape)
        own = labels[span] == k
        found = fitted(light[span], clipped[span], own, profile)
        if found is not None:
            out[span] = np.where(own, np.maximum(found, 1.0), out[span])
            count += 1
    return out, count
