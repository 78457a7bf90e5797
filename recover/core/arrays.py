"""Checks and small conversions of arrays, so that bad input is refused before work starts."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from recover.core.errors import ParameterError

__all__ = [
    "Array",
    "as_count",
    "as_generator",
    "as_numeric",
    "broadcast_to",
    "digest",
    "frozen",
    "require_finite",
    "require_shape",
]

Array = npt.NDArray[Any]


def as_numeric(name: str, value: npt.ArrayLike) -> Array:
    """Return `value` as a numeric array; integers and booleans become float64.

    Raises
    ------
    ParameterError
        If `value` is not numeric or holds NaN or infinity.
    """
    array = np.asarray(value)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype.kind not in "fc":
        raise ParameterError(f"{name} must hold numbers, got dtype {array.dtype}")
    return require_finite(name, array)


def require_finite(name: str, array: Array) -> Array:
    """Return `array`, or raise `ParameterError` with the place of the first NaN or infinity."""
    finite = np.isfinite(array)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        count = int(np.size(finite) - np.count_nonzero(finite))
        raise ParameterError(
            f"{name} must be finite, got {count} NaN or infinite value(s), first at {where}; "
            "repair or mask them first"
        )
    return array


def require_shape(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    """Return `array` if its trailing axes are `shape` (leading axes are a batch)."""
    if array.shape[max(array.ndim - len(shape), 0) :] != shape:
        raise ParameterError(
            f"{name} must have shape (..., {_inside(shape)}), got {array.shape}"
        )
    return array


def broadcast_to(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return a read-only float64 array of `shape` from a scalar or an array that broadcasts."""
    array = np.asarray(value, dtype=np.float64)
    if np.isnan(array).any():
        raise ParameterError(f"{name} must not be NaN")
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ParameterError(
            f"{name} must be a scalar or have shape {shape}, got shape {array.shape}"
        ) from None


def frozen(array: Array) -> Array:
    """Return a read-only copy, so that a frozen dataclass is frozen all through."""
    copy = np.array(array, copy=True)
    copy.setflags(write=False)
    return copy


def digest(parts: Iterable[Array | str | float | int | bool | None]) -> str:
    """Return the SHA-256 of arrays and plain values, dtypes and shapes included."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            data = np.ascontiguousarray(part)
            sha.update(f"{data.dtype.str}{data.shape}".encode())
            sha.update(data.reshape(-1).view(np.uint8).data)  # without a copy
        else:
            sha.update(f"{type(part).__name__}:{part!r}".encode())
        sha.update(b"\0")
    return sha.hexdigest()


def as_generator(rng: int | np.random.Generator) -> np.random.Generator:
    """Return a random generator from a seed or a generator.

    Raises
    ------
    ParameterError
        If the seed is negative or no integer.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ParameterError(f"rng must be a seed >= 0 or a generator, got {rng!r}") from None


def as_count(name: str, value: int, least: int = 1) -> int:
    """Return a whole number of at least `least` (NumPy integers too, booleans not).

    Raises
    ------
    ParameterError
        If the value is no integer, or smaller.
    """
    try:
        count = operator.index(value)
    except TypeError:
        raise ParameterError(
            f"{name} must be a whole number >= {least}, got {value!r}"
        ) from None
    if isinstance(value, bool) or count < least:
        raise ParameterError(f"{name} must be a whole number >= {least}, got {value!r}")
    return count


def _inside(shape: tuple[int, ...]) -> str:
    return ", ".join(str(n) for n in shape)
