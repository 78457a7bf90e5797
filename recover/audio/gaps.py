"""Certificates of gaps that hold on condition of an autoregressive model with a budget.

From the data alone nothing is promised of a clipped sample.  If the true signal has a small
prediction error in and behind a gap, small by a filter and a budget that the certificate
states, the distance of the recovered gap from the truth is bounded, and that is proved here.
The hypothesis is taken from the gap's surroundings and may be false inside it; the bound is of
the worst case, and mostly wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cho_factor, cho_solve, toeplitz

from recover.audio.autoregressive import ORDER, Neighbourhood, clusters_of
from recover.audio.levels import ChannelLevels
from recover.audio.measurement import channel_problem
from recover.audio.places import evenly, one_by_one, paired
from recover.audio.result import AudioResult
from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.core.arrays import Array
from recover.frames import Dense
from recover.models.problem import Problem
from recover.priors.quadratic import Quadratic
from recover.solve.base import Watch

__all__ = ["BUDGET", "Gap", "certify_gaps", "gap_problem"]

BUDGET = 2.0  # of the energy that the clean neighbourhood's prediction errors have on average
_LARGEST = 200  # unknown samples of a gap
_LONGEST = 1000  # samples from its first to its last one
_ROUNDS = 30  # of the search for the minimiser


@dataclass(frozen=True, eq=False)
class Gap:
    """One gap, or several fewer than 32 samples apart, with its conditional certificate.

    Parameters
    ----------
    channel, start, stop : int
        Where: the clipped samples lie from ``start`` to ``stop`` (exclusive).
    first, last : int
        The samples ``first`` to ``last`` (exclusive) that the hypothesis speaks of.
    taps : array of float64 [shape=(33,)]
        The prediction error filter.
    budget : float
        Supposed bound on the l2 norm of the true signal's prediction errors at the samples
        ``first + 32`` to ``last``, in signal units.
    restored : float
        l2 norm of what was restored beyond the levels.
    certificate : Certificate
        Of the samples ``first`` to ``last``, of which only the clipped ones can be wrong.
    """

    channel: int
    start: int
    stop: int
    first: int
    last: int
    taps: Array
    budget: float
    restored: float
    certificate: Certificate

    @property
    def label(self) -> str:
        """The place in words."""
        return f"channel {self.channel + 1}, gap at samples {self.start} to {self.stop - 1}"

    @property
    def error_bound(self) -> float:
        """Bound on the l2 error of the gap, if the hypothesis holds; infinite if withheld."""
        return self.certificate.error_bound


def certify_gaps(
    samples: npt.ArrayLike,
    result: AudioResult,
    *,
    tolerance: float = 0.0,
    seconds: float = 10.0,
    most: int | None = None,
    watch: Watch | None = None,
) -> tuple[Gap, ...]:
    """Certify the gaps of a recovered recording on condition of an autoregressive model.

    Gaps are taken in order of time; those fewer than 32 samples apart are treated together.
    The hypothesis of each: with the prediction error filter of order 32 that fits the gap's
    surroundings, the true signal's prediction errors in the gap and the 32 samples behind it
    have at most twice the energy that as many of them have in the clean neighbourhood, on its
    louder side.  Where that contradicts the reliable samples and the level, the certificate is
    infinite and says so.  Channels with blurred levels are left out, and so are gaps of more
    than 200 clipped samples and those whose neighbourhood is too crowded to tell the level.

    Parameters
    ----------
    samples : array [shape=(n,) or (n, channels), real]
        The clipped recording.
    result : AudioResult
        What `declip` made of it.
    tolerance : float
        As it was given to `declip`; gaps are certified for 0 only.
    seconds : float
        Time after which no further gap is begun.
    most : int, optional
        Of more gaps than this, so many are taken, evenly from all of them.
    watch : callable, optional
        Called after each gap with a `Progress`; return True to stop.

    Raises
    ------
    ParameterError
        If the shapes do not match.

    Notes
    -----
    With T the rows of the filter that meet the gap, F the signals that agree with the reliable
    samples and respect the levels, z in F, ``g = (T^T T z)_U`` less what points outwards at a
    level, ``rho = |g|``, ``D = tau^2 - |T z|^2`` and s a proved lower bound of the smallest
    singular value of T on the clipped samples U, every v in F with ``|T v| <= tau`` has
    ``|v - z| <= rho/s^2 + sqrt(rho^2/s^4 + D/s^2)``.  The term with rho must not be dropped:
    without it the bound is false unless z is the exact minimiser of ``|T z|`` over F.  The
    certificate's bound is that plus the distance of the recovered gap from z.
    """
    frames, restored = paired(samples, result)
    works = [
        _Work(channel, frames[:, channel], restored[:, channel], levels)
        for channel, levels in enumerate(result.levels)
        if levels.clipped and levels.band(tolerance) == 0.0
    ]
    places = [(work, *place) for work in works for place in work.places]
    return one_by_one(
        evenly(places, most),
        lambda place: place[0].certified(*place[1:]),
        seconds=seconds,
        watch=watch,
    )


def gap_problem(y: Array, levels: ChannelLevels, taps: Array, budget: float) -> Problem:
    """Return the problem that a gap's certificate speaks of.

    Parameters
    ----------
    y : array [shape=(n,)]
        The clipped samples from `Gap.first` to `Gap.last`.
    levels : ChannelLevels
        The channel's levels.
    taps, budget
        See `Gap`.
    """
    plain = channel_problem(y, levels)
    order, size = len(taps) - 1, len(y)
    words = (
        f"the prediction errors of an autoregressive filter of order {order} at the last "
        f"{size - order} of these {size} samples"
    )
    prior = Quadratic(Dense(_rows(taps, size)), budget, words)
    return Problem(plain.model, plain.y, noise=plain.noise, prior=prior)


@dataclass(frozen=True, eq=False)
class _Work:
    """One channel, with the gaps in it."""

    channel: int
    y: Array
    x: Array
    levels: ChannelLevels

    @cached_property
    def mask(self) -> Array:
        """The clipped samples."""
        return self.levels.mask(self.y)

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """First sample and end of each gap."""
        return clusters_of(self.mask)

    @cached_property
    def around(self) -> Neighbourhood:
        """Where the models come from."""
        return Neighbourhood(self.x.astype(np.float64), self.mask)

    def certified(self, start: int, stop: int) -> Gap | None:
        """Return a gap with its certificate, None if it is left out."""
        count = int(np.count_nonzero(self.mask[start:stop]))
        first, last = max(start - ORDER, 0), min(stop + ORDER, len(self.y))
        rows = last - first - ORDER
        if count > _LARGEST or stop - start > _LONGEST or rows < 1:
            return None
        model = self.around.model(start, stop)
        if model is None or not model[1] > 0.0:
            return None
        taps, budget = model[0], math.sqrt(BUDGET * model[1] * rows)
        y, x = self.y[first:last], self.x[first:last].astype(np.float64)
        problem = gap_problem(y, self.levels, taps, budget)
        centre = _minimiser(problem, _rows(taps, len(y)), x)
        return Gap(
            channel=self.channel,
            start=start,
            stop=stop,
            first=first,
            last=last,
            taps=taps,
            budget=budget,
            restored=float(np.linalg.norm(x - problem.y)),
            certificate=certify_posteriori(problem, x, centre=centre),
        )


def _rows(taps: Array, size: int) -> Array:
    """Return the prediction errors that `size` samples allow, a row each."""
    order = len(taps) - 1
    column, row = np.zeros(size - order), np.zeros(size)
    column[0], row[: order + 1] = taps[-1], taps[::-1]
    rows: Array = toeplitz(column, row)
    return rows


def _minimiser(problem: Problem, rows: Array, x: Array) -> Array:
    """Return the signal of least prediction error among those that fit the data, nearly.

    Active sets: where a sample would lie inside its level it is put on it, and let go where the
    gradient points outwards.  The certificate needs no exact minimiser.
    """
    knowledge = problem.knowledge
    z = np.where(knowledge.fixed, problem.y, x)
    unknown = np.flatnonzero(~knowledge.fixed)
    # at an upper level only what lies below it is forbidden
    side = np.where(np.isfinite(knowledge.lower[unknown]), 1.0, -1.0)
    level = problem.y[unknown].astype(np.float64)
    columns = rows[:, unknown]
    gram = columns.T @ columns
    pull = columns.T @ (rows @ np.where(knowledge.fixed, z, 0.0))
    held, values = np.zeros(len(unknown), dtype=bool), z[unknown]
    for _ in range(_ROUNDS):
        free = ~held
        values = np.where(held, level, 0.0)
        if free.any():
            try:
                factor = cho_factor(gram[np.ix_(free, free)])
            except LinAlgError:
                break
            values[free] = cho_solve(factor, -(pull + gram @ values)[free])
        gradient = gram @ values + pull
        now = (side * (values - level) < 0.0) | (held & (side * gradient > 0.0))
        if np.array_equal(now, held):
            break
        held = now
    z[unknown] = level + side * np.maximum(side * (values - level), 0.0)
    return z
