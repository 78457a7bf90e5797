"""Stacks of pictures: taken apart, and the results put together again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from recover.certificates.parts import combine
from recover.core.arrays import Array
from recover.image.remarks import UNCHANGED
from recover.image.result import ImageResult
from recover.solve.base import Status

__all__ = ["as_stack", "join"]

_WORST = (
    Status.DIRECT,
    Status.CONVERGED,
    Status.COMPLETED,
    Status.MAX_ITER,
    Status.STALLED,
    Status.DIVERGED,
    Status.STOPPED,
)

_MOST = 20  # notes on a stack
_NAMED = 8  # pictures in one note


def as_stack(pixels: Array, *, stack: bool) -> Array:
    """Return pictures along the first axis; a single one is a stack of one."""
    return pixels if stack else pixels[None]


def join(results: Sequence[ImageResult], *, stack: bool) -> ImageResult:
    """Return one result for the pictures of a stack.

    The certificates become the parts of one; shrinkage and blend are the pictures' means, for
    they are factors chosen picture by picture.  A note says of which pictures it speaks, unless
    it speaks of all.

    Parameters
    ----------
    results : sequence of ImageResult
        At least one, with as many channels each.
    stack : bool
        False for a single picture, which is returned as it is.
    """
    first = results[0]
    if not stack:
        return first
    parts = [(f"picture {k + 1}", each.certificate) for k, each in enumerate(results)]
    maps = [each.trust_map for each in results]
    known = [each for each in maps if each is not None]
    trust = None
    if known:
        # where nothing was recovered, nothing is in doubt
        trust = np.stack(
            [np.zeros(first.image.shape, known[0].dtype) if m is None else m for m in maps]
        )
    return dataclasses.replace(
        first,
        image=np.stack([each.image for each in results]),
        recovered=np.stack([each.recovered for each in results]),
        status=max((each.status for each in results), key=_WORST.index),
        certificate=combine(parts) if len(parts) > 1 else first.certificate,
        shrinkage=tuple(float(v) for v in np.mean([r.shrinkage for r in results], axis=0)),
        blend=float(np.mean([each.blend for each in results])),
        notes=_notes(results),
        trust_map=trust,
    )


def _notes(results: Sequence[ImageResult]) -> tuple[str, ...]:
    """Return the notes of all pictures, each once."""
    changed = any(each.recovered.any() for each in results)
    about: dict[str, list[int]] = {}
    for number, each in enumerate(results, 1):
        for note in each.notes:
            if not (changed and note.endswith(UNCHANGED)):
                about.setdefault(note, []).append(number)
    said = [
        note if len(numbers) == len(results) else f"{_pictures(numbers)}: {note}"
        for note, numbers in about.items()
    ]
    if len(said) > _MOST:
        said[_MOST:] = [f"and {len(said) - _MOST} more notes on single pictures"]
    return tuple(said)


def _pictures(numbers: Sequence[int]) -> str:
    """Return in words which pictures are meant."""
    if len(numbers) == 1:
        return f"picture {numbers[0]}"
    shown = [str(number) for number in numbers[:_NAMED]]
    if len(numbers) > _NAMED:
        shown[-1] = f"{len(numbers) - _NAMED + 1} more"
    return f"pictures {', '.join(shown[:-1])} and {shown[-1]}"
