"""First differences of every plane: what is smooth to first order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, frozen
from recover.core.rounding import gamma, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.grid import (
    FOUR,
    differences,
    differences_adjoint,
    edge_count,
    gathered,
    pixel_factors,
    products,
    small_or_closed,
)
from recover.frames.shapes import as_shape
from recover.frames.stencil import Coupling, DType

__all__ = ["FiniteDifference"]


@dataclass(frozen=True, eq=False, init=False)
class FiniteDifference(Frame):
    """Coefficients ``s_p s_q (v_q - v_p)`` over pairs of neighbours, rightwards then downwards.

    Parameters
    ----------
    shape : (channels, height, width)
        Shape of the signal.
    factors : array [shape=(height, width), >= 0], optional
        The factors s_p; 1 by default.  Of a mask they keep the edges with both ends in it.
    """

    shape: tuple[int, ...]
    factors: Array

    def __init__(
        self, shape: int | tuple[int, ...], factors: npt.ArrayLike | None = None
    ) -> None:
        object.__setattr__(self, "shape", as_shape("shape", shape))
        object.__setattr__(self, "factors", frozen(pixel_factors(self.shape, factors)))

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (self.shape[0], edge_count(self.shape[1], self.shape[2]))

    @property
    def real_signal(self) -> bool:
        return True

    @property
    def real_coefs(self) -> bool:
        return True

    def analysis(self, x: Array) -> Array:
        factors = products(self.factors).astype(x.dtype)
        return np.asarray(differences(self.check_signal(x)) * factors)

    def synthesis(self, c: Array) -> Array:
        scaled = self.check_coefs(c) * products(self.factors).astype(c.dtype)
        return differences_adjoint(scaled, self.shape[1], self.shape[2])

    def couplings(self, rows: Array, columns: Array, kind: DType) -> Iterator[Coupling]:
        """Yield the entries of the weighted graph Laplacian in the rows of the given pixels."""
        weight = np.square(self.factors)
        own = gathered(weight, rows, columns)
        centre = np.zeros(rows.shape)
        for down, right in FOUR:
            edge = own * gathered(weight, rows + down, columns + right)
            centre += edge
            yield Coupling(down, right, (-edge).astype(kind))
        yield Coupling(0, 0, centre.astype(kind))

    def bounds(self) -> FrameBounds:
        return small_or_closed(self, self._norm() ** 2)

    def roundoff(self) -> float:
        return up(gamma(8) * self._norm(), 2)

    def _norm(self) -> float:
        """Return a bound: ``(v_q - v_p)^2 <= 2 v_p^2 + 2 v_q^2``, four edges to a pixel."""
        largest = float(self.factors.max(initial=0.0))
        return up(np.sqrt(8.0) * largest * largest * (1.0 + gamma(6)), 2)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("FiniteDifference", *self.shape, self.factors)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        shape = (int(rng.integers(1, 3)), int(rng.integers(1, 4)), int(rng.integers(2, 5)))
        return cls(shape, rng.uniform(0.0, 1.0, size=shape[1:]))
