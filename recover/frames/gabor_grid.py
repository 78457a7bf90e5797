"""Places of the frames of a painless Gabor frame: padding, and overlap and add."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from recover.core.arrays import Array
from recover.frames.boundary import Boundary

__all__ = ["GaborGrid"]


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

    def overlap_add(self, framed: Array, window: Array) -> Array:
        """Return ``sum_n window * framed[n]`` at the places of the frames, on the signal.

        Parameters
        ----------
        framed : array [shape=(..., frames, at least size)]
        window : array [shape=(size,)]
        """
        hop, frames, size = self.hop, self.frames, self.size
        batch = framed.shape[:-2]
        total = np.zeros((*batch, self.blocks, hop), dtype=framed.dtype)
        scratch = np.empty((*batch, frames, min(hop, size)), dtype=framed.dtype)
        for k in range(self.overlap):  # the k-th hop of a window, for all frames at once
            part = slice(k * hop, min((k + 1) * hop, size))
            width = part.stop - part.start
            product = np.multiply(framed[..., part], window[part], out=scratch[..., :width])
            total[..., k : k + frames, :width] += product
        flat = total.reshape(*batch, self.blocks * hop)
        if self.circular:
            period = frames * hop
            flat[..., : self.blocks * hop - period] += flat[..., period:]
        return flat[..., self.lead : self.lead + self.length]
