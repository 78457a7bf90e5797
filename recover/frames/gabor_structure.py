"""Sub-frames of a painless Gabor frame: band matrices and the absolute Gram matrix.

Bands. With l the place within a frame, the kept atoms of frame n contribute
``diag(w) T_n diag(w)``, where T_n is the Toeplitz matrix of
``tau_n(d) = (1/M) sum_(kept k) exp(2 pi i k d / M)``: an inverse transform of the mask. For
real signals a kept one-sided bin counts with its conjugate, which makes tau_n real.

Errors. ``|tau_n|_2 <= 1`` (the mask has at most M ones), so with size L
``sum_(|d| < L) |tau_n(d)| <= 2 sqrt L``, an error k |tau_n|_2 of the transform gives
``|error of T_n|_2 <= 2 sqrt(L) k``, and ``x^T (sum_n diag(w) E_n diag(w)) x <= max |E_n| sum_n
|w x_n|^2 <= max |E_n| B`` with B the frame bound. The products and sums of one entry go through
overlap + 3 roundings, relative to the same sum of moduli.

Gram matrix. The modulus of the inner product of two atoms depends on the differences (r, s) of
their frames and bins only and is at most
``kappa_r(s) = |(1/M) sum_l w[l] w[l + r hop] exp(2 pi i s l / M)|``, for atoms that are not cut
off at the ends (cutting off compresses the frame operator, which does not raise its norm); on a
circle the overlaps of both ways add up. For real signals the coefficient of an atom phi with
weight W is a real-linear functional with values in the plane, and two of them interact through
``z -> (W W'/2) (<phi', phi> z + <conj phi', phi> conj z)``, a map of norm at most
``(W W'/2) (kappa(k - k') + kappa(k + k'))``: the matrix of these norms majorises the norm of
the real Gram matrix. It is ``W A (p / W)``, A the convolution on all bins of the mirrored p.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import fft, ifft, irfft, rfft

from recover.core.arrays import Array
from recover.core.rounding import TINY, U, gamma, norm_upper, up
from recover.frames.bands import bands_of_circle, bands_of_line, bands_pay
from recover.frames.fft import fft_error, one_sided_size, one_sided_weights
from recover.frames.gabor_grid import GaborGrid
from recover.frames.structure import Bands, Diagonal

__all__ = [
    "GaborAtoms",
    "absolute_gram",
    "absolute_gram_error",
    "gabor_bands",
    "gabor_diagonal",
]


class GaborAtoms(NamedTuple):
    """What defines the atoms of a painless Gabor frame."""

    grid: GaborGrid
    window: Array
    channels: int
    real_signal: bool


def gabor_diagonal(atoms: GaborAtoms, keep: Array) -> Diagonal | None:
    """Return the frame operator's diagonal where whole frames are kept, else None.

    Parameters
    ----------
    atoms : GaborAtoms
    keep : array of bool [shape=(frames, bins)]
    """
    kept = np.asarray(keep.any(axis=1))
    if not np.array_equal(kept, keep.all(axis=1)):
        return None
    grid = atoms.grid
    total = grid.empty_sum((), atoms.window.dtype)
    grid.overlap_add(total, slice(0, grid.frames), kept[:, None] * np.square(atoms.window))
    entries = grid.on_signal(total)
    rounding = gamma(grid.overlap + 2) * float(entries.max(initial=0.0))
    return Diagonal(entries, up(rounding + TINY * grid.overlap, 2))


def gabor_bands(atoms: GaborAtoms, keep: Array, upper: float) -> Bands | None:
    """Return the bands of the kept atoms' frame operator, None if too wide to be useful.

    Parameters
    ----------
    atoms : GaborAtoms
    keep : array of bool [shape=(frames, bins)]
        One-sided bins for real signals; otherwise all of them, which makes the bands complex.
    upper : float
        An upper frame bound.
    """
    grid, window, channels, real_signal = atoms
    size, length = grid.size, grid.length
    if not bands_pay(size, length, wraps=grid.wraps, is_complex=not real_signal):
        return None
    mask = keep.astype(np.float64)
    tau = irfft(mask, n=channels) if real_signal else ifft(mask)
    circle = _circular_bands(grid, window, np.ascontiguousarray(np.asarray(tau)[:, :size].T))
    found = (
        bands_of_circle(circle, length)
        if grid.circular
        else (bands_of_line(circle, length), False)
    )
    if found is None:
        return None
    bands, folded = found
    relative = fft_error(channels) + gamma(grid.overlap + 4)
    slack = 2.0 * math.sqrt(size) * relative * upper * (1.0 + 16.0 * U)
    return Bands(bands, up(slack + 4.0 * size * grid.overlap * TINY, 2), folded)


def _circular_bands(grid: GaborGrid, window: Array, tau: Array) -> Array:
    """Return ``S[t + d, t]`` as (size, period), the period of the samples from the start on."""
    size, hop, overlap = grid.size, grid.hop, grid.overlap
    if grid.circular and overlap > 1:
        tau = np.concatenate([tau[:, 1 - overlap :], tau], axis=1)
    blocks = tau.shape[1] - overlap + 1
    padded = np.zeros(2 * overlap * hop)
    padded[:size] = window
    circle = np.empty((size, blocks * hop), dtype=tau.dtype)
    for d in range(size):
        products = padded[: overlap * hop] * padded[d : d + overlap * hop]
        by_age = products.reshape(overlap, hop)[::-1]  # the oldest frame comes first
        np.matmul(
            sliding_window_view(tau[d], overlap), by_age, out=circle[d].reshape(blocks, hop)
        )
    return circle


def absolute_gram(atoms: GaborAtoms, p: Array) -> Array:
    """Return ``K p`` for the majorant K of the absolute Gram matrix (see the module).

    Parameters
    ----------
    atoms : GaborAtoms
    p : array [shape=(frames, bins), >= 0]
    """
    grid, _, channels, real_signal = atoms
    kernel = _kernel(atoms)
    if not real_signal:
        spectra = np.asarray(rfft(kernel)).real  # of even sequences
        total = _over_frames(grid, spectra, np.asarray(rfft(p)))
        return np.asarray(irfft(total, n=channels))
    # transforms of real even sequences, so one half of each says all
    half = one_sided_size(channels)
    weights = one_sided_weights(channels)
    q = np.asarray(irfft(p / weights, n=channels, norm="forward"))[:, :half]
    spectra = np.asarray(irfft(kernel[:, :half], n=channels, norm="forward"))[:, :half]
    total = _over_frames(grid, spectra, q)
    return np.asarray(irfft(total, n=channels))[:, :half] * weights


def absolute_gram_error(atoms: GaborAtoms, p: Array) -> float:
    """Return a bound on the error of each entry of `absolute_gram`.

    Per frame and shift: transforms of p (k sqrt(M) |p_n|) and of the kernel (each value off by
    k sqrt(M) |kappa_r|_2, and below |kappa_r|_1), their products and sums, and the transform
    back; a norm bounds the largest entry.
    """
    grid, _, channels, _ = atoms
    k = fft_error(channels)
    rounding = gamma(2 * grid.overlap + 12)
    total = 0.0
    for r, row in enumerate(_kernel(atoms)):
        by_sum = (2.0 * k + rounding) * float(row.sum())
        by_norm = (k + rounding) * math.sqrt(channels) * norm_upper(row)
        total += (1.0 if r == 0 else 2.0) * (by_sum + by_norm)
    largest = math.sqrt(float(np.square(p).sum(axis=1).max(initial=0.0)))
    return up(math.sqrt(2.0) * total * largest * (1.0 + 8.0 * gamma(4 * channels)), 4)


def _over_frames(grid: GaborGrid, spectra: Array, q: Array) -> Array:
    """Return ``sum_r spectra[|r|] q[n - r]`` over the shifts r of less than `overlap`."""
    frames = grid.frames
    total: Array = spectra[0] * q
    for r in range(1, min(grid.overlap, frames)):
        total[r:] += spectra[r] * q[: frames - r]
        total[: frames - r] += spectra[r] * q[r:]
        if grid.circular:
            total[:r] += spectra[r] * q[frames - r :]
            total[frames - r :] += spectra[r] * q[:r]
    return total


def _kernel(atoms: GaborAtoms) -> Array:
    """Return upper bounds of ``kappa_r(s)``, shape (overlap, channels)."""
    grid, window, channels, _ = atoms
    size = grid.size
    products = np.zeros((grid.overlap, size))
    for r in range(grid.overlap):
        shift = r * grid.hop
        products[r, : size - shift] = window[: size - shift] * window[shift:]
    moduli = np.abs(np.asarray(fft(products, n=channels))) / channels
    norms = np.array([norm_upper(row) for row in products])[:, None]
    error = (fft_error(channels) + gamma(8)) / math.sqrt(channels) * norms
    return np.asarray(moduli * (1.0 + 8.0 * U) + error * (1.0 + 16.0 * U))
