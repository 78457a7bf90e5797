"""What magnitudes never tell, and signals brought into the same of the equivalent forms."""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import fftn, ifftn, irfftn, rfftn

from recover.core.arrays import Array
from recover.frames.base import Frame
from recover.frames.fourier import Fourier
from recover.frames.masked import Masked
from recover.models.domains import Ball, Box, Domain, Support
from recover.models.problem import Problem

__all__ = ["align", "distances", "shift_free", "trivial"]

_PRESENT = 1e-2  # entries above this part of the largest count as part of the object


def shift_free(frame: Frame) -> bool:
    """Return whether only Fourier magnitudes are measured: shifts and flips go unseen."""
    while isinstance(frame, Masked):
        frame = frame.frame
    return isinstance(frame, Fourier)


def trivial(problem: Problem, signal: Array) -> tuple[str, ...]:
    """Return what the data cannot determine, one sentence each.

    Parameters
    ----------
    problem : Problem
        Of magnitudes.
    signal : array [shape=frame.signal_shape]
        The recovered signal: whether a shift fits into the support depends on it.
    """
    frame, found = problem.model.frame, list[str]()
    if not _nonnegative(problem.domain):
        lost = "sign" if frame.real_signal else "phase"
        found.append(f"a global {lost}: every multiple of modulus 1 has the same magnitudes")
    if shift_free(frame):
        mask = _mask(problem)
        object_ = np.abs(signal) > _PRESENT * float(np.abs(signal).max(initial=0.0))
        if _fits(object_, mask, still=True):
            found.append("a shift of the object within its support")
        if _fits(np.flip(object_), mask, still=False):
            conjugate = "" if frame.real_signal else " and conjugation"
            found.append(f"a flip: point reflection of the object{conjugate}")
    return tuple(found)


def align(problem: Problem, signal: Array, reference: Array) -> Array:
    """Return the signal equivalent to `signal` that is nearest to `reference`.

    Up to a sign or phase; for Fourier magnitudes also up to whole-sample shifts and flips.
    """
    frame = problem.model.frame
    if not shift_free(frame):
        turned = problem.model.align(signal, reference)
        return signal if _nonnegative(problem.domain) else turned
    best, score = signal, -math.inf
    for flipped in (signal, np.conj(np.flip(signal))):
        moved, correlation = _moved(flipped, reference)
        if correlation > score:
            best, score = moved, correlation
    return problem.model.align(best, reference)


def distances(problem: Problem, signals: Array) -> Array:
    """Return the pairwise distances after alignment, relative to the signals' norms."""
    count = signals.shape[0]
    out = np.zeros((count, count))
    for i in range(count):
        for j in range(i):
            gap = np.linalg.norm(align(problem, signals[j], signals[i]) - signals[i])
            size = math.sqrt(
                float(np.linalg.norm(signals[i])) * float(np.linalg.norm(signals[j]))
            )
            out[i, j] = out[j, i] = float(gap) / size if size > 0.0 else 0.0
    return out


def _moved(signal: Array, reference: Array) -> tuple[Array, float]:
    """Return the signal shifted, without wrapping, to where it correlates most."""
    double = tuple(2 * n for n in signal.shape)
    correlation = np.abs(ifftn(np.conj(fftn(signal, s=double)) * fftn(reference, s=double)))
    at = np.unravel_index(int(np.argmax(correlation)), double)
    out = np.zeros_like(signal)
    source, target = [], []
    for n, place in zip(signal.shape, at, strict=True):
        shift = int(place) - 2 * n if place >= n else int(place)
        source.append(slice(max(-shift, 0), min(n - shift, n)))
        target.append(slice(max(shift, 0), min(n + shift, n)))
    out[tuple(target)] = signal[tuple(source)]
    return out, float(correlation.max())


def _mask(problem: Problem) -> Array:
    shape = problem.model.frame.signal_shape
    if isinstance(problem.domain, Support):
        return np.asarray(np.broadcast_to(problem.domain.mask, shape))
    return np.ones(shape, dtype=bool)


def _fits(object_: Array, mask: Array, *, still: bool) -> bool:
    """Return whether some shift (if `still`, other than none) puts the object in the mask."""
    double = tuple(2 * n for n in mask.shape)
    outside = np.ones(double)
    outside[tuple(slice(n) for n in mask.shape)] = ~mask
    moved = np.conj(rfftn(object_.astype(np.float64), s=double))
    moved *= rfftn(outside)
    missed = irfftn(moved, s=double) < 0.5
    if still:
        missed[(0,) * mask.ndim] = False
    return bool(missed.any())


def _nonnegative(domain: Domain) -> bool:
    if isinstance(domain, Box):
        return bool((domain.low >= 0.0).all())
    return isinstance(domain, Support | Ball) and domain.nonnegative
