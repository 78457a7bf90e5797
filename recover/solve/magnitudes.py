"""Moduli and phases of coefficients without angles: a few passes over the data."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array

__all__ = ["moduli", "ratios"]


def moduli(c: Array) -> Array:
    """Return ``|c|`` for values whose squares neither overflow nor vanish.

    Several times faster than a hypotenuse; squares of single precision vanish below 1e-19.

    Parameters
    ----------
    c : array, real or complex
    """
    if not np.iscomplexobj(c):
        return np.abs(c)
    squares = np.square(c.real)
    squares += np.square(c.imag)
    np.sqrt(squares, out=squares)
    return np.asarray(squares)


def ratios(c: Array, y: Array) -> Array:
    """Return ``y / |c|``, 0 where c vanishes: there every phase is as good.

    Parameters
    ----------
    c : array [shape=(..., *coef_shape)]
    y : array [shape=coef_shape, >= 0]
    """
    size = moduli(c)
    tiny = np.finfo(size.dtype).tiny ** 0.5
    np.maximum(size, tiny, out=size)
    ratio: Array = np.divide(y, size, out=size, dtype=size.dtype, casting="same_kind")
    return ratio
