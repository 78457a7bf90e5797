"""The abstract model: a frame followed by a coordinatewise non-linearity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError, require_type
from recover.frames.base import Frame
from recover.models.noise import NoiseBound

__all__ = ["Knowledge", "Model", "Part"]

Part = Array | str | float | int | bool | None


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What one measurement says of the coefficients ``t_i = <x, phi_i>`` of consistent x.

    Parameters
    ----------
    fixed : array of bool [shape=coef_shape]
        Where the measurement is linear for sure: ``|t_i - value_i| <= each_i`` there, and
        ``|(t - value)[fixed]|_2 <= l2``.
    value : array
        The linear right-hand side; meaningless where not fixed.
    each : array, l2 : float
        The noise on the fixed coefficients.
    lower, upper : array of float, possibly infinite
        ``lower_i <= t_i <= upper_i`` for every consistent x (for real coefficients; infinite
        for complex ones).
    """

    fixed: Array
    value: Array
    each: Array
    l2: float
    lower: Array
    upper: Array

    @property
    def fixed_count(self) -> int:
        """Number of coefficients that the data fix."""
        return int(np.count_nonzero(self.fixed))


class Model(ABC):
    """A measurement ``y = rho(analysis(x))``; concrete models are final frozen dataclasses."""

    @property
    @abstractmethod
    def frame(self) -> Frame:
        """The frame that is measured with."""

    @abstractmethod
    def apply(self, t: Array) -> Array:
        """Return ``rho(t)`` for coefficients t, entry by entry."""

    @abstractmethod
    def check_data(self, y: Array, noise: NoiseBound) -> None:
        """Raise `ParameterError` if no signal could have given `y` within the noise."""

    @abstractmethod
    def knowledge(self, y: Array, noise: NoiseBound) -> Knowledge:
        """Return what `y` says about the coefficients of every consistent signal."""

    @abstractmethod
    def project(self, t: Array, y: Array) -> Array:
        """Return the coefficients nearest to `t` that are measured exactly as `y`."""

    @abstractmethod
    def align(self, x: Array, reference: Array) -> Array:
        """Return the signal nearest to `reference` that the model cannot tell from `x`."""

    @property
    @abstractmethod
    def convex(self) -> bool:
        """Whether the set of coefficients consistent with given data is convex."""

    @abstractmethod
    def identity_parts(self) -> tuple[Part, ...]:
        """Return what defines the model, its frame included, for digests."""

    @classmethod
    @abstractmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        """Return a small instance for the law tests and for ``recover list``."""

    def __call__(self, x: Array) -> Array:
        """Return the noise-free measurement of the signal `x`."""
        return self.apply(self.frame.analysis(np.asarray(x)))

    def distance(self, x: Array, z: Array) -> float:
        """Return the l2 distance of two signals, up to what the model cannot tell apart."""
        return float(np.linalg.norm(self.align(x, z) - z))


def require_frame(frame: Frame) -> None:
    """Raise `ParameterError` unless it is a frame: an array of rows is none yet."""
    require_type("frame", frame, Frame, "pass recover.frames.Dense(rows) for an array of rows")


def require_real_coefs(model: str, frame: Frame) -> None:
    """Raise `ParameterError` unless the frame is one, with real coefficients."""
    require_frame(frame)
    if not frame.real_coefs:
        raise ParameterError(
            f"{model} needs real coefficients, but {type(frame).__name__} gives complex ones; "
            "use a real frame, or Modulus for complex coefficients"
        )
