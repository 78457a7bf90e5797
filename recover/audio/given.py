"""What is to be said of levels: given ones that do not occur, and blurred ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from recover.audio.levels import ChannelLevels
from recover.audio.measurement import Levels, levels_per_channel
from recover.core.arrays import Array

__all__ = ["blur_notes", "level_notes"]


@dataclass
class _Side:
    """Counts of one side of one channel."""

    channel: int
    upper: bool
    given: float
    level: float
    at: int = 0
    marked: int = 0
    extreme: float = -math.inf  # outwards

    def count(self, y: Array, tolerance: float) -> None:
        """Take over the next samples."""
        level, width = y.dtype.type(self.level), y.dtype.type(tolerance)
        sign = y.dtype.type(1.0 if self.upper else -1.0)
        outward = sign * y
        self.at += int(np.count_nonzero(np.abs(y - level) <= width))
        self.marked += int(np.count_nonzero(outward >= sign * level - width))
        self.extreme = max(self.extreme, float(outward.max()))

    def sentence(self) -> str:
        """Return what the user should know; empty if the level occurs."""
        if self.at > 0:
            return ""
        name, end = ("upper", "largest") if self.upper else ("lower", "smallest")
        extreme = self.extreme if self.upper else -self.extreme
        return (
            f"no sample of channel {self.channel + 1} is at the {name} level {self.given:.6g} "
            f"that was given: it marks {self.marked} samples beyond it, the {end} sample is "
            f"{extreme:.6g}"
        )


def blur_notes(levels: Sequence[ChannelLevels]) -> tuple[str, ...]:
    """Return a sentence for each channel whose levels are blurred.

    Parameters
    ----------
    levels : sequence of ChannelLevels
        As they were used.
    """
    return tuple(
        f"the levels of channel {k + 1} are blurred, as lossy coding or a limiter leaves them: "
        f"samples within {level.tolerance:.3g} of a level count as clipped, and recovered ones "
        "lie at most that far inside it"
        for k, level in enumerate(levels)
        if level.tolerance > 0.0
    )


def level_notes(
    blocks: Iterable[Array],
    levels: Sequence[ChannelLevels],
    *,
    low: Levels,
    high: Levels,
    tolerance: float,
) -> tuple[str, ...]:
    """Return a sentence for each level that was given and at which no sample lies.

    Parameters
    ----------
    blocks : iterable of array [shape=(n, channels)]
        The clipped recording.
    levels : sequence of ChannelLevels
        As they were used.
    low, high, tolerance
        As they were given to `recover.audio.declip`.
    """
    count = len(levels)
    below, above = (
        levels_per_channel("low", low, count),
        levels_per_channel("high", high, count),
    )
    sides = []
    for k, level in enumerate(levels):
        for given, used, upper in ((below[k], level.low, False), (above[k], level.high, True)):
            if given is not None and used is not None:
                sides.append(_Side(k, upper, given, used))
    if not sides:
        return ()
    for block in blocks:
        for side in sides:
            side.count(block[:, side.channel], tolerance)
    return tuple(said for said in (side.sentence() for side in sides) if said)
