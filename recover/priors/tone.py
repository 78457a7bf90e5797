"""Between the values of samples and the values in which a model of them is quadratic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, frozen
from recover.core.errors import ParameterError
from recover.core.rounding import U

__all__ = ["Tone"]

ERROR = 64.0 * U  # relative, of a computed power or exponential: many times what libraries do


@dataclass(frozen=True, eq=False, init=False)
class Tone:
    """A power or the logarithm, sample by sample: ``v = ((x - offset) / unit)^power``.

    Power 0 stands for the logarithm, as in the family of Box and Cox.  It increases, and x is
    a convex function of v, or a concave one for powers above 1; on this the bounds below rest.

    Parameters
    ----------
    power : float in [0, 4]
    unit : float > 0 or array
        One for each sample, such as its level.
    offset : float or array
        What is taken off first, such as a background.

    References
    ----------
    .. [1] G. E. P. Box, D. R. Cox, "An analysis of transformations", J. R. Stat. Soc. B 26
       (1964).
    """

    power: float
    unit: Array
    offset: Array

    def __init__(
        self, power: float, unit: npt.ArrayLike = 1.0, offset: npt.ArrayLike = 0.0
    ) -> None:
        if not 0.0 <= power <= 4.0:
            raise ParameterError(f"power must lie in [0, 4], got {power}")
        units = frozen(np.asarray(unit, dtype=np.float64))
        if not (np.isfinite(units).all() and (units > 0.0).all()):
            raise ParameterError("unit must be positive and finite")
        offsets = frozen(np.asarray(offset, dtype=np.float64))
        if not np.isfinite(offsets).all():
            raise ParameterError("offset must be finite")
        object.__setattr__(self, "power", float(power))
        object.__setattr__(self, "unit", units)
        object.__setattr__(self, "offset", offsets)

    def values(self, x: Array) -> Array:
        """Return the model's values v of samples x; what has none becomes the least one."""
        scaled = (np.asarray(x, dtype=np.float64) - self.offset) / self.unit
        if self.power == 0.0:
            return np.asarray(np.log(np.maximum(scaled, math.exp(-700.0))))
        return np.asarray(np.maximum(scaled, 0.0) ** self.power)

    def samples(self, v: Array) -> Array:
        """Return samples x of the model's values v; values below the least one count as it."""
        return np.asarray(self.offset + self.unit * self._grown(v))

    def brightness(self, v: Array) -> Array:
        """Return ``(x - offset) / unit`` of the model's values."""
        return self._grown(v)

    def rounding(self, v: Array) -> Array:
        """Return bounds of the error of `samples` as computed."""
        return np.asarray(ERROR * (np.abs(self.offset) + self.unit * self._grown(v)))

    def slope(self, v: Array) -> Array:
        """Return an upper bound of ``dx / dv``, no more than rounding above it."""
        if self.power == 0.0:
            rate = self._grown(v)
        else:
            with np.errstate(divide="ignore"):
                rate = np.maximum(v, 0.0) ** (1.0 / self.power - 1.0) / self.power
        return np.asarray(self.unit * rate * (1.0 + ERROR))

    def steepest(self, v: Array, floor: Array, reach: Array) -> Array:
        """Return upper bounds of ``|x(v + t) - x(v)| / |t|`` over ``|t| <= reach``.

        Steps below `floor` do not count.  Where x is convex (a power of at most 1, the
        logarithm) the largest is the secant to the upper end, else that to the lower one; it
        is at most the slope there.
        """
        ends = v + reach if self.power <= 1.0 else np.maximum(v - reach, floor)
        sign = 1.0 if self.power <= 1.0 else -1.0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            end = ends + sign * 4.0 * U * np.abs(ends)
            slope = self.slope(end)
            high, low = (end, v) if sign > 0.0 else (v, end)
            rise = self._grown(high) * (1.0 + ERROR) - self._grown(low) * (1.0 - ERROR)
            secant = self.unit * rise / np.abs(ends - v) * (1.0 + ERROR)
        better = np.where(np.isfinite(secant) & (ends != v), np.fmin(secant, slope), slope)
        usable = np.isfinite(reach) & ~np.isnan(better)
        return np.asarray(np.where(usable, better, math.inf))

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        """Return what defines the map, for digests."""
        return ("Tone", self.power, self.unit, self.offset)

    def _grown(self, v: Array) -> Array:
        if self.power == 0.0:
            return np.asarray(np.exp(v))
        return np.asarray(np.maximum(v, 0.0) ** (1.0 / self.power))
