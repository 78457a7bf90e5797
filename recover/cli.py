"""The command line: parses, calls the applications, prints."""

from __future__ import annotations

import inspect as introspect
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click

from recover import __version__
from recover.core.errors import RecoverError

__all__ = ["main"]

INTERRUPTED = 130


class Bar:
    """A progress bar on stderr, shown only on a terminal; it is a `watch` callback."""

    def __init__(self, quiet: bool, label: str) -> None:
        self._hidden = quiet or not sys.stderr.isatty()
        self._label = label
        self._bar: Any = None

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

    def __call__(self, progress: Any) -> None:
        if self._hidden:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=progress.total, desc=self._label, unit="step", leave=False)
        self._bar.total = progress.total
        self._bar.n = progress.step
        self._bar.refresh()


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn the package's errors into one line on stderr and exit status 1."""
    try:
        yield
    except RecoverError as error:
        raise SystemExit(_complain(str(error))) from None
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise SystemExit(_complain(f"{name}{error.strerror or error}")) from None


def _complain(message: str) -> int:
    click.echo(f"recover: {' '.join(message.split())}", err=True)
    return 1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="recover")
def cli() -> None:
    """Recover signals from clipped and phaseless measurements, with a certified error bound."""


@cli.command("list")
def list_command() -> None:
    """Show the frames, models, methods and priors found, a line each."""
    import recover.frames
    import recover.models
    import recover.priors
    import recover.solve
    from recover.core.discovery import concrete_classes

    kinds: list[tuple[str, Any, type[Any]]] = [
        ("frames", recover.frames, recover.frames.Frame),
        ("models", recover.models, recover.models.Model),
        ("methods", recover.solve, recover.solve.Method),
        ("priors", recover.priors, recover.priors.Prior),
    ]
    for title, package, base in kinds:
        click.echo(f"{title}:")
        for name, cls in concrete_classes(package, base).items():
            summary = (introspect.getdoc(cls) or "").split("\n", 1)[0]
            click.echo(f"  {name:<24}{summary}")


def read_json(path: Path) -> Any:
    """Return the JSON in a file, or exit with one clear line."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise SystemExit(_complain(f"{path} is not JSON")) from None


def main() -> None:
    """Run the command line; the console script's entry."""
    try:
        with _plain_errors():
            status = cli(standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Abort:
        click.echo("recover: interrupted; nothing partial was written", err=True)
        sys.exit(INTERRUPTED)
    except KeyboardInterrupt:
        click.echo("recover: interrupted; nothing partial was written", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
