"""The certificate of a recovered mosaic, from the model of all three colours.

The model's values are the clipped samples and, around them, the colours that were not sampled:
its energy is that of `recover.image.joint`, its slopes those of the first interpolation, so
that no solver has a part in it.  What the sensor did not sample is left free.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate, not_asked, unbounded
from recover.certificates.proofs.excess import Effort, certify_regions
from recover.certificates.scope import Scope
from recover.certificates.verify import Verdict, verify
from recover.core.arrays import Array, digest
from recover.core.errors import ParameterError
from recover.frames.identity import Identity
from recover.frames.stencil import NormalEquations, normal_equations
from recover.image.account import (
    CONDITION,
    ESTIMATED,
    FEW,
    SAME,
    SINGLE,
    Account,
    single_precision,
)
from recover.image.bayer import Mosaic
from recover.image.budget import ENOUGH, LEVELS, misfit
from recover.image.demosaic import COLOURS, demosaic
from recover.image.joint import JointSettings
from recover.image.model import operator_of
from recover.image.slopes import pair_maps
from recover.image.unproved import silence_faults
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.pipeline import certify
from recover.priors.excess import Allowance, ExcessEnergy, Rule, SampleEnergy

__all__ = [
    "MOSAIC_REGION",
    "MOSAIC_WHOLE",
    "mosaic_account",
    "mosaic_problem",
    "reprove_mosaic",
]

# Chosen on mosaics of six images, clipped at three percentiles each.
MOSAIC_REGION, MOSAIC_WHOLE = Rule(0.8, 2.0, 0.4), Rule(10.0, 20.0)
REACH = 1  # pixels around a clipped sample whose missing colours are left free
LARGEST, REGION = 80_000, 2**16  # values, in all and of one region, above which none is proved
TOP, MASKED = np.float32(0.985), np.float32(0.99)  # interpolated samples from here on


class _Model(NamedTuple):
    """The energy of a mosaic's unknown values."""

    made: NormalEquations
    pixel: Array  # of each value
    taken: Array  # whether it is a sample of the mosaic


def mosaic_account(
    recovered: Array, mosaic: Mosaic, *, asked: bool = True, largest: int = LARGEST
) -> Account:
    """Certify a recovered mosaic.

    Parameters
    ----------
    recovered : array [shape=(height, width), floating]
    mosaic : Mosaic
    asked : bool
        Whether a certificate is wanted.
    largest : int
        Values of the model above which nothing is proved.
    """
    subject = digest([mosaic.values, mosaic.hidden])
    if not asked:
        return Account(not_asked(subject), None, None)
    if not mosaic.hidden.any():
        plain = _plain(mosaic)
        return Account(certify(plain, plain.y), None, None)
    model = _model(mosaic, 1.0)
    if model.pixel.size > largest:
        why = (
            f"too large to prove by default: {int(mosaic.hidden.sum())} clipped samples, "
            f"{model.pixel.size} values with the colours around them; certify a part"
        )
        return Account(_bare(mosaic, why), None, why)
    unit = _unit(mosaic)
    if not math.isfinite(unit):
        return Account(_bare(mosaic, FEW), None, FEW)
    allowance = Allowance(unit, MOSAIC_REGION, MOSAIC_WHOLE, SINGLE, ESTIMATED)
    problem = _problem(mosaic, model, allowance, recovered)
    signal = np.where(mosaic.hidden, recovered, problem.y).astype(np.float64)
    found = certify_regions(problem, signal, Effort(region=REGION))
    said = CONDITION if found.certificate.finite else None
    return Account(found.certificate, single_precision(found.pointwise), said)


def reprove_mosaic(certificate: Certificate, mosaic: Mosaic) -> Verdict:
    """Prove the certificate of a mosaic again, from the clipped mosaic; no recovery is run.

    Raises
    ------
    ParameterError
        If the certificate is damaged.
    """
    stated = certificate.scope.to_json()
    if not mosaic.hidden.any():
        return verify(certificate, _plain(mosaic))
    if stated.get("on") != "excess energy":
        return _bare_again(certificate, mosaic)
    try:
        allowance = Allowance.from_json(stated)
        centre = certificate.evidence.arrays["centre"]
    except (KeyError, TypeError, ValueError) as error:
        raise ParameterError(f"the certificate is damaged: {error!r}") from None
    model = _model(mosaic, 1.0)
    if centre.shape != (int(np.count_nonzero(model.taken)),) or not centre.size:
        return Verdict(False, ("the certificate speaks of another mosaic, or of other levels",))
    picture = np.zeros(mosaic.values.shape)
    picture.reshape(-1)[model.pixel[model.taken]] = centre
    verdict = verify(certificate, _problem(mosaic, model, allowance, picture))
    unit = _unit(mosaic)
    usual = Allowance(allowance.unit, MOSAIC_REGION, MOSAIC_WHOLE, SINGLE, ESTIMATED)
    faults = list(verdict.reasons)
    if allowance != usual:
        faults.append("the rules of the allowance are not those of mosaics")
    if not allowance.unit >= SAME * unit:
        faults.append(
            f"the unit stated, {allowance.unit}, is below what clipping the mosaic again "
            f"gives, {unit}"
        )
    return Verdict(not faults, tuple(faults))


def _bare(mosaic: Mosaic, why: str) -> Certificate:
    """Return the certificate that promises nothing of a mosaic, and says why."""
    subject = digest([mosaic.values, mosaic.hidden])
    return unbounded(why, Scope("conditional"), subject, {})


def _bare_again(certificate: Certificate, mosaic: Mosaic) -> Verdict:
    """Return whether a certificate promises nothing of this mosaic, and says why."""
    subject = digest([mosaic.values, mosaic.hidden])
    wrong = silence_faults(certificate, subject, "mosaic")
    return Verdict(not wrong, wrong)


def _model(mosaic: Mosaic, share: float) -> _Model:
    """Return the energy of the mosaic clipped at a share of its levels."""
    from scipy import ndimage

    settings = JointSettings().energy
    scaled = mosaic.scaled
    hidden = mosaic.hidden if share == 1.0 else mosaic.hidden | (scaled >= share)
    values = np.where(hidden, 1.0, np.minimum(scaled / share, 1.0)).astype(np.float32)
    scale = mosaic.balance.astype(np.float32)
    first = demosaic(values * scale[mosaic.sites], mosaic.sites) / scale[:, None, None]
    taken = mosaic.sites == np.arange(len(COLOURS))[:, None, None]
    square = np.ones((3, 3), dtype=bool)
    near = ndimage.binary_dilation(hidden, structure=square, iterations=REACH)
    unknown = near & (~taken | hidden)
    v = settings.domain.forward(first)
    usable = ~ndimage.binary_dilation(
        (first >= MASKED) | (taken & hidden), structure=square[None]
    )
    maps = pair_maps(v, usable, settings.slopes)
    channels, height, width = first.shape
    operator = operator_of((channels, height, width), first >= TOP, maps, settings)
    made = normal_equations(operator, unknown, v.astype(np.float64))
    colour, pixel = np.divmod(made.places, height * width)
    return _Model(made, pixel, mosaic.sites.reshape(-1)[pixel] == colour)


def _unit(mosaic: Mosaic) -> float:
    """Estimate the mean energy of a mode by clipping the mosaic again, infinite if unknown."""
    domain, scaled = JointSettings().energy.domain, mosaic.scaled
    for level in LEVELS:
        if not ((scaled >= level) & ~mosaic.hidden).any():
            continue
        model = _model(mosaic, level)
        lost = ~model.taken | mosaic.hidden.reshape(-1)[model.pixel]
        bright = scaled.reshape(-1)[model.pixel].astype(np.float64)
        u = domain.forward(np.where(lost, 1.0, bright / level))
        found = misfit(model.made, u, lost, bright)
        if found.known >= ENOUGH and found.excess > 0.0:
            factor = float(domain.forward(np.array([level]))[0]) ** 2
            return found.excess * factor / found.bright
    return math.inf


def mosaic_problem(mosaic: Mosaic, allowance: Allowance, centre: Array) -> Problem:
    """Return the measurement that a clipped mosaic is, with the model as its prior.

    Parameters
    ----------
    mosaic : Mosaic
    allowance : Allowance
    centre : array [shape=(height, width)]
        The picture that the model is taken around.
    """
    return _problem(mosaic, _model(mosaic, 1.0), allowance, centre)


def _problem(mosaic: Mosaic, model: _Model, allowance: Allowance, centre: Array) -> Problem:
    settings, shape = JointSettings().energy, mosaic.values.shape
    places = np.where(model.taken, model.pixel, -1)
    energy = SampleEnergy.symmetric(model.made.matrix, places, shape)
    colour = model.made.places // mosaic.values.size
    size, dark = (mosaic.levels - mosaic.black)[colour], mosaic.black[colour]
    at = np.where(model.taken, centre.reshape(-1)[model.pixel], mosaic.levels[colour])
    at = at.astype(np.float64)
    bright = np.maximum((at - dark) / size, 1.0)
    slopes = size * settings.domain.slope(settings.domain.forward(bright))
    recipe = json.dumps({"mosaic": asdict(settings), "reach": REACH}, sort_keys=True)
    prior = ExcessEnergy(energy, at, slopes, bright, allowance, recipe)
    plain = _plain(mosaic)
    return Problem(plain.model, plain.y, prior=prior)


def _plain(mosaic: Mosaic) -> Problem:
    """Return the measurement without a model; what is clipped is taken to be at its level."""
    level = mosaic.levels[mosaic.sites].astype(mosaic.values.dtype)
    high = np.where(mosaic.hidden, level, np.inf)
    data = np.where(mosaic.hidden, level, mosaic.values)
    return Problem(Saturation(Identity(data.shape), None, high), data)
