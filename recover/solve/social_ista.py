"""Declipping by social sparsity as published: iterative shrinkage with a squared hinge."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.consistent import SampleBox, frame_bound, refuse_unless_samples
from recover.solve.shrinkage import PersistentShrinkage

__all__ = ["SocialISTA", "SocialISTAState"]


@dataclass(frozen=True, eq=False)
class SocialISTAState:
    """The iterate of `SocialISTA`.

    Parameters
    ----------
    box : SampleBox
        What the data say of every sample, in working units.
    shrink : PersistentShrinkage
        Work space of the shrinkage; no signal depends on it.
    coefs, previous : array [shape=frame.coef_shape]
        The last two iterates.
    x : array [shape=(n,)]
        Their synthesis, of the last one.
    peak, bound : float
        Largest modulus of the coefficients of the data, and the frame bound.
    level, inner : int
        Index of the threshold, and iterations done with it.
    residual : float
        Distance of `x` from the consistent signals, relative to the data.
    finished : Status or None
        Not None when all thresholds are done.
    """

    box: SampleBox
    shrink: PersistentShrinkage
    coefs: Array
    previous: Array
    x: Array
    peak: float
    bound: float
    level: int
    inner: int
    residual: float
    finished: Status | None


@dataclass(frozen=True, eq=False)
class SocialISTA(Method[SocialISTAState]):
    """Persistent empirical Wiener shrinkage inside accelerated iterative shrinkage [1]_.

    With D the synthesis of a tight frame of bound B, P the projection onto the signals that
    agree with the data and S the shrinkage of `PersistentShrinkage`, one iteration is::

        e = c + (k - 1) / (k + 5) (c - c_previous)
        c = S(e + D*(P(D e) - D e) / B)

    It descends on half the squared distance from the consistent signals, which is the squared
    hinge of [1]_.  The threshold of S falls geometrically, each warm-started from the one
    before; k counts the iterations with one threshold.  At the end the signal is made
    consistent.  It is the reference for `SocialSparsity`, which needs about a fiftieth of the
    iterations.

    Parameters
    ----------
    frame : Frame
        The sparsifying tight frame.
    max_iter : int
        Largest number of iterations in all.
    tol : float
        0: the schedule is run to its end.
    levels, inner : int
        Number of thresholds, and the most iterations with each.
    first, last : float
        First and last threshold, relative to the largest coefficient of the data.
    change : float
        Change of the coefficients in one iteration, relative to the data, below which the next
        threshold is taken.
    neighbourhood : tuple of int, odd
        Extent of the neighbourhood along the first axes of the coefficients.
    single : bool
        Compute in single precision, whatever the data's.

    References
    ----------
    .. [1] K. Siedenburg, M. Kowalski, M. Doerfler, "Audio declipping with social sparsity",
       ICASSP 2014.
    """

    frame: Frame
    max_iter: int = 10_000
    tol: float = 0.0
    levels: int = 20
    inner: int = 500
    first: float = 0.1
    last: float = 1e-4
    change: float = 1e-4
    neighbourhood: tuple[int, ...] = (7, 3)
    single: bool = True

    def __post_init__(self) -> None:
        for name in ("max_iter", "levels", "inner"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} must be >= 1, got {getattr(self, name)}")
        if not 0.0 < self.last <= self.first:
            raise ParameterError(
                f"thresholds must satisfy 0 < last <= first, got first={self.first} "
                f"and last={self.last}"
            )
        if any(extent < 1 or extent % 2 == 0 for extent in self.neighbourhood):
            raise ParameterError(
                f"neighbourhood must hold odd sizes >= 1, got {self.neighbourhood}"
            )
        if len(self.neighbourhood) > len(self.frame.coef_shape):
            raise ParameterError(
                f"neighbourhood {self.neighbourhood} has more axes than the coefficients "
                f"{self.frame.coef_shape}"
            )
        if not (math.isfinite(self.change) and self.change >= 0.0):
            raise ParameterError(f"change must be finite and >= 0, got {self.change}")

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_samples(problem, self.frame)

    def init(
        self, problem: Problem, start: Array | None, rng: np.random.Generator
    ) -> SocialISTAState:
        box = SampleBox.of(problem, single=self.single)
        bound = frame_bound(self.frame)
        x = box.start(1.0) if start is None else box.enter(start)
        coefs = self.frame.analysis(x)
        if bound != 1.0:
            coefs = coefs / np.asarray(bound, dtype=box.y.dtype)
        peak = float(np.abs(coefs).max())
        nothing = peak == 0.0 or not box.clipped.any()
        return SocialISTAState(
            box=box,
            shrink=PersistentShrinkage(self.frame.coef_shape, self.neighbourhood, box.y.dtype),
            coefs=coefs,
            previous=coefs,
            x=x,
            peak=peak,
            bound=bound,
            level=0,
            inner=0,
            residual=0.0,
            finished=Status.COMPLETED if nothing else None,
        )

    def step(self, problem: Problem, state: SocialISTAState) -> SocialISTAState:
        dtype = state.box.y.dtype
        k = state.inner + 1
        factor = np.asarray((k - 1) / (k + 5), dtype=dtype)
        ahead = state.coefs + factor * (state.coefs - state.previous)
        x = self.frame.synthesis(ahead)
        gradient = self.frame.analysis(state.box.project(x) - x)
        ahead = ahead + gradient / np.asarray(state.bound, dtype=dtype)
        coefs = _shrunk(ahead, state.shrink, state.peak * self._threshold(state.level))
        x = self.frame.synthesis(coefs)
        moved = float(np.linalg.norm(coefs - state.coefs)) * math.sqrt(state.bound)
        over = k >= self.inner or moved <= self.change * state.box.norm
        done = over and state.level + 1 >= self.levels
        return SocialISTAState(
            box=state.box,
            shrink=state.shrink,
            coefs=coefs,
            previous=coefs if over else state.coefs,
            x=x,
            peak=state.peak,
            bound=state.bound,
            level=state.level + over,
            inner=0 if over else k,
            residual=float(np.linalg.norm(state.box.project(x) - x)) / state.box.norm,
            finished=Status.COMPLETED if done else None,
        )

    def signal(self, problem: Problem, state: SocialISTAState) -> Array:
        return state.box.leave(state.box.project(state.x), problem)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        q, _ = np.linalg.qr(rng.standard_normal((14, 7)))
        return cls(Dense(q), levels=4, inner=30, neighbourhood=(1,))

    def _threshold(self, level: int) -> float:
        if self.levels == 1:
            return self.last
        return float(self.first * (self.last / self.first) ** (level / (self.levels - 1)))


def _shrunk(v: Array, shrink: PersistentShrinkage, threshold: float) -> Array:
    """Return ``S(v)``."""
    out = np.empty_like(v)
    done = 0
    for start, stop, ahead in shrink.strips():
        shrink.absorb(v[done:ahead], done)
        done = max(done, ahead)
        out[start:stop] = v[start:stop] * (1 - shrink.remainder(start, stop, threshold))
    return out
