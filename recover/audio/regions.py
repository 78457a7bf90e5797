"""Social sparsity only where frames reach clipped samples."""

from __future__ import annotations

import dataclasses

import numpy as np

from recover.audio.levels import runs_of
from recover.audio.settings import tight_gabor
from recover.core.arrays import Array
from recover.frames import Gabor, Identity
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.solve.base import Progress, Solution, Status, Watch
from recover.solve.loop import solve
from recover.solve.social import SocialSparsity

__all__ = ["clipped_regions", "solve_in_regions"]

_BESIDE = 3  # neighbourhoods that a region reaches further than the window
_WORTHWHILE = 0.8  # share of the signal above which it is recovered as a whole


def clipped_regions(mask: Array, frame: Gabor, frames_beside: int) -> tuple[slice, ...]:
    """Return the parts of a signal that decide on its clipped samples, in order.

    A frame that meets reliable samples only has no part in any clipped sample but through the
    neighbourhoods of frames that do.  So a region reaches from clipped samples as far as the
    window, and a few neighbourhoods further: beyond, the influence of a frame falls by about
    three with every frame, and what is left out changes the recovered part of a signal by
    about a thousandth.

    Parameters
    ----------
    mask : array of bool [shape=(n,)]
        The clipped samples.
    frame : Gabor
    frames_beside : int
        How many frames before and after a frame its neighbourhood holds.

    Returns
    -------
    tuple of slice
        The whole signal where the regions are most of it.
    """
    n = len(mask)
    reach = frame.window.size + _BESIDE * frames_beside * frame.hop
    starts, stops = runs_of(mask)
    if len(starts) == 0:
        return (slice(0, n),)
    apart = np.flatnonzero(starts[1:] - stops[:-1] > 2 * reach)
    heads = starts[np.concatenate([[0], apart + 1])]
    tails = stops[np.concatenate([apart, [len(stops) - 1]])]
    regions = tuple(
        # whole hops from the start, so that the frames are those of the whole signal
        slice(max(head - reach, 0) // frame.hop * frame.hop, min(tail + reach, n))
        for head, tail in zip(heads.tolist(), tails.tolist(), strict=True)
    )
    # the frames that overlap a region's ends are work as well
    work = sum(region.stop - region.start + frame.window.size for region in regions)
    return regions if work <= _WORTHWHILE * (n + frame.window.size) else (slice(0, n),)


def solve_in_regions(
    problem: Problem,
    method: SocialSparsity,
    frame: Gabor,
    *,
    start: Array | None,
    rng: np.random.Generator,
    watch: Watch,
) -> Solution:
    """Run a method on a frame, region by region.

    Parameters
    ----------
    problem : Problem
        Saturated samples.
    method : SocialSparsity
        Its thresholds stay relative to the whole signal's largest coefficient.
    frame : Gabor
        Its frame, of `recover.audio.settings.tight_gabor`.
    start : array [shape=(n,)], optional
        Signal to start from.
    rng : Generator
    watch : callable
        Returns True to stop.

    Returns
    -------
    Solution
        The residuals are the largest of all regions.
    """
    clipped = ~problem.knowledge.fixed
    regions = clipped_regions(clipped, frame, method.neighbourhood[0] // 2)
    if regions == (slice(0, len(clipped)),):
        return solve(problem, method, start=start, rng=rng, watch=watch)
    peak = float(np.abs(frame.analysis(problem.y)).max())
    signal = (problem.y if start is None else start).copy()
    residuals, status = np.zeros(method.max_iter), Status.COMPLETED
    for index, region in enumerate(regions):
        solution = solve(
            _restricted(problem, region),
            dataclasses.replace(
                method,
                frame=tight_gabor(region.stop - region.start, frame.window.size),
                peak=peak,
            ),
            start=None if start is None else start[region],
            rng=rng,
            watch=_Share(watch, index, len(regions)),
        )
        signal[region] = solution.signal
        count = len(solution.residuals)
        residuals[:count] = np.maximum(residuals[:count], solution.residuals)
        if solution.status is not Status.COMPLETED:
            status = solution.status
        if status is Status.STOPPED:
            break
    return Solution(signal, status, residuals, type(method).__name__)


class _Share:
    """Turns the progress in one region into that of all."""

    def __init__(self, watch: Watch, index: int, regions: int) -> None:
        self._watch, self._index, self._regions = watch, index, regions

    def __call__(self, progress: Progress, /) -> bool:
        step = (self._index * progress.total + progress.step) // self._regions
        return bool(self._watch(Progress(step, progress.total, progress.value)))


def _restricted(problem: Problem, part: slice) -> Problem:
    """Return what the data say of a part of the signal."""
    model = problem.model
    assert isinstance(model, Saturation)  # the method refuses others before
    each = problem.noise.each
    noise: Noise = dataclasses.replace(
        problem.noise, each=each[part] if isinstance(each, np.ndarray) and each.ndim else each
    )
    y = problem.y[part]
    return Problem(
        Saturation(Identity(len(y)), model.low[part], model.high[part]), y, noise=noise
    )
