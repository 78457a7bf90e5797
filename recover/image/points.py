"""Whether a picture shows point sources: stars, beads, single lamps on a dark ground."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.image.boxes import Box
from recover.image.side import Scaled

__all__ = ["point_sources"]

_APART = 4  # pixels beyond the clipped core where a point source has faded
_FADED = 0.5  # of the level
_SHARE = 0.7  # of the clipped area must belong to such
_WIDE = 24  # pixels: no clipped core of a point source is wider
_LOOKED = 400  # cores that are looked at
_FEW = 3


def point_sources(scaled: Scaled) -> bool:
    """Return whether the clipped regions of a grey picture are cores of point sources.

    They are if most are small and have faded to less than half the level a few pixels away.
    Only then may values be modelled by their logarithm, which explodes elsewhere.

    Parameters
    ----------
    scaled : Scaled
        Of one channel.
    """
    from scipy import ndimage

    clipped = np.asarray(scaled.clipped[0], dtype=np.bool_)
    labels, count = ndimage.label(clipped)
    if count < _FEW:
        return False
    places = ndimage.find_objects(labels)
    areas = np.bincount(labels.reshape(-1))[1:]
    if max(part.stop - part.start for place in places for part in place) > _WIDE:
        return False
    chosen = np.arange(0, count, max(1, count // _LOOKED))
    points = np.array([_is_point(scaled, places[k]) for k in chosen])
    return bool(areas[chosen][points].sum() >= _SHARE * areas[chosen].sum())


def _is_point(scaled: Scaled, place: tuple[slice, ...]) -> bool:
    sides = [
        slice(max(part.start - _APART, 0), min(part.stop + _APART, size))
        for part, size in zip(place, scaled.planes.shape[1:], strict=True)
    ]
    box = Box(sides[0], sides[1], np.zeros((0, 0), dtype=bool))
    values = scaled.part(box)[0]
    rim: Array = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    return float(np.median(rim)) < _FADED
