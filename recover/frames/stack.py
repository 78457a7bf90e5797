"""The union of several frames of the same signals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, frozen
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import U, down, gamma, up
from recover.frames.bands import sum_of_bands
from recover.frames.base import Frame, FrameBounds
from recover.frames.dense import Dense
from recover.frames.fft import is_single
from recover.frames.identity import Identity
from recover.frames.masked import unmasked
from recover.frames.structure import Bands, Diagonal, HasBands, HasDiagonal, Part

__all__ = ["Stack"]

TIGHT = 1e-12  # relative difference of bounds that are added up instead of proved anew


@dataclass(frozen=True, eq=False, init=False)
class Stack(Frame):
    """All vectors of several frames; coefficients are the parts' ones, flattened and joined.

    The frame operator is ``sum_i weights_i^2 S_i``.

    Parameters
    ----------
    frames : sequence of Frame
        Frames of the same signals.
    weights : array [shape=(frames,), > 0], optional
        Factor of each part's coefficients; 1 by default.

    Raises
    ------
    ParameterError
        If there is no frame, their signals differ, or a weight is not positive and finite.
    """

    frames: tuple[Frame, ...]
    weights: Array

    def __init__(self, frames: Sequence[Frame], weights: npt.ArrayLike | None = None) -> None:
        parts = tuple(frames)
        if not parts:
            raise ParameterError("frames must hold at least one frame, got none")
        kinds = {(part.signal_shape, part.real_signal) for part in parts}
        if len(kinds) > 1:
            raise ParameterError(
                "frames must have the same signals, got (shape, real) = "
                f"{sorted(kinds)}; give every complex frame of real signals real_signal=True"
            )
        factors = np.ones(len(parts)) if weights is None else np.asarray(weights, dtype=float)
        if factors.shape != (len(parts),) or not (np.isfinite(factors) & (factors > 0.0)).all():
            raise ParameterError(
                f"weights must be {len(parts)} finite numbers > 0, got {factors}; "
                "leave out a frame that is not to count"
            )
        object.__setattr__(self, "frames", parts)
        object.__setattr__(self, "weights", frozen(factors))

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.frames[0].signal_shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (sum(part.coef_size for part in self.frames),)

    @property
    def real_signal(self) -> bool:
        return self.frames[0].real_signal

    @property
    def real_coefs(self) -> bool:
        return all(part.real_coefs for part in self.frames)

    def split(self, c: Array) -> list[Array]:
        """Return views of the coefficients of each part, shapes (..., *part.coef_shape)."""
        pieces = np.split(c, self._ends, axis=-1)
        return [
            piece.reshape(*c.shape[:-1], *part.coef_shape)
            for piece, part in zip(pieces, self.frames, strict=True)
        ]

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        batch = x.shape[: x.ndim - len(self.signal_shape)]
        return np.concatenate(
            [
                part.analysis(x).reshape(*batch, part.coef_size) * float(weight)
                for part, weight in zip(self.frames, self.weights, strict=True)
            ],
            axis=-1,
        )

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        kind = np.result_type(c.dtype, np.float32 if is_single(c) else np.float64)
        batch = c.shape[:-1]
        if self.real_signal:
            kind = np.finfo(kind).dtype
        total = np.zeros((*batch, *self.signal_shape), dtype=kind)
        for part, piece, weight in zip(self.frames, self.split(c), self.weights, strict=True):
            ours = piece.real if part.real_coefs else piece
            total = total + part.synthesis(ours * float(weight))
        return total

    def bounds(self) -> FrameBounds:
        return self._bounds

    def roundoff(self) -> float:
        square = 0.0
        for part, weight in zip(self.frames, self.weights, strict=True):
            root = up(math.sqrt(part.bounds().upper))
            square += (float(weight) * (part.roundoff() * (1.0 + 2.0 * U) + U * root)) ** 2
        return up(math.sqrt(square) * (1.0 + 8.0 * gamma(len(self.frames) + 8)), 2)

    def subframe_parts(self, keep: Array) -> Sequence[Part]:
        """Return the frames without their own masks, and what is kept of each."""
        return [
            Part(*unmasked(part, piece), float(weight))
            for part, piece, weight in zip(
                self.frames, self.split(keep), self.weights, strict=True
            )
        ]

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the sum of the parts' diagonals, None if one is not diagonal."""
        entries, slack = np.zeros(self.signal_shape), 0.0
        for part in self.subframe_parts(keep):
            known = _diagonal_of(part)
            if known is None:
                return None
            entries = entries + known.entries
            slack += known.slack
        rounding = gamma(len(self.frames)) * float(entries.max())
        return Diagonal(entries, up(slack * (1.0 + gamma(len(self.frames))) + rounding, 2))

    def subframe_bands(self, keep: Array) -> Bands | None:
        """Return the sum of the parts' bands, None if one is not banded."""
        terms = []
        for part in self.subframe_parts(keep):
            known = _diagonal_of(part)
            if known is not None and known.entries.ndim == 1:
                terms.append(Bands(known.entries[None], known.slack))
                continue
            bands = (
                part.frame.subframe_bands(part.keep)
                if isinstance(part.frame, HasBands)
                else None
            )
            if bands is None:
                return None
            square = part.weight**2
            size = float(np.abs(bands.bands).max(initial=0.0)) * (2 * bands.bands.shape[0])
            slack = up(square * (bands.slack + 4.0 * U * size) * (1.0 + 8.0 * U), 2)
            terms.append(bands._replace(bands=square * bands.bands, slack=slack))
        return sum_of_bands(terms)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        inner: list[Array | str | float | int | bool | None] = []
        for part in self.frames:
            inner += ["part", *part.identity_parts()]
        return ("Stack", self.weights, *inner)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        rows = rng.standard_normal((3, 5)) + 1j * rng.standard_normal((3, 5))
        complex_rows = Dense(rows, real_signal=True)
        return cls((Identity(5), complex_rows), weights=rng.uniform(0.5, 2.0, size=2))

    @cached_property
    def _bounds(self) -> FrameBounds:
        from recover.frames.bounds import proved_bounds

        lower, upper, rigor = 0.0, 0.0, PROVED
        for part, weight in zip(self.frames, self.weights, strict=True):
            known, square = part.bounds(), float(weight) ** 2
            lower = max(down(lower + down(square * known.lower, 2), 2), 0.0)
            upper = up(upper + up(square * known.upper, 2), 2)
            rigor = rigor & known.rigor
        if upper - lower <= TIGHT * upper:  # nothing can be gained
            return FrameBounds(lower, upper, rigor, "sum of tight frames")
        return proved_bounds(self)

    @cached_property
    def _ends(self) -> list[int]:
        return [int(end) for end in np.cumsum([part.coef_size for part in self.frames])[:-1]]


def _diagonal_of(part: Part) -> Diagonal | None:
    """Return the weighted diagonal of one part's frame operator, None if it is not diagonal."""
    if not isinstance(part.frame, HasDiagonal):
        return None
    known = part.frame.subframe_diagonal(part.keep)
    if known is None:
        return None
    square = part.weight**2
    entries = square * known.entries
    rounding = 0.0 if part.weight == 1.0 else 3.0 * U * float(entries.max(initial=0.0))
    return Diagonal(entries, up(square * known.slack * (1.0 + 4.0 * U) + rounding))
