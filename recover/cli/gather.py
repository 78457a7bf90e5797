"""Many files under way at once: their progress in one bar, their outcomes in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from math import nan
from typing import Any, Protocol

from recover.audio.stream_jobs import StretchRunner
from recover.cli.file_work import Failure, FileWork, WorkerLostError, attempt, share_of
from recover.cli.output import Bar, complain
from recover.core.errors import RecoverError
from recover.core.progress import Progress, Watch

__all__ = ["Board", "Crew", "gather", "work_here"]

_SHOWN_EVERY = 0.2  # seconds
_PERCENT = 100


class Crew(Protocol):
    """What works on files elsewhere."""

    @property
    def width(self) -> int:
        """How many files to have under way, now."""
        ...

    def submit(self, index: int, source: str, target: str) -> Future[Any]:
        """Begin with a file."""
        ...

    def outcome(self, future: Future[Any]) -> Any:
        """Return what became of a file that is done; raises `WorkerLostError` and others."""
        ...


class Board:
    """What is known of every file: how far it is, and what became of it.

    Parameters
    ----------
    bar : Bar
        Shows the progress of all together.
    inputs : sequence of str
        The files.
    """

    def __init__(self, bar: Bar, inputs: Sequence[str]) -> None:
        self.inputs = inputs
        self._bar = bar
        self._shares = [0.0] * len(inputs)
        self._outcomes: dict[int, Any] = {}
        self._said = 0

    def tell(self, index: int, share: float) -> None:
        """Note which share of a file is done; may be called from any thread, and late."""
        if index not in self._outcomes:
            self._shares[index] = share

    def show(self) -> None:
        """Bring the bar up to date."""
        done = int(_PERCENT * sum(self._shares))
        self._bar(Progress(done, _PERCENT * len(self._shares), nan))

    def watch(self, index: int) -> Watch:
        """Return what is told of the progress of a file that is worked on here."""

        def watch(progress: Progress, /) -> None:
            self.tell(index, share_of(progress))
            self.show()

        return watch

    def settle(self, index: int, outcome: Any) -> None:
        """Note what became of a file; of several, failures are said in the inputs' order."""
        self._outcomes[index] = outcome
        self._shares[index] = 1.0
        while self._said in self._outcomes:
            outcome = self._outcomes[self._said]
            if isinstance(outcome, Failure) and len(self.inputs) > 1:
                self._bar.clear()
                complain(_line(self.inputs[self._said], outcome.message))
            self._said += 1
        self.show()

    def outcomes(self) -> list[Any]:
        """Return what became of each file, in the inputs' order."""
        return [self._outcomes[index] for index in range(len(self.inputs))]


def _line(source: str, message: str) -> str:
    return message if message.startswith(source) else f"{source}: {message}"


def work_here(
    work: FileWork[Any, Any, Any],
    index: int,
    target: str,
    board: Board,
    *,
    whole: bool = False,
    runner: StretchRunner | None = None,
) -> None:
    """Do one file in this process, a long one's blocks by a runner."""
    source = board.inputs[index]
    watch = board.watch(index)
    board.settle(index, attempt(work, source, target, watch, whole=whole, runner=runner))


def gather(crew: Crew, files: Sequence[tuple[int, str]], board: Board) -> None:
    """Have files done; what lost its process is tried again at the end, one at a time.

    That a process was lost may be the fault of another file that was worked on beside it; alone
    it is the file's own.

    Parameters
    ----------
    crew : Crew
    files : sequence of (int, str)
        The number of each among the inputs, and where it goes.
    board : Board
    """
    for index, target, _ in _pass(crew, files, board):
        for _, _, error in _pass(crew, [(index, target)], board):
            board.settle(index, Failure(str(error)))


def _pass(
    crew: Crew, files: Sequence[tuple[int, str]], board: Board
) -> list[tuple[int, str, WorkerLostError]]:
    """Have files done; returns those that lost their process."""
    todo = deque(files)
    waiting: dict[Future[Any], tuple[int, str]] = {}
    lost: list[tuple[int, str, WorkerLostError]] = []
    while todo or waiting:
        while todo and len(waiting) < crew.width:
            index, target = todo.popleft()
            try:
                waiting[crew.submit(index, board.inputs[index], target)] = (index, target)
            except RecoverError as error:
                board.settle(index, Failure(str(error)))
        for future in wait(waiting, _SHOWN_EVERY, FIRST_COMPLETED).done:
            index, target = waiting.pop(future)
            try:
                board.settle(index, crew.outcome(future))
            except WorkerLostError as error:
                lost.append((index, target, error))
            except RecoverError as error:
                board.settle(index, Failure(str(error)))
        board.show()
    return lost
