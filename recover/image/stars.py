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

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.domain import LOGARITHM
from recover.image.model import EnergySettings, energy_of
from recover.image.star_profile import FAINTEST, RING, Profile, fit_star, flanks_of

__all__ = ["Profile", "StarField", "recover_stars", "smooth_logarithm"]

AGAIN = (0.4, 0.6, 0.75)  # levels at which the field is clipped again
MOST = 60  # stars that the profile's shape is judged by
WIDEST = 0.5  # logarithm of the ratio of the profile's axes


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
    """

    image: Array
    profile: Profile
    background: float
    share: float
    stars: int


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
    light = (np.minimum(image, level).astype(np.float64) - background) / (level - background)
    light = np.where(clipped, 1.0, light)
    smooth = smooth_logarithm(light, clipped)
    trials = [
        trial for trial in (_again(light, clipped, t) for t in AGAIN) if trial is not None
    ]
    if not trials:
        out = np.where(clipped, background + smooth * (level - background), image)
        return StarField(out, Profile(2.0, 3.0), background, 0.0, 0)
    profile = _fitted_profile(trials)
    share = _share(trials, profile)
    model, count = _modelled(light, clipped, smooth, profile)
    above = np.where(clipped, smooth, 1.0), np.where(clipped, model, 1.0)
    blended = np.maximum(above[0] ** (1.0 - share) * above[1] ** share, 1.0)
    out = np.where(clipped, background + blended * (level - background), image)
    return StarField(out, profile, background, share, count)


def smooth_logarithm(light: Array, clipped: Array) -> Array:
    """Return light whose logarithm is the smoothest one at or above the level.

    Parameters
    ----------
    light : array [shape=(height, width)]
        1 at the level, 0 at the background.
    clipped : array of bool [shape of light]
    """
    settings = EnergySettings(domain=LOGARITHM, curvature=1.0, tension=0.0)
    values = np.maximum(light, FAINTEST).astype(np.float32)[None]
    found = energy_of(values, clipped[None], settings).values[0]
    return np.where(clipped, found.astype(np.float64), light)


@dataclass(frozen=True, eq=False)
class _Trial:
    """The field clipped again, and what it should come to."""

    light: Array  # level 1
    clipped: Array
    smooth: Array
    truth: Array  # in the same units
    labels: Array
    known: list[int]  # regions without a truly clipped sample


def _background(image: Array, clipped: Array) -> float:
    """Return the middle of the field's own distribution, stars left out."""
    values = image[~clipped].astype(np.float64)
    for _ in range(20):
        middle = float(np.median(values))
        spread = 1.4826 * float(np.median(np.abs(values - middle)))
        kept = values[np.abs(values - middle) <= 3.0 * max(spread, 1e-12)]
        if kept.size == values.size:
            break
        values = kept
    return float(np.median(values))


def _labels(clipped: Array) -> tuple[Array, int]:
    from scipy import ndimage

    labels, count = ndimage.label(clipped, np.ones((3, 3)))
    return np.asarray(labels), int(count)


def _again(light: Array, clipped: Array, level: float) -> _Trial | None:
    """Return the field clipped again at a level, None if it has too few known stars."""
    hidden = clipped | (light >= level)
    labels, count = _labels(hidden)
    lost = np.bincount(labels[clipped], minlength=count + 1) > 0
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    known = [k for k in range(1, count + 1) if not lost[k] and sizes[k] >= 2]
    if len(known) < 3:
        return None
    known = sorted(known, key=lambda k: -sizes[k])[:MOST]
    scaled = np.where(hidden, 1.0, light / level)
    smooth = smooth_logarithm(scaled, hidden)
    return _Trial(scaled, hidden, smooth, light / level, labels, known)


def _fitted_profile(trials: list[_Trial]) -> Profile:
    """Return the profile that fits known stars best, their cores included."""
    from scipy.optimize import minimize

    stars = []
    for trial in trials:
        for k in trial.known:
            where = trial.labels == k
            box = _box(where)
            light, own = trial.truth[box], where[box]
            stars.append((light, own | (flanks_of(light, own) & ~trial.clipped[box]), own))

    def cost(p: Array) -> float:
        if not (-1.5 < p[0] < 3.0 and -0.5 < p[1] < 3.0 and math.hypot(p[2], p[3]) < WIDEST):
            return 1e6
        profile = Profile(math.exp(p[0]), math.exp(p[1]), float(p[2]), float(p[3]))
        fits = [fit_star(light, used, own, profile) for light, used, own in stars]
        misfits = [math.sqrt(fit.misfit) for fit in fits if fit is not None]
        return float(np.median(misfits)) if misfits else 1e6

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


def _misses(trial: _Trial, profile: Profile) -> tuple[Array, Array]:
    """Return per known star the logarithms of model over true and of smooth over true flux."""
    model, smooth = [], []
    for k in trial.known:
        where = trial.labels == k
        box = _box(where)
        own = where[box]
        true = float(trial.truth[box][own].sum())
        found = _star(trial.light[box], trial.clipped[box], own, profile)
        plain = float(trial.smooth[box][own].sum())
        flux = plain if found is None else float(np.maximum(found[own], 1.0).sum())
        model.append(math.log(flux / true))
        smooth.append(math.log(plain / true))
    return np.array(model), np.array(smooth)


def _share(trials: list[_Trial], profile: Profile) -> float:
    """Return the weight of the model with which the flux errors are least."""
    pairs = [_misses(trial, profile) for trial in trials]
    model = np.concatenate([a for a, _ in pairs])
    smooth = np.concatenate([b for _, b in pairs])
    weights = np.linspace(0.0, 1.0, 11)
    costs = [float(np.abs(w * model + (1.0 - w) * smooth).mean()) for w in weights]
    return float(weights[int(np.argmin(costs))])


def _modelled(
    light: Array, clipped: Array, smooth: Array, profile: Profile
) -> tuple[Array, int]:
    """Return the field with every saturated star replaced by its fit."""
    labels, count = _labels(clipped)
    out, fitted = smooth.copy(), 0
    for k in range(1, count + 1):
        where = labels == k
        box = _box(where)
        found = _star(light[box], clipped[box], where[box], profile)
        if found is not None:
            out[box] = np.where(where[box], np.maximum(found, 1.0), out[box])
            fitted += 1
    return out, fitted


def _box(where: Array) -> tuple[slice, slice]:
    """Return the part of the image that holds a region and its flanks."""
    reach = math.ceil(RING) + 1
    spans = []
    for axis in (1, 0):
        at = np.flatnonzero(where.any(axis=axis))
        spans.append(slice(max(int(at[0]) - reach, 0), int(at[-1]) + reach + 1))
    return spans[0], spans[1]


def _star(light: Array, clipped: Array, own: Array, profile: Profile) -> Array | None:
    """Fit flux and position of one star to its flanks; None where that fails."""
    found = fit_star(light, flanks_of(light, own) & ~clipped, own, profile)
    if found is None:
        return None
    grid = np.mgrid[: light.shape[0], : light.shape[1]].astype(np.float64)
    values = np.exp(
        found.height + profile.logarithm(grid[0] - found.row, grid[1] - found.column)[0]
    )
    return values if bool(np.isfinite(values[own]).all()) else None
