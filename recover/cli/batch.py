"""What the commands that recover files share: options, names of outputs, several files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from recover.certificates.certificate import Certificate
from recover.cli.output import (
    Bar,
    check_certificate_writable,
    complain,
    write_certificate,
    write_json,
)
from recover.core.errors import ParameterError, RecoverError
from recover.io.atomic import STANDARD, check_writable, write_text
from recover.solve.base import Watch

__all__ = [
    "SideFiles",
    "check_evidence",
    "file_options",
    "level_text",
    "process_all",
    "targets_of",
    "write_side_files",
]

_Options_contra = TypeVar("_Options_contra", contravariant=True)
_Report_co = TypeVar("_Report_co", covariant=True)
Command = Callable[..., Any]


@dataclass(frozen=True)
class SideFiles:
    """The files that a command may write besides its outputs; None where not asked for.

    Parameters
    ----------
    report, json, save : str or None
        Page, figures with the certificate, and the saved result.
    others : mapping of str to (str or None)
        The command's own, by the name of their option.
    """

    report: str | None
    json: str | None
    save: str | None
    others: Mapping[str, str | None]

    def check(self, inputs: Sequence[str], *, force: bool) -> None:
        """Raise an error, before any work, if one could not be written or speaks of one file.

        Raises
        ------
        ParameterError
            If a file that holds one result is asked for several inputs.
        FileError
            If a file exists and `force` is not set, or cannot be written.
        """
        single = {"--report": self.report, "--save": self.save, **self.others}
        for name, path in single.items():
            if path is not None and len(inputs) > 1:
                raise ParameterError(
                    f"{name} takes one input, got {len(inputs)}; run it for each"
                )
        for path in (*single.values(), self.json):
            if path is not None:
                check_writable(path, force=force)


class Saved(Protocol):
    """What a report and a saved file are made of."""

    @property
    def certificate(self) -> Certificate:
        """Return what is promised about the result."""
        ...

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the result to a new file, or over an old one where `force` says so."""
        ...


_Result = TypeVar("_Result", bound=Saved)
_Result_co = TypeVar("_Result_co", bound=Saved, covariant=True)
EVIDENCE = ".evidence.npz"  # beside the JSON, and no name that --save would be given


class Done(Protocol[_Result_co]):
    """What was done with one file."""

    @property
    def result(self) -> _Result_co:
        """Return the result with its certificate."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the account of the run as JSON writes it."""
        ...


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


def file_options(command: Command) -> Command:
    """Add the options that all commands on files have to a function for `click.command`."""
    options = [
        click.option(
            "--report", metavar="R.html", help="Write a report, one file that needs no other."
        ),
        click.option(
            "--json", "json_path", metavar="R.json", help="Write figures and certificate."
        ),
        click.option(
            "--save", metavar="RESULT.npz", help="Save the result, for `recover report`."
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1),
            default=1,
            show_default=True,
            help="Processes: files worked on at once, or parts of one long file.",
        ),
        click.option("--no-certify", is_flag=True, help="Leave out the certificate."),
        click.option(
            "--seed", type=int, default=0, show_default=True, help="Seed of all randomness."
        ),
        click.option("--force", is_flag=True, help="Replace existing files."),
        click.option("--quiet", is_flag=True, help="Print nothing but errors."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def level_text(value: float | None) -> str:
    """Return a level for a table."""
    return "none" if value is None else f"{value:.5g}"


def targets_of(inputs: Sequence[str], output: str) -> tuple[str, ...]:
    """Return the output of each input: a file, or names in an existing folder.

    Raises
    ------
    ParameterError
        If several inputs have no folder to go to, or would have the same name there.
    """
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


def process_all(
    process: Process[_Options_contra, _Report_co],
    inputs: Sequence[str],
    targets: Sequence[str],
    options: _Options_contra,
    jobs: int,
    *,
    quiet: bool,
) -> tuple[list[_Report_co], int]:
    """Recover every file, several at once if there are more than one.

    One input that cannot be recovered raises its error.  Of several, each that cannot be is
    complained of in a line of its own, and the others are done.

    Returns
    -------
    reports, status
        Of the files that were done, and the exit status: 0, or 1 if some were not.
    """
    if jobs > 1 and len(inputs) > 1:
        with ProcessPoolExecutor(min(jobs, len(inputs))) as pool:
            calls = [
                pool.submit(process, source, target, options, jobs=1, watch=None)
                for source, target in zip(inputs, targets, strict=True)
            ]
            return _collected(inputs, [call.result for call in calls])

    def work(source: str, target: str) -> _Report_co:
        with Bar(Path(source).name, quiet=quiet) as bar:
            return process(source, target, options, jobs=jobs, watch=bar)

    pairs = zip(inputs, targets, strict=True)
    return _collected(inputs, [partial(work, source, target) for source, target in pairs])


def _collected(
    inputs: Sequence[str], works: Sequence[Callable[[], _Report_co]]
) -> tuple[list[_Report_co], int]:
    if len(inputs) == 1:
        return [works[0]()], 0
    done: list[_Report_co] = []
    for source, work in zip(inputs, works, strict=True):
        try:
            done.append(work())
        except (RecoverError, OSError) as error:
            complain(f"{source}: {error}")
    if not done:
        raise ParameterError(f"none of the {len(inputs)} files could be recovered; see above")
    return done, int(len(done) < len(inputs))


def check_evidence(path: str | None, inputs: Sequence[str], *, force: bool) -> None:
    """Raise `FileError` if one input's evidence could not be written beside its JSON."""
    if path is not None and len(inputs) == 1:
        check_certificate_writable(path, force=force, ending=EVIDENCE)


def write_side_files(
    side: SideFiles,
    done: Sequence[Done[_Result]],
    inputs: Sequence[str],
    draw: Callable[[_Result, str, str], str],
    *,
    force: bool,
) -> None:
    """Write the page, the figures and the saved result that were asked for.

    Parameters
    ----------
    side : SideFiles
        Checked before the work.
    done : sequence of Done
        What was done with the files.
    inputs : sequence of str
        Their names; page and saved result are of the only one.
    draw : callable
        The page of a result, its title and the command that verifies it.
    force : bool
        Replace existing files.
    """
    if side.report is not None:
        verify_with = f"recover verify {side.json} {inputs[0]}" if side.json else ""
        page = draw(done[0].result, Path(inputs[0]).name, verify_with)
        write_text(side.report, page, force=force)
    if side.json is not None:
        data = [each.to_json() for each in done]
        if len(inputs) == 1:
            promise = done[0].result.certificate
            write_certificate(side.json, data[0], promise, force=force, ending=EVIDENCE)
        else:
            write_json(side.json, data, force=force)
    if side.save is not None:
        done[0].result.save(side.save, force=force)
