"""Shapes of signals, checked."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

from recover.core.errors import ParameterError

__all__ = ["as_shape"]


def as_shape(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """Return a tuple of one or more sizes >= 1 from an integer or a sequence of them.

    Raises
    ------
    ParameterError
        If there is no size, or one is not an integer >= 1.
    """
    try:
        sizes = (
            tuple(index(n) for n in value) if isinstance(value, Sequence) else (index(value),)
        )
    except TypeError:
        raise ParameterError(
            f"{name} must be an integer or a tuple of them, got {value!r}"
        ) from None
    if not sizes or min(sizes) < 1:
        raise ParameterError(f"{name} must hold sizes >= 1, got {value}")
    return sizes
