"""The abstract method: one step of an algorithm; the loop is in `recover.solve.loop`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np

from recover.core.arrays import Array
from recover.core.progress import Progress, Watch
from recover.models.problem import Problem

__all__ = [
    "AnyMethod",
    "Candidates",
    "HasCandidates",
    "HasProbe",
    "Method",
    "Progress",
    "Solution",
    "State",
    "Status",
    "Watch",
]


class Status(Enum):
    """How a recovery ended; the values are the help text."""

    CONVERGED = "The residual reached the tolerance."
    DIRECT = "Solved directly; no iteration was needed."
    COMPLETED = "The fixed schedule of iterations was run to its end."
    MAX_ITER = "The largest number of iterations was reached; raise `max_iter` or loosen `tol`."
    STALLED = (
        "The iteration came to rest above the tolerance: a local minimum, or data that no "
        "signal explains. Give other starts, or state the noise."
    )
    STOPPED = "The `watch` callback asked to stop; the signal is the last iterate."
    DIVERGED = (
        "The iterates stopped being finite or grew without bound; the signal is that of the "
        "smallest residual. Try a smaller step, another method, or check the frame's bounds."
    )


@dataclass(frozen=True, eq=False)
class Candidates:
    """The signals of several starts that a method ran at once.

    Parameters
    ----------
    signals : array [shape=(starts, *frame.signal_shape)]
        The last iterate of each start.
    residuals : array [shape=(starts,)]
        Their residuals, relative to the data.
    """

    signals: Array
    residuals: Array


@dataclass(frozen=True, eq=False)
class Solution:
    """What a method found.

    Parameters
    ----------
    signal : array [shape=frame.signal_shape]
        The last iterate.
    status : Status
        How the loop ended.
    residuals : array [shape=(iterations,)]
        The residual after each step, relative to the data.
    method : str
        Name of the method.
    candidates : Candidates, optional
        Every start of a method that runs several at once; `signal` is the best of them.
    probe : array, optional
        The illumination, of a method that recovers it too.
    """

    signal: Array
    status: Status
    residuals: Array
    method: str
    candidates: Candidates | None = None
    probe: Array | None = None


class State(Protocol):
    """What every method's state offers to the loop."""

    @property
    def residual(self) -> float:
        """What the method drives to zero, relative to the same at the zero signal."""
        ...

    @property
    def finished(self) -> Status | None:
        """Not None when the method itself knows that it is done."""
        ...


S = TypeVar("S", bound=State)


class Method(ABC, Generic[S]):
    """One algorithm: how it starts, one step, and what its state says of the signal.

    Concrete methods are final frozen dataclasses whose fields are their parameters, among them
    ``max_iter`` and ``tol``.  The signal of an earlier state stays valid: the loop may
    come back to it.
    """

    @property
    @abstractmethod
    def max_iter(self) -> int:
        """The largest number of steps; a field of the concrete method."""

    @property
    @abstractmethod
    def tol(self) -> float:
        """The residual at which the loop stops, 0 to run a schedule to its end; a field."""

    @abstractmethod
    def refuses(self, problem: Problem) -> str | None:
        """Return why the method does not apply to `problem`, or None if it does."""

    @abstractmethod
    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> S:
        """Return the first state; `start` is a signal."""

    @abstractmethod
    def step(self, problem: Problem, state: S) -> S:
        """Return the state after one iteration."""

    @abstractmethod
    def signal(self, problem: Problem, state: S) -> Array:
        """Return the signal that the state stands for."""

    @classmethod
    @abstractmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        """Return an instance for the law tests and for ``recover list``."""


@runtime_checkable
class HasCandidates(Protocol):
    """A method that runs several starts at once, as a leading axis."""

    def candidates(self, problem: Problem, state: Any) -> Candidates:
        """Return the signals and residuals of all starts."""
        ...


@runtime_checkable
class HasProbe(Protocol):
    """A method for scans that recovers the illumination too."""

    def probe(self, problem: Problem, state: Any) -> Array:
        """Return the illumination that belongs to the signal."""
        ...


AnyMethod: TypeAlias = "Method[Any]"
