"""Rectified measurements with a bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, broadcast_to, frozen, require_finite
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.models.base import Knowledge, Model, Part, require_real_coefs
from recover.models.noise import NoiseBound, Where

__all__ = ["ReLU"]


@dataclass(frozen=True, eq=False, init=False)
class ReLU(Model):
    """The measurement ``y_i = max(<x, phi_i> - bias_i, 0)``.

    Parameters
    ----------
    frame : Frame
        A frame with real coefficients, rows of any norm.
    bias : float or array [shape=frame.coef_shape]
        The threshold, the negative of a network's bias.

    References
    ----------
    .. [1] D. Freeman and D. Haider, "Optimal lower Lipschitz bounds for ReLU layers,
       saturation, and phase retrieval", arXiv 2502.09898.
    .. [2] D. Haider, M. Ehler and P. Balazs, "Convex geometry of ReLU-layers, injectivity on
       the ball and local reconstruction", arXiv 2307.09672.
    """

    measured: Frame
    bias: Array

    def __init__(self, frame: Frame, bias: npt.ArrayLike = 0.0) -> None:
        require_real_coefs("ReLU", frame)
        values = require_finite("bias", broadcast_to("bias", bias, frame.coef_shape))
        object.__setattr__(self, "measured", frame)
        object.__setattr__(self, "bias", frozen(values + 0.0))  # -0.0 is 0.0, for digests too

    @property
    def frame(self) -> Frame:
        return self.measured

    @property
    def convex(self) -> bool:
        return True

    def apply(self, t: Array) -> Array:
        active: Array = np.maximum(t - self.bias.astype(t.dtype), 0.0)
        return active

    def check_data(self, y: Array, noise: NoiseBound) -> None:
        allowed = noise.each if noise.where is Where.AFTER else 0.0
        if (y < -allowed).any():
            raise ParameterError(
                f"data of a ReLU must be >= 0 up to the noise, got {float(y.min())}; "
                "give a noise bound that allows it"
            )

    def knowledge(self, y: Array, noise: NoiseBound) -> Knowledge:
        """Return what the data say.

        Noise after the non-linearity: a row with ``y_i > each_i`` is active; any other has
        ``t_i <= bias_i + y_i + each_i``.  Noise before it: rows with ``y_i > 0`` are active and
        the others have ``t_i <= bias_i + each_i``.
        """
        value = y + self.bias
        if noise.where is Where.AFTER:
            fixed = y > noise.each
            ceiling = value + noise.each
        else:
            fixed = y > 0.0
            ceiling = np.where(fixed, value, self.bias) + noise.each
        lower = np.where(fixed, value - noise.each, -np.inf)
        return Knowledge(fixed, value, noise.each, noise.l2, lower, ceiling)

    def project(self, t: Array, y: Array) -> Array:
        active = y > 0
        bias = self.bias.astype(t.dtype)
        nearest: Array = np.where(active, y + bias, np.minimum(t, bias))
        return nearest

    def align(self, x: Array, reference: Array) -> Array:
        return x

    def identity_parts(self) -> tuple[Part, ...]:
        return ("ReLU", self.bias, *self.frame.identity_parts())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(Dense(rng.standard_normal((14, 3))), -0.3 * rng.random(14))
