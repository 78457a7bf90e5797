"""A vector that what the data fix hardly see: the upper end of kappa."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import eigh, eigh_tridiagonal

from recover.certificates.roundoff import underflow
from recover.core.arrays import Array
from recover.core.rounding import norm_lower, norm_upper, up
from recover.frames.base import Frame
from recover.frames.bounds import real_matrix
from recover.frames.identity import Identity
from recover.frames.masked import Masked

__all__ = ["bottom_vector", "seen"]

LARGEST = 2**17  # entries of a witness that is kept
DENSE = 2**22  # entries of a matrix that is formed for the sake of a witness
STEPS = 16


def bottom_vector(frame: Frame, keep: Array) -> Array | None:
    """Return an estimate of the bottom eigenvector of the kept vectors' frame operator.

    Returns
    -------
    array [shape=frame.signal_shape] or None
        None for signals too large to keep one.
    """
    n = frame.signal_size
    if n > LARGEST or not frame.real_signal:
        return None
    inner = frame
    while isinstance(inner, Masked):
        inner = inner.frame
    if isinstance(inner, Identity):
        # the kept samples see each unit vector fully or not at all
        chosen = np.where(keep, 1.0, 0.0)
        unit = np.zeros(n)
        unit[int(np.argmin(frame.synthesis(chosen).reshape(-1)))] = 1.0
        return unit.reshape(frame.signal_shape)
    if frame.coef_size * n <= DENSE and n <= 1500:
        rows, _ = real_matrix(frame, keep)
        vectors = eigh(rows.T @ rows, subset_by_index=[0, 0])[1]
        return np.asarray(vectors[:, 0]).reshape(frame.signal_shape)
    return _ritz(frame, keep)


def seen(frame: Frame, keep: Array, vector: Array) -> float:
    """Return an upper bound of ``|Phi v| / |v|`` over the kept rows: no kappa is larger."""
    size = norm_lower(vector)
    if size == 0.0:
        return math.inf
    image = np.where(keep, frame.analysis(vector), 0.0)
    error = frame.roundoff() * norm_upper(vector) + underflow(frame)
    return up(up(norm_upper(image) + 3.0 * up(error)) / size)


def _ritz(frame: Frame, keep: Array) -> Array:
    """Return the Ritz vector of a few Lanczos steps."""
    rng = np.random.default_rng(0)
    shape = frame.signal_shape
    vector = rng.standard_normal(frame.signal_size)
    vector /= np.linalg.norm(vector)
    basis, alpha, beta = [vector], [], []
    for _ in range(min(STEPS, frame.signal_size)):
        coefs = np.where(keep, frame.analysis(basis[-1].reshape(shape)), 0.0)
        image = frame.synthesis(coefs).reshape(-1)
        alpha.append(float(image @ basis[-1]))
        known = np.stack(basis)
        for _ in range(2):
            image = image - (known @ image) @ known
        size = float(np.linalg.norm(image))
        if size <= 1e-12 * max(alpha):
            break
        beta.append(size)
        basis.append(image / size)
    k = len(alpha)
    weights = eigh_tridiagonal(alpha, beta[: k - 1], select="i", select_range=(0, 0))[1][:, 0]
    result: Array = (weights @ np.stack(basis[:k])).reshape(shape)
    return result
