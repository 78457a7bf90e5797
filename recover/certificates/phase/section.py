"""How strongly the frames of a spectrogram tell the products of samples some lag apart.

With hop 1, frames at ``s_n = n - lead`` for n = 0 to N - 1, and zeros around the signal, a
spectrogram tells ``P[n] = sum_l G[l] h[s_n + l]`` (see `recover.certificates.phase.lags`).
That is ``T h`` with ``T[n, i] = G[i - s_n]``, a section of a Toeplitz matrix, so
``|h| <= |P| / sigma_min(T)``.  Frames that do not reach beyond the signal's ends are rows that
are missing: no transform on a circle knows of them, the section does.  Its Gram matrix is
banded, ``(T^* T)[i, i + d] = sum_l G[l] G[l + d]`` over the l with a frame
``0 <= i + lead - l < N``.
"""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.core.eigen import eigmin_lower_banded
from recover.core.rounding import TINY, U, down, gamma, up
from recover.frames.spectrogram import Spectrogram

__all__ = ["is_symmetric", "section_fits", "section_floor", "taps_of"]

WORK = 2.0**29  # multiplications of one factorisation: a fraction of a second
SHADE = 2.0**-10  # an eigenvalue is stated lower by this much: other libraries prove it too
ALIKE = 1e-9  # difference of mirrored taps, of the largest, up to which windows are symmetric


def taps_of(frame: Spectrogram) -> tuple[Array, int]:
    """Return the window without the zeros around it, and the lead of its first tap."""
    inside = np.flatnonzero(frame.window)
    first, last = int(inside[0]), int(inside[-1])
    return frame.window[first : last + 1], frame.lead - first


def is_symmetric(frame: Spectrogram) -> bool:
    """Tell whether the window is its own mirror image, up to rounding."""
    taps, _ = taps_of(frame)
    return bool(np.abs(taps - taps[::-1]).max() <= ALIKE * np.abs(taps).max())


def section_fits(frame: Spectrogram) -> bool:
    """Tell whether `section_floor` takes no more than a few seconds."""
    taps, _ = taps_of(frame)
    return float(frame.length) * min(taps.size, frame.length) ** 2 <= WORK


def section_floor(frame: Spectrogram, lag: int, *, at: float | None = None) -> float:
    """Return a proved lower bound of the section's least singular value, 0 if there is none.

    Parameters
    ----------
    frame : Spectrogram
        With hop 1.
    lag : int
    at : float, optional
        Only try to prove this value.
    """
    taps, lead = taps_of(frame)
    product = taps[lag:] * taps[: taps.size - lag]
    columns, size = frame.length - lag, product.size
    if size == 0 or columns < 1:
        return 0.0
    # sample i is met by the taps from low to high (exclusive)
    high = np.arange(columns) + lead + 1
    low = high - frame.frames
    bands = np.zeros((min(size, columns), columns))
    for d in range(bands.shape[0]):
        sums = np.concatenate([[0.0], np.cumsum(product[: size - d] * product[d:])])
        bands[d] = sums[np.clip(high, 0, size - d)] - sums[np.clip(low, 0, size - d)]
    # of each sum: products of two products, partial sums, their difference
    total = up(float(np.abs(product).sum()) * (1.0 + 4.0 * size * U), 2)
    slack = up(2.0 * gamma(size + 8) * total**2 + 16.0 * TINY * size**2 * (1.0 + total), 4)
    if at is not None:
        target = up(at * at, 2)
        return at if eigmin_lower_banded(bands, slack=slack, at=target).value >= target else 0.0
    value = eigmin_lower_banded(bands, slack=slack).value * (1.0 - SHADE)
    return down(math.sqrt(value), 4) if value > 0.0 else 0.0
