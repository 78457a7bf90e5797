"""Moduli and phases of coefficients without angles: a few passes over the data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recover.core.arrays import Array

__all__ = ["in_runs", "moduli", "ratios", "ratios_and_least", "with_moduli"]

RUN = 2**15  # entries that are worked on at once: several arrays stay in the cache


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
    """Return ``y / |c|``, some finite number where c vanishes: there every phase is as good.

    Parameters
    ----------
    c : array [shape=(..., *coef_shape)]
    y : array [shape=coef_shape, >= 0]
    """
    return ratios_and_least(c, y)[0]


def ratios_and_least(c: Array, y: Array) -> tuple[Array, float]:
    """Return `ratios`, and the smallest modulus."""
    size = moduli(c)
    least = float(size.min(initial=np.inf))
    tiny = np.finfo(size.dtype).tiny ** 0.5
    if least < tiny:
        np.maximum(size, tiny, out=size)
    ratio = np.divide(y, size, out=size, dtype=size.dtype, casting="same_kind")
    return np.asarray(ratio), least


def with_moduli(c: Array, y: Array, out: Array) -> Array:
    """Write ``y c / |c|`` to `out`, a contiguous array, and return it."""
    flat = out.reshape(-1)
    for run, (cs, ys) in in_runs(c, y):
        np.multiply(cs, ratios(cs, ys), out=flat[run])
    return out


def in_runs(*arrays: Array) -> Iterator[tuple[slice, list[Array]]]:
    """Yield short runs of contiguous arrays of one size, so that passes stay in the cache."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, RUN):
        run = slice(start, start + RUN)
        yield run, [array[run] for array in flat]
