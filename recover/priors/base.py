"""The abstract prior: what is assumed of the signal besides the measurement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np

from recover.core.arrays import Array

__all__ = ["Part", "Prior"]

Part = Array | str | float | int | bool | None


class Prior(ABC):
    """An assumption built of frames; a certificate that uses it names it."""

    @property
    @abstractmethod
    def signal_shape(self) -> tuple[int, ...]:
        """Shape of the signals that it speaks of."""

    @property
    @abstractmethod
    def statement(self) -> str:
        """The assumption in one sentence, as it stands in certificates."""

    @abstractmethod
    def violation(self, x: Array) -> float:
        """Return by how much `x` breaks the assumption, in signal units; 0 if it holds."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the prior as plain data for a certificate's scope."""

    @abstractmethod
    def identity_parts(self) -> tuple[Part, ...]:
        """Return what defines the prior, for digests."""

    @classmethod
    @abstractmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        """Return a small instance for the law tests and for ``recover list``."""
