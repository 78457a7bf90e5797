"""Places of a recording that are certified or estimated one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy.typing as npt

from recover.audio.levels import as_frames
from recover.audio.measurement import as_floating
from recover.audio.result import AudioResult
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.solve.base import Progress, Watch

__all__ = ["evenly", "one_by_one", "paired"]

Place = TypeVar("Place")
Part = TypeVar("Part")


def paired(samples: npt.ArrayLike, result: AudioResult) -> tuple[Array, Array]:
    """Return the clipped recording and the recovered one, floating, (n, channels).

    Raises
    ------
    ParameterError
        If the shapes do not match.
    """
    frames, restored = as_floating(as_frames(samples)), as_frames(result.samples)
    if frames.shape != restored.shape:
        raise ParameterError(
            f"samples must have the result's shape {restored.shape}, got {frames.shape}"
        )
    return frames, restored


def evenly(places: Sequence[Place], most: int | None) -> Sequence[Place]:
    """Return at most `most` of some places, evenly from all of them; None for all."""
    if most is None or len(places) <= most:
        return places
    return [places[k * len(places) // most] for k in range(most)]


def one_by_one(
    places: Sequence[Place],
    work: Callable[[Place], Part | None],
    *,
    seconds: float,
    watch: Watch | None,
) -> tuple[Part, ...]:
    """Return what `work` makes of each place, in order, as far as time and user allow.

    Parameters
    ----------
    places : sequence
    work : callable
        Returns None for a place that is left out.
    seconds : float
        Time after which no further place is begun.
    watch : callable, optional
        Called after each place with a `Progress`; return True to stop.
    """
    deadline = time.perf_counter() + seconds
    found: list[Part] = []
    for step, place in enumerate(places):
        if time.perf_counter() > deadline:
            break
        part = work(place)
        if part is not None:
            found.append(part)
        if watch is not None and watch(Progress(step + 1, len(places), 0.0)):
            break
    return tuple(found)
