"""What the commands that recover files share: options, names of outputs, several files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, cast

import click

from recover.cli.file_work import Failure, FileWork, Kept, Options, Report
from recover.cli.gather import Board, gather, work_here
from recover.cli.output import Bar, print_table
from recover.cli.workers import LocalWorkers
from recover.core.errors import ParameterError, RecoverError
from recover.core.threads import one_blas_thread
from recover.io.atomic import STANDARD

__all__ = [
    "Batch",
    "Described",
    "Place",
    "level_text",
    "print_summary",
    "process_all",
    "targets_of",
]


def level_text(value: float | None) -> str:
    """Return a level for a table."""
    return "none" if value is None else f"{value:.5g}"


def targets_of(inputs: Sequence[str], output: str) -> tuple[str, ...]:
    """Return the output of each input: a file, or names in an existing folder.

    Raises
    ------
    ParameterError
        If an input is a directory, or several inputs have no folder to go to, or would have the
        same name there.
    """
    for name in inputs:
        if name != STANDARD and Path(name).is_dir():
            raise ParameterError(f"{name} is a directory; name the files in it, as {name}/*")
    folder = Path(output)
    if len(inputs) == 1 and not folder.is_dir():
        return (output,)
    if not folder.is_dir():
        raise ParameterError(f"output must be an existing folder for several inputs: {output}")
    names = [Path(name).name for name in inputs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or STANDARD in inputs:
        raise ParameterError(
            f"inputs for one folder need different file names, got {twice or STANDARD}"
        )
    return tuple(str(folder / name) for name in names)


@dataclass(frozen=True)
class Place:
    """Where the work is done.

    Parameters
    ----------
    jobs : int
        Processes on this machine.
    cluster : str or None
        Address of a scheduler, for its workers instead.
    """

    jobs: int
    cluster: str | None

    def check(self, names: Sequence[str]) -> None:
        """Raise `ParameterError` if the place cannot serve files of these names."""
        if self.cluster is None:
            return
        if self.jobs > 1:
            raise ParameterError(
                f"--cluster excludes --jobs {self.jobs}: the cluster's workers say how many "
                "files are worked on at once"
            )
        if STANDARD in names:
            raise ParameterError(
                "--cluster takes files, not standard input or output; name a file in place of -"
            )


@dataclass(frozen=True)
class Described:
    """What a command prints and writes of one file.

    Parameters
    ----------
    row : sequence of str
        Its line in the summary.
    sentences : sequence of str
        What is said below.
    figures : dict
        Its entry in the file of ``--json``; empty if there is to be none.
    """

    row: Sequence[str]
    sentences: Sequence[str]
    figures: dict[str, Any]


def print_summary(head: Sequence[str], files: Sequence[Described]) -> None:
    """Print the table of what was done, then the sentences."""
    print_table(head, [file.row for file in files])
    for file in files:
        for sentence in file.sentences:
            click.echo(sentence)


@dataclass(frozen=True)
class Batch(Generic[Report, Kept]):
    """What was done.

    Parameters
    ----------
    kept : list
        What is kept of the files that were done, in the order of the inputs.
    report : object or None
        The whole report, of a single input.
    status : int
        Exit status: 0, or 1 if some could not be done.
    """

    kept: list[Kept]
    report: Report | None
    status: int


def process_all(
    work: FileWork[Options, Report, Kept],
    inputs: Sequence[str],
    targets: Sequence[str],
    place: Place,
    *,
    force: bool,
    quiet: bool,
) -> Batch[Report, Kept]:
    """Recover every file, several at once where the place has room.

    The outcome is the same, bit for bit, wherever it is done.  One input that cannot be
    recovered raises its error.  Of several, each that cannot be is complained of in a line of
    its own, and the others are done.

    Parameters
    ----------
    work : FileWork
        What is done with each.
    inputs, targets : sequence of str
        The files, and where the recovered ones go.
    place : Place
    force : bool
        Whether existing outputs may be replaced.
    quiet : bool
        Whether to leave out the bar.

    Raises
    ------
    RecoverError
        If nothing could be done.
    """
    place.check([*inputs, *targets])
    with one_blas_thread():
        with Bar(_label(inputs), quiet=quiet) as bar:
            if len(inputs) == 1 and place.cluster is None:
                report = work.process(
                    inputs[0], targets[0], work.options, jobs=place.jobs, watch=bar
                )
                outcomes: list[Any] = [report]
            else:
                board = Board(bar, inputs)
                _work_on(work, targets, place, board, force=force)
                outcomes = board.outcomes()
        if len(inputs) == 1:
            if isinstance(outcomes[0], Failure):
                raise RecoverError(outcomes[0].message)
            report = cast(Report, outcomes[0])
            return Batch([work.describe(report)], report, 0)
    kept = [cast(Kept, each) for each in outcomes if not isinstance(each, Failure)]
    if not kept:
        raise ParameterError(f"none of the {len(inputs)} files could be recovered; see above")
    return Batch(kept, None, int(len(kept) < len(inputs)))


def _label(inputs: Sequence[str]) -> str:
    return Path(inputs[0]).name if len(inputs) == 1 else f"{len(inputs)} files"


def _work_on(
    work: FileWork[Any, Any, Any],
    targets: Sequence[str],
    place: Place,
    board: Board,
    *,
    force: bool,
) -> None:
    """Have all files done that `board` names, wherever the place says."""
    files = list(enumerate(targets))
    if place.cluster is not None:
        from recover.cli.cluster import connected
        from recover.cli.cluster_files import work_on_cluster

        with connected(place.cluster) as cluster:
            work_on_cluster(work, files, cluster, board, force=force)
    elif place.jobs > 1:
        with LocalWorkers(work, min(place.jobs, len(files)), board.tell) as crew:
            gather(crew, files, board)
    else:
        for index, target in files:
            work_here(work, index, target, board)
