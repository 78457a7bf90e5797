"""Pictures of stars within the general recovery: whether they are such, and what that gives."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.boxes import Box
from recover.image.points import point_sources
from recover.image.side import Scaled
from recover.image.stars import StarField, recover_stars

__all__ = ["restore_field"]

_EVEN = 0.9  # least level over the middle one: more uneven, and it is no saturation


def restore_field(out: Array, scaled: Scaled, *, forced: bool) -> StarField | None:
    """Recover the stars of a grey picture into `out`; None where another way is better.

    The picture must show point sources, and the fluxes of stars that are clipped again must
    come out nearer than by the smoothest light, with at most 0.4 of the error left clipped.

    Parameters
    ----------
    out : array [shape=(1, height, width)]
        Changed where clipped only.
    scaled : Scaled
        An upper side.
    forced : bool
        Whether to take the picture for a field of stars in any case.

    Raises
    ------
    ParameterError
        If it is forced and the picture is not grey, or its levels differ from place to place.
    """
    if len(out) > 1:
        if forced:
            raise ParameterError(
                f"method 'stars' is for grey pictures, got {len(out)} channels; give one "
                "at a time"
            )
        return None
    clipped = np.asarray(scaled.clipped[0])
    levels = np.broadcast_to(scaled.level[0], clipped.shape)[clipped]
    if levels.min() < _EVEN * np.median(levels):
        if forced:
            raise ParameterError(
                f"saturated samples must have about one level, got {levels.min():g} to "
                f"{levels.max():g}; leave out those that are bad for another reason"
            )
        return None
    if not (forced or point_sources(scaled)):
        return None
    try:
        field = recover_stars(scaled.planes[0], clipped, float(levels.min()))
    except ParameterError:
        if forced:
            raise
        return None  # a picture brighter than its level is no dark ground with stars
    if not forced and not field.pays:
        return None
    everything = Box(slice(0, out.shape[1]), slice(0, out.shape[2]), clipped)
    scaled.write(out, everything, scaled.clipped, field.image[clipped] / levels)
    return field
