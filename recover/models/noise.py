"""What is promised about the noise: bounds in signal units, and where the noise enters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from recover.core.arrays import Array, broadcast_to
from recover.core.errors import ParameterError, require_type
from recover.core.rigor import PROVED, Rigor, probabilistic
from recover.core.rounding import norm_upper, up

__all__ = ["AFTER", "BEFORE", "Noise", "NoiseBound", "Where"]


class Where(Enum):
    """Whether noise is added after the non-linearity, or before it."""

    AFTER = "after"
    BEFORE = "before"


AFTER = Where.AFTER
BEFORE = Where.BEFORE

_MARGIN = 1e-9  # on quantiles and logarithms, which are evaluated to 1e-13 or better
_MANY = 1e5  # counts up to which the library's lower quantile of the gamma law is good


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
        If a bound is negative or NaN, if neither is finite, or if `where` is no `Where`.
    """

    l2: float = math.inf
    each: float | Array = math.inf
    where: Where = Where.AFTER
    sigma: float = field(default=0.0, kw_only=True)
    counts_per_unit: float = field(default=0.0, kw_only=True)
    delta: float = field(default=0.0, kw_only=True)
    roots: bool = field(default=False, kw_only=True)
    background: float | Array = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_type("where", self.where, Where, "pass recover.AFTER or recover.BEFORE")
        each = np.asarray(self.each)
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

    @staticmethod
    def counted(
        counts_per_unit: float, delta: float = 1e-9, background: float | Array = 0.0
    ) -> Noise:
        """Return the promise of magnitudes that are roots of counted intensities.

        ``y = sqrt(max(k / c - b, 0))`` with counts k of the Poisson law of mean
        ``c (mu^2 + b)``, c = counts_per_unit, and b the known background (a dark frame).  With
        probability at least ``1 - delta/2`` each: ``mu_i`` lies in the interval that Garwood's
        interval of the mean gives, at level ``delta / (2 m)``; and without background
        ``|y - mu|_2^2 <= T / c``, ``T = min_l (ln(2 / delta) + m ln((1 + l) / (1 - l))) / l``
        over l in (0, 1): by Chernoff's bound the divergence D of a count and its mean exceeds t
        with probability at most ``2 exp(-t)``, so that ``E exp(l D) <= (1 + l) / (1 - l)``, and
        ``(sqrt(k) - sqrt(nu))^2 <= k ln(k / nu) - k + nu = D``.

        Parameters
        ----------
        counts_per_unit : float > 0
            Expected number of counts for one unit of intensity (of the squared magnitude).
        delta : float in (0, 1)
            Allowed probability of failure.
        background : float or array >= 0
            What was taken off the intensities.
        """
        _require_random(counts_per_unit, "counts_per_unit", delta)
        if not (np.isfinite(background).all() and (np.asarray(background) >= 0.0).all()):
            raise ParameterError("background must be finite and >= 0; mask bad pixels instead")
        return Noise(
            counts_per_unit=counts_per_unit, delta=delta, roots=True, background=background
        )

    def bound(self, y: Array) -> NoiseBound:
        """Return the promise in numbers for the measurement `y`."""
        m = max(y.size, 1)
        if self.roots:
            background = broadcast_to("background", self.background, y.shape)
            return _counted(y, self.counts_per_unit, self.delta, background)
        if self.sigma > 0.0:
            l2 = self.sigma * (math.sqrt(m) + math.sqrt(2.0 * math.log(2.0 / self.delta)))
            single = self.sigma * math.sqrt(2.0 * math.log(4.0 * m / self.delta))
            each = np.full(y.shape, up(single))
            return NoiseBound(up(l2), each, self.where, probabilistic(self.delta))
        if self.counts_per_unit > 0.0:
            if (y < 0.0).any():
                raise ParameterError(
                    f"counts must be >= 0, got {float(np.min(y))}; subtract no background from "
                    "data with Poisson noise"
                )
            each = _garwood(y, self.counts_per_unit, self.delta / m)
            return NoiseBound(norm_upper(each), each, self.where, probabilistic(self.delta))
        each = broadcast_to("noise each", self.each, y.shape)
        # either bound implies the other kind
        return NoiseBound(
            min(self.l2, norm_upper(each)), np.minimum(each, self.l2), self.where, PROVED
        )

    def _of_roots(self) -> dict[str, Any]:
        from recover.core.arrays import digest

        if not self.roots:
            return {}
        background = np.asarray(self.background, dtype=np.float64)
        single = background.ndim == 0
        return {
            "roots": True,
            "background": float(background) if single else digest([background]),
        }

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
                **self._of_roots(),
            }
        data["l2"] = "inf" if math.isinf(self.l2) else self.l2
        if each.ndim == 0:
            data["each"] = "inf" if math.isinf(each) else float(each)
        else:
            data["each"] = digest([each])
        return data


def _counted(y: Array, scale: float, delta: float, background: Array) -> NoiseBound:
    """Return the bounds of `Noise.counted`."""
    if (y < 0.0).any():
        raise ParameterError(f"magnitudes must be >= 0, got {float(np.min(y))}")
    m = max(y.size, 1)
    wide = np.asarray(y, dtype=np.float64)
    counts = np.rint(scale * (np.square(wide) + background))
    low, high = _means(counts, delta / (4.0 * m))
    # of a magnitude of zero the count may be any below: the least does not matter there
    least = np.sqrt(np.maximum(low / scale - background, 0.0))
    most = np.sqrt(np.maximum(high / scale - background, 0.0))
    # a magnitude need not be the root of a whole count: what was rounded is allowed for
    rounded = np.abs(np.sqrt(np.maximum(counts / scale - background, 0.0)) - wide)
    each = np.maximum(wide - least, most - wide) + rounded
    l2 = norm_upper(each)
    if not background.any():
        tilt = np.linspace(0.01, 0.99, 99)
        total = (math.log(2.0 / delta) + m * np.log((1.0 + tilt) / (1.0 - tilt))) / tilt
        chernoff = math.sqrt(float(total.min()) / scale) * (1.0 + _MARGIN)
        l2 = min(l2, up(chernoff + norm_upper(rounded)))
    return NoiseBound(l2, each, Where.AFTER, probabilistic(delta))


def _require_random(value: float, name: str, delta: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise ParameterError(f"{name} must be positive and finite, got {value}")
    if not 0.0 < delta < 1.0:
        raise ParameterError(f"delta must lie in (0, 1), got {delta}")


def _garwood(y: Array, scale: float, delta: float) -> Array:
    """Return the half-width of the exact Poisson interval around each y."""
    wide = np.asarray(y, dtype=np.float64)
    low, high = _means(np.rint(wide * scale), delta / 2.0)
    half: Array = np.maximum(wide - low / scale, high / scale - wide)
    return half


def _means(counts: Array, tail: float) -> tuple[Array, Array]:
    """Return bounds of the Poisson means for which each count or beyond has a chance > `tail`.

    The quantiles of the gamma law at k and k + 1, widened by far more than they are rounded.
    The library computes the lower one too large for large counts beyond 4.5 deviations, by a
    quarter of a deviation in the end.  For those it is bounded from the inequality
    ``P(X < k) > Phi(sqrt(2 D))`` for ``X`` of mean ``x < k - 1``, with the divergence
    ``D = j log(j / x) + x - j >= (j - x)^2 / (2 j)`` at ``j = k - 1`` [1]_.

    References
    ----------
    .. [1] M. Short, "Improved inequalities for the Poisson and binomial distribution and upper
       tail quantile functions", ISRN Probability and Statistics (2013).
    """
    from scipy.special import gammainccinv, gammaincinv, ndtri

    below = np.maximum(counts, _MANY) - 1.0
    far = below + ndtri(tail) * np.sqrt(below)
    near = gammaincinv(np.maximum(counts, 1.0), tail)
    low = np.where(counts > _MANY, far, np.where(counts > 0.0, near, 0.0))
    return low * (1.0 - _MARGIN), gammainccinv(counts + 1.0, tail) * (1.0 + _MARGIN)
