"""Shrink-wrap: hybrid input-output with a support that follows the object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.fft import fftn, ifftn

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.models.problem import Problem
from recover.solve.base import Candidates, Method
from recover.solve.hybrid_input_output import hybrid_update
from recover.solve.phase_task import refuse_unless_modulus
from recover.solve.reflections import Reflected, begin, chosen, proceed, several

__all__ = ["ShrinkWrap"]


@dataclass(frozen=True)
class ShrinkWrap(Method[Reflected]):
    """`HybridInputOutput` whose support is, every so often, where the blurred object is large.

    For Fourier magnitudes without a known support: it starts from the problem's support, or
    from everything, and never leaves it.  The blur shrinks over the updates.  Each start has
    its own support.

    Parameters
    ----------
    threshold : float in (0, 1)
        Part of the blurred object's largest modulus above which a place is inside.
    blur, last_blur : float > 0
        Standard deviation of the first and the smallest blur, in samples.
    shrink : float in (0, 1)
        Factor of the blur at each update.
    every : int >= 1
        Steps between two updates.
    beta : float in (0, 1]
        Strength of the feedback.
    restarts : int >= 1
        Random starts that are run at once.
    max_iter : int
        The most steps; the last part of them are gradient steps.
    tol : float
        The misfit of the magnitudes, relative to them, at which it stops.

    References
    ----------
    .. [1] S. Marchesini et al., "X-ray image reconstruction from a diffraction pattern alone",
       Phys. Rev. B 68 (2003).
    """

    threshold: float = 0.15
    blur: float = 3.0
    last_blur: float = 1.0
    shrink: float = 0.97
    every: int = 20
    beta: float = 0.9
    restarts: int = 1
    max_iter: int = 3000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        if not (0.0 < self.threshold < 1.0 and 0.0 < self.shrink < 1.0):
            raise ParameterError(
                f"threshold and shrink must lie in (0, 1), got {self.threshold} and "
                f"{self.shrink}"
            )
        if not 0.0 < self.last_blur <= self.blur < np.inf:
            raise ParameterError(
                f"blurs must be 0 < last_blur <= blur, got {self.last_blur} and {self.blur}"
            )
        if self.every < 1 or self.restarts < 1 or not 0.0 < self.beta <= 1.0:
            raise ParameterError(
                "every and restarts must be >= 1 and beta in (0, 1], got "
                f"{self.every}, {self.restarts} and {self.beta}"
            )

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_modulus(problem)

    def init(
        self, problem: Problem, start: Array | None, rng: np.random.Generator
    ) -> Reflected:
        return begin(problem, start, self.restarts, rng)

    def step(self, problem: Problem, state: Reflected) -> Reflected:
        if state.flow is None and state.count > 0 and state.count % self.every == 0:
            state = self._wrapped(problem, state)
        return proceed(
            problem,
            state,
            lambda now: hybrid_update(now, self.beta),
            max_iter=self.max_iter,
            tol=self.tol,
        )

    def signal(self, problem: Problem, state: Reflected) -> Array:
        return chosen(problem, state)

    def candidates(self, problem: Problem, state: Reflected) -> Candidates:
        """Return the signals and residuals of all starts."""
        return several(problem, state)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        # random vectors have no neighbourhoods: a small threshold leaves their support alone
        return cls(threshold=1e-6, blur=0.1, last_blur=0.1)

    def _wrapped(self, problem: Problem, state: Reflected) -> Reflected:
        task = state.planes.task
        updates = state.count // self.every - 1
        width = max(self.blur * self.shrink**updates, self.last_blur)
        # the object with the measured magnitudes, before any support: it may grow too
        whole = state.planes.signal(state.planes.measure(state.u))
        size = _blurred(np.abs(whole), width, task.axes)
        peaks = size.max(axis=tuple(range(-task.axes, 0)), keepdims=True)
        mask = size > self.threshold * peaks
        outer = problem.domain.interval(task.frame.signal_shape)
        mask &= (outer[0] != 0.0) | (outer[1] != 0.0)
        return replace(state, planes=replace(state.planes, mask=mask))


def _blurred(size: Array, width: float, axes: int) -> Array:
    """Return moduli convolved with a normal law, circularly."""
    last = tuple(range(-axes, 0))
    spectrum = fftn(size, axes=last)
    for axis in last:
        frequency = np.fft.fftfreq(size.shape[axis])
        response = np.exp(-2.0 * np.square(np.pi * width * frequency))
        spectrum = spectrum * response.reshape(-1, *(1,) * (-axis - 1))
    return np.asarray(ifftn(spectrum, axes=last).real)
