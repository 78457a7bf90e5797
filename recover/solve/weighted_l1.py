"""Declipping by weighted l1 analysis: convex, solved by Chambolle-Pock, with a duality gap."""

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

__all__ = ["WeightedL1", "WeightedL1State"]


@dataclass(frozen=True, eq=False)
class WeightedL1State:
    """The iterate of `WeightedL1`.

    Parameters
    ----------
    box : SampleBox
        What the data say of every sample, in working units.
    weights : array [shape=(frame.coef_shape[-1],)]
        w below.
    x, coefs : array
        The iterate, and ``A x``.
    dual : array [shape=frame.coef_shape]
        z below.
    ahead : array [shape=frame.coef_shape]
        ``A (2 x - x_previous)``.
    best : array [shape=(n,)]
        The consistent signal of the least norm so far.
    primal, dual_value : float
        That norm, and the largest lower bound of all consistent signals' norms so far.
    bound : float
        The frame bound B.
    residual : float
        ``(primal - dual_value) / primal``.
    finished : Status or None
        Not None when there is nothing to do.
    """

    box: SampleBox
    weights: Array
    x: Array
    coefs: Array
    dual: Array
    ahead: Array
    best: Array
    primal: float
    dual_value: float
    bound: float
    residual: float
    finished: Status | None


@dataclass(frozen=True, eq=False)
class WeightedL1(Method[WeightedL1State]):
    """The consistent signal with the least weighted l1 norm of analysis coefficients.

    With A the analysis of a tight frame of bound B, C the signals that agree with the data and
    weights ``w_k = ((k + 1) / K)^power`` along the last axis of the coefficients (the
    frequencies of a Gabor frame; power 2 gives the parabola of [2]_), it minimises
    ``p(x) = sum_k w_k |(A x)_k|`` over C by the primal-dual iteration of [1]_::

        z = project(z + A(2 x - x_previous) / sqrt(B), |z_k| <= w_k)
        x = P_C(x - A* z / sqrt(B))

    The residual is the relative duality gap.  For every z with ``|z_k| <= w_k`` and every x in
    C, ``p(x) >= <x, A* z>``.  As ``|x_i| <= |A x|_2 / sqrt(B) <= p(x) / (min w sqrt(B))``,
    every minimiser lies in the box ``|x_i| <= R``, R the right-hand side at the best signal so
    far; so the least value of ``<x, A* z>`` over C and that box, which is taken sample by
    sample, bounds the minimum from below.  The two values are computed in the working precision
    and their rounding is not enclosed.  The gap is one of norms: no bound on the error of the
    signal follows from it.

    Parameters
    ----------
    frame : Frame
        The sparsifying tight frame.
    max_iter : int
        Largest number of iterations.
    tol : float
        Relative duality gap at which to stop.
    power : float >= 0
        Growth of the weights; 0 for the plain l1 norm.
    single : bool
        Compute in single precision, whatever the data's.

    References
    ----------
    .. [1] A. Chambolle, T. Pock, "A first-order primal-dual algorithm for convex problems with
       applications to imaging", J. Math. Imaging Vis. 40 (2011) 120-145.
    .. [2] P. Zaviska, P. Rajmic, A. Ozerov, L. Rencker, "A survey and an extensive evaluation
       of popular audio declipping methods", IEEE JSTSP 15 (2021), arXiv 2007.07663.
    """

    frame: Frame
    max_iter: int = 1000
    tol: float = 1e-3
    power: float = 2.0
    single: bool = True

    def __post_init__(self) -> None:
        if self.max_iter < 1:
            raise ParameterError(f"max_iter must be >= 1, got {self.max_iter}")
        if not (math.isfinite(self.tol) and self.tol >= 0.0):
            raise ParameterError(f"tol must be finite and >= 0, got {self.tol}")
        if not (math.isfinite(self.power) and self.power >= 0.0):
            raise ParameterError(f"power must be finite and >= 0, got {self.power}")

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_samples(problem, self.frame)

    def init(
        self, problem: Problem, start: Array | None, rng: np.random.Generator
    ) -> WeightedL1State:
        box = SampleBox.of(problem, single=self.single)
        x = box.start(1.0) if start is None else box.enter(start)
        coefs = self.frame.analysis(x)
        count = coefs.shape[-1]
        weights = (((np.arange(count) + 1.0) / count) ** self.power).astype(box.y.dtype)
        primal = _weighted_norm(coefs, weights)
        nothing = primal == 0.0 or not box.clipped.any()
        return WeightedL1State(
            box=box,
            weights=weights,
            x=x,
            coefs=coefs,
            dual=np.zeros_like(coefs),
            ahead=coefs,
            best=x,
            primal=primal,
            dual_value=0.0,  # of z = 0; a norm is no less
            bound=frame_bound(self.frame),
            residual=0.0 if nothing else 1.0,
            finished=Status.COMPLETED if nothing else None,
        )

    def step(self, problem: Problem, state: WeightedL1State) -> WeightedL1State:
        root = math.sqrt(state.bound)
        dual = state.dual + state.ahead / np.asarray(root, dtype=state.weights.dtype)
        modulus = np.abs(dual)
        dual *= state.weights / np.maximum(modulus, state.weights)
        back = self.frame.synthesis(dual)
        x = state.box.project(state.x - back / np.asarray(root, dtype=back.dtype))
        coefs = self.frame.analysis(x)
        value = _weighted_norm(coefs, state.weights)
        best, primal = (x, value) if value < state.primal else (state.best, state.primal)
        radius = primal / (float(state.weights.min()) * root)
        dual_value = max(state.dual_value, _least(back, state.box, radius))
        return WeightedL1State(
            box=state.box,
            weights=state.weights,
            x=x,
            coefs=coefs,
            dual=dual,
            ahead=2 * coefs - state.coefs,
            best=best,
            primal=primal,
            dual_value=dual_value,
            bound=state.bound,
            residual=(primal - dual_value) / primal if primal > 0.0 else 0.0,
            finished=None,
        )

    def signal(self, problem: Problem, state: WeightedL1State) -> Array:
        return state.box.leave(state.best, problem)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        q, _ = np.linalg.qr(rng.standard_normal((14, 7)))
        return cls(Dense(q), max_iter=2000)


def _weighted_norm(coefs: Array, weights: Array) -> float:
    return float((np.abs(coefs) * weights).sum(dtype=np.float64))


def _least(slope: Array, box: SampleBox, radius: float) -> float:
    """Return the least ``<x, slope>`` over the consistent signals with ``|x_i| <= radius``."""
    wide = slope.astype(np.float64)
    lower = np.maximum(box.lower.astype(np.float64), -radius)
    upper = np.minimum(box.upper.astype(np.float64), radius)
    return float((wide * np.where(wide > 0.0, lower, upper)).sum())
