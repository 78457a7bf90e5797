"""Declipping by social sparsity: consistent ADMM with one decaying threshold per iteration."""

from __future__ import annotations

import dataclasses
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
from recover.solve.splitting import Splitting, splitting_for

__all__ = ["SocialSparsity", "SocialState"]


@dataclass(frozen=True, eq=False)
class SocialState:
    """The iterate of `SocialSparsity`.

    Parameters
    ----------
    box : SampleBox
        What the data say of every sample, in working units.
    splitting : Splitting
        Holds the dual variable u, which it changes in place; no signal depends on it.
    x, previous : array [shape=(n,)]
        The last two consistent signals.
    back : array [shape=(n,)]
        ``A* u / B`` for the frame bound B.
    peak : float
        Largest modulus of the coefficients of the data, or what stands for it.
    bound : float
        The frame bound B.
    step : int
        Iterations done.
    residual : float
        Distance of the sparse synthesis from the consistent signals, relative to the data.
    finished : Status or None
        Not None when there is nothing to do.
    """

    box: SampleBox
    splitting: Splitting
    x: Array
    previous: Array
    back: Array
    peak: float
    bound: float
    step: int
    residual: float
    finished: Status | None


@dataclass(frozen=True, eq=False)
class SocialSparsity(Method[SocialState]):
    """Persistent empirical Wiener shrinkage inside a consistent ADMM.

    With A the analysis of a tight frame of bound B, P the projection onto the signals that
    agree with the data, and S the shrinkage of `PersistentShrinkage` at a threshold that decays
    geometrically, one iteration is::

        v = A(x + beta (x - x_previous)) + u
        z = S(v);  u = v - z;  x = P(A*(z - u) / B)

    It is the splitting of analysis SPADE [1]_ with the shrinkage of [2]_ in place of the hard
    threshold and a decaying threshold in place of the growing support.  Since ``A*A = B I``,
    ``A*(z - u)`` needs only the synthesis of u, so an iteration costs one analysis, one
    synthesis and one pass over the coefficients.  No bound on the error follows from it.

    Parameters
    ----------
    frame : Frame
        The sparsifying tight frame.
    max_iter : int
        Number of iterations, one threshold each.
    first, last : float
        First and last threshold, relative to the largest coefficient of the data.
    neighbourhood : tuple of int
        Extent of the neighbourhood along the first axes of the coefficients, odd but for the
        first: see `PersistentShrinkage`.
    momentum : float in [0, 1)
        beta above.
    overshoot : float >= 1
        Clipped samples start at this multiple of their data.
    single : bool
        Compute in single precision, whatever the data's.
    peak : float > 0, optional
        The modulus that the thresholds are relative to instead, such as that of a longer signal
        of which this is a part.

    References
    ----------
    .. [1] S. Kitic, N. Bertin, R. Gribonval, "Sparsity and cosparsity for audio declipping: a
       flexible non-convex approach", LVA/ICA 2015, arXiv 1506.01830.
    .. [2] K. Siedenburg, M. Kowalski, M. Doerfler, "Audio declipping with social sparsity",
       ICASSP 2014.
    """

    frame: Frame
    max_iter: int = 200
    first: float = 0.1
    last: float = 5e-4
    neighbourhood: tuple[int, ...] = (7, 3)
    momentum: float = 0.5
    overshoot: float = 2.0
    single: bool = True
    peak: float | None = None
    tol: float = 0.0

    def __post_init__(self) -> None:
        if self.max_iter < 1:
            raise ParameterError(f"max_iter must be >= 1, got {self.max_iter}")
        if not 0.0 < self.last <= self.first:
            raise ParameterError(
                f"thresholds must satisfy 0 < last <= first, got first={self.first} "
                f"and last={self.last}"
            )
        odd = [extent % 2 == 1 or axis == 0 for axis, extent in enumerate(self.neighbourhood)]
        if not all(odd) or any(extent < 1 for extent in self.neighbourhood):
            raise ParameterError(
                "neighbourhood must hold sizes >= 1, odd ones after the first, got "
                f"{self.neighbourhood}"
            )
        if len(self.neighbourhood) > len(self.frame.coef_shape):
            raise ParameterError(
                f"neighbourhood {self.neighbourhood} has more axes than the coefficients "
                f"{self.frame.coef_shape}"
            )
        if not 0.0 <= self.momentum < 1.0:
            raise ParameterError(f"momentum must lie in [0, 1), got {self.momentum}")
        if not 1.0 <= self.overshoot < math.inf:
            raise ParameterError(f"overshoot must be finite and >= 1, got {self.overshoot}")
        if self.peak is not None and not 0.0 < self.peak < math.inf:
            raise ParameterError(f"peak must be positive and finite, got {self.peak}")

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_samples(problem, self.frame)

    def init(
        self, problem: Problem, start: Array | None, rng: np.random.Generator
    ) -> SocialState:
        box = SampleBox.of(problem, single=self.single)
        peak = (
            float(np.abs(self.frame.analysis(box.y)).max())
            if self.peak is None
            else self.peak / box.scale
        )
        x = box.start(self.overshoot) if start is None else box.enter(start)
        nothing = peak == 0.0 or not box.clipped.any()
        return SocialState(
            box=box,
            splitting=splitting_for(self.frame, self.neighbourhood, box.y.dtype),
            x=x,
            previous=x,
            back=np.zeros_like(x),
            peak=peak,
            bound=frame_bound(self.frame),
            step=0,
            residual=0.0,
            finished=Status.COMPLETED if nothing else None,
        )

    def step(self, problem: Problem, state: SocialState) -> SocialState:
        ahead = state.x - state.previous
        ahead *= self.momentum
        ahead += state.x
        back = state.splitting.advance(ahead, state.peak * self._threshold(state.step))
        if state.bound != 1.0:
            back /= state.bound
        # A*(z - u)/B with z = v - u and v = A ahead + u_old
        sparse = ahead
        sparse += state.back
        sparse -= back
        sparse -= back
        x = state.box.project(sparse)
        sparse -= x
        return dataclasses.replace(
            state,
            x=x,
            previous=state.x,
            back=back,
            step=state.step + 1,
            residual=float(np.linalg.norm(sparse)) / state.box.norm,
        )

    def signal(self, problem: Problem, state: SocialState) -> Array:
        return state.box.leave(state.x, problem)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        q, _ = np.linalg.qr(rng.standard_normal((14, 7)))
        return cls(Dense(q), max_iter=30, neighbourhood=(1,))

    def _threshold(self, step: int) -> float:
        if self.max_iter == 1:
            return self.last
        return float(self.first * (self.last / self.first) ** (step / (self.max_iter - 1)))
