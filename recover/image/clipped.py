"""A clipped image as a measurement whose prior is the model around a recovered picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array
from recover.frames.identity import Identity
from recover.image.arguments import Side, Sides
from recover.image.boxes import Box
from recover.image.budget import energy_at
from recover.image.domain import LINEAR
from recover.image.model import EnergySettings
from recover.image.side import Scaled
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.excess import Allowance, ExcessEnergy, SampleEnergy

__all__ = ["View", "bare_problem", "clipped_problem", "everything", "hidden_of", "views_of"]


class View(NamedTuple):
    """One side of an image, in units of its level, and the model it is seen by.

    Parameters
    ----------
    scaled : Scaled
    values : array [shape=(channels, height, width), float32]
        The image in these units.
    settings : EnergySettings
    below : bool
        Whether it is what was clipped from below.
    """

    scaled: Scaled
    values: Array
    settings: EnergySettings
    below: bool


def views_of(planes: Array, sides: Sides, settings: EnergySettings) -> list[View]:
    """Return the sides on which samples are clipped, the upper one first.

    What is clipped from below is modelled by its values themselves, turned over.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), floating]
    sides : (Side or None, Side or None)
        What is clipped below and above.
    settings : EnergySettings
        Of the model for what is clipped from above.
    """
    low, high = sides
    found = []
    if high is not None and high.clipped.any():
        scaled = Scaled.high(planes, high)
        found.append(View(scaled, scaled.part(everything(planes)), settings, False))
    if low is not None and low.clipped.any():
        scaled, linear = Scaled.low(planes, low), replace(settings, domain=LINEAR)
        found.append(View(scaled, scaled.part(everything(planes)), linear, True))
    return found


def clipped_problem(
    planes: Array, sides: Sides, views: Sequence[View], allowance: Allowance, centre: Array
) -> Problem:
    """Return the measurement that a clipped image is, with the model as its prior.

    A certificate's verifier makes it anew from the image, its levels, and the allowance and the
    centre that the certificate states.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), floating]
    sides : (Side or None, Side or None)
    views : sequence of View
        See `views_of`.
    allowance : Allowance
    centre : array [shape of planes, or one value per clipped sample in the energy's order]
        The picture that the model is taken around.
    """
    from scipy.sparse import block_diag, csr_array

    made = [energy_at(v.values, v.scaled.clipped, 1.0, v.settings) for v in views]
    places = np.concatenate([each.places for each in made])
    matrix = csr_array(block_diag([each.matrix for each in made], format="csr"))
    energy = SampleEnergy.symmetric(matrix, places, planes.shape)
    at = centre.reshape(-1)[places] if centre.shape == planes.shape else centre
    at = np.asarray(at, dtype=np.float64)
    slopes, brightness, begin = [], [], 0
    for view, each in zip(views, made, strict=True):
        own = at[begin : begin + each.places.size]
        begin += each.places.size
        rate, bright = _rates(view, each.places, own)
        if view.below and allowance.below is not None:
            bright = bright * np.sqrt(allowance.below / allowance.unit)
        slopes.append(rate)
        brightness.append(bright)
    recipe = {("below" if v.below else "above"): asdict(v.settings) for v in views}
    prior = ExcessEnergy(
        energy,
        at,
        np.concatenate(slopes),
        np.concatenate(brightness),
        allowance,
        json.dumps(recipe, sort_keys=True),
    )
    plain = bare_problem(planes, sides)
    return Problem(plain.model, plain.y, prior=prior)


def _rates(view: View, places: Array, centre: Array) -> tuple[Array, Array]:
    """Return the moduli of dx/dv at the centre, and its brightness in units of the level."""
    shape = view.values.shape
    level = np.broadcast_to(view.scaled.level, shape).reshape(-1)[places]
    origin = np.broadcast_to(view.scaled.origin, shape).reshape(-1)[places]
    size = np.abs(level - origin)
    bright = np.maximum(np.abs(centre - origin) / size, 1.0)
    domain = view.settings.domain
    return size * domain.slope(domain.forward(bright)), bright


def bare_problem(planes: Array, sides: Sides) -> Problem:
    """Return the measurement without a model; what is clipped is taken to be at its level."""
    data, ends = planes.copy(), [np.full(planes.shape, -np.inf), np.full(planes.shape, np.inf)]
    for end, side in zip(ends, sides, strict=True):
        if side is None or not side.clipped.any():
            continue
        level = np.broadcast_to(side.level, planes.shape).astype(planes.dtype)
        end[side.clipped] = level[side.clipped]
        data[side.clipped] = level[side.clipped]
    return Problem(Saturation(Identity(planes.shape), ends[0], ends[1]), data)


def hidden_of(planes: Array, sides: Sequence[Side | None]) -> Array:
    """Return which samples are clipped on either side."""
    hidden = np.zeros(planes.shape, dtype=bool)
    for side in sides:
        if side is not None:
            hidden |= side.clipped
    return hidden


def everything(planes: Array) -> Box:
    """Return the box that is the whole image."""
    height, width = planes.shape[1:]
    whole = np.ones((height, width), dtype=bool)
    return Box(slice(0, height), slice(0, width), whole)
