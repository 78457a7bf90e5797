"""What long computations report while they run, and how they are asked to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Progress", "Watch"]


@dataclass(frozen=True)
class Progress:
    """What a `watch` callback is told.

    Parameters
    ----------
    step, total : int
        Steps done, and the most that there will be (of a search: nodes visited, and those
        visited or waiting, which grows).
    value : float
        A method's residual, relative to the data; a search's value that is being proved.
    bracket : (float, float) or None
        What a search has proved so far: a lower and an upper bound.
    """

    step: int
    total: int
    value: float
    bracket: tuple[float, float] | None = None


class Watch(Protocol):
    """A callback; it returns True to stop."""

    def __call__(self, progress: Progress, /) -> bool | None: ...
