"""What commands share: one line of complaint, tables, a progress bar, JSON."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from recover.certificates.beside import bring_back, put_aside
from recover.certificates.certificate import Certificate
from recover.core.errors import ParameterError, RecoverError
from recover.io.atomic import STANDARD, check_writable, write_text
from recover.io.guard import opened, printable
from recover.io.results import load_result, save_result

if TYPE_CHECKING:
    from tqdm import tqdm

    from recover.solve.base import Progress

__all__ = [
    "Bar",
    "check_certificate_writable",
    "complain",
    "how_to_verify",
    "print_table",
    "read_certificate",
    "read_json",
    "write_certificate",
    "write_json",
]

_LONGEST = 2000  # letters of a complaint
_EVIDENCE = ".evidence.npz"  # beside the JSON, and no name that weights or --save would have
_BESIDE = "arrays_beside"  # names the NPZ file of what is too large for JSON
_FORMAT = "recover-evidence-1"


def complain(message: str) -> None:
    """Print one line on stderr."""
    click.echo(f"recover: {printable(message, _LONGEST)}", err=True)


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in columns as wide as what they hold."""
    lines = [list(head), *[list(row) for row in rows]]
    widths = [max(len(line[c]) for line in lines) for c in range(len(head))]
    for index, line in enumerate(lines):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())
        if index == 0:
            click.echo("  ".join("-" * width for width in widths))


def how_to_verify(account: str | None, source: str) -> str:
    """Return the command that proves a certificate again, "" if it is in no file.

    Parameters
    ----------
    account : str or None
        The JSON file with the certificate, if it was asked for.
    source : str
        The file that the certificate speaks of.
    """
    if account is None or account == STANDARD:
        return ""
    names = [account, source]
    dashes = ["--"] if any(name.startswith("-") for name in names) else []
    return shlex.join(["recover", "verify", *dashes, *names])


def read_json(path: Path) -> Any:
    """Return the JSON in a file; raises `ParameterError` if it is something else."""
    with opened(path, "give a JSON file") as file:
        data = file.read()
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ParameterError(f"{path} is not JSON; give a file that --json wrote") from None


def write_json(path: str | Path, data: Any, *, force: bool) -> None:
    """Write plain data as JSON, whole or not at all; "-" is standard output."""
    text = json.dumps(data, indent=1, sort_keys=True, allow_nan=False)
    write_text(path, text + "\n", force=force)


def check_certificate_writable(path: str, *, force: bool) -> None:
    """Raise `FileError` if a certificate's JSON, or an NPZ beside it, could not be written."""
    check_writable(path, force=force)
    if path != STANDARD:
        check_writable(Path(path).with_suffix(_EVIDENCE), force=force)


def write_certificate(
    path: str,
    data: dict[str, Any],
    certificate: Certificate,
    *,
    force: bool,
) -> None:
    """Write `data` with the certificate as JSON; evidence above 1 MB goes to an NPZ beside it.

    The NPZ has the JSON's name with another ending.  Standard output takes all of it.
    """
    if path == STANDARD:
        write_json(path, {**data, "certificate": certificate.to_data()}, force=force)
        return
    plain, aside = put_aside(certificate)
    if aside:
        beside = Path(path).with_suffix(_EVIDENCE)
        save_result(beside, {"format": _FORMAT}, aside, force=force)
        data = {**data, _BESIDE: beside.name}
    write_json(path, {**data, "certificate": plain}, force=force)


def read_certificate(path: Path, data: Mapping[str, Any]) -> Certificate:
    """Return the certificate in the data of a JSON file, with what stands beside that file."""
    plain = data["certificate"]
    try:
        if _BESIDE in data:
            # a file's own words never lead out of its folder
            beside = path.parent / printable(Path(str(data[_BESIDE])).name)
            plain = bring_back(plain, load_result(beside, _FORMAT)[1])
        return Certificate.from_data(plain)
    except RecoverError as error:
        raise ParameterError(f"{path}: {printable(str(error))}") from None
    except RecursionError:
        raise ParameterError(f"{path} is damaged: parts within parts without end") from None


class Bar:
    """A progress bar on stderr, shown only on a terminal; it is a `watch` callback."""

    def __init__(self, label: str, *, quiet: bool) -> None:
        self._hidden = quiet or not sys.stderr.isatty()
        self._label = label
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def clear(self) -> None:
        """Make room for a line; the next progress brings the bar back."""
        if self._bar is not None:
            self._bar.clear()

    def __call__(self, progress: Progress, /) -> None:
        if self._hidden:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                total=progress.total,
                desc=self._label,
                leave=False,
                bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
            )
        self._bar.total = progress.total  # a search's grows
        self._bar.update(progress.step - self._bar.n)
