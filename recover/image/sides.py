"""What is clipped: from levels that are given, found, or read off a mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.arguments import ImageLevels, Side, Sides, describe, side_of
from recover.image.levels import ChannelLevel, detect_levels
from recover.image.measurement import mask_levels

__all__ = ["hidden_samples", "resolve_sides"]


def resolve_sides(
    planes: Array,
    low: ImageLevels,
    high: ImageLevels,
    *,
    mask: Array | None,
    tolerance: float,
    channel_axis: int | None,
) -> tuple[Sides, tuple[ChannelLevel, ...]]:
    """Return what is clipped below and above, and the account of every channel.

    Where no level is given they are found, or read off the masked samples.

    Parameters
    ----------
    planes : array [shape=(channels, height, width)]
    low, high, tolerance, channel_axis
        See `recover.image.declip`.
    mask : array of bool [shape of planes], optional

    Raises
    ------
    ParameterError
        If levels do not fit the image, a low one is not below its high one, or every sample is
        clipped.
    """
    if low is None and high is None:
        sides, levels = _found(planes, mask, tolerance)
    else:
        below, above = (
            side_of(name, planes, level, mask, tolerance=tolerance, channel_axis=channel_axis)
            for name, level in (("low", low), ("high", high))
        )
        sides = (below, above)
        levels = describe(planes, below, above)
    low_side, high_side = sides
    if low_side is not None and high_side is not None:
        _require_order(low_side, high_side)
    if hidden_samples(planes, sides).all():
        raise ParameterError(
            f"all {planes.size} samples of the image are clipped: nothing reliable is left to "
            "recover them from; give the right levels, or another exposure"
        )
    return sides, levels


def hidden_samples(planes: Array, sides: Sides) -> Array:
    """Return which samples are clipped on either side."""
    hidden = np.zeros(planes.shape, dtype=bool)
    for side in sides:
        if side is not None:
            hidden |= side.clipped
    return hidden


def _require_order(low: Side, high: Side) -> None:
    wrong = ~np.asarray(low.level < high.level)
    if wrong.any():
        below, above = np.broadcast_arrays(low.level, high.level)
        raise ParameterError(
            f"low must be below high, got low={float(below[wrong][0]):g} and "
            f"high={float(above[wrong][0]):g}; swap them"
        )


def _found(
    planes: Array, mask: Array | None, tolerance: float
) -> tuple[Sides, tuple[ChannelLevel, ...]]:
    """Return the sides and levels that the samples, or a mask, show."""
    if mask is not None:
        side = Side(mask_levels(planes, mask), mask) if mask.any() else None
        return (None, side), describe(planes, None, side)
    found = detect_levels(planes, 0)
    ends: list[Side | None] = []
    for name, values in (
        ("low", [-np.inf if each.low is None else each.low for each in found]),
        ("high", [np.inf if each.high is None else each.high for each in found]),
    ):
        given = np.array(values) if np.isfinite(values).any() else None
        ends.append(side_of(name, planes, given, None, tolerance=tolerance, channel_axis=0))
    sides = (ends[0], ends[1])
    told = describe(planes, *sides)
    return sides, tuple(
        replace(own, fraction=now.fraction) for own, now in zip(found, told, strict=True)
    )
