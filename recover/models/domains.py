"""Where the signal is known to lie, and for which signals a certificate speaks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, broadcast_to, digest, frozen
from recover.core.errors import ParameterError

__all__ = ["Ball", "Box", "Domain", "Everywhere", "Support"]

_NORM_SLACK = 1.0 + 1e-12  # a signal on the sphere is inside whatever way its norm was rounded


class Domain(ABC):
    """A convex set of signals."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """The scope's name in JSON."""

    @abstractmethod
    def contains(self, x: Array) -> bool:
        """Whether `x` lies in the domain, up to rounding."""

    @abstractmethod
    def project(self, x: Array) -> Array:
        """Return the nearest point of the domain."""

    @abstractmethod
    def interval(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Return per-coefficient bounds (low, high) of `shape` that hold on the domain."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the scope as plain data; arrays become their digest."""


@dataclass(frozen=True)
class Everywhere(Domain):
    """All signals."""

    @property
    def kind(self) -> str:
        return "global"

    def contains(self, x: Array) -> bool:
        return True

    def project(self, x: Array) -> Array:
        return x

    def interval(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        return np.broadcast_to(-math.inf, shape), np.broadcast_to(math.inf, shape)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind}


@dataclass(frozen=True)
class Ball(Domain):
    """Signals of l2 norm at most `radius`, with entries >= 0 if `nonnegative`."""

    radius: float
    nonnegative: bool = False

    def __post_init__(self) -> None:
        if not self.radius > 0.0 or math.isinf(self.radius):
            raise ParameterError(
                f"radius must be positive and finite, got {self.radius}; Everywhere() is all"
            )

    @property
    def kind(self) -> str:
        return "ball"

    def contains(self, x: Array) -> bool:
        inside = float(np.linalg.norm(x)) <= self.radius * _NORM_SLACK
        return inside and (not self.nonnegative or _between(x, 0.0, math.inf))

    def project(self, x: Array) -> Array:
        x = _clipped(x, 0.0, math.inf) if self.nonnegative else x
        norm = float(np.linalg.norm(x))
        return x * (self.radius / norm) if norm > self.radius else x

    def interval(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        low = 0.0 if self.nonnegative else -self.radius
        return np.broadcast_to(low, shape), np.broadcast_to(self.radius, shape)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "radius": self.radius, "nonnegative": self.nonnegative}


@dataclass(frozen=True, eq=False, init=False)
class Box(Domain):
    """Signals with ``low <= x <= high``, each a scalar or an array of the signal's shape."""

    low: Array
    high: Array

    def __init__(self, low: npt.ArrayLike, high: npt.ArrayLike) -> None:
        a, b = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        if not np.all(a <= b):  # nor where one is NaN
            raise ParameterError(
                f"low must be at most high everywhere, got {low!r} and {high!r}"
            )
        object.__setattr__(self, "low", frozen(a))
        object.__setattr__(self, "high", frozen(b))

    @property
    def kind(self) -> str:
        return "conditional"

    def contains(self, x: Array) -> bool:
        return _between(x, self.low, self.high)

    def project(self, x: Array) -> Array:
        return _clipped(x, self.low, self.high)

    def interval(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        return broadcast_to("low", self.low, shape), broadcast_to("high", self.high, shape)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "on": "box",
            "low": _plain(self.low),
            "high": _plain(self.high),
        }


@dataclass(frozen=True, eq=False, init=False)
class Support(Domain):
    """Signals that vanish where `mask` is False, with entries >= 0 if `nonnegative`."""

    mask: Array
    nonnegative: bool

    def __init__(self, mask: npt.ArrayLike, nonnegative: bool = False) -> None:
        support = np.asarray(mask)
        if support.dtype != np.bool_ or not support.any():
            raise ParameterError(
                f"mask must be boolean with at least one True, got dtype {support.dtype} "
                f"and {np.count_nonzero(support)} entries"
            )
        object.__setattr__(self, "mask", frozen(support))
        object.__setattr__(self, "nonnegative", nonnegative)

    @property
    def kind(self) -> str:
        return "conditional"

    def contains(self, x: Array) -> bool:
        inside = not bool(np.any(np.where(self.mask, 0.0, x)))
        return inside and (not self.nonnegative or _between(x, 0.0, math.inf))

    def project(self, x: Array) -> Array:
        kept = np.where(self.mask, x, np.zeros((), dtype=x.dtype))
        return _clipped(kept, 0.0, math.inf) if self.nonnegative else kept

    def interval(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        inside = broadcast_to("mask", self.mask, shape) != 0.0
        low = np.where(inside, 0.0 if self.nonnegative else -math.inf, 0.0)
        return low, np.where(inside, math.inf, 0.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "on": "support",
            "size": int(np.count_nonzero(self.mask)),
            "mask": digest([self.mask]),
            "nonnegative": self.nonnegative,
        }


def _between(x: Array, low: Array | float, high: Array | float) -> bool:
    """Whether all entries are real and lie between the two."""
    return bool(np.all((x.real >= low) & (x.real <= high) & (x.imag == 0.0)))


def _clipped(x: Array, low: Array | float, high: Array | float) -> Array:
    """Return the nearest real numbers between the two, in the dtype of `x`."""
    nearest: Array = np.clip(x.real, low, high).astype(x.dtype)
    return nearest


def _plain(value: Array) -> float | str:
    if value.ndim > 0:
        return digest([value])
    return float(value) if math.isfinite(value) else str(float(value))
