"""Other guesses for clipped samples, which the model is blended with as far as they pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.conditional import ColourStatistics, conditional_means
from recover.image.opposed import opposed_part
from recover.image.patches import smooth_patches

__all__ = ["Guess", "Rival", "guess_of", "rivals_named"]

Single = npt.NDArray[np.float32]


class Rival(Enum):
    """Another way to guess clipped samples; the values are its names in `declip`."""

    OPPOSED = "opposed"
    MEAN = "conditional mean"
    PATCHES = "SPADE"


@dataclass(frozen=True, eq=False)
class Guess:
    """A rival's values for the clipped samples of a part, in units of the level.

    Parameters
    ----------
    values : array [shape=(n,)]
    sums, counts : array [shape=(channels,)]
        For a correction common to all parts, see `recover.image.opposed`; zero if there is
        none.
    """

    values: Array
    sums: Array
    counts: Array


def rivals_named(names: Sequence[str] | None, channels: int) -> tuple[Rival, ...]:
    """Return the rivals of those names; None for the opposed channels.

    The conditional mean is not one of them by default: on saturated colours it does well below
    the level and badly above it, which clipping the picture again cannot tell.

    Raises
    ------
    ParameterError
        If a name is unknown, or needs colour and the picture is grey.
    """
    if names is None:
        return (Rival.OPPOSED,) if channels > 1 else ()
    if isinstance(names, str):
        raise ParameterError(f"candidates must be several names, got the text {names!r}")
    found = []
    for name in names:
        try:
            found.append(Rival(name))
        except ValueError:
            known = ", ".join(repr(each.value) for each in Rival)
            raise ParameterError(f"candidates must be of {known}, got {name!r}") from None
        if channels == 1 and found[-1] is not Rival.PATCHES:
            raise ParameterError(f"candidate {name!r} needs colour, and the picture is grey")
    return tuple(each for each in Rival if each in found)


def guess_of(
    rival: Rival,
    planes: Single,
    clipped: Array,
    where: Array,
    *,
    balance: Array,
    statistics: ColourStatistics | None,
) -> Guess:
    """Return a rival's values for a part of a picture.

    Parameters
    ----------
    rival : Rival
    planes : array [shape=(channels, height, width), float32]
        The level of each channel 1.
    clipped : array of bool [shape of planes]
    where : array of bool [shape of planes]
        The clipped samples that are asked for.
    balance : array [shape=(channels,)]
        See `recover.image.opposed.opposed_part`.
    statistics : ColourStatistics or None
        Of the whole picture; without them the conditional mean is the level.
    """
    none = np.zeros(len(planes))
    if rival is Rival.OPPOSED:
        part = opposed_part(planes, clipped, balance)
        return Guess(part.reference[where], part.sums, part.counts)
    if rival is Rival.PATCHES:
        return Guess(smooth_patches(planes, clipped)[where], none, none)
    if statistics is None:
        return Guess(np.ones(np.count_nonzero(where), np.float32), none, none)
    return Guess(conditional_means(planes, clipped, statistics)[where], none, none)
