"""How near a recovery is to a known truth: the field's figures, in decibels and as ratios."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError

__all__ = ["psnr", "relative_error", "sdr", "sdr_gain", "spectral_convergence"]


def sdr(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Return the signal-to-distortion ratio ``20 log10(|reference| / |reference - estimate|)``.

    Parameters
    ----------
    reference, estimate : array [same shape]
        The truth and what was recovered.

    Returns
    -------
    float
        In dB; infinity where both are equal.

    Raises
    ------
    ParameterError
        If shapes differ or the reference is zero.
    """
    return -20.0 * _log10(relative_error(reference, estimate))


def sdr_gain(
    reference: npt.ArrayLike, observed: npt.ArrayLike, estimate: npt.ArrayLike
) -> float:
    """Return by how many dB the estimate is nearer to the reference than the observation is.

    Infinity where the estimate is exact, and minus infinity where only the observation is.
    """
    after, before = sdr(reference, estimate), sdr(reference, observed)
    return 0.0 if after == before else after - before


def relative_error(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Return ``|reference - estimate| / |reference|`` in the Euclidean norm."""
    truth, found = _pair(reference, estimate)
    return _norm(truth - found) / _norm(truth)


def psnr(reference: npt.ArrayLike, estimate: npt.ArrayLike, *, peak: float) -> float:
    """Return the peak signal-to-noise ratio in dB for data whose full scale is `peak` > 0."""
    if not (math.isfinite(peak) and peak > 0.0):
        raise ParameterError(f"peak must be positive and finite, got {peak}")
    truth, found = _pair(reference, estimate, zero_allowed=True)
    error = _norm(truth - found) / math.sqrt(truth.size)
    return -20.0 * _log10(error / peak)


def spectral_convergence(target: npt.ArrayLike, magnitude: npt.ArrayLike) -> float:
    """Return ``|target - magnitude| / |target|`` of magnitudes (Sturmel and Daudet, 2011).

    In dB it is ``20 log10`` of the value returned.  Both must be real and at least zero.
    """
    truth, found = _pair(target, magnitude)
    for name, array in (("target", truth), ("magnitude", found)):
        if np.iscomplexobj(array) or bool((array < 0).any()):
            raise ParameterError(f"{name} must hold magnitudes >= 0; pass abs(coefficients)")
    return _norm(truth - found) / _norm(truth)


def _pair(
    reference: npt.ArrayLike, estimate: npt.ArrayLike, *, zero_allowed: bool = False
) -> tuple[Array, Array]:
    """Return both as float64 or complex128 arrays of one shape."""
    truth, found = as_numeric("reference", reference), as_numeric("estimate", estimate)
    if truth.shape != found.shape or truth.size == 0:
        raise ParameterError(
            f"reference and estimate must have one non-empty shape, got {truth.shape} "
            f"and {found.shape}"
        )
    if not zero_allowed and not truth.any():
        raise ParameterError("reference must not be zero: no ratio to it exists")
    wide = np.result_type(truth, found, np.float64)
    return truth.astype(wide), found.astype(wide)


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array.reshape(-1)))


def _log10(ratio: float) -> float:
    return math.log10(ratio) if ratio > 0.0 else -math.inf
