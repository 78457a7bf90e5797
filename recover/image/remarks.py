"""What is to be said of a recovered image, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from recover.core.arrays import Array
from recover.image.levels import ChannelLevel, names_of
from recover.image.restore import Restored
from recover.image.stars import StarField
from recover.solve.base import Status

__all__ = ["UNCHANGED", "remarks_on"]

UNCHANGED = "nothing was changed"  # ends what is said where nothing was clipped

_MAGNITUDE = 2.5 / math.log(10.0)  # magnitudes per unit of the natural logarithm
_WORTH_SAYING = 0.01  # of the result
_MUCH = 0.3  # share of the clipped pixels in which no channel is left


def remarks_on(
    levels: Sequence[ChannelLevel], clipped: Array, done: Restored
) -> tuple[str, ...]:
    """Return the remarks on an image.

    Parameters
    ----------
    levels : sequence of ChannelLevel
    clipped : array of bool [shape=(channels, height, width)]
    done : Restored
    """
    if not clipped.any():
        if any(level.low is not None or level.high is not None for level in levels):
            return (f"no sample is at the given levels; {UNCHANGED}",)
        return (f"no clipping was found; {UNCHANGED}",)
    remarks = []
    whole = np.asarray(clipped.all(axis=0))
    share = np.count_nonzero(whole) / np.count_nonzero(clipped.any(axis=0))
    if len(clipped) > 1 and share > _MUCH:
        remarks.append(_nothing_left(whole, share))
    for c, factor in enumerate(done.shrinkage):
        if factor < 1.0 and clipped[c].any():
            whose = "" if len(clipped) == 1 else f"{names_of(len(clipped))[c]}: "
            remarks.append(
                f"{whose}clipping the image again at {done.again:.2g} of its level "
                f"shows the model to overshoot; {100.0 * factor:.0f} % of the excess was kept"
            )
    told = [(rival, share) for rival, share in done.shares if share >= _WORTH_SAYING]
    if told and sum(share for _rival, share in told) < 1.0:
        parts = " and ".join(f"{100.0 * share:.0f} % {rival.value}" for rival, share in told)
        remarks.append(f"blended with {parts}, by which the image clipped again came out best")
    if done.field is not None:
        remarks.append(_stars(done.field))
    if done.noise > 0.0:
        remarks.append(
            f"noise of about {100.0 * done.noise:.2g} % of the level was found; the model "
            "followed the channels without it, and samples that were not clipped keep it"
        )
    if done.status is Status.MAX_ITER:
        remarks.append("the model's minimiser was not reached everywhere")
    return tuple(remarks)


def _nothing_left(whole: Array, share: float) -> str:
    """Return where no channel is left that could be followed."""
    from scipy import ndimage

    labels, count = ndimage.label(whole, np.ones((3, 3)))
    sizes = np.bincount(np.asarray(labels).reshape(-1))
    largest = 1 + int(np.argmax(sizes[1:]))
    rows, columns = ndimage.find_objects(labels)[largest - 1]
    regions = "one region" if count == 1 else f"{count} regions"
    return (
        f"no channel is left in {regions} with {100.0 * share:.0f} % of the clipped pixels, "
        f"the largest of {sizes[largest]} pixels in rows {rows.start} to {rows.stop - 1} and "
        f"columns {columns.start} to {columns.stop - 1}: what lies in them is inferred from "
        "their rims alone, and large ones come out too dark"
    )


def _stars(field: StarField) -> str:
    """Return what is to be said of a field of stars."""
    told = (
        f"taken for a field of stars over a background of {field.background:.4g}: the "
        f"smoothest logarithm, and by {100.0 * field.share:.0f} % one profile for all "
        f"{field.stars}, {field.profile.width_at_half:.2g} pixels wide at half its height"
    )
    if field.misses is None:
        return f"{told}; too few unsaturated stars are known to test it"
    found, before = (
        f"{_MAGNITUDE * miss:.2g}" for miss in (field.misses.field, field.misses.clipped)
    )
    return (
        f"{told}; the fluxes of stars that were clipped again came out {found} magnitudes off "
        f"in the median, {before} if left clipped"
    )
