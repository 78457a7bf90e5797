"""Coded diffraction patterns: Fourier transforms of a signal behind several masks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.fft import fftn, ifftn

from recover.core.arrays import Array, as_numeric, frozen
from recover.core.errors import NotAFrameError, ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import TINY, down, gamma, norm_upper, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.fft import fft_error, is_single
from recover.frames.structure import Diagonal

__all__ = ["CodedDiffraction"]

# Candes, Li, Soltanolkotabi (2015), section 2.1: the squared amplitudes average to 1
OCTANARY_AMPLITUDES = (math.sqrt(0.5), math.sqrt(3.0))
OCTANARY_SHARES = (0.8, 0.2)


@dataclass(frozen=True, eq=False, init=False)
class CodedDiffraction(Frame):
    """The frame with ``analysis(x)[l] = F (masks[l] x)``, F the unitary Fourier transform [1]_.

    Its frame operator is the multiplication by ``sum_l |masks[l]|^2``.

    Parameters
    ----------
    masks : array [shape=(L, *signal_shape), real or complex]
        One mask for each pattern.
    real_signal : bool
        Whether signals are real; coefficients are complex either way.

    Raises
    ------
    ParameterError
        If `masks` is not a finite array with a first axis of masks and at least one more.

    References
    ----------
    .. [1] E. J. Candes, X. Li, M. Soltanolkotabi, "Phase retrieval from coded diffraction
       patterns", Appl. Comput. Harmon. Anal. 39 (2015) 277-299.
    """

    masks: Array
    signals_are_real: bool

    def __init__(self, masks: npt.ArrayLike, real_signal: bool = False) -> None:
        values = as_numeric("masks", masks)
        if values.ndim < 2 or 0 in values.shape:
            raise ParameterError(
                f"masks must have shape (L, *signal_shape), got {values.shape}; "
                "for a single mask add a first axis"
            )
        wide = np.complex128 if np.iscomplexobj(values) else np.float64
        object.__setattr__(self, "masks", frozen(values.astype(wide)))
        object.__setattr__(self, "signals_are_real", real_signal)

    @classmethod
    def random_phases(
        cls,
        shape: tuple[int, ...],
        count: int,
        rng: np.random.Generator,
        *,
        real_signal: bool = False,
    ) -> Self:
        """Return `count` masks of uniform phases: a tight frame with bound `count`."""
        angles = rng.uniform(0.0, 2.0 * np.pi, (count, *shape))
        return cls(np.cos(angles) + 1j * np.sin(angles), real_signal)

    @classmethod
    def octanary(
        cls,
        shape: tuple[int, ...],
        count: int,
        rng: np.random.Generator,
        *,
        real_signal: bool = False,
    ) -> Self:
        """Return `count` octanary masks: phases 1, -1, i, -i, amplitudes sqrt(1/2), sqrt(3)."""
        phases = np.array([1.0, -1.0, 1j, -1j])[rng.integers(4, size=(count, *shape))]
        sizes = rng.choice(OCTANARY_AMPLITUDES, p=OCTANARY_SHARES, size=(count, *shape))
        return cls(phases * sizes, real_signal)

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.masks.shape[1:]

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return self.masks.shape

    @property
    def real_signal(self) -> bool:
        return self.signals_are_real

    @property
    def real_coefs(self) -> bool:
        return False

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        masks = self._single if is_single(x) else self.masks
        behind = x[(..., None, *self._whole)] * masks
        return np.asarray(fftn(behind, axes=self._axes, norm="ortho", overwrite_x=True))

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        masks = self._single_turned if is_single(c) else self._turned
        behind = np.asarray(ifftn(c, axes=self._axes, norm="ortho"))
        # sum over masks without a temporary of all products
        x = np.zeros((*c.shape[: c.ndim - masks.ndim], *self.signal_shape), dtype=behind.dtype)
        for k, mask in enumerate(masks):
            x += np.take(behind, k, axis=c.ndim - masks.ndim) * mask
        return x.real.copy() if self.real_signal else x

    def bounds(self) -> FrameBounds:
        entries, slack = self._diagonal(np.ones(self.masks.shape[0], dtype=bool))
        return FrameBounds(
            max(down(float(entries.min()) - slack), 0.0),
            up(float(entries.max()) + slack),
            PROVED,
            "diagonal frame operator",
        )

    def roundoff(self) -> float:
        # the product with a mask (complex: 4 roundings), the scale, and one transform an axis
        relative = sum(fft_error(n) for n in self.signal_shape) + gamma(8)
        return up(relative * (1.0 + 2.0 * relative) * math.sqrt(self.bounds().upper), 4)

    def adjoint_roundoff(self) -> float:
        """Return e with ``|computed - exact synthesis(c)| <= e |c|`` for every float64 c.

        The same transforms and products as in `roundoff`, and L - 1 additions, whose errors
        are relative to ``sum_l |masks[l]| |b_l| <= sqrt(B) |b|``.
        """
        extra = gamma(self.masks.shape[0] + 8)
        return up(self.roundoff() + up(extra * math.sqrt(self.bounds().upper), 2), 2)

    def row_norms(self) -> Array:
        """Return upper bounds of the norms of the frame vectors, shape `coef_shape`."""
        root = down(math.sqrt(self.signal_size))
        norms = np.array([up(norm_upper(mask) / root) for mask in self.masks])
        return np.broadcast_to(norms[(..., *(None,) * len(self.signal_shape))], self.coef_shape)

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the diagonal where whole masks are kept, else None."""
        axes = tuple(range(1, keep.ndim))
        kept = np.asarray(keep.any(axis=axes))
        return self._diagonal(kept) if np.array_equal(kept, keep.all(axis=axes)) else None

    def canonical_dual(self) -> CodedDiffraction:
        """Return the frame of the masks divided by the sum of their squared moduli."""
        entries, slack = self._diagonal(np.ones(self.masks.shape[0], dtype=bool))
        if float(entries.min()) <= slack:
            raise NotAFrameError(
                f"masks must light every sample, got {np.count_nonzero(entries <= slack)} "
                "samples that are dark in all of them; add a mask"
            )
        return CodedDiffraction(self.masks / entries, self.real_signal)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("CodedDiffraction", self.masks, self.real_signal)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        shape = tuple(int(n) for n in rng.integers(2, 5, size=int(rng.integers(1, 3))))
        masks = rng.standard_normal((int(rng.integers(1, 4)), *shape))
        kind = int(rng.integers(3))
        if kind > 0:
            return cls(masks + 1j * rng.standard_normal(masks.shape), kind > 1)
        return cls(masks)

    @cached_property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-len(self.signal_shape), 0))

    @cached_property
    def _whole(self) -> tuple[slice, ...]:
        return (slice(None),) * len(self.signal_shape)

    @cached_property
    def _single(self) -> Array:
        return self.masks.astype(np.complex64 if np.iscomplexobj(self.masks) else np.float32)

    @cached_property
    def _turned(self) -> Array:
        return self.masks.conj() if np.iscomplexobj(self.masks) else self.masks

    @cached_property
    def _single_turned(self) -> Array:
        return self._single.conj() if np.iscomplexobj(self.masks) else self._single

    def _diagonal(self, kept: Array) -> Diagonal:
        part = self.masks[kept]
        entries: Array = (part.real**2 + part.imag**2).sum(axis=0)
        count = int(np.count_nonzero(kept))
        rounding = gamma(count + 4) * float(entries.max(initial=0.0))
        return Diagonal(entries, up(rounding + 4.0 * TINY * count, 2) if count else 0.0)
