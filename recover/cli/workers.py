"""Several files at once on this machine, each in a process of its own."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from threading import Lock, local
from types import FrameType, TracebackType
from typing import Any, Generic, Self, cast

from recover.cli.file_work import (
    Failure,
    FileWork,
    Kept,
    Options,
    Report,
    WorkerLostError,
    attempt,
    share_of,
)
from recover.core.progress import Progress
from recover.core.threads import keep_one_blas_thread

__all__ = ["LocalWorkers"]

_TOLD_EVERY = 0.1  # seconds between two messages of a process
_PATIENCE = 10.0  # seconds that a stopped process has to remove what it has begun to write

Told = Callable[[int, float], None]


class LocalWorkers(Generic[Options, Report, Kept]):
    """Processes that do files, started one by one as they are needed.

    Each is driven by a thread that waits for it.  Leaving the context with files still in work
    stops them: what they had begun to write is removed.

    Parameters
    ----------
    work : FileWork
        What is done with each.
    width : int
        Processes.
    told : callable
        Called with the index of a file and the share of it that is done.
    """

    def __init__(self, work: FileWork[Options, Report, Kept], width: int, told: Told) -> None:
        self.width = width
        self._work, self._told = work, told
        self._threads = ThreadPoolExecutor(width)
        self._mine = local()
        self._lock = Lock()
        self._all: list[_Child] = []
        self._closed = False
        if sys.platform != "win32":
            resource_tracker.ensure_running()  # it would undo the mask under which we start

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._closed = True
            children = list(self._all)
        for child in children:
            child.stop()
        for child in children:
            child.end()
        self._threads.shutdown(wait=True)

    def submit(self, index: int, source: str, target: str) -> Future[Kept | Report | Failure]:
        """Begin with a file as soon as a process is free."""
        return self._threads.submit(self._drive, index, source, target)

    def outcome(self, future: Future[Kept | Report | Failure]) -> Kept | Report | Failure:
        """Return what became of a file; raises `WorkerLostError` if its process has gone."""
        return future.result()

    def _drive(self, index: int, source: str, target: str) -> Kept | Report | Failure:
        child: _Child | None = getattr(self._mine, "child", None)
        if child is None:
            with self._lock:
                if self._closed:
                    raise WorkerLostError(f"{source} was not begun")
                child = _Child(self._work)
                self._all.append(child)
            self._mine.child = child
        try:
            return cast("Kept | Report | Failure", child.ask(index, source, target, self._told))
        except (EOFError, OSError):
            self._mine.child = None  # the next file gets a new process
            with self._lock:
                self._all.remove(child)
            status = child.end()
            raise WorkerLostError(
                f"the process that worked on it ended with status {status}, twice; the likely "
                "reason is that memory ran out: use fewer --jobs or a smaller file"
            ) from None


class _Child:
    """One process, and this end of the pipe to it."""

    def __init__(self, work: FileWork[Any, Any, Any]) -> None:
        context = get_context("spawn")  # a forked one would share this one's threads and files
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, work), daemon=True)
        masked = sys.platform != "win32"
        if masked:  # the mask is inherited: Ctrl-C is this process's alone to handle
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            if masked:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        other.close()

    def ask(self, index: int, source: str, target: str, told: Told) -> Any:
        """Return what became of a file; raises EOFError or OSError if the process has gone."""
        self._pipe.send((source, target))
        while True:
            message = self._pipe.recv()
            if not isinstance(message, float):
                return message
            told(index, message)

    def stop(self) -> None:
        """Ask the process to end."""
        self._process.terminate()

    def end(self) -> int | None:
        """Wait for the process, then end it by force; returns its exit status."""
        self._process.join(_PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        return self._process.exitcode


class _Teller:
    """Sends the progress of a file, not too often."""

    def __init__(self, pipe: Connection[Any, Any]) -> None:
        self._pipe = pipe
        self._next = 0.0

    def __call__(self, progress: Progress, /) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TOLD_EVERY
            self._pipe.send(share_of(progress))


def _serve(pipe: Connection[Any, Any], work: FileWork[Any, Any, Any]) -> None:
    """Do files until there are no more: a process's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # not every system has both
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _leave)
    keep_one_blas_thread()
    while True:
        try:
            source, target = pipe.recv()
        except EOFError:  # the other end has gone
            return
        try:
            pipe.send(attempt(work, source, target, _Teller(pipe)))
        except BrokenPipeError:
            return


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End the process as an exception does, so that what was begun is removed."""
    raise SystemExit(0)
