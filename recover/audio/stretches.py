"""Cutting a channel into the stretches that need work, and joining what was recovered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.audio.levels import runs_of
from recover.core.arrays import Array

__all__ = ["Islands", "Stretch", "cut"]

_CONTEXT = 0.6  # seconds of reliable signal kept on both sides of what is clipped
_BLOCK = 6.0  # seconds; longer stretches are cut
_OVERLAP = 0.6  # seconds that neighbouring blocks share


@dataclass(frozen=True)
class Stretch:
    """A part of a channel that is recovered in one go.

    Parameters
    ----------
    start, stop : int
        Samples that are given to the method.
    fade_in, fade_out : int
        Samples at either end that the neighbouring block shares; the weight rises and falls
        linearly there, and the weights of all stretches sum to one.
    """

    start: int
    stop: int
    fade_in: int = 0
    fade_out: int = 0

    def weights(self) -> Array:
        """Return the weight of each sample, float64, shape (stop - start,)."""
        weights = np.ones(self.stop - self.start)
        if self.fade_in:
            weights[: self.fade_in] = (np.arange(self.fade_in) + 0.5) / self.fade_in
        if self.fade_out:
            falling = (np.arange(self.fade_out) + 0.5) / self.fade_out
            weights[-self.fade_out :] = 1.0 - falling
        return weights


class Islands:
    """Finds the islands of a channel: clipped runs whose contexts touch, block by block.

    Parameters
    ----------
    rate : float
        Samples per second.

    Attributes
    ----------
    count, runs, longest : int
        Clipped samples, their runs, and the longest run.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._apart = 2 * round(_CONTEXT * rate)
        self._islands: list[tuple[int, int]] = []
        self._seen = 0
        self._open = 0  # length of the run that reaches the end of what was seen
        self.count = self.runs = self.longest = 0

    def push(self, mask: Array) -> None:
        """Take over the next samples' mask of what is clipped."""
        first, self._seen = self._seen, self._seen + len(mask)
        starts, stops = runs_of(mask)
        if len(starts) == 0:
            self._open = 0
            return
        lengths = stops - starts
        goes_on = self._open if starts[0] == 0 else 0
        self.count += int(lengths.sum())
        self.runs += len(starts) - (goes_on > 0)
        self.longest = max(self.longest, int(lengths.max()), goes_on + int(lengths[0]))
        whole = goes_on if len(starts) == 1 else 0
        self._open = whole + int(lengths[-1]) if stops[-1] == len(mask) else 0
        apart = np.flatnonzero(starts[1:] - stops[:-1] > self._apart)
        heads = starts[np.concatenate([[0], apart + 1])] + first
        tails = stops[np.concatenate([apart, [len(stops) - 1]])] + first
        for head, tail in zip(heads.tolist(), tails.tolist(), strict=True):
            if self._islands and head - self._islands[-1][1] <= self._apart:
                self._islands[-1] = (self._islands[-1][0], tail)
            else:
                self._islands.append((head, tail))

    def stretches(self) -> tuple[Stretch, ...]:
        """Return the stretches that cover every clipped sample seen, with context, in order."""
        context, block = round(_CONTEXT * self._rate), round(_BLOCK * self._rate)
        overlap = round(_OVERLAP * self._rate)
        stretches: list[Stretch] = []
        for head, tail in self._islands:
            begin, end = max(head - context, 0), min(tail + context, self._seen)
            stretches.extend(_blocks(begin, end, block, overlap))
        return tuple(stretches)


def cut(mask: Array, rate: float) -> tuple[Stretch, ...]:
    """Return the stretches that cover every clipped sample with context, in order.

    Parameters
    ----------
    mask : array of bool [shape=(n,)]
        The clipped samples.
    rate : float
        Samples per second.
    """
    islands = Islands(rate)
    islands.push(mask)
    return islands.stretches()


def _blocks(begin: int, end: int, block: int, overlap: int) -> list[Stretch]:
    """Cut one island into blocks of nearly equal length that share `overlap` samples."""
    length = end - begin
    if length <= block + overlap:
        return [Stretch(begin, end)]
    count = -(-(length - overlap) // block)
    edges = [begin + (length - overlap) * k // count for k in range(count + 1)]
    return [
        Stretch(
            edges[k],
            edges[k + 1] + overlap,
            fade_in=overlap if k > 0 else 0,
            fade_out=overlap if k < count - 1 else 0,
        )
        for k in range(count)
    ]
