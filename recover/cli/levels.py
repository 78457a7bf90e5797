"""Levels as they are written on the command line."""

from __future__ import annotations

import math

from recover.core.errors import ParameterError

__all__ = ["levels_named"]


def levels_named(name: str, text: str | None) -> float | tuple[float, ...] | None:
    """Return one level, one per channel, or None to have it found.

    Parameters
    ----------
    name : str
        "low" or "high".
    text : str or None
        A number, or one per channel with commas between; ``none`` for a side that is not
        clipped.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    if text is None:
        return None
    open_side = -math.inf if name == "low" else math.inf
    try:
        values = tuple(
            open_side if part.strip().lower() == "none" else float(part)
            for part in text.split(",")
        )
    except ValueError:
        raise ParameterError(
            f"{name} must be a number, or one per channel with commas between, got {text!r}"
        ) from None
    return values[0] if len(values) == 1 else values
