"""The files that a command writes besides its outputs: page, figures, saved result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from recover.certificates.certificate import Certificate
from recover.cli.output import (
    check_certificate_writable,
    how_to_verify,
    write_certificate,
    write_json,
)
from recover.core.errors import ParameterError
from recover.io.atomic import check_distinct, check_writable, write_text

__all__ = ["SideFiles", "check_evidence", "write_side_files"]


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

    def check(
        self,
        inputs: Sequence[str],
        targets: Sequence[str],
        beside: Sequence[str | None] = (),
        *,
        force: bool,
    ) -> None:
        """Raise an error, before any work, if one could not be written or speaks of one file.

        Parameters
        ----------
        inputs, targets : sequence of str
            What is recovered, and where it goes.
        beside : sequence of (str or None)
            Other files that are read.
        force : bool
            Replace existing files.

        Raises
        ------
        ParameterError
            If a file that holds one result is asked for several inputs.
        FileError
            If a file exists and `force` is not set, cannot be written, is itself read, or would
            be written twice.
        """
        single = {"--report": self.report, "--save": self.save, **self.others}
        for name, path in single.items():
            if path is not None and len(inputs) > 1:
                raise ParameterError(
                    f"{name} takes one input, got {len(inputs)}; run it for each"
                )
        written = (*single.values(), self.json)
        check_distinct([*inputs, *beside], [*targets, *written])
        for path in written:
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


class Done(Protocol[_Result_co]):
    """What was done with one file."""

    @property
    def result(self) -> _Result_co:
        """Return what was recovered."""
        ...


def check_evidence(path: str | None, inputs: Sequence[str], *, force: bool) -> None:
    """Raise `FileError` if one input's evidence could not be written beside its JSON."""
    if path is not None and len(inputs) == 1:
        check_certificate_writable(path, force=force)


def write_side_files(
    side: SideFiles,
    report: Done[_Result] | None,
    figures: Sequence[dict[str, Any]],
    inputs: Sequence[str],
    draw: Callable[[_Result, str, str], str],
    *,
    force: bool,
    promise: Certificate | None = None,
) -> None:
    """Write the page, the figures and the saved result that were asked for.

    Parameters
    ----------
    side : SideFiles
        Checked before the work.
    report : object or None
        Of a single input; it holds the result.
    figures : sequence of dict
        What JSON says of each file that was done.
    inputs : sequence of str
        Their names; page and saved result are of the only one.
    draw : callable
        The page of a result, its title and the command that verifies it.
    force : bool
        Replace existing files.
    promise : Certificate, optional
        What the figures hold instead of the result's own certificate, such as one that has more
        in its evidence.
    """
    if report is None:
        if side.json is not None:
            write_json(side.json, list(figures), force=force)
        return
    result = report.result
    if side.report is not None:
        page = draw(result, Path(inputs[0]).name, how_to_verify(side.json, inputs[0]))
        write_text(side.report, page, force=force)
    if side.json is not None:
        certified = result.certificate if promise is None else promise
        write_certificate(side.json, figures[0], certified, force=force)
    if side.save is not None:
        result.save(side.save, force=force)
