"""The discrete Laplacian of every plane: what is smooth to second order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, frozen
from recover.core.rounding import gamma, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.grid import FOUR, degrees, gathered, pixel_factors, small_or_closed
from recover.frames.shapes import as_shape
from recover.frames.stencil import Coupling, DType

__all__ = ["Laplacian"]


@dataclass(frozen=True, eq=False, init=False)
class Laplacian(Frame):
    """Coefficients ``s_p sum_q (v_q - v_p)`` over the up to four neighbours q of each pixel p.

    Parameters
    ----------
    shape : (channels, height, width)
        Shape of the signal.
    factors : array [shape=(height, width), >= 0], optional
        The factors s_p, the same for all channels; 1 by default.
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
        return self.shape

    @property
    def real_signal(self) -> bool:
        return True

    @property
    def real_coefs(self) -> bool:
        return True

    def analysis(self, x: Array) -> Array:
        return np.asarray(self._graph(self.check_signal(x)) * self.factors.astype(x.dtype))

    def synthesis(self, c: Array) -> Array:
        return self._graph(self.check_coefs(c) * self.factors.astype(c.dtype))

    def _graph(self, x: Array) -> Array:
        """Return ``sum_q (x_q - x_p)``, a symmetric operator."""
        out = np.zeros_like(x)
        for axis in (-2, -1):
            step = np.diff(x, axis=axis)
            head = [slice(None)] * x.ndim
            tail = list(head)
            head[axis], tail[axis] = slice(None, -1), slice(1, None)
            out[tuple(head)] += step
            out[tuple(tail)] -= step
        return out

    def couplings(self, rows: Array, columns: Array, kind: DType) -> Iterator[Coupling]:
        """Yield the entries of ``L^T s^2 L`` in the rows of the given pixels."""
        weight = np.square(self.factors)
        degree = degrees(self.shape[1], self.shape[2])
        own = gathered(degree, rows, columns)
        own_weight = gathered(weight, rows, columns)
        centre = own_weight * own * own
        diagonal: dict[tuple[int, int], Array] = {}
        for down, right in FOUR:
            near_weight = gathered(weight, rows + down, columns + right)
            near_degree = gathered(degree, rows + down, columns + right)
            present = near_degree > 0
            centre = centre + near_weight
            side = np.where(present, -own_weight * own - near_weight * near_degree, 0.0)
            yield Coupling(down, right, side.astype(kind))
            for further in FOUR:
                offset = (down + further[0], right + further[1])
                if offset == (0, 0):
                    continue
                inside = gathered(degree, rows + offset[0], columns + offset[1]) > 0
                entry = np.where(inside, near_weight, 0.0)
                diagonal[offset] = diagonal[offset] + entry if offset in diagonal else entry
        yield Coupling(0, 0, centre.astype(kind))
        for offset, entry in diagonal.items():
            yield Coupling(*offset, entry.astype(kind))

    def bounds(self) -> FrameBounds:
        return small_or_closed(self, self._norm() ** 2)

    def roundoff(self) -> float:
        return up(gamma(12) * self._norm(), 2)

    def _norm(self) -> float:
        """Return a bound on the norm: rows and columns sum up to 8 in modulus."""
        return up(8.0 * float(self.factors.max(initial=0.0)) * (1.0 + gamma(4)))

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Laplacian", *self.shape, self.factors)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        shape = (int(rng.integers(1, 3)), int(rng.integers(1, 4)), int(rng.integers(2, 5)))
        return cls(shape, rng.uniform(0.0, 1.0, size=shape[1:]))
