"""What is done with one file, wherever it is done: here, in a process, or on a cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from recover.audio.stream_jobs import StretchRunner
from recover.core.errors import RecoverError
from recover.core.progress import Progress, Watch
from recover.core.threads import one_blas_thread

__all__ = [
    "Failure",
    "FileWork",
    "LongFiles",
    "Process",
    "WorkerLostError",
    "attempt",
    "share_of",
]

Options = TypeVar("Options")
Report = TypeVar("Report")
Kept = TypeVar("Kept")
_Options_contra = TypeVar("_Options_contra", contravariant=True)
_Report_co = TypeVar("_Report_co", covariant=True)


class WorkerLostError(RecoverError):
    """The process that worked on a file has gone; the work may be tried again."""


class Process(Protocol[_Options_contra, _Report_co]):
    """What recovers one file."""

    def __call__(
        self,
        source: str,
        output: str,
        options: _Options_contra,
        *,
        jobs: int,
        watch: Watch | None,
    ) -> _Report_co: ...


class ProcessBlocks(Protocol[_Options_contra, _Report_co]):
    """What recovers one long file, its blocks elsewhere."""

    def __call__(
        self,
        source: str,
        output: str,
        options: _Options_contra,
        *,
        jobs: int,
        watch: Watch | None,
        runner: StretchRunner | None,
    ) -> _Report_co: ...


@dataclass(frozen=True)
class LongFiles(Generic[Options, Report]):
    """Files that are cut into blocks.

    Parameters
    ----------
    found : callable
        Whether a file is one; raises an error if it cannot be read.
    process : ProcessBlocks
        Recovers it.
    """

    found: Callable[[str], bool]
    process: ProcessBlocks[Options, Report]


@dataclass(frozen=True)
class FileWork(Generic[Options, Report, Kept]):
    """What a command does with each of its files; it can be pickled.

    Parameters
    ----------
    process : Process
        Recovers one file.
    options : dataclass
        What the user chose.
    describe : callable
        What is kept of a report; of several files nothing else is, since results are large.
    reads, writes : tuple of str
        Which of the options name further files that are read, and written.
    long : LongFiles or None
        Which files are cut into blocks that are tasks of their own.
    """

    process: Process[Options, Report]
    options: Options
    describe: Callable[[Report], Kept]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    long: LongFiles[Options, Report] | None = None


@dataclass(frozen=True)
class Failure:
    """Why a file could not be done.

    Parameters
    ----------
    message : str
        What was wrong, and the cure.
    """

    message: str


def attempt(
    work: FileWork[Options, Report, Kept],
    source: str,
    target: str,
    watch: Watch | None,
    *,
    whole: bool = False,
    runner: StretchRunner | None = None,
) -> Report | Kept | Failure:
    """Do one of several files; an error is returned, so that it does not end the others.

    Parameters
    ----------
    work : FileWork
    source, target : str
        The file, and where the recovered one goes.
    watch : Watch or None
        Told of the progress.
    whole : bool
        Whether the report itself is wanted, not what is kept of it.
    runner : StretchRunner, optional
        Works on a long file's blocks.
    """
    process = work.process
    if work.long is not None and runner is not None:
        process = partial(work.long.process, runner=runner)
    try:
        with one_blas_thread():
            report = process(source, target, work.options, jobs=1, watch=watch)
            return report if whole else work.describe(report)
    except (RecoverError, OSError) as error:
        return Failure(str(error))
    except MemoryError:
        return Failure("the file does not fit into memory; use a shorter or smaller one")
    except Exception as error:  # a fault of the program must not lose the other files
        logging.getLogger("recover").exception("unexpected error in %s", source)
        return Failure(f"unexpected {type(error).__name__}: {error}; please report it")


def share_of(progress: Progress) -> float:
    """Return how much of a file is done, between 0 and 1."""
    return min(max(progress.step / max(progress.total, 1), 0.0), 1.0)
