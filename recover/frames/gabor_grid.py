"""Places of the frames of a painless Gabor frame: padding, and overlap and add."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from recover.core.arrays import Array
from recover.frames.boundary import Boundary

__all__ = ["GaborGrid"]

CHUNK = 2**16  # array entries, about a second-level cache


@dataclass(frozen=True)
class GaborGrid:
    """Frames of `size` samples every `hop` samples that cover a signal of `length` samples.

    The signal lies in a buffer of a whole number of hops, `lead` samples from its start, and
    frame n starts at the buffer's sample ``n hop``.
    """

    length: int
    size: int
    hop: int
    boundary: Boundary

    @property
    def circular(self) -> bool:
        """Whether the frames go round."""
        return self.boundary is Boundary.CIRCULAR

    @cached_property
    def overlap(self) -> int:
        """Number of hops that a window spans, rounded up."""
        return -(-self.size // self.hop)

    @cached_property
    def frames(self) -> int:
        """Number of frames."""
        if self.circular:
            return -(-max(self.length, self.size) // self.hop)
        return -(-self.length // self.hop) + self.overlap - 1

    @cached_property
    def lead(self) -> int:
        """Samples by which the first frame starts before the signal, a multiple of the hop."""
        return 0 if self.circular else (self.overlap - 1) * self.hop

    @cached_property
    def blocks(self) -> int:
        """Hops in the buffer."""
        return self.frames + self.overlap - 1

    @cached_property
    def wraps(self) -> bool:
        """Whether some window meets both ends of the signal."""
        return self.circular and self.frames * self.hop - self.length < self.size - 1

    def cut(self, x: Array, dtype: np.dtype[np.generic]) -> Array:
        """Return the frames, shape (..., frames, size): a read-only view of a padded copy."""
        padded = np.zeros((*x.shape[:-1], self.blocks * self.hop), dtype=dtype)
        padded[..., self.lead : self.lead + self.length] = x
        if self.circular:
            period = self.frames * self.hop
            padded[..., period:] = padded[..., : padded.shape[-1] - period]
        return sliding_window_view(padded, self.size, axis=-1)[..., :: self.hop, :]

    def chunks(self, entries: int) -> list[slice]:
        """Return runs of frames that are worked on at once, to stay in the processor's cache.

        Parameters
        ----------
        entries : int
            Array entries for one frame, the batch included.
        """
        step = max(CHUNK // max(entries, 1), 1)
        return [slice(n, min(n + step, self.frames)) for n in range(0, self.frames, step)]

    def empty_sum(self, batch: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return zeros for `overlap_add`."""
        return np.zeros((*batch, self.blocks, self.hop), dtype=dtype)

    def overlap_add(self, total: Array, run: slice, framed: Array) -> None:
        """Add the frames of a run to `total` at their places.

        Parameters
        ----------
        total : array [shape=(..., blocks, hop)]
        run : slice
        framed : array [shape=(..., frames of the run, size)]
        """
        for k in range(self.overlap):  # the k-th hop of a window, for all frames at once
            part = framed[..., k * self.hop : (k + 1) * self.hop]
            total[..., run.start + k : run.stop + k, : part.shape[-1]] += part

    def on_signal(self, total: Array) -> Array:
        """Return the signal's part of a finished sum, what goes round folded in."""
        flat = total.reshape(*total.shape[:-2], self.blocks * self.hop)
        if self.circular:
            period = self.frames * self.hop
            flat[..., : flat.shape[-1] - period] += flat[..., period:]
        return flat[..., self.lead : self.lead + self.length]
