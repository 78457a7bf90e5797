"""Spectrograms with hop 1: all signals that are consistent with one, not only near ones.

With ``c[s, k] = M^(-1/2) sum_l g[l] x[s + l] exp(-2 pi i k l / M)`` and M larger than the
window's size L, ``sum_k |c[s, k]|^2 exp(2 pi i k p / M) = sum_l g[l + p] g[l] h_p[s + l]`` for
the lags p = 0 and 1, with ``h_p[t] = x[t + p] conj(x[t])``: no other pair of places within a
window differs by p modulo M.  That is a circular correlation with
``G_p[l] = g[l + p] g[l]``, so if ``m_p = min |DFT G_p| > 0`` then for every consistent x

``|h_p(x) - h_p(x_hat)| <= tau_p = (|T_p (y^2 - |c(x_hat)|^2)| + sqrt(M) |nu|) / m_p``,

where T_p is the sum over k, of norm at most sqrt(M), and ``nu = |c(x)|^2 - y^2 = e^2 - 2 y e``.

Write ``delta_p`` for the difference of the h_p.  For an edge (t, t + 1) let e be the end with
the larger ``|x_hat|``, o the other one, and ``q_t = x[t+1] x_hat[t] - x[t] x_hat[t+1]``.
Then ``conj(x[t]) q_t = delta_1[t] x_hat[t] - delta_0[t] x_hat[t+1]`` and
``conj(x[t+1]) q_t = delta_0[t+1] x_hat[t] - conj(delta_1[t]) x_hat[t+1]``, so either way
``|x_e| |q_t| <= |x_hat_e| (|delta_1[t]| + |delta_0[e]|)``.  As ``|x_e|^2 >= |x_hat_e|^2 -
tau_0``, with the weights ``w_t = max(1 - tau_0 / |x_hat_e|^2, 0)``

``sum_t w_t |q_t|^2 <= (tau_1 + sqrt(2) tau_0)^2``

(a place is the end e of at most two edges).  The left side is a Hermitian form of x, the
Laplacian of a circle (or line) with x_hat in its kernel.  So for ``x = c x_hat + v``, v at
right angles to x_hat, ``|v| <= (tau_1 + sqrt(2) tau_0) / sqrt(lambda_2)``; and since
``| |x|^2 - |x_hat|^2 | <= sqrt(n) tau_0``, with the phase for which c >= 0

``dist^2 <= |v|^2 + ((sqrt(n) tau_0 + |v|^2) / |x_hat|)^2``.

The weights by the larger end are what keeps a small sample from weakening the bound: with the
smaller one the factor ``max |x_hat| / min |x_hat|`` would enter.  A window that is symmetric
and of even size has ``DFT G_0 = 0`` at the Nyquist frequency, one of odd size ``DFT G_1``:
then nothing is said.

A `Spectrogram` has its frames where they are, with zeros around the signal; there the least
singular value of `recover.certificates.phase.section` takes the place of ``m_p``.

References
----------
.. [1] C. Cheng, I. Daubechies, N. Dym, J. Lu, "Stable phase retrieval from locally stable and
   conditionally connected measurements", Appl. Comput. Harmon. Anal. 55 (2021) 440-465 (the
   algebraic connectivity of such graphs governs the stability).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.fft import rfft

from recover.certificates.phase.rows import Magnitudes
from recover.certificates.phase.section import section_floor, taps_of
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import U, down, gamma, norm_lower, norm_upper, up
from recover.frames.boundary import Boundary
from recover.frames.fft import fft_error
from recover.frames.gabor import Gabor
from recover.frames.spectrogram import Spectrogram

__all__ = [
    "Lags",
    "channels_of",
    "distance_bound",
    "enough_channels",
    "floors_of",
    "is_closed",
    "kernel_floor",
    "lags_of",
    "window_size",
]

exactly = Enclosure.exactly
LINES = 4  # lengths that are tried for signals with zeros around them


class Lags(NamedTuple):
    """Bounds of the changes of the products of samples, and the kernels' least responses."""

    tau: tuple[float, float]
    floor: tuple[float, float]


def kernel_floor(frame: Gabor, lag: int) -> float:
    """Return a lower bound of the least response of the window's product at a lag, m_p.

    On a circle at the frequencies of the signal's length; with zeros around the signal at
    those of a transform long enough for the whole correlation, the best of some lengths.
    """
    g = frame.window
    product = g[lag:] * g[: g.size - lag]
    if product.size == 0:
        return 0.0
    first = frame.length + g.size - 1
    lengths = [frame.length]
    if frame.boundary is not Boundary.CIRCULAR:
        lengths = list(range(first, first + LINES))
    best = 0.0
    for n in lengths:
        response = np.abs(np.asarray(rfft(product, n=n)))
        error = up(fft_error(n) * math.sqrt(n), 2) * norm_upper(product)
        error = up(error + 4.0 * U * float(np.abs(product).sum()), 4)
        best = max(best, down(float(response.min()) * (1.0 - 4.0 * U) - error, 4))
    return best


def channels_of(frame: Gabor | Spectrogram) -> int:
    """Return the length of the transforms."""
    return frame.window.size if isinstance(frame, Spectrogram) else frame.channels


def window_size(frame: Gabor | Spectrogram) -> int:
    """Return the samples of the window; of a spectrogram's, without the zeros around it."""
    return taps_of(frame)[0].size if isinstance(frame, Spectrogram) else frame.window.size


def is_closed(frame: Gabor | Spectrogram) -> bool:
    """Tell whether the last sample is next to the first."""
    return isinstance(frame, Gabor) and frame.boundary is Boundary.CIRCULAR


def enough_channels(frame: Gabor | Spectrogram) -> bool:
    """Tell whether the channels keep the products at the lags 0 and 1 apart from others."""
    size = window_size(frame)
    fits = isinstance(frame, Spectrogram) or frame.length >= size
    return channels_of(frame) > size and fits and frame.length >= 2


def floors_of(frame: Gabor | Spectrogram) -> tuple[float, float]:
    """Return how strongly the products at the lags 0 and 1 are told at least, 0 for not."""
    if isinstance(frame, Spectrogram):
        return section_floor(frame, 0), section_floor(frame, 1)
    return kernel_floor(frame, 0), kernel_floor(frame, 1)


def lags_of(
    magnitudes: Magnitudes,
    frame: Gabor | Spectrogram,
    allowances: int = 1,
    *,
    floors: tuple[float, float] | None = None,
) -> Lags:
    """Return the bounds tau_0 and tau_1 for every consistent signal.

    Parameters
    ----------
    magnitudes : Magnitudes
    frame : Gabor or Spectrogram
        Of hop 1, with more channels than the window has samples; a Gabor window no longer than
        the signal.
    allowances : int
        How often rounding errors are counted.
    floors : (float, float), optional
        Proved lower bounds of ``m_p``; `floors_of` by default.
    """
    y, sizes = np.abs(magnitudes.problem.y.astype(np.float64)), np.abs(magnitudes.coefs)
    residual = y * y - sizes * sizes
    error = magnitudes.error
    rounding = up(2.0 * float(sizes.max()) * error + error * error, 4)
    rounding = up(rounding + 8.0 * U * (norm_upper(y * y) + norm_upper(sizes * sizes)), 4)
    channels = channels_of(frame)
    root = up(math.sqrt(channels))
    noise = _squared_noise(magnitudes, y)
    k = np.arange(residual.shape[1])
    if floors is None:
        floors = floors_of(frame)
    taus = []
    for lag, floor in enumerate(floors):
        angle = 2.0 * np.pi * ((k * lag) % channels) / channels
        turn = np.cos(angle) if frame.real_signal else np.cos(angle) + 1j * np.sin(angle)
        summed = norm_upper(residual @ turn)
        loose = up(gamma(2 * channels + 16) * root * norm_upper(residual), 4)
        total = summed + root * noise + allowances * up(loose + root * rounding, 4)
        taus.append(up(total / floor, 8) if floor > 0.0 else math.inf)
    return Lags((taus[0], taus[1]), floors)


def _squared_noise(magnitudes: Magnitudes, y: Array) -> float:
    """Return a bound of ``|e^2 - 2 y e|`` over all noise that is allowed."""
    noise = magnitudes.problem.noise_bound
    largest = min(noise.l2, float(noise.each.max()))
    together = math.inf
    if math.isfinite(noise.l2):
        together = up((2.0 * float(y.max()) + largest) * noise.l2, 4)
    if not np.isfinite(noise.each).all():
        return together
    return min(together, norm_upper((2.0 * y + noise.each) * noise.each * (1.0 + 4.0 * U)))


def distance_bound(signal: Array, lags: Lags, eigenvalue: float) -> float:
    """Return a bound of the distance, up to phase, of every consistent signal.

    Parameters
    ----------
    signal : array [shape=(n,)]
    lags : Lags
    eigenvalue : float > 0
        Proved lower bound of the Laplacian's second eigenvalue.
    """
    zero, one = exactly(lags.tau[0]), exactly(lags.tau[1])
    aside = (one + exactly(2.0).sqrt() * zero) / exactly(eigenvalue).sqrt()
    change = exactly(float(signal.size)).sqrt() * zero + aside * aside
    along = change / Enclosure(norm_lower(signal), norm_upper(signal))
    return (aside * aside + along * along).sqrt().upper
