"""Declipping an image: arguments, levels, recovery, and the account of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from recover.certificates.certificate import not_asked
from recover.core.arrays import Array, as_generator, digest
from recover.core.errors import ParameterError
from recover.image.arguments import (
    ImageLevels,
    Side,
    as_floating,
    as_planes,
    check_tolerance,
    describe,
    from_planes,
    side_of,
)
from recover.image.domain import LINEAR
from recover.image.levels import ChannelLevel, detect_levels
from recover.image.measurement import mask_levels
from recover.image.model import default_settings
from recover.image.restore import Restored, restore
from recover.image.result import ImageResult
from recover.image.side import Scaled
from recover.image.transfer import transfer_named, warn_if_odd
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
        values.  An infinite level means not clipped on that side.
    channel_axis : int, optional
        Which axis holds the channels; None for a grey image.
    mask : array of bool [shape of image], optional
        The clipped samples, where they are known better than by their level.
    transfer : {"linear", "srgb"}
        How the samples encode light.  They are worked on as they are: the sRGB curve is close
        to one of the powers in which the model lives, and decoding photographs first gained
        nothing; but a `TransferWarning` is issued where the choice looks wrong, and reports
        show the picture by it.
    tolerance : float >= 0
        Samples within this distance of a level count as clipped.
    method : Method, str or None
        None chooses.
    certify : bool
        Whether to certify the result.
    rng : int or Generator
        Passed to the method.
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
    known = _mask(mask, np.asarray(image), channel_axis)
    notes = warn_if_odd(planes, transfer_named(transfer))
    if low is None and high is None:
        sides, levels = _sides_found(planes, known, tolerance)
    else:
        sides = [
            side_of(name, planes, level, known, tolerance=tolerance, channel_axis=channel_axis)
            for name, level in (("low", low), ("high", high))
        ]
        levels = describe(planes, sides[0], sides[1])
    _require_reliable(planes, sides)
    wide = as_floating(planes)
    out = wide.copy()
    clipped = np.zeros(planes.shape, dtype=bool)
    done = [Restored((1.0,) * len(planes), 0.0, Status.DIRECT)]
    settings = default_settings(len(planes))
    for side, upper in ((sides[1], True), (sides[0], False)):
        if side is None or not side.clipped.any():
            continue
        scaled = Scaled.high(wide, side) if upper else Scaled.low(wide, side)
        chosen = settings if upper else replace(settings, domain=LINEAR)
        done.insert(0, restore(out, scaled, chosen, rng=as_generator(rng), watch=watch))
        clipped |= side.clipped
    del method, certify
    return ImageResult(
        image=np.ascontiguousarray(from_planes(out, channel_axis)),
        levels=levels,
        recovered=np.ascontiguousarray(from_planes(clipped, channel_axis)),
        transfer=transfer,
        status=done[0].status,
        certificate=not_asked(digest([wide, clipped])),
        shrinkage=done[0].shrinkage,
        blend=done[0].blend,
        notes=notes,
    )


def _sides_found(
    planes: Array, known: Array | None, tolerance: float
) -> tuple[list[Side | None], tuple[ChannelLevel, ...]]:
    """Return the sides and levels that the samples, or a mask, show."""
    if known is not None:
        sides: list[Side | None] = [None, None]
        if known.any():
            sides[1] = Side(mask_levels(planes, known), known)
        return sides, describe(planes, sides[0], sides[1])
    found = detect_levels(planes, 0)
    sides = []
    for name, missing in (("low", -np.inf), ("high", np.inf)):
        ends = [each.low if name == "low" else each.high for each in found]
        level = np.array([missing if end is None else end for end in ends])
        given = level if np.isfinite(level).any() else None
        sides.append(side_of(name, planes, given, None, tolerance=tolerance, channel_axis=0))
    told = describe(planes, sides[0], sides[1])
    return sides, tuple(
        replace(own, fraction=now.fraction) for own, now in zip(found, told, strict=True)
    )


def _require_reliable(planes: Array, sides: Sequence[Side | None]) -> None:
    """Raise `ParameterError` if every sample is clipped."""
    count = sum(int(np.count_nonzero(side.clipped)) for side in sides if side is not None)
    if count >= planes.size:
        raise ParameterError(
            f"all {planes.size} samples of the image are clipped: nothing reliable is left to "
            "recover them from; give the right levels, or another exposure"
        )


def _mask(mask: npt.ArrayLike | None, image: Array, axis: int | None) -> Array | None:
    if mask is None:
        return None
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.shape != image.shape:
        raise ParameterError(
            f"mask must be a boolean array of shape {image.shape}, got dtype {array.dtype} and "
            f"shape {array.shape}"
        )
    return array[None] if axis is None else np.moveaxis(array, axis, 0)
