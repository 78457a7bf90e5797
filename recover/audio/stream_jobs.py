"""Running the stretches of a long recording in order, in this process or in several."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from recover.audio.channel import StretchProgress
from recover.audio.task import RecoveredStretch, StretchTask

__all__ = ["run_in_order"]

_AHEAD = 3  # finished tasks that wait for an earlier one, per process


def run_in_order(
    tasks: Iterable[StretchTask], *, jobs: int, seed: int, progress: StretchProgress
) -> Iterator[tuple[StretchTask, RecoveredStretch]]:
    """Yield every task with its result, in the tasks' order.

    The result of a task depends on nothing but the task and the seed, so it is the same for any
    number of jobs.  This process works too, so that ``jobs - 1`` others are started.

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
    """
    if jobs == 1:
        for task in tasks:
            if progress.stopped:
                return
            piece = task.run(_generator(task, seed), progress)
            progress.next_stretch()
            yield task, piece
        return
    # new interpreters: a forked one would share this one's threads and files
    pool = ProcessPoolExecutor(
        jobs - 1, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent
    )
    waiting: deque[tuple[StretchTask, Future[RecoveredStretch]]] = deque()
    try:
        for task in tasks:
            if sum(not future.done() for _, future in waiting) < jobs:
                future = pool.submit(_run, task, seed)
            else:  # the others are busy and have a task in reserve
                future = Future()
                future.set_result(_run(task, seed))
            waiting.append((task, future))
            while waiting and (waiting[0][1].done() or len(waiting) > _AHEAD * jobs):
                yield _next(waiting, progress)
                if progress.stopped:
                    return
        while waiting:
            yield _next(waiting, progress)
            if progress.stopped:
                return
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _next(
    waiting: deque[tuple[StretchTask, Future[RecoveredStretch]]], progress: StretchProgress
) -> tuple[StretchTask, RecoveredStretch]:
    task, future = waiting.popleft()
    piece = future.result()
    progress.next_stretch()
    progress.tell(piece.accounts[-1].residual)
    return task, piece


def _run(task: StretchTask, seed: int) -> RecoveredStretch:
    return task.run(_generator(task, seed), _never)


def _generator(task: StretchTask, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, task.channel, task.stretch.start])


def _never(_progress: object, /) -> bool:
    return False


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
