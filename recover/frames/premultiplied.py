"""A frame that sees the signal through a pointwise factor: a mask, an illumination, a dual."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric, frozen
from recover.core.errors import ParameterError
from recover.core.rounding import U, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.dense import Dense
from recover.frames.fft import is_single
from recover.frames.structure import Diagonal, HasDiagonal, HasSymbol

__all__ = ["Premultiplied"]


@dataclass(frozen=True, eq=False, init=False)
class Premultiplied(Frame):
    """The frame with ``analysis(x) = frame.analysis(factor * x)``.

    Parameters
    ----------
    frame : Frame
        The frame behind the factor.
    factor : array [broadcasts to frame.signal_shape], real, or complex for complex signals
        What the signal is multiplied by.

    Raises
    ------
    ParameterError
        If `factor` does not fit the frame's signals.
    """

    frame: Frame
    factor: Array

    def __init__(self, frame: Frame, factor: npt.ArrayLike) -> None:
        values = as_numeric("factor", factor)
        if np.iscomplexobj(values) and frame.real_signal:
            raise ParameterError(
                "factor must be real for a frame of real signals, got complex values; "
                "build the frame with real_signal=False"
            )
        wide = np.complex128 if np.iscomplexobj(values) else np.float64
        try:
            values = np.broadcast_to(values.astype(wide), frame.signal_shape)
        except ValueError:
            raise ParameterError(
                f"factor must broadcast to the signal's shape {frame.signal_shape}, "
                f"got {values.shape}"
            ) from None
        object.__setattr__(self, "frame", frame)
        object.__setattr__(self, "factor", frozen(values))

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.frame.signal_shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return self.frame.coef_shape

    @property
    def real_signal(self) -> bool:
        return self.frame.real_signal

    @property
    def real_coefs(self) -> bool:
        return self.frame.real_coefs

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        return self.frame.analysis(x * self._factor_for(x))

    def synthesis(self, c: Array) -> Array:
        x = self.frame.synthesis(self.check_coefs(c))
        return x * self._factor_for(x).conj()

    def bounds(self) -> FrameBounds:
        from recover.frames.bounds import proved_bounds

        return proved_bounds(self)

    def roundoff(self) -> float:
        largest = float(np.abs(self.factor).max()) * (1.0 + 4.0 * U)
        root = up(math.sqrt(self.frame.bounds().upper))
        relative = 4.0 * U  # of the product, complex too
        return up(largest * (self.frame.roundoff() * (1.0 + relative) + relative * root), 4)

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the diagonal if the inner frame operator is diagonal or a multiple of 1."""
        inner = self._inner_diagonal(keep)
        if inner is None:
            return None
        squares = np.square(self.factor.real) + np.square(self.factor.imag)
        entries = np.broadcast_to(squares * inner.entries, self.signal_shape)
        largest = float(squares.max())
        rounding = 8.0 * U * float(entries.max())
        return Diagonal(entries, up(largest * inner.slack * (1.0 + 8.0 * U) + rounding, 2))

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Premultiplied", self.factor, *self.frame.identity_parts())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        rows = rng.standard_normal((9, 4)) + 1j * rng.standard_normal((9, 4))
        return cls(Dense(rows), rng.standard_normal(4) + 1j * rng.standard_normal(4))

    def _inner_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the inner frame operator's diagonal, also that of a tight frame."""
        if isinstance(self.frame, HasDiagonal):
            return self.frame.subframe_diagonal(keep)
        if isinstance(self.frame, HasSymbol):
            symbol = self.frame.subframe_symbol(keep)
            if symbol is not None and symbol.entries.min() == symbol.entries.max():
                return Diagonal(symbol.entries.reshape(-1)[:1], symbol.slack)
        return None

    def _factor_for(self, x: Array) -> Array:
        if not is_single(x):
            return self.factor
        return self.factor.astype(np.complex64 if np.iscomplexobj(self.factor) else np.float32)
