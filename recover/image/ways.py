"""How clipped samples of an image can be recovered."""

from __future__ import annotations

from enum import Enum

from recover.core.errors import ParameterError
from recover.image.rivals import Rival
from recover.solve.base import AnyMethod

__all__ = ["FORCED", "Way", "way_named"]


class Way(Enum):
    """How clipped samples are recovered; the values are the names that `declip` takes."""

    VALIDATED = "auto"
    MODEL = "MultigridObstacle"
    RULE = "opposed"
    MEAN = "conditional mean"
    PATCHES = "SPADE"
    STARS = "stars"


FORCED = {Way.RULE: Rival.OPPOSED, Way.MEAN: Rival.MEAN, Way.PATCHES: Rival.PATCHES}
"""The rival that takes the model's place."""


def way_named(method: AnyMethod | str | None) -> Way:
    """Return the way of that name; raises `ParameterError` for another."""
    if method is None:
        return Way.VALIDATED
    name = method if isinstance(method, str) else type(method).__name__
    try:
        return Way(name)
    except ValueError:
        known = ", ".join(repr(way.value) for way in Way)
        raise ParameterError(f"method must be one of {known}, got {name!r}") from None
