"""Clipped measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, broadcast_to, frozen
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.models.base import Knowledge, Model, Part, require_real_coefs
from recover.models.noise import NoiseBound, Where

__all__ = ["Saturation"]


@dataclass(frozen=True, eq=False, init=False)
class Saturation(Model):
    """The measurement ``y_i = clip(<x, phi_i>, low_i, high_i)``.

    Parameters
    ----------
    frame : Frame
        A frame with real coefficients.
    low, high : float or array [shape=frame.coef_shape] or None
        The levels; None or an infinite value means not clipped on that side.

    Raises
    ------
    ParameterError
        If a low level is not below its high level.
    """

    measured: Frame
    low: Array
    high: Array

    def __init__(
        self,
        frame: Frame,
        low: npt.ArrayLike | None = -1.0,
        high: npt.ArrayLike | None = 1.0,
    ) -> None:
        require_real_coefs("Saturation", frame)
        shape = frame.coef_shape
        below = broadcast_to("low", -np.inf if low is None else low, shape)
        above = broadcast_to("high", np.inf if high is None else high, shape)
        wrong = ~(below < above)
        if wrong.any():
            first = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ParameterError(
                f"low must be below high, got low={below[first]:g}, high={above[first]:g} at "
                f"{first}; swap them, or give None for a side that is not clipped"
            )
        object.__setattr__(self, "measured", frame)
        # -0.0 is 0.0, for digests too
        object.__setattr__(self, "low", frozen(below + 0.0))
        object.__setattr__(self, "high", frozen(above + 0.0))

    @property
    def frame(self) -> Frame:
        return self.measured

    @property
    def convex(self) -> bool:
        return True

    def apply(self, t: Array) -> Array:
        return np.clip(t, self.low.astype(t.dtype), self.high.astype(t.dtype))

    def check_data(self, y: Array, noise: NoiseBound) -> None:
        allowed = noise.each if noise.where is Where.AFTER else 0.0
        low, high = self._levels_in(y)
        least, most = np.minimum(self.low, low), np.maximum(self.high, high)
        outside = (y < least - allowed) | (y > most + allowed)
        if outside.any():
            first = tuple(int(i) for i in np.argwhere(outside)[0])
            raise ParameterError(
                f"{np.count_nonzero(outside)} data value(s) lie outside the levels by more "
                f"than the noise, the first {float(y[first]):g} at {first} outside "
                f"[{self.low[first]:g}, {self.high[first]:g}]; give wider levels or noise"
            )

    def knowledge(self, y: Array, noise: NoiseBound) -> Knowledge:
        """Return what the data say for noise after or before the clipping.

        After it, the clipped coefficient lies in ``[y - each, y + each]``; a side of
        that interval strictly inside the levels bounds the coefficient itself.  Before it, a
        value strictly inside the levels is the coefficient plus noise, and one at a level says
        that coefficient plus noise is at or beyond it.  In data of a smaller type the levels
        are rounded ones: what equals such a level is at the level.
        """
        low, high = self._levels_in(y)
        least, most = np.maximum(self.low, low), np.minimum(self.high, high)
        at_low, at_high = y == low, y == high
        y = np.asarray(y, dtype=np.float64)
        each = noise.each
        if noise.where is Where.AFTER:
            inside_low, inside_high = y - each > least, y + each < most
        else:
            inside_low, inside_high = y > least, y < most
        # at a level the noise can only have pushed towards it: the value bounds one side
        floor = np.where(at_high, np.minimum(y, self.high), y) - each
        ceiling = np.where(at_low, np.maximum(y, self.low), y) + each
        lower = np.where(inside_low, floor, -np.inf)
        upper = np.where(inside_high, ceiling, np.inf)
        fixed = inside_low & inside_high
        return Knowledge(fixed, y, each, noise.l2, lower, upper)

    def _levels_in(self, y: Array) -> tuple[Array, Array]:
        """Return the levels as `apply` gives them in data of y's type."""
        return self.low.astype(y.dtype), self.high.astype(y.dtype)

    def project(self, t: Array, y: Array) -> Array:
        low, high = self._levels_in(y)
        floor = np.where(y <= low, -np.inf, y)
        ceiling = np.where(y >= high, np.inf, y)
        return np.clip(t, floor.astype(t.dtype), ceiling.astype(t.dtype))

    def align(self, x: Array, reference: Array) -> Array:
        return x

    def identity_parts(self) -> tuple[Part, ...]:
        return ("Saturation", self.low, self.high, *self.frame.identity_parts())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(Dense(rng.standard_normal((14, 3))), -0.8, 0.5 + rng.random(14))
