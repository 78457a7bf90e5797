"""What is promised about the noise: bounds in signal units, and where the noise enters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, broadcast_to
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED, Rigor, probabilistic
from recover.core.rounding import norm_upper, up

__all__ = ["AFTER", "BEFORE", "Noise", "NoiseBound", "Where"]


class Where(Enum):
    """Whether noise is added after the non-linearity, or before it."""

    AFTER = "after"
    BEFORE = "before"


AFTER = Where.AFTER
BEFORE = Where.BEFORE


@dataclass(frozen=True, eq=False)
class NoiseBound:
    """The noise of one measurement in numbers: ``|e|_2 <= l2`` and ``|e_i| <= each_i``."""

    l2: float
    each: Array
    where: Where
    rigor: Rigor

    @property
    def is_zero(self) -> bool:
        """Whether the data are promised to be exact."""
        return self.l2 == 0.0 or not bool(self.each.any())


@dataclass(frozen=True, eq=False)
class Noise:
    """A promise about the noise, absolute and in the units of the signal's coefficients.

    Parameters
    ----------
    l2 : float >= 0
        Bound on the Euclidean norm of the noise; infinity if none is known.
    each : float or array >= 0
        Bound on every entry of the noise; infinity if none is known.
    where : Where
        `AFTER` or `BEFORE` the non-linearity.

    Raises
    ------
    ParameterError
        If a bound is negative or NaN, or if neither is finite.
    """

    l2: float = math.inf
    each: float | Array = math.inf
    where: Where = Where.AFTER
    sigma: float = field(default=0.0, kw_only=True)
    counts_per_unit: float = field(default=0.0, kw_only=True)
    delta: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        each = np.asarray(self.each, dtype=np.float64)
        if math.isnan(self.l2) or self.l2 < 0.0 or np.isnan(each).any() or (each < 0.0).any():
            raise ParameterError(
                f"noise bounds must be >= 0, got l2={self.l2}, each={self.each}; "
                "give the largest noise that can occur"
            )
        stated = self.sigma > 0.0 or self.counts_per_unit > 0.0
        if not stated and math.isinf(self.l2) and np.isinf(each).any():
            raise ParameterError("noise needs a finite bound: give l2=, each= or both")

    @staticmethod
    def gaussian(sigma: float, delta: float = 1e-9, where: Where = Where.AFTER) -> Noise:
        """Return the promise of independent normal noise, broken with probability <= `delta`.

        For m coefficients, with probability at least ``1 - delta/2`` each:
        ``|e|_2 <= sigma (sqrt(m) + sqrt(2 ln(2/delta)))`` (concentration of a 1-Lipschitz
        function of a Gaussian vector) and ``|e_i| <= sigma sqrt(2 ln(4 m/delta))`` for all i.

        Parameters
        ----------
        sigma : float > 0
            Standard deviation of each real coefficient (of the real and the imaginary part
            together for complex ones: ``E|e_i|^2 = sigma^2``).
        delta : float in (0, 1)
            Allowed probability of failure.
        where : Where
            `AFTER` or `BEFORE` the non-linearity.
        """
        _require_random(sigma, "sigma", delta)
        return Noise(where=where, sigma=sigma, delta=delta)

    @staticmethod
    def poisson(counts_per_unit: float, delta: float = 1e-9) -> Noise:
        """Return the promise of counting noise, ``y = Poisson(c mu) / c``, c = counts_per_unit.

        The interval of each mean follows from its own count k by the tails of the Poisson law
        (Garwood: quantiles of the gamma law at k and k + 1), at level ``delta/m`` each, so all
        hold together with probability at least ``1 - delta``.

        Parameters
        ----------
        counts_per_unit : float > 0
            Expected number of counts for one unit of the measured quantity.
        delta : float in (0, 1)
            Allowed probability of failure.
        """
        _require_random(counts_per_unit, "counts_per_unit", delta)
        return Noise(counts_per_unit=counts_per_unit, delta=delta)

    def bound(self, y: Array) -> NoiseBound:
        """Return the promise in numbers for the measurement `y`."""
        m = max(y.size, 1)
        if self.sigma > 0.0:
            l2 = self.sigma * (math.sqrt(m) + math.sqrt(2.0 * math.log(2.0 / self.delta)))
            each = broadcast_to(
                "each", self.sigma * math.sqrt(2.0 * math.log(4.0 * m / self.delta)), y.shape
            )
            return NoiseBound(up(l2), each, self.where, probabilistic(self.delta))
        if self.counts_per_unit > 0.0:
            if (np.asarray(y) < 0.0).any():
                raise ParameterError(
                    f"counts must be >= 0, got {float(np.min(y))}; subtract no background from "
                    "data with Poisson noise"
                )
            each = _garwood(np.asarray(y), self.counts_per_unit, self.delta / m)
            return NoiseBound(norm_upper(each), each, self.where, probabilistic(self.delta))
        each = broadcast_to("noise each", self.each, y.shape)
        # either bound implies the other kind
        return NoiseBound(
            min(self.l2, norm_upper(each)), np.minimum(each, self.l2), self.where, PROVED
        )

    def to_json(self) -> dict[str, Any]:
        """Return the promise as plain data (an array of bounds as its digest)."""
        from recover.core.arrays import digest

        each = np.asarray(self.each, dtype=np.float64)
        data: dict[str, Any] = {"where": self.where.value}
        if self.sigma > 0.0:
            return {**data, "law": "gaussian", "sigma": self.sigma, "delta": self.delta}
        if self.counts_per_unit > 0.0:
            return {
                **data,
                "law": "poisson",
                "counts_per_unit": self.counts_per_unit,
                "delta": self.delta,
            }
        data["l2"] = "inf" if math.isinf(self.l2) else self.l2
        if each.ndim == 0:
            data["each"] = "inf" if math.isinf(each) else float(each)
        else:
            data["each"] = digest([each])
        return data


def _require_random(value: float, name: str, delta: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise ParameterError(f"{name} must be positive and finite, got {value}")
    if not 0.0 < delta < 1.0:
        raise ParameterError(f"delta must lie in (0, 1), got {delta}")


def _garwood(y: npt.NDArray[np.float64], scale: float, delta: float) -> Array:
    """Return the half-width of the exact Poisson interval around each y."""
    from scipy.special import gammainccinv, gammaincinv

    counts = np.rint(y * scale)
    low = np.where(counts > 0, gammaincinv(np.maximum(counts, 1.0), delta / 2), 0.0)
    high = gammainccinv(counts + 1.0, delta / 2)
    return np.maximum(y - low / scale, high / scale - y) * (1 + 1e-9)
