"""The clock that ends a search."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import ldexp

from recover.core.progress import Progress, Watch

__all__ = ["Clock"]


@dataclass(frozen=True)
class Clock:
    """A budget of wall-clock time, and the callback that may end it earlier.

    Parameters
    ----------
    deadline : float
        On the scale of `time.monotonic`, in seconds.
    watch : callable or None
        Returns True to stop.
    """

    deadline: float
    watch: Watch | None = None

    @staticmethod
    def starting(seconds: float, watch: Watch | None = None) -> Clock:
        """Return a clock that runs out `seconds` from now."""
        return Clock(time.monotonic() + seconds, watch)

    @property
    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(self.deadline - time.monotonic(), 0.0)

    def within(self, seconds: float) -> Clock:
        """Return a clock that also runs out `seconds` from now."""
        return Clock(min(self.deadline, time.monotonic() + seconds), self.watch)

    def scaled(self, exponent: int) -> Clock:
        """Return the clock of a search whose values are to be told ``2**exponent`` times."""
        watch = self.watch
        if watch is None or exponent == 0:
            return self
        told = watch

        def in_units(progress: Progress, /) -> bool | None:
            bracket = progress.bracket
            if bracket is not None:
                bracket = (ldexp(bracket[0], exponent), ldexp(bracket[1], exponent))
            value = ldexp(progress.value, exponent)
            return told(replace(progress, value=value, bracket=bracket))

        return Clock(self.deadline, in_units)

    def stops(self, progress: Progress) -> bool:
        """Tell whether to stop: the time is over, or the callback said so."""
        asked = self.watch is not None and bool(self.watch(progress))
        return asked or time.monotonic() >= self.deadline
