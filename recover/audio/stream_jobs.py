"""Running the stretches of a long recording in order, in this process or in others."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Protocol

import numpy as np

from recover.audio.channel import StretchProgress
from recover.audio.task import RecoveredStretch, StretchTask
from recover.core.errors import RecoverError
from recover.core.threads import keep_one_blas_thread, one_blas_thread

__all__ = ["StretchRunner", "run_in_order", "run_stretch"]

_AHEAD = 3  # finished tasks that wait for an earlier one, per process
_Waiting = deque[tuple[StretchTask, Future[RecoveredStretch]]]


class StretchRunner(Protocol):
    """What runs stretches elsewhere, such as a cluster."""

    @property
    def width(self) -> int:
        """How many to have under way."""
        ...

    def submit(self, task: StretchTask, seed: int) -> Future[RecoveredStretch]:
        """Return the future of `run_stretch` with these arguments."""
        ...


def run_in_order(
    tasks: Iterable[StretchTask],
    *,
    jobs: int,
    seed: int,
    progress: StretchProgress,
    runner: StretchRunner | None = None,
) -> Iterator[tuple[StretchTask, RecoveredStretch]]:
    """Yield every task with its result, in the tasks' order.

    The result of a task depends on nothing but the task and the seed, so it is the same for any
    number of jobs and with any runner.  This process works too, so that ``jobs - 1`` others are
    started; with a runner it only waits.

    Parameters
    ----------
    tasks : iterable of StretchTask
        Asked for one by one.
    jobs : int
        Processes; with 1 the work is done in this one.
    seed : int
        Of the tasks' generators.
    progress : StretchProgress
        Asked after each task, and during it when there is one process, whether to stop.
    runner : StretchRunner, optional
        Does the work instead of processes on this machine.

    Raises
    ------
    RecoverError
        If a process was killed.
    """
    if runner is not None:
        yield from _run_elsewhere(tasks, runner, seed, progress)
    elif jobs > 1:
        yield from _run_in_processes(tasks, jobs, seed, progress)
    else:
        for task in tasks:
            if progress.stopped:
                return
            with one_blas_thread():
                piece = task.run(_generator(task, seed), progress)
            progress.next_stretch()
            yield task, piece


def _run_elsewhere(
    tasks: Iterable[StretchTask], runner: StretchRunner, seed: int, progress: StretchProgress
) -> Iterator[tuple[StretchTask, RecoveredStretch]]:
    waiting: _Waiting = deque()
    for task in tasks:
        waiting.append((task, runner.submit(task, seed)))
        if len(waiting) > runner.width:
            yield _next(waiting, progress)
            if progress.stopped:
                return
    yield from _rest(waiting, progress)


def _run_in_processes(
    tasks: Iterable[StretchTask], jobs: int, seed: int, progress: StretchProgress
) -> Iterator[tuple[StretchTask, RecoveredStretch]]:
    # new interpreters: a forked one would share this one's threads and files
    pool = ProcessPoolExecutor(
        jobs - 1, mp_context=get_context("spawn"), initializer=_prepare_process
    )
    waiting: _Waiting = deque()
    try:
        for task in tasks:
            if sum(not future.done() for _, future in waiting) < jobs:
                future = pool.submit(run_stretch, task, seed)
            else:  # the others are busy and have a task in reserve
                future = Future()
                future.set_result(run_stretch(task, seed))
            waiting.append((task, future))
            while waiting and (waiting[0][1].done() or len(waiting) > _AHEAD * jobs):
                yield _next(waiting, progress)
                if progress.stopped:
                    return
        yield from _rest(waiting, progress)
    except BrokenProcessPool:
        raise RecoverError(
            "a process that worked on the recording was killed; the likely reason is that "
            "memory ran out: use fewer jobs"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _rest(
    waiting: _Waiting, progress: StretchProgress
) -> Iterator[tuple[StretchTask, RecoveredStretch]]:
    while waiting:
        yield _next(waiting, progress)
        if progress.stopped:
            return


def _next(waiting: _Waiting, progress: StretchProgress) -> tuple[StretchTask, RecoveredStretch]:
    task, future = waiting.popleft()
    piece = future.result()
    progress.next_stretch()
    progress.tell(piece.accounts[-1].residual)
    return task, piece


def run_stretch(task: StretchTask, seed: int) -> RecoveredStretch:
    """Return a recovered stretch, the same wherever this is called."""
    with one_blas_thread():
        return task.run(_generator(task, seed), _never)


def _generator(task: StretchTask, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, task.channel, task.stretch.start])


def _never(_progress: object, /) -> bool:
    return False


def _prepare_process() -> None:
    keep_one_blas_thread()  # so that the context in each task finds it set
    # the parent handles Ctrl-C
    signal.signal(signal.SIGINT, signal.SIG_IGN)
