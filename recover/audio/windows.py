"""Cutting a stretch where another window becomes best."""

from __future__ import annotations

import itertools

from recover.audio.settings import window_costs
from recover.audio.stretches import Stretch
from recover.core.arrays import Array

__all__ = ["parts_of_one_window"]

_PIECE = 1.5  # seconds that choose a window together
_OVERLAP = 0.6  # seconds that parts share
_BETTER = 0.98  # a change of window has to lower the cost by this, as it costs an overlap


def parts_of_one_window(y: Array, mask: Array, rate: float) -> tuple[Stretch, ...]:
    """Return the parts of a stretch in each of which one window is best, in order.

    Parameters
    ----------
    y : array of floating [shape=(n,)]
        The clipped samples.
    mask : array of bool [shape=(n,)]
        Which of them are clipped; seconds without any have no say.
    rate : float
        Samples per second.

    Returns
    -------
    tuple of Stretch
        Their weights sum to one at every sample.
    """
    n = len(y)
    count = int(n / (_PIECE * rate))
    half = round(0.5 * _OVERLAP * rate)
    if count < 2 or half < 1:
        return (Stretch(0, n),)
    edges = [n * k // count for k in range(count + 1)]
    starts, present = [0], -1
    for start, stop in itertools.pairwise(edges):
        if not mask[start:stop].any():
            continue
        costs = window_costs(y[start:stop], rate)
        best = min(zip(costs.values(), costs, strict=True))[1]
        if present in costs and costs[best] > _BETTER * costs[present]:
            continue
        if present not in (-1, best):
            starts.append(start)
        present = best
    ends = [*starts[1:], n]
    last = len(starts) - 1
    return tuple(
        Stretch(
            max(start - half, 0),
            min(stop + half, n),
            fade_in=2 * half if k > 0 else 0,
            fade_out=2 * half if k < last else 0,
        )
        for k, (start, stop) in enumerate(zip(starts, ends, strict=True))
    )
