"""The certificate of a recovered image, and the map of how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recover.certificates.certificate import Certificate, not_asked
from recover.certificates.proofs.excess import Effort, certify_regions
from recover.certificates.verify import Verdict, verify
from recover.core.arrays import Array, digest
from recover.core.errors import ParameterError
from recover.image.arguments import Sides, as_floating, as_planes, mask_planes, side_of
from recover.image.budget import estimate_unit, growth
from recover.image.clipped import (
    View,
    bare_problem,
    clipped_problem,
    hidden_of,
    views_of,
)
from recover.image.model import EnergySettings, default_settings
from recover.image.points import point_sources
from recover.image.unproved import unproved, unproved_again
from recover.image.ways import Way
from recover.pipeline import certify
from recover.priors.excess import Allowance, Rule

__all__ = [
    "CONDITION",
    "ESTIMATED",
    "FEW",
    "REGION",
    "SAME",
    "SINGLE",
    "WHOLE",
    "Account",
    "account_of",
    "single_precision",
    "verify_image",
]

# Chosen on six colour images of two white balances, clipped at three percentiles each: the
# bound of a region covers the truth in 96 of 100 regions, small and large ones alike; what the
# whole's rests on is twice what is true of all 36 pictures.  Of random parts of the same images
# at full resolution, to which nothing was tuned, the whole's covers 93 of 100.
REGION, WHOLE, SINGLE = Rule(1.45, 2.0, 0.4), Rule(16.0, 20.0), 36.0
LARGEST = 100_000  # clipped samples above which nothing is proved unless asked for
STEEP = 1.25  # growth of the misfit beyond the square of the light, with a margin
WIDEST = 4_000_000  # samples of the image
SAME = 0.99  # of a unit that is estimated again
ESTIMATED = (
    "estimated by clipping the picture again below its level: the highest unclipped tones of "
    "this picture misfit the model by so much per sample, and the clipped ones are taken to be "
    "like them"
)
GIVEN = "given by the user"
CONDITION = (
    "the error bound is conditional: it takes the clipped tones to fit the model as the "
    "highest unclipped ones do, which is an estimate, and may fail where what is clipped is of "
    "another kind, as a light source is"
)
FEW = "too few bright tones are unclipped to estimate how well the model fits"
DARK = "too few dark tones are unclipped to estimate how well the model fits"
POINTS = (
    "the picture shows point sources, whose peaks misfit the model more than their flanks "
    "tell; no budget can be estimated for a bound"
)


RIVAL = (
    "no budget is known for what a method beside the model misses; leave the method out for a "
    "bound"
)


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
    sides: Sides,
    settings: EnergySettings,
    *,
    asked: bool = True,
    way: Way = Way.VALIDATED,
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
    way : Way
        How the image was recovered.
    unit : float, optional
        The mean energy of a mode of what the recovered image differs from the truth by, where
        the user knows it; estimated by clipping the image again by default.
    largest : int
        Clipped samples above which nothing is proved.
    """
    if not asked:
        return Account(not_asked(digest([planes])), None, None)
    hidden = hidden_of(planes, sides)
    if planes.size > WIDEST:
        return Account(unproved(planes, hidden), None, None)
    count = int(np.count_nonzero(hidden))
    plain = bare_problem(planes, sides)
    signal = np.where(hidden, recovered, plain.y)
    note = None
    if count > largest:
        note = (
            f"too large to prove by default: {count} clipped of {planes.size} samples; certify "
            "a part of the image"
        )
    elif count and way not in (Way.VALIDATED, Way.MODEL) and unit is None:
        note = POINTS if way is Way.STARS else RIVAL
    if count == 0 or note is not None:
        return Account(certify(plain, signal), None, note)
    views = views_of(planes, sides, settings)
    found = _allowance(views, unit)
    if isinstance(found, str):
        return Account(certify(plain, signal), None, found)
    problem = clipped_problem(planes, sides, views, found, signal)
    proved = certify_regions(problem, signal.astype(np.float64), Effort())
    said = CONDITION if unit is None and proved.certificate.finite else None
    return Account(proved.certificate, single_precision(proved.pointwise), said)


def _allowance(views: Sequence[View], given: float | None) -> Allowance | str:
    """Return the allowance, or why none can be stated."""
    if given is not None:
        return Allowance(given, REGION, WHOLE, SINGLE, GIVEN)
    units = []
    for view in views:
        unit = estimate_unit(view.values, view.scaled.clipped, view.settings).unit
        if not math.isfinite(unit):
            return DARK if view.below else FEW
        if len(view.values) == 1 and not view.below and _pointed(view):
            return POINTS
        units.append(unit)
    below = units[1] if len(units) == 2 else None
    return Allowance(units[0], REGION, WHOLE, SINGLE, ESTIMATED, below)


def single_precision(bounds: Array) -> Array:
    """Return bounds in single precision, not rounded downwards."""
    with np.errstate(over="ignore"):
        single = bounds.astype(np.float32)
    low = single < bounds
    return np.where(low, np.nextafter(single, np.float32(np.inf)), single)


def verify_image(
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

    The eigenvalues are proved again, the bounds formed again, and a unit that was estimated is
    estimated again; nothing of the recovery is run.

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
    known = mask_planes(mask, np.asarray(image), channel_axis)
    below, above = (
        side_of(name, planes, level, known, tolerance=tolerance, channel_axis=channel_axis)
        for name, level in (("low", low), ("high", high))
    )
    sides, floating = (below, above), as_floating(planes)
    if certificate.reason == "not asked":
        return _not_asked_again(certificate, floating)
    if planes.size > WIDEST:
        return unproved_again(certificate, floating, hidden_of(floating, sides))
    stated = certificate.scope.to_json()
    if stated.get("on") != "excess energy":
        return verify(certificate, bare_problem(floating, sides))
    try:
        allowance = Allowance.from_json(stated)
        centre = certificate.evidence.arrays["centre"]
    except (KeyError, TypeError, ValueError) as error:
        raise ParameterError(f"the certificate is damaged: {error!r}") from None
    hidden = hidden_of(floating, sides)
    if not hidden.any():
        return Verdict(False, ("no sample of this image is clipped at the levels given",))
    if centre.shape != (int(np.count_nonzero(hidden)),):
        return Verdict(False, ("the certificate speaks of another image, or of other levels",))
    views = views_of(floating, sides, default_settings(len(planes)))
    verdict = verify(certificate, clipped_problem(floating, sides, views, allowance, centre))
    wrong = _unit_faults(allowance, views)
    return Verdict(verdict.accepted and not wrong, (*verdict.reasons, *wrong))


def _unit_faults(allowance: Allowance, views: Sequence[View]) -> tuple[str, ...]:
    """Return what is wrong with units that are said to be estimated from the image."""
    if allowance.origin == GIVEN:
        return ()
    again = _allowance(views, None)
    if isinstance(again, str):
        return (f"no unit can be estimated from this image: {again}",)
    pairs = [("unit", allowance.unit, again.unit), ("below", allowance.below, again.below)]
    faults = [
        f"the {name} stated, {stated}, is below what clipping the picture again gives, {found}"
        for name, stated, found in pairs
        if (stated is None) != (found is None)
        or (stated is not None and found is not None and stated < SAME * found)
    ]
    rules = [("region", allowance.region, REGION), ("whole", allowance.whole, WHOLE)]
    faults += [f"the rule of the {name} is {a}, not {b}" for name, a, b in rules if a != b]
    if allowance.single != SINGLE:
        faults.append(f"single samples are allowed {allowance.single:g} units, not {SINGLE:g}")
    if allowance.origin != ESTIMATED:
        faults.append("where the unit comes from is not told as it should be")
    return tuple(faults)


def _pointed(view: View) -> bool:
    """Return whether what is clipped rises faster than the tones below it show."""
    clipped = view.scaled.clipped
    return point_sources(view.scaled) or growth(view.values, clipped, view.settings) > STEEP


def _not_asked_again(certificate: Certificate, planes: Array) -> Verdict:
    """Return whether a certificate is the one that promises nothing of these samples."""
    claimed, plain = certificate.to_data(), not_asked(digest([planes])).to_data()
    wrong = [name for name in sorted(plain) if claimed[name] != plain[name]]
    return Verdict(
        not wrong, tuple(f"{name} is not that of a certificate not asked for" for name in wrong)
    )
