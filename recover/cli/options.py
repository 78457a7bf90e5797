"""The options that several commands have, declared once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

__all__ = ["file_options", "force_option", "proof_options", "quiet_option"]

Command = Callable[..., Any]

_REPORT = click.option(
    "--report", metavar="R.html", help="Write a report, one file that needs no other."
)
_JSON = click.option(
    "--json",
    "json_path",
    metavar="R.json",
    help="Write figures and certificate; - is standard output.",
)
force_option = click.option("--force", is_flag=True, help="Replace existing files.")
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing but errors.")
_ON_FILES = (
    _REPORT,
    _JSON,
    click.option("--save", metavar="RESULT.npz", help="Save the result, for `recover report`."),
    click.option(
        "--jobs",
        metavar="N",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Processes: files worked on at once, or parts of one long file.",
    ),
    click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Work on a Dask cluster: the scheduler's address, as tcp://host:8786.",
    ),
    click.option("--no-certify", is_flag=True, help="Leave out the certificate."),
    click.option(
        "--seed",
        metavar="K",
        type=int,
        default=0,
        show_default=True,
        help="Seed of all randomness.",
    ),
    force_option,
    quiet_option,
)
_ON_PROOFS = (
    click.option(
        "--radius",
        type=float,
        default=1.0,
        show_default=True,
        metavar="R|inf",
        help="Radius of the ball of signals.",
    ),
    click.option("--nonnegative", is_flag=True, help="Only signals without negative entries."),
    click.option(
        "--budget",
        type=float,
        default=60.0,
        show_default=True,
        metavar="S",
        help="Seconds that the search may take.",
    ),
    _REPORT,
    _JSON,
    force_option,
    quiet_option,
)


def file_options(command: Command) -> Command:
    """Add the options of all commands that recover files to a function for `click.command`."""
    return _with(command, _ON_FILES)


def proof_options(command: Command) -> Command:
    """Add the options of all commands that prove something before any measurement."""
    return _with(command, _ON_PROOFS)


def _with(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
