"""Declipping an image: arguments, levels, recovery, and the account of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_generator
from recover.image.account import account_of
from recover.image.arguments import (
    ImageLevels,
    Sides,
    as_floating,
    as_planes,
    check_tolerance,
    check_watch,
    from_planes,
    mask_planes,
)
from recover.image.domain import LINEAR
from recover.image.field import restore_field
from recover.image.model import default_settings
from recover.image.remarks import remarks_on
from recover.image.restore import Choice, Restored, restore
from recover.image.result import ImageResult
from recover.image.rivals import rivals_named
from recover.image.side import Scaled
from recover.image.sides import hidden_samples, resolve_sides
from recover.image.transfer import transfer_named, warn_if_odd
from recover.image.ways import Way, way_named
from recover.solve.base import AnyMethod, Status, Watch

__all__ = ["as_floating", "declip"]


def declip(
    image: npt.ArrayLike,
    *,
    low: ImageLevels = None,
    high: ImageLevels = None,
    channel_axis: int | None = None,
    mask: npt.ArrayLike | None = None,
    transfer: str = "linear",
    tolerance: float = 0.0,
    method: AnyMethod | str | None = None,
    candidates: Sequence[str] | None = None,
    certify: bool = True,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> ImageResult:
    """Recover the samples of an image that were clipped.

    Samples that were not clipped come back bit for bit; recovered ones lie at or beyond their
    level.

    Parameters
    ----------
    image : array [shape=(height, width), or three axes with `channel_axis`, real]
        Any unit.  Integers come back as float32 (float64 from 32 bits on), in their own unit.
    low, high : float, one per channel, one per pixel, or None
        The levels; where both are None they are found, or taken from the masked samples' own
        values.  An infinite level, or None for one of the channels, means not clipped on that
        side.
    channel_axis : int, optional
        Which axis holds the channels; None for a grey image.
    mask : array of bool [shape of image, or (height, width) for all channels], optional
        The clipped samples, where they are known better than by their level.
    transfer : {"linear", "srgb"}
        How the samples encode light.  They are worked on as they are: the sRGB curve is close
        to one of the powers in which the model lives, and decoding photographs first gained
        nothing; but a `TransferWarning` is issued where the choice looks wrong, and reports
        show the picture by it.
    tolerance : float >= 0
        Samples within this distance of a level count as clipped.
    method : Method, str or None
        None validates the cross-channel model and blends in the candidates;
        "MultigridObstacle" (or an instance) takes the model as it is, "opposed",
        "conditional mean" or "SPADE" one candidate, "stars" one profile for all stars of a
        grey picture, which None tries as well where it sees them.
    candidates : sequence of {"opposed", "conditional mean", "SPADE"}, optional
        What is blended in as far as clipping the image again shows it to pay; by default the
        first for colour images, none for grey ones.  SPADE on patches takes several times as
        long as all the rest.
    certify : bool
        Whether to certify the result.
    rng : int or Generator
        Chooses the part of a large image on which the recovery is validated.
    watch : callable, optional
        Called with a `Progress`; return True to stop.

    Returns
    -------
    ImageResult

    Raises
    ------
    ParameterError
        If the image is not real and finite, levels or mask do not fit it, or every sample is
        clipped.
    """
    planes = as_planes(image, channel_axis)
    check_tolerance(tolerance)
    check_watch(watch)
    way = way_named(method)
    notes = warn_if_odd(planes, transfer_named(transfer))
    known = mask_planes(mask, np.asarray(image), channel_axis)
    sides, levels = resolve_sides(
        planes, low, high, mask=known, tolerance=tolerance, channel_axis=channel_axis
    )
    wide = as_floating(planes)
    out = wide.copy()
    settings, rivals = default_settings(len(planes)), rivals_named(candidates, len(planes))
    choice = Choice(settings, way, rivals, as_generator(rng), watch)
    done, hidden = _run(out, wide, sides, choice), hidden_samples(planes, sides)
    taken = way if done.field is None else Way.STARS
    account = account_of(out, wide, sides, settings, asked=certify, way=taken)
    trust = account.trust
    said = () if account.note is None else (account.note,)
    return ImageResult(
        image=np.ascontiguousarray(from_planes(out, channel_axis)),
        levels=levels,
        recovered=np.ascontiguousarray(from_planes(hidden, channel_axis)),
        transfer=transfer,
        status=done.status,
        certificate=account.certificate,
        shrinkage=done.shrinkage,
        blend=done.blend,
        notes=(*notes, *remarks_on(levels, hidden, done), *said),
        trust_map=None if trust is None else np.asarray(from_planes(trust, channel_axis)),
    )


def _run(out: Array, planes: Array, sides: Sides, choice: Choice) -> Restored:
    """Recover both sides into `out`; return the account of the upper one if there is one."""
    low, high = sides
    done = Restored((1.0,) * len(planes), (), Status.DIRECT, choice.settings)
    if low is not None and low.clipped.any():
        linear = replace(choice, settings=replace(choice.settings, domain=LINEAR))
        done = restore(out, Scaled.low(planes, low), linear)
    if high is not None and high.clipped.any() and done.status is not Status.STOPPED:
        done = _restore_high(out, Scaled.high(planes, high), choice)
    return done


def _restore_high(out: Array, scaled: Scaled, choice: Choice) -> Restored:
    """Recover as a field of stars if that is asked for or better, in general otherwise."""
    if choice.way in (Way.VALIDATED, Way.STARS):
        field = restore_field(out, scaled, forced=choice.way is Way.STARS)
        if field is not None:
            return Restored((1.0,), (), Status.CONVERGED, choice.settings, field=field)
    return restore(out, scaled, choice)
