"""Phaseless measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.models.base import Knowledge, Model, Part, require_frame
from recover.models.noise import NoiseBound, Where

__all__ = ["Modulus"]


@dataclass(frozen=True, eq=False, init=False)
class Modulus(Model):
    """The measurement ``y_i = |<x, phi_i>|``, blind to the sign or global phase.

    Parameters
    ----------
    frame : Frame
        A real or complex frame.
    """

    measured: Frame

    def __init__(self, frame: Frame) -> None:
        require_frame(frame)
        object.__setattr__(self, "measured", frame)

    @property
    def frame(self) -> Frame:
        return self.measured

    @property
    def convex(self) -> bool:
        return False

    def apply(self, t: Array) -> Array:
        return np.abs(t)

    def check_data(self, y: Array, noise: NoiseBound) -> None:
        if np.iscomplexobj(y):
            raise ParameterError("magnitudes must be real, got complex data; pass abs(data)")
        allowed = noise.each if noise.where is Where.AFTER else 0.0
        if (y < -allowed).any():
            raise ParameterError(
                f"magnitudes must be >= 0 up to the noise, got {float(y.min())}; "
                "pass magnitudes, or a noise bound that allows it"
            )

    def knowledge(self, y: Array, noise: NoiseBound) -> Knowledge:
        """Return what the data say: a bound ``|t_i| <= y_i + each_i``; only zeros are fixed."""
        reach = np.maximum(y + noise.each, 0.0)
        fixed = reach == 0.0
        if self.frame.real_coefs:
            lower, upper = -reach, reach
        else:
            lower, upper = np.full(y.shape, -np.inf), np.full(y.shape, np.inf)
        return Knowledge(fixed, np.zeros(y.shape), noise.each, noise.l2, lower, upper)

    def project(self, t: Array, y: Array) -> Array:
        """Return ``y t / |t|``; a zero coefficient takes the phase 1 (any phase is nearest)."""
        size = np.abs(t)
        zero = size == 0
        safe = np.where(zero, np.ones((), dtype=size.dtype), size)
        scaled = t * (y.astype(size.dtype) / safe)
        return np.where(zero, y.astype(t.dtype), scaled)

    def align(self, x: Array, reference: Array) -> Array:
        inner = np.vdot(x, reference)
        size = abs(inner)
        if size == 0.0:
            return x
        return x * (inner / size)

    def identity_parts(self) -> tuple[Part, ...]:
        return ("Modulus", *self.frame.identity_parts())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        rows = rng.standard_normal((16, 3)) + 1j * rng.standard_normal((16, 3))
        return cls(Dense(rows))
