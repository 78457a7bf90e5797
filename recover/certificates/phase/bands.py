"""The linear part of a spectrogram as a banded matrix: a proof for long signals.

With the phases u (0 where not kept), weights W of one-sided bins and l, m places within frame
n, ``|J h|^2 = 1/2 sum |u|^2 |c|^2 + 1/2 Re sum conj(u)^2 c^2`` is the sum over n of

``1/2 sum_(l,m) g_l g_m (T_n[l - m] h_l conj(h_m) + Re (V_n[l + m] h_l h_m))``,

``T_n[d] = (1/M) sum_k |u W|^2 exp(-2 pi i k d / M)`` and ``V_n[q]`` likewise of ``(conj(u)
W)^2``: two transforms of a frame.  In the order Re h_0, Im h_0, Re h_1, ... that is a real
matrix of half-width 2 L on a circle or line.

The kernel ``i x_hat`` is dealt with by deleting one unknown (its row and column are replaced by
a large diagonal entry): by Cauchy's interlacing the least eigenvalue then bounds the second one
from below.  With the exact phases the second eigenvalue is the infimum over signals at right
angles to ``i x_hat``; computed phases move singular values by their error times sqrt(B).

Errors.  A transform is off by at most k in the norm of its input, so the vectors T_n and V_n,
of norm at most 2 (``W^2 <= 2``), by 2 k, and the Toeplitz and Hankel matrices that they make by
``2 k sqrt(2 L)`` each; products with the window and sums over frames multiply by B.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import fft

from recover.certificates.phase.rows import Magnitudes
from recover.core.arrays import Array
from recover.core.eigen import eigmin_lower_banded
from recover.core.rounding import TINY, U, down, gamma, up
from recover.frames.bands import bands_of_circle, bands_of_line, bands_pay
from recover.frames.fft import fft_error, one_sided_weights
from recover.frames.gabor import Gabor

__all__ = ["BANDS", "bands_fit", "sigma_bands"]

BANDS = "banded"
SHADE = 2.0**-36
MAX_WINDOW = 1024  # the matrix is put together in a number of steps quadratic in this


def bands_fit(magnitudes: Magnitudes) -> bool:
    """Return whether the banded proof is affordable and of use."""
    frame = magnitudes.frame
    if not isinstance(frame, Gabor) or magnitudes.columns.size < frame.signal_size:
        return False
    size, per = frame.window.size, 1 + magnitudes.phased
    pay = bands_pay(per * size, per * frame.length, wraps=frame.grid.wraps, is_complex=False)
    return pay and size <= MAX_WINDOW


def sigma_bands(magnitudes: Magnitudes, keep: Array, *, at: float | None = None) -> float:
    """Return a proved s with ``|J h| >= s |h|`` at right angles to the lost direction.

    Parameters
    ----------
    magnitudes : Magnitudes
        Of a Gabor frame.
    keep : array of bool
    at : float, optional
        Only try to prove this value; 0 is returned if it fails.
    """
    frame = magnitudes.frame
    if not isinstance(frame, Gabor):
        return 0.0
    phases, error = magnitudes.phases(keep)
    upper = frame.bounds().upper
    off = up(error * math.sqrt(upper), 2)
    line = _pinned(magnitudes, frame, _assembled(frame, phases, magnitudes.phased))
    per = 1 + magnitudes.phased
    if frame.grid.circular:
        found = bands_of_circle(line, per * frame.length)
        if found is None:
            return 0.0
        bands = found[0]
    else:
        bands = bands_of_line(line, per * frame.length)
    relative = fft_error(frame.channels) + gamma(frame.grid.overlap + 12)
    slack = 4.0 * math.sqrt(2.0 * frame.window.size) * relative * upper * (1.0 + 16.0 * U)
    slack = up(slack + 16.0 * frame.window.size * frame.grid.overlap * TINY, 4)
    target = None if at is None else up(up(at + off) ** 2)
    value = eigmin_lower_banded(bands, slack=slack, at=target).value
    if at is not None:
        return at if value > 0.0 else 0.0
    return max(down(math.sqrt(value) * (1.0 - SHADE) - 2.0 * off, 4), 0.0)


def _assembled(frame: Gabor, phases: Array, phased: bool) -> Array:
    """Return ``K[t + d, t]`` as (half-width, period), unknowns interleaved if complex."""
    grid, g = frame.grid, frame.window
    size, hop, m = grid.size, grid.hop, frame.channels
    weights = one_sided_weights(m) if frame.real_signal else np.ones(m)
    plain = np.abs(phases) ** 2 * weights**2
    turned = (phases.conj() * weights) ** 2
    t = np.ascontiguousarray(np.asarray(fft(plain, n=m)).T) / m
    v = np.ascontiguousarray(np.asarray(fft(turned, n=m)).T) / m
    per = 1 + phased
    total = np.zeros((per * size + phased, grid.blocks * hop, per))
    blocks = total.reshape(total.shape[0], grid.blocks, hop, per)
    for d in range(size):
        same, skew = t[d % m].real, t[d % m].imag
        for low in range(size - d):
            both = v[(2 * low + d) % m]
            factor = 0.5 * g[low] * g[low + d]
            place = (slice(low // hop, low // hop + grid.frames), low % hop)
            if not phased:
                blocks[d][(*place, 0)] += factor * (same + both.real)
                continue
            blocks[2 * d][(*place, 0)] += factor * (same + both.real)
            blocks[2 * d][(*place, 1)] += factor * (same - both.real)
            # Im at t + d with Re at t, and for d > 0 Re at t + d with Im at t
            blocks[2 * d + 1][(*place, 0)] -= factor * (skew + both.imag)
            if d > 0:
                blocks[2 * d - 1][(*place, 1)] += factor * (skew - both.imag)
    if grid.circular:
        period = grid.frames * hop
        extra = grid.blocks * hop - period
        total[:, :extra] += total[:, period:]
        line = total[:, :period]
    else:
        line = total[:, grid.lead : grid.lead + grid.length]
    return np.ascontiguousarray(line).reshape(line.shape[0], -1)


def _pinned(magnitudes: Magnitudes, frame: Gabor, line: Array) -> Array:
    """Delete the unknown on which the lost direction is largest."""
    if not magnitudes.phased:
        return line
    lost = 1j * magnitudes.signal
    pin = int(np.argmax(np.abs(np.stack([lost.real, lost.imag], axis=1).reshape(-1))))
    width, period = line.shape
    big = float(line[0].max())
    line[:, pin] = 0.0
    offsets = np.arange(1, width)
    before = (pin - offsets) % period
    inside = np.full(width - 1, frame.grid.circular) | (offsets <= pin)
    line[offsets[inside], before[inside]] = 0.0
    line[0, pin] = big
    return line
