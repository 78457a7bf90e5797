"""Cutting a channel into the stretches that need work, and joining what was recovered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.audio.levels import runs_of
from recover.core.arrays import Array

__all__ = ["Stretch", "cut"]

_CONTEXT = 0.4  # seconds of reliable signal kept on both sides of what is clipped
_BLOCK = 10.0  # seconds; longer stretches are cut
_OVERLAP = 1.0  # seconds that neighbouring blocks share


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


def cut(mask: Array, rate: float) -> tuple[Stretch, ...]:
    """Return the stretches that cover every clipped sample with context, in order.

    Parameters
    ----------
    mask : array of bool [shape=(n,)]
        The clipped samples.
    rate : float
        Samples per second.
    """
    n = len(mask)
    context, block = round(_CONTEXT * rate), round(_BLOCK * rate)
    overlap = round(_OVERLAP * rate)
    starts, stops = runs_of(mask)
    if len(starts) == 0:
        return ()
    # islands: clipped runs whose contexts touch
    apart = np.flatnonzero(starts[1:] - stops[:-1] > 2 * context)
    first = starts[np.concatenate([[0], apart + 1])]
    last = stops[np.concatenate([apart, [len(stops) - 1]])]
    stretches: list[Stretch] = []
    for a, b in zip(first, last, strict=True):
        begin, end = max(int(a) - context, 0), min(int(b) + context, n)
        stretches.extend(_blocks(begin, end, block, overlap))
    return tuple(stretches)


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
