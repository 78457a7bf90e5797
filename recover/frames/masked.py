"""The sub-frame of the vectors that a mask keeps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, frozen
from recover.core.errors import ParameterError
from recover.frames.base import Frame, FrameBounds
from recover.frames.dense import Dense

__all__ = ["Masked", "unmasked"]


@dataclass(frozen=True, eq=False, init=False)
class Masked(Frame):
    """The vectors of `frame` where `keep` is True; its coefficients are a flat array.

    Parameters
    ----------
    frame : Frame
        The whole frame.
    keep : array of bool [shape=frame.coef_shape]
        Which vectors stay.

    Raises
    ------
    ParameterError
        If `keep` is not boolean or has another shape.
    """

    frame: Frame
    keep: Array

    def __init__(self, frame: Frame, keep: npt.ArrayLike) -> None:
        mask = np.asarray(keep)
        if mask.dtype != np.bool_ or mask.shape != frame.coef_shape:
            raise ParameterError(
                f"keep must be a boolean array of shape {frame.coef_shape}, "
                f"got dtype {mask.dtype} and shape {mask.shape}"
            )
        object.__setattr__(self, "frame", frame)
        object.__setattr__(self, "keep", frozen(mask))

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.frame.signal_shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (int(np.count_nonzero(self.keep)),)

    @property
    def real_signal(self) -> bool:
        return self.frame.real_signal

    @property
    def real_coefs(self) -> bool:
        return self.frame.real_coefs

    def analysis(self, x: Array) -> Array:
        c = self.frame.analysis(x)
        batch = c.shape[: c.ndim - self.keep.ndim]
        return np.asarray(c.reshape(*batch, self.keep.size).take(self._places, axis=-1))

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        full = np.zeros((*c.shape[:-1], self.keep.size), dtype=c.dtype)
        full[..., self._places] = c
        return self.frame.synthesis(full.reshape(*c.shape[:-1], *self.keep.shape))

    def bounds(self) -> FrameBounds:
        return self._bounds

    def roundoff(self) -> float:
        return self.frame.roundoff()

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Masked", self.keep, *self.frame.identity_parts())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(Dense(rng.standard_normal((16, 4))), rng.random(16) < 0.7)

    @cached_property
    def _bounds(self) -> FrameBounds:
        from recover.frames.bounds import proved_bounds

        return proved_bounds(self)

    @cached_property
    def _places(self) -> Array:
        """Flat indices of the vectors that stay."""
        return np.flatnonzero(self.keep)


def unmasked(frame: Frame, keep: Array | None) -> tuple[Frame, Array]:
    """Return the innermost frame that is not `Masked`, and the mask in its coefficients.

    Parameters
    ----------
    frame : Frame
    keep : array of bool [shape=frame.coef_shape], optional
        All by default.

    Raises
    ------
    ParameterError
        If `keep` has another shape.
    """
    shape = frame.coef_shape
    kept = np.ones(shape, dtype=bool) if keep is None else np.asarray(keep, dtype=bool)
    if kept.shape != shape:
        raise ParameterError(f"keep must have shape {shape}, got {kept.shape}")
    while isinstance(frame, Masked):
        inner = np.zeros(frame.frame.coef_shape, dtype=bool)
        inner[frame.keep] = kept
        frame, kept = frame.frame, inner
    return frame, kept
