"""What commands share: one line of complaint, tables, a progress bar, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from recover.core.errors import ParameterError
from recover.io.atomic import write_text

if TYPE_CHECKING:
    from tqdm import tqdm

    from recover.solve.base import Progress

__all__ = ["Bar", "complain", "print_table", "read_json", "write_json"]


def complain(message: str) -> None:
    """Print one line on stderr."""
    click.echo(f"recover: {' '.join(message.split())}", err=True)


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in columns as wide as what they hold."""
    lines = [list(head), *[list(row) for row in rows]]
    widths = [max(len(line[c]) for line in lines) for c in range(len(head))]
    for index, line in enumerate(lines):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())
        if index == 0:
            click.echo("  ".join("-" * width for width in widths))


def read_json(path: Path) -> Any:
    """Return the JSON in a file; raises `ParameterError` if it is something else."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ParameterError(f"{path} is not JSON; give a file that --json wrote") from None


def write_json(path: str | Path, data: Any, *, force: bool) -> None:
    """Write plain data as JSON, whole or not at all; "-" is standard output."""
    text = json.dumps(data, indent=1, sort_keys=True, allow_nan=False)
    write_text(path, text + "\n", force=force)


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
        self._bar.update(progress.step - self._bar.n)
