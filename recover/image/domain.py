"""In which variable an image is smooth: its values, a power of them, or their logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError

__all__ = ["COLOUR", "LINEAR", "LOGARITHM", "ROOT", "ValueDomain"]

_DARKEST = 1e-4  # of the level: where a logarithm is cut off


@dataclass(frozen=True)
class ValueDomain:
    """The increasing map ``v = x^power`` of values whose level is 1, or ``log x``.

    Parameters
    ----------
    power : float >= 0
        0 stands for the logarithm, as the limit of ``(x^power - 1) / power`` does.
    """

    power: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.power <= 4.0:
            raise ParameterError(f"power must lie between 0 and 4, got {self.power}")

    def forward(self, x: Array) -> Array:
        """Return v; negative values count as 0 unless the map is linear.

        The logarithm is cut off at a ten-thousandth of the level.
        """
        if self.power == 1.0:
            return x
        if self.power == 0.0:
            return np.asarray(np.log(np.maximum(x, np.asarray(_DARKEST, x.dtype))))
        return np.asarray(np.maximum(x, np.zeros((), x.dtype)) ** x.dtype.type(self.power))

    def inverse(self, v: Array) -> Array:
        """Return x."""
        if self.power == 1.0:
            return v
        if self.power == 0.0:
            return np.exp(v)
        exponent = v.dtype.type(1.0 / self.power)
        return np.asarray(np.maximum(v, np.zeros((), v.dtype)) ** exponent)

    def slope(self, v: Array) -> Array:
        """Return dx/dv at v, by which bounds are carried back."""
        if self.power == 1.0:
            return np.ones_like(v)
        if self.power == 0.0:
            return np.exp(v)
        exponent = 1.0 / self.power
        base = np.maximum(v, np.zeros((), v.dtype)) ** v.dtype.type(exponent - 1.0)
        return np.asarray(v.dtype.type(exponent) * base)


LINEAR, ROOT, LOGARITHM = ValueDomain(1.0), ValueDomain(0.5), ValueDomain(0.0)
COLOUR = ValueDomain(0.7)
