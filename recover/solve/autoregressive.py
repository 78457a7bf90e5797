"""Declipping by autoregressive interpolation with one-sided constraints, for short gaps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import solve_toeplitz

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.identity import Identity
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.solve.base import Method, Status
from recover.solve.consistent import SampleBox
from recover.solve.one_sided_filter import interpolated

__all__ = ["Autoregressive", "AutoregressiveState", "prediction_filter"]


@dataclass(frozen=True, eq=False)
class AutoregressiveState:
    """The iterate of `Autoregressive`.

    Parameters
    ----------
    box : SampleBox
        What the data say of every sample, in working units.
    x : array of float64 [shape=(n,)]
        The consistent signal.
    residual : float
        Change of the signal in the last pass, relative to the data.
    finished : Status or None
        Not None when there is nothing to do.
    """

    box: SampleBox
    x: Array
    residual: float
    finished: Status | None


@dataclass(frozen=True)
class Autoregressive(Method[AutoregressiveState]):
    """Interpolation by a local autoregressive model, within what the clipping allows.

    The signal is cut into blocks that overlap by half.  In each, the prediction-error filter
    is estimated from the signal so far, by the autocorrelation method under a Hann window, and
    then the clipped samples are chosen such that the prediction errors of the block have the
    least energy, each sample at or beyond its level: the alternation of [1]_ with the
    constraint of clipping.  That least-squares problem is solved exactly, as one with
    non-negative unknowns.  Blocks are joined by weights that sum to one.  It suits gaps that
    are short beside the block; no bound on the error follows from it.

    Parameters
    ----------
    order : int >= 1
        Of the model.
    window : int > 2 order
        Samples of a block, even.
    max_iter : int
        Passes over the signal.
    tol : float
        Change of the signal in a pass, relative to the data, at which to stop; 0 for all
        passes.
    floor : float >= 0
        White noise that the estimate of the filter supposes in the signal, relative to its
        power: a pure tone has no unique filter without.

    References
    ----------
    .. [1] A. Janssen, R. Veldhuis, L. Vries, "Adaptive interpolation of discrete-time signals
       that can be modeled as autoregressive processes", IEEE Trans. ASSP 34 (1986) 317-330.
    """

    order: int = 32
    window: int = 1024
    max_iter: int = 3
    tol: float = 0.0
    floor: float = 1e-9

    def __post_init__(self) -> None:
        if self.order < 1:
            raise ParameterError(f"order must be >= 1, got {self.order}")
        if self.window <= 2 * self.order or self.window % 2:
            raise ParameterError(
                f"window must be even and more than twice the order {self.order}, "
                f"got {self.window}"
            )
        if self.max_iter < 1:
            raise ParameterError(f"max_iter must be >= 1, got {self.max_iter}")
        for name in ("tol", "floor"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ParameterError(f"{name} must be finite and >= 0, got {value}")

    def refuses(self, problem: Problem) -> str | None:
        model = problem.model
        if not isinstance(model, Saturation):
            return f"it recovers saturated samples, not {type(model).__name__} measurements"
        if not isinstance(model.frame, Identity) or len(model.frame.signal_shape) != 1:
            return "it needs the saturated samples of one channel (an Identity frame of (n,))"
        return None

    def init(
        self, problem: Problem, start: Array | None, rng: np.random.Generator
    ) -> AutoregressiveState:
        box = SampleBox.of(problem, single=False)
        x = box.start(1.0) if start is None else box.enter(start)
        nothing = box.norm == 0.0 or not box.clipped.any()
        return AutoregressiveState(
            box, x, 0.0 if nothing else 1.0, Status.COMPLETED if nothing else None
        )

    def step(self, problem: Problem, state: AutoregressiveState) -> AutoregressiveState:
        n, half = len(state.x), self.window // 2
        total = np.zeros(n)
        for start in range(-half, n, half):
            part = slice(max(start, 0), min(start + self.window, n))
            at = np.arange(part.start, part.stop) - start
            # the weights of two overlapping blocks sum to one
            weights = np.sin(np.pi * (at + 0.5) / self.window) ** 2
            total[part] += weights * self._block(state, part)
        x = state.box.project(total)
        moved = float(np.linalg.norm(x - state.x)) / state.box.norm
        return AutoregressiveState(state.box, x, moved, None)

    def signal(self, problem: Problem, state: AutoregressiveState) -> Array:
        return state.box.leave(state.x, problem)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(order=int(rng.integers(1, 3)), window=8)

    def _block(self, state: AutoregressiveState, part: slice) -> Array:
        """Return one block with its clipped samples chosen anew."""
        x, box = state.x[part], state.box
        if not box.clipped[part].any() or len(x) <= 2 * self.order or not x.any():
            return x
        taps = prediction_filter(x, self.order, self.floor)
        return interpolated(x, taps, box.lower[part], box.upper[part])


def prediction_filter(x: Array, order: int, floor: float) -> Array:
    """Return the prediction-error filter ``(1, a_1, ..., a_order)`` of a signal.

    Parameters
    ----------
    x : array of float64 [shape=(n,)]
        Not all zero.
    order : int < n
    floor : float
        White noise that is supposed, relative to the power.
    """
    tapered = x * np.sin(np.pi * (np.arange(len(x)) + 0.5) / len(x)) ** 2
    size = 2 * len(x)
    power = np.abs(np.fft.rfft(tapered, n=size)) ** 2
    r = np.fft.irfft(power, n=size)[: order + 1]
    r[0] *= 1.0 + floor
    return np.concatenate([[1.0], -solve_toeplitz(r[:-1], r[1:])])
