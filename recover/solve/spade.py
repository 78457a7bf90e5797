"""Declipping by analysis SPADE: consistent ADMM whose support grows geometrically."""

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

__all__ = ["AnalysisSPADE", "SpadeState"]


@dataclass(frozen=True, eq=False)
class SpadeState:
    """The iterate of `AnalysisSPADE`; `signal` reads only `x`.

    Parameters
    ----------
    box : SampleBox
        What the data say of every sample, in working units.
    x : array [shape=(n,)]
        The consistent signal.
    coefs : array [shape=frame.coef_shape]
        ``A x``.
    dual : array [shape=frame.coef_shape]
        Scaled dual variable of the splitting ``z = A x``.
    bound : float
        The frame bound B.
    step : int
        Iterations done.
    residual : float
        ``|A x - z| / |A x|``: how far the signal is from having the sparsity reached.
    finished : Status or None
        Not None when every coefficient is allowed, or nothing is to be done.
    """

    box: SampleBox
    x: Array
    coefs: Array
    dual: Array
    bound: float
    step: int
    residual: float
    finished: Status | None


@dataclass(frozen=True, eq=False)
class AnalysisSPADE(Method[SpadeState]):
    """Sparse analysis with a hard threshold that keeps more and more coefficients [1]_.

    With A the analysis of a tight frame of bound B, P the projection onto the signals that
    agree with the data, and H_k what keeps the k largest moduli along the last axis of the
    coefficients (the spectrum of each frame of a Gabor frame), one iteration is::

        z = H_k(A x + u);  x = P(A*(z - u) / B);  u = u + A x - z

    and k grows by the factor `growth` (at first by one) instead of by one every second
    iteration, which needs a thirtieth of the iterations.  It ends when ``|A x - z| / |A x|``
    reaches `tol`.

    Parameters
    ----------
    frame : Frame
        The sparsifying tight frame.
    max_iter : int
        Largest number of iterations.
    tol : float
        Relative residual at which to stop.
    growth : float > 1
        Growth of the number of coefficients kept, per iteration.
    overshoot : float >= 1
        Clipped samples start at this multiple of their data.
    single : bool
        Compute in single precision, whatever the data's.

    References
    ----------
    .. [1] S. Kitic, N. Bertin, R. Gribonval, "Sparsity and cosparsity for audio declipping: a
       flexible non-convex approach", LVA/ICA 2015, arXiv 1506.01830.
    """

    frame: Frame
    max_iter: int = 400
    tol: float = 3e-3
    growth: float = 1.05
    overshoot: float = 1.0
    single: bool = True

    def __post_init__(self) -> None:
        if self.max_iter < 1:
            raise ParameterError(f"max_iter must be >= 1, got {self.max_iter}")
        if not (math.isfinite(self.tol) and self.tol >= 0.0):
            raise ParameterError(f"tol must be finite and >= 0, got {self.tol}")
        if not 1.0 < self.growth < math.inf:
            raise ParameterError(f"growth must be finite and > 1, got {self.growth}")
        if not 1.0 <= self.overshoot < math.inf:
            raise ParameterError(f"overshoot must be finite and >= 1, got {self.overshoot}")

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_samples(problem, self.frame)

    def init(
        self, problem: Problem, start: Array | None, rng: np.random.Generator
    ) -> SpadeState:
        box = SampleBox.of(problem, single=self.single)
        x = box.start(self.overshoot) if start is None else box.enter(start)
        coefs = self.frame.analysis(x)
        nothing = box.norm == 0.0 or not box.clipped.any()
        return SpadeState(
            box=box,
            x=x,
            coefs=coefs,
            dual=np.zeros_like(coefs),
            bound=frame_bound(self.frame),
            step=0,
            residual=0.0 if nothing else 1.0,
            finished=Status.COMPLETED if nothing else None,
        )

    def step(self, problem: Problem, state: SpadeState) -> SpadeState:
        kept = self.kept(state.step)
        sparse = keep_largest(state.coefs + state.dual, kept)
        back = self.frame.synthesis(sparse - state.dual)
        if state.bound != 1.0:
            back = back / np.asarray(state.bound, dtype=back.dtype)
        x = state.box.project(back)
        coefs = self.frame.analysis(x)
        gap = coefs - sparse
        size = float(np.linalg.norm(coefs))
        everything = kept >= self.frame.coef_shape[-1]
        return SpadeState(
            box=state.box,
            x=x,
            coefs=coefs,
            dual=state.dual + gap,
            bound=state.bound,
            step=state.step + 1,
            residual=float(np.linalg.norm(gap)) / size if size > 0.0 else 0.0,
            finished=Status.COMPLETED if everything else None,
        )

    def signal(self, problem: Problem, state: SpadeState) -> Array:
        return state.box.leave(state.x, problem)

    def kept(self, step: int) -> int:
        """Return the number of coefficients kept at an iteration, counted from 0."""
        size = self.frame.coef_shape[-1]
        # by one while the geometric growth is slower than that
        slow = math.ceil(1.0 / (self.growth - 1.0))
        if step < slow:
            return min(step + 1, size)
        exponent = (step - slow + 1) * math.log(self.growth)
        if exponent > math.log(size / slow):
            return size
        return math.floor(slow * math.exp(exponent))

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        q, _ = np.linalg.qr(rng.standard_normal((14, 7)))
        return cls(Dense(q), max_iter=30)


def keep_largest(v: Array, count: int) -> Array:
    """Return `v` with all but the `count` largest moduli along the last axis set to zero.

    Moduli equal to the smallest kept one are kept too.
    """
    size = v.shape[-1]
    if count >= size:
        return v.copy()
    modulus = np.abs(v)
    threshold = np.partition(modulus, size - count, axis=-1)[..., size - count, None]
    return np.where(modulus >= threshold, v, np.zeros((), dtype=v.dtype))
