"""Ptychography: Fourier transforms of a signal behind a window that is moved over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.fft import fftn, ifftn

from recover.core.arrays import Array, as_numeric, frozen
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import TINY, down, gamma, norm_upper, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.fft import fft_error, is_single
from recover.frames.shapes import as_shape
from recover.frames.structure import Diagonal

__all__ = ["Ptychography"]


@dataclass(frozen=True, eq=False, init=False)
class Ptychography(Frame):
    """The frame with ``analysis(x)[k] = F (probe x[window k])``, F the unitary transform [1]_.

    Window k is the part of the signal of the probe's shape whose first sample is
    ``positions[k]``.  The frame operator is the multiplication by the illumination, the sum of
    the probe's squared moduli at all positions; samples that no window lights are lost.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the signal (the object).
    probe : array [real or complex], no larger than `shape` along any axis
        The window (the illumination of one exposure).
    positions : array of int [shape=(K, len(shape))]
        First sample of each window; for signals of one axis also of shape (K,).
    real_signal : bool
        Whether signals are real; coefficients are complex either way.

    Raises
    ------
    ParameterError
        If the probe has another number of axes, is larger than the signal or zero everywhere,
        positions are not integers or a window leaves the signal.

    References
    ----------
    .. [1] P. Thibault, M. Dierolf, O. Bunk, A. Menzel, F. Pfeiffer, "Probe retrieval in
       ptychographic coherent diffractive imaging", Ultramicroscopy 109 (2009) 338-343.
    """

    shape: tuple[int, ...]
    probe: Array
    positions: Array
    signals_are_real: bool

    def __init__(
        self,
        shape: int | tuple[int, ...],
        probe: npt.ArrayLike,
        positions: npt.ArrayLike,
        real_signal: bool = False,
    ) -> None:
        sizes = as_shape("shape", shape)
        window = as_numeric("probe", probe)
        if window.ndim != len(sizes) or any(
            w > n for w, n in zip(window.shape, sizes, strict=True)
        ):
            raise ParameterError(
                f"probe must have {len(sizes)} axes and fit into the shape {sizes}, got "
                f"{window.shape}; give the object's shape, not the pattern's"
            )
        if not window.any():
            raise ParameterError("probe must not be zero everywhere")
        wide = np.complex128 if np.iscomplexobj(window) else np.float64
        object.__setattr__(self, "shape", sizes)
        object.__setattr__(self, "probe", frozen(window.astype(wide)))
        object.__setattr__(self, "positions", frozen(_checked(positions, sizes, window.shape)))
        object.__setattr__(self, "signals_are_real", real_signal)

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (self.positions.shape[0], *self.probe.shape)

    @property
    def real_signal(self) -> bool:
        return self.signals_are_real

    @property
    def real_coefs(self) -> bool:
        return False

    @property
    def windows(self) -> tuple[tuple[Any, ...], ...]:
        """The part of the signal that each window lights, as slices."""
        return self._windows

    @property
    def illumination(self) -> Array:
        """The frame operator's diagonal: the energy that falls on each sample in all."""
        return self._diagonal(np.ones(len(self._windows), dtype=bool)).entries

    def views(self, x: Array) -> Array:
        """Return what each window shows, shape (..., K, *probe.shape)."""
        batch = x.shape[: x.ndim - len(self.shape)]
        out = np.empty((*batch, *self.coef_shape), dtype=x.dtype)
        for k, window in enumerate(self._windows):
            out[self._place(k)] = x[(..., *window)]
        return out

    def overlaid(self, views: Array) -> Array:
        """Return the sum of what windows show, each in its place: the adjoint of `views`."""
        batch = views.shape[: views.ndim - len(self.coef_shape)]
        x = np.zeros((*batch, *self.shape), dtype=views.dtype)
        for k, window in enumerate(self._windows):
            x[(..., *window)] += views[self._place(k)]
        return x

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        behind = self.views(x) * (self._single if is_single(x) else self.probe)
        return np.asarray(fftn(behind, axes=self._axes, norm="ortho", overwrite_x=True))

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        behind = np.asarray(ifftn(c, axes=self._axes, norm="ortho"))
        behind *= np.conj(self._single if is_single(c) else self.probe)
        return self.overlaid(behind.real if self.real_signal else behind)

    def bounds(self) -> FrameBounds:
        entries, slack = self._diagonal(np.ones(len(self._windows), dtype=bool))
        return FrameBounds(
            max(down(float(entries.min()) - slack), 0.0),
            up(float(entries.max()) + slack),
            PROVED,
            "diagonal frame operator",
        )

    def roundoff(self) -> float:
        # the product with the probe (complex: 4 roundings), the scale, one transform an axis
        relative = sum(fft_error(n) for n in self.probe.shape) + gamma(8)
        return up(relative * (1.0 + 2.0 * relative) * math.sqrt(self.bounds().upper), 4)

    def adjoint_roundoff(self) -> float:
        """Return e with ``|computed - exact synthesis(c)| <= e |c|`` for every float64 c.

        The same transforms and products as in `roundoff`, and fewer than K additions, whose
        errors are relative to ``sum_k |probe| |b_k| <= sqrt(K) |probe| |b|`` in each sample:
        at most ``sqrt(B) |b|`` for windows with the bound B.
        """
        extra = gamma(len(self._windows) + 8)
        return up(self.roundoff() + up(extra * math.sqrt(self.bounds().upper), 2), 2)

    def row_norms(self) -> Array:
        """Return upper bounds of the norms of the frame vectors, shape `coef_shape`."""
        norm = up(norm_upper(self.probe) / down(math.sqrt(self.probe.size)))
        return np.broadcast_to(np.float64(norm), self.coef_shape)

    def subframe_diagonal(self, keep: Array) -> Diagonal | None:
        """Return the diagonal where whole windows are kept, else None."""
        axes = tuple(range(1, keep.ndim))
        kept = np.asarray(keep.any(axis=axes))
        return self._diagonal(kept) if np.array_equal(kept, keep.all(axis=axes)) else None

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        sizes = (len(self.shape), *self.shape)
        return ("Ptychography", *sizes, self.probe, self.positions, self.real_signal)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        axes = int(rng.integers(1, 3))
        window = tuple(int(n) for n in rng.integers(2, 4, size=axes))
        shape = tuple(w + int(rng.integers(0, 3)) for w in window)
        # every place of the window, so that every sample is lit, in any order
        places = np.indices([n - w + 1 for n, w in zip(shape, window, strict=True)])
        positions = rng.permutation(places.reshape(axes, -1).T)
        probe = rng.standard_normal(window)
        kind = int(rng.integers(3))
        if kind > 0:
            return cls(shape, probe + 1j * rng.standard_normal(window), positions, kind > 1)
        return cls(shape, probe, positions)

    @cached_property
    def _windows(self) -> tuple[tuple[Any, ...], ...]:
        return tuple(
            tuple(slice(int(a), int(a) + n) for a, n in zip(row, self.probe.shape, strict=True))
            for row in self.positions
        )

    @cached_property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-len(self.shape), 0))

    def _place(self, k: int) -> tuple[Any, ...]:
        return (..., k, *(slice(None),) * len(self.shape))

    @cached_property
    def _single(self) -> Array:
        return self.probe.astype(np.complex64 if np.iscomplexobj(self.probe) else np.float32)

    def _diagonal(self, kept: Array) -> Diagonal:
        squares = self.probe.real**2 + self.probe.imag**2
        entries = np.zeros(self.shape)
        for k in np.flatnonzero(kept):
            entries[self._windows[k]] += squares
        count = int(np.count_nonzero(kept))
        rounding = gamma(count + 4) * float(entries.max(initial=0.0))
        return Diagonal(entries, up(rounding + 4.0 * TINY * count, 2) if count else 0.0)


def _checked(
    positions: npt.ArrayLike, shape: tuple[int, ...], window: tuple[int, ...]
) -> Array:
    """Return positions as integers of shape (K, axes)."""
    places = as_numeric("positions", positions)
    if places.ndim == 1 and len(shape) == 1:
        places = places[:, None]
    if places.ndim != 2 or places.shape[0] == 0 or places.shape[1] != len(shape):
        raise ParameterError(
            f"positions must have shape (K, {len(shape)}), one row for each exposure, got "
            f"{places.shape}"
        )
    if np.iscomplexobj(places) or not np.array_equal(places, np.round(places)):
        raise ParameterError(
            "positions must be whole samples, got fractions; round them to the samples of the "
            "object"
        )
    last = np.array(shape) - np.array(window)
    outside = ((places < 0) | (places > last)).any(axis=1)
    if outside.any():
        k = int(np.argmax(outside))
        raise ParameterError(
            f"positions must keep the window {window} within the object {shape}: from 0 to "
            f"{tuple(int(n) for n in last)}, got {int(outside.sum())} outside, the first "
            f"{tuple(int(n) for n in places[k])} (row {k}); shift the positions or enlarge the "
            "object"
        )
    return places.astype(np.int64)
