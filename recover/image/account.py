"""The certificate of a recovered image, and the map of how far to trust it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recover.certificates.certificate import Certificate, not_asked
from recover.certificates.proofs.excess import Effort, certify_regions
from recover.certificates.verify import Verdict, verify
from recover.core.arrays import Array, digest
from recover.core.errors import ParameterError
from recover.core.obstacle_direct import obstacle_minimiser
from recover.frames.identity import Identity
from recover.image.arguments import Side, as_floating, as_planes, side_of
from recover.image.boxes import Box
from recover.image.budget import energy_at, estimate_unit, growth
from recover.image.domain import LOGARITHM
from recover.image.model import EnergySettings, default_settings, energy_of
from recover.image.points import point_sources
from recover.image.side import Scaled
from recover.image.unproved import unproved, unproved_again
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.pipeline import certify
from recover.priors.base import Prior
from recover.priors.excess import Allowance, ExcessEnergy, Rule
from recover.priors.tone import Tone

__all__ = ["REGION", "WHOLE", "Account", "account_of", "clipped_problem", "reprove"]

# Chosen on six colour images of two white balances, clipped at three percentiles each: the
# bound of a region covers the truth in at least 95 of 100 regions, and what the whole's rests
# on is true of 35 of the 36 pictures.  Other percentiles and other pictures are the test of it.
REGION, WHOLE = Rule(1.6, 3.0), Rule(5.6, 30.0)
LARGEST = 25_000  # clipped samples above which nothing is proved unless asked for
STEEP = 2.0  # growth of the misfit beyond the square of the light
WIDEST = 4_000_000  # samples of the image
ESTIMATED = (
    "estimated by clipping the picture again below its level: the highest unclipped tones of "
    "this picture misfit the model by so much per sample, and the clipped ones are taken to be "
    "like them"
)
GIVEN = "given by the user"


class Account(NamedTuple):
    """What is promised of a recovered image.

    Parameters
    ----------
    certificate : Certificate
        Of the planes (channels, height, width), in the image's units; its parts are the
        largest regions.
    trust : array [shape=(channels, height, width), float32] or None
        Bounds of the error of every sample; 0 where it was not clipped, infinite where nothing
        is promised.
    note : str or None
        Why there is no bound from the model.
    """

    certificate: Certificate
    trust: Array | None
    note: str | None


def account_of(
    recovered: Array,
    planes: Array,
    sides: Sequence[Side | None],
    settings: EnergySettings,
    *,
    asked: bool = True,
    unit: float | None = None,
    largest: int = LARGEST,
) -> Account:
    """Certify a recovered image.

    Parameters
    ----------
    recovered, planes : array [shape=(channels, height, width), floating]
        The recovered and the clipped image.
    sides : (Side or None, Side or None)
        What is clipped below and above.
    settings : EnergySettings
        Of the model.
    asked : bool
        Whether a certificate is wanted.
    unit : float, optional
        The mean energy of a mode of what the model does not explain, where the user knows it;
        estimated by clipping the image again by default.
    largest : int
        Clipped samples above which nothing is proved.
    """
    low, high = sides
    if not asked:
        return Account(not_asked(digest([planes])), None, None)
    if planes.size > WIDEST:
        return Account(unproved(planes, _hidden_of(planes, sides)), None, None)
    hidden = [side is not None and bool(side.clipped.any()) for side in sides]
    count = int(np.count_nonzero(high.clipped)) if high is not None else 0
    why = None
    if hidden[0]:
        why = "the certificate's model does not speak of samples that are clipped from below"
    elif count > largest:
        why = (
            f"too large to prove by default: {count} clipped of {planes.size} samples; certify "
            "a part of the image"
        )
    if high is None or not hidden[1] or why is not None:
        plain = _plain(planes, low if hidden[0] else None, high if hidden[1] else None)
        certificate = certify(plain, np.where(_hidden_of(planes, sides), recovered, plain.y))
        return Account(certificate, None, why)
    scaled = Scaled.high(planes, high)
    values = scaled.part(_everything(planes))
    origin = GIVEN
    if unit is None:
        unit, origin = estimate_unit(values, high.clipped, settings).unit, ESTIMATED
    note = None
    if not math.isfinite(unit):
        note = "too few bright tones are unclipped to estimate how well the model fits"
    elif len(planes) == 1 and origin == ESTIMATED and _pointed(scaled, values, settings):
        note = (
            "the picture shows point sources, whose peaks misfit the model more than their "
            "flanks tell; no budget can be estimated for a bound"
        )
    if note is not None:
        plain = _plain(planes, None, high)
        return Account(certify(plain, np.where(high.clipped, recovered, plain.y)), None, note)
    allowance = Allowance(unit, REGION, WHOLE, origin)
    problem = clipped_problem(planes, high, settings, allowance)
    prior = problem.prior
    if not isinstance(prior, ExcessEnergy):
        raise TypeError("the problem of a clipped image has an energy for its prior")
    signal = np.where(high.clipped, recovered, problem.y)
    nearly = energy_of(values, high.clipped, settings).values.reshape(-1)
    start = settings.domain.forward(nearly[prior.energy.places].astype(np.float64))
    centre = obstacle_minimiser(prior.energy.matrix, prior.energy.right, prior.floor, start)
    found = certify_regions(problem, signal.astype(np.float64), centre, Effort())
    return Account(found.certificate, found.pointwise.astype(np.float32), None)


def clipped_problem(
    planes: Array, high: Side, settings: EnergySettings, allowance: Allowance
) -> Problem:
    """Return the measurement that a clipped image is, with the model as its prior.

    A certificate's verifier makes it anew from the image, its levels, and the allowance that
    the certificate states.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), floating]
    high : Side
        The upper levels, and which samples are at them.
    settings : EnergySettings
    allowance : Allowance
    """
    scaled = Scaled.high(planes, high)
    energy = energy_at(scaled.part(_everything(planes)), high.clipped, 1.0, settings)
    level = np.broadcast_to(scaled.level, planes.shape).reshape(-1)[energy.places]
    power = settings.domain.power
    tone = Tone(power, level)
    floor = np.full(energy.places.size, 0.0 if power == 0.0 else 1.0)
    recipe = json.dumps(asdict(settings), sort_keys=True)
    plain = _plain(planes, None, high)
    prior = ExcessEnergy(energy, tone, floor, allowance, recipe)
    return Problem(plain.model, plain.y, prior=prior)


def reprove(
    certificate: Certificate,
    image: npt.ArrayLike,
    *,
    low: float | Sequence[float] | Array | None = None,
    high: float | Sequence[float] | Array | None,
    channel_axis: int | None = None,
    mask: Array | None = None,
    tolerance: float = 0.0,
) -> Verdict:
    """Prove the certificate of an image again, from the clipped image.

    Parameters
    ----------
    certificate : Certificate
        Of `Account`.
    image : array
        The clipped image.
    low, high, channel_axis, mask, tolerance
        As `recover.image.declip` took them, or found the levels; infinite or None where there
        is no level.

    Raises
    ------
    ParameterError
        If the image, levels or mask do not fit each other.
    """
    planes = as_planes(image, channel_axis)
    known = mask
    if mask is not None:
        known = mask[None] if channel_axis is None else np.moveaxis(mask, channel_axis, 0)
    below, side = (
        side_of(name, planes, level, known, tolerance=tolerance, channel_axis=channel_axis)
        for name, level in (("low", low), ("high", high))
    )
    floating = as_floating(planes)
    stated = certificate.scope.to_json()
    if certificate.reason == "not asked":
        return _not_asked_again(certificate, floating)
    if planes.size > WIDEST:
        return unproved_again(certificate, floating, _hidden_of(floating, (below, side)))
    if side is None or stated.get("on") != "excess energy":
        hidden = [s if s is not None and s.clipped.any() else None for s in (below, side)]
        return verify(certificate, _plain(floating, hidden[0], hidden[1]))
    try:
        own, joint = (Rule(*(float(n) for n in stated[name])) for name in ("region", "whole"))
        allowance = Allowance(float(stated["unit"]), own, joint, str(stated["origin"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ParameterError(f"the certificate is damaged: {error!r}") from None
    if not side.clipped.any():
        return Verdict(False, ("no sample of this image is clipped at the levels given",))
    usual = default_settings(len(planes))
    models = [usual]
    if len(planes) == 1:  # of point sources the logarithm may have been chosen
        models.append(replace(usual, domain=LOGARITHM))
    problems = [clipped_problem(floating, side, model, allowance) for model in models]
    stated_model = stated.get("digest")
    fitting = [p for p in problems if p.prior and _prior_digest(p.prior) == stated_model]
    return verify(certificate, (fitting or problems)[0])


def _prior_digest(prior: Prior) -> str:
    """Return by which name a certificate's scope speaks of a model."""
    return digest(prior.identity_parts())


def _pointed(scaled: Scaled, values: Array, settings: EnergySettings) -> bool:
    """Return whether what is clipped rises faster than the tones below it show."""
    return point_sources(scaled) or growth(values, scaled.clipped, settings) > STEEP


def _plain(planes: Array, low: Side | None, high: Side | None) -> Problem:
    """Return the measurement without a model; what is clipped is taken to be at its level."""
    data, ends = planes.copy(), [np.full(planes.shape, -np.inf), np.full(planes.shape, np.inf)]
    for end, side in zip(ends, (low, high), strict=True):
        if side is None:
            continue
        level = np.broadcast_to(side.level, planes.shape).astype(planes.dtype)
        end[side.clipped] = level[side.clipped]
        data[side.clipped] = level[side.clipped]
    return Problem(Saturation(Identity(planes.shape), ends[0], ends[1]), data)


def _hidden_of(planes: Array, sides: Sequence[Side | None]) -> Array:
    hidden = np.zeros(planes.shape, dtype=bool)
    for side in sides:
        if side is not None:
            hidden |= side.clipped
    return hidden


def _everything(planes: Array) -> Box:
    height, width = planes.shape[1:]
    whole = np.ones((height, width), dtype=bool)
    return Box(slice(0, height), slice(0, width), whole)


def _not_asked_again(certificate: Certificate, planes: Array) -> Verdict:
    """Return whether a certificate is the one that promises nothing of these samples."""
    claimed, plain = certificate.to_data(), not_asked(digest([planes])).to_data()
    wrong = [name for name in sorted(plain) if claimed[name] != plain[name]]
    return Verdict(
        not wrong, tuple(f"{name} is not that of a certificate not asked for" for name in wrong)
    )
