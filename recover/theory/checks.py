"""Checks of the arguments of this package."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

from recover.core.errors import ParameterError

__all__ = ["as_choice", "as_level", "as_probability", "as_ratio"]


def as_choice(name: str, value: str, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`."""
    if value not in choices:
        raise ParameterError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
    return value


def as_level(value: int, lowest: int, highest: int) -> int:
    """Return a level of lifting that exists."""
    advice = f'levels {lowest} to {highest} exist (level 1 is method="plain")'
    try:
        level = operator.index(value)
    except TypeError:
        raise ParameterError(f"level must be a whole number, got {value!r}; {advice}") from None
    if isinstance(value, bool) or not lowest <= level <= highest:
        raise ParameterError(f"level must exist, got {value!r}; {advice}")
    return level


def as_ratio(name: str, value: float, largest: float, least: float = 1.0) -> float:
    """Return a ratio of rows to input dimension within its range."""
    try:
        ratio = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be a number, got {value!r}") from None
    if not (math.isfinite(ratio) and least <= ratio <= largest):
        raise ParameterError(
            f"{name} must lie in [{least:g}, {largest:g}], got {value!r}; "
            "it is the number of neurons over the input dimension"
        )
    return ratio


def as_probability(name: str, value: float) -> float:
    """Return a probability strictly between 0 and 1."""
    try:
        probability = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be a number, got {value!r}") from None
    if not 0.0 < probability < 1.0:
        raise ParameterError(f"{name} must lie strictly between 0 and 1, got {value!r}")
    return probability
