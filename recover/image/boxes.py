"""Which parts of a picture are worked on: boxes around what is clipped, with a margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array

__all__ = ["Box", "plan_boxes", "some_boxes"]

_REACH = 2  # pixels over which the model couples samples


@dataclass(frozen=True, eq=False)
class Box:
    """A part of a picture.

    Parameters
    ----------
    rows, columns : slice
        The part, margin included.
    own : array of bool [shape=(height, width) of the part]
        The pixels whose clipped samples are recovered here; others in sight belong to other
        boxes.
    """

    rows: slice
    columns: slice
    own: Array

    def cut(self, array: Array) -> Array:
        """Return this part of an array (..., height, width), as a view."""
        return array[..., self.rows, self.columns]

    @property
    def count(self) -> int:
        """Number of pixels recovered here."""
        return int(np.count_nonzero(self.own))


def plan_boxes(anywhere: Array, margin: int, tile: int, align: int) -> list[Box]:
    """Return boxes that hold every clipped pixel once, coupled pixels together.

    Regions nearer than the model's reach go together; regions whose middle lies in the same
    tile share a box, unless one is larger than the tile.

    Parameters
    ----------
    anywhere : array of bool [shape=(height, width)]
        The pixels with a clipped sample.
    margin : int
        Pixels around the regions.
    tile : int
        Side of the tiles.
    align : int
        Boxes start at multiples of it.
    """
    from scipy import ndimage

    grown = ndimage.maximum_filter(anywhere, size=2 * (_REACH // 2) + 1)
    square = np.ones((3, 3), dtype=np.int8)
    labels, _count = ndimage.label(grown, structure=square)
    groups: dict[tuple[int, ...], list[int]] = {}
    found = ndimage.find_objects(labels)
    for number, place in enumerate(found, start=1):
        spans = [part.stop - part.start for part in place]
        if max(spans) > tile:
            key: tuple[int, ...] = (number,)
        else:
            key = tuple((part.start + part.stop) // 2 // tile for part in place)
        groups.setdefault(key, []).append(number)
    boxes = []
    for members in groups.values():
        sides = []
        for axis in (0, 1):
            start = min(found[k - 1][axis].start for k in members) - margin
            stop = max(found[k - 1][axis].stop for k in members) + margin
            start = max(start, 0) // align * align
            sides.append(slice(start, min(stop, anywhere.shape[axis])))
        rows, columns = sides
        chosen = np.zeros(len(found) + 1, dtype=bool)
        chosen[members] = True
        own = chosen[labels[rows, columns]] & anywhere[rows, columns]
        boxes.append(Box(rows, columns, own))
    return boxes


def some_boxes(
    boxes: list[Box], most: int, rng: np.random.Generator, enough: int | None = None
) -> list[Box]:
    """Return boxes in random order up to about as many pixels as are worth trying.

    Parameters
    ----------
    boxes : list of Box
    most : int
        Pixels beyond which no box is added.
    rng : Generator
    enough : int, optional
        Pixels from which on no further box is added; `most` by default.
    """
    total, chosen = 0, list[Box]()
    for k in rng.permutation(len(boxes)):
        if chosen and total + boxes[k].count > most:
            continue
        chosen.append(boxes[k])
        total += boxes[k].count
        if enough is not None and total >= enough:
            break
    return chosen
