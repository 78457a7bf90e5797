"""``recover demo``: the main job on a bundled recording, picture and diffraction object."""

from __future__ import annotations

from pathlib import Path

import click

from recover.cli.demo_parts import Told, beads, courtyard, guitar
from recover.cli.options import quiet_option
from recover.cli.output import print_table
from recover.core.errors import ParameterError
from recover.io.atomic import write_text
from recover.report.page import book

__all__ = ["demo_command"]

REPORT = "report.html"


@click.command("demo")
@click.option(
    "--out",
    default="recover-demo",
    show_default=True,
    metavar="DIR",
    help="Folder for the results; made if it is missing.",
)
@quiet_option
def demo_command(out: str, quiet: bool) -> None:
    """Recover a bundled recording, picture and diffraction object, and write a report.

    Each comes with its certificate.  The clean originals are bundled too, so the tables show
    the true gain.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"{folder} is a file; give a folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    told = []
    for part in (guitar, courtyard, beads):
        done = part(folder, quiet=quiet)
        told.append(done)
        if not quiet:
            _tell(done, first=len(told) == 1)
    # the demo's own results may be replaced: their names are its own
    page = book(
        "what recover does",
        "A clipped recording, a clipped picture, and an object from diffraction patterns "
        "without phase: what was recovered, and what is promised about it.",
        [each.chapter for each in told],
    )
    write_text(folder / REPORT, page, force=True)
    if not quiet:
        names = ", ".join(sorted(path.name for path in folder.iterdir()))
        click.echo(f"\nIn {folder}: {names}.")
        click.echo(f"Open {folder / REPORT} in a browser. To re-prove the certificates:")
        for each in told:
            click.echo(f"  {each.verify_with}")


def _tell(done: Told, *, first: bool) -> None:
    if not first:
        click.echo()
    print_table(("what", "result"), done.rows)
    if done.why:
        click.echo(f"\n{done.why}")
