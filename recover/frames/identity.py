"""The canonical basis: every sample is a coefficient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.rigor import PROVED
from recover.frames.base import Frame, FrameBounds
from recover.frames.shapes import as_shape
from recover.frames.structure import Diagonal

__all__ = ["Identity"]


@dataclass(frozen=True, eq=False, init=False)
class Identity(Frame):
    """The orthonormal basis of unit vectors: coefficients are the samples themselves.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the signal.
    real_signal : bool
        Whether signals are real.
    """

    shape: tuple[int, ...]
    signals_are_real: bool

    def __init__(self, shape: int | tuple[int, ...], real_signal: bool = True) -> None:
        object.__setattr__(self, "shape", as_shape("shape", shape))
        object.__setattr__(self, "signals_are_real", real_signal)

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def real_signal(self) -> bool:
        return self.signals_are_real

    @property
    def real_coefs(self) -> bool:
        return self.signals_are_real

    def analysis(self, x: Array) -> Array:
        return self.check_signal(x).copy()

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        return c.real.copy() if self.real_signal else c.copy()

    def bounds(self) -> FrameBounds:
        return FrameBounds(1.0, 1.0, PROVED, "orthonormal basis")

    def roundoff(self) -> float:
        return 0.0

    def subframe_diagonal(self, keep: Array) -> Diagonal:
        """Return 1 where a sample is kept and 0 elsewhere."""
        return Diagonal(keep.astype(np.float64).reshape(self.shape), 0.0)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Identity", *self.shape, self.real_signal)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls((int(rng.integers(2, 5)), 3))
