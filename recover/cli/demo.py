"""``recover demo``: the main job on a bundled recording, picture and diffraction object."""

from __future__ import annotations

from pathlib import Path

import click

from recover.cli.demo_parts import Told, beads, courtyard, guitar
from recover.cli.options import force_option, quiet_option
from recover.cli.output import print_table
from recover.core.errors import ParameterError
from recover.io.atomic import write_text
from recover.report.page import book

__all__ = ["check_own", "demo_command"]

REPORT = "report.html"
FIRST = "guitar_recovered.flac"  # what is written first
GENERAL = (REPORT, "result.json", "picture.json", "diffraction.json", "diffraction.npz")


@click.command("demo")
@click.option(
    "--out",
    default="recover-demo",
    show_default=True,
    metavar="DIR",
    help="Folder for the results; made if it is missing.",
)
@force_option
@quiet_option
def demo_command(out: str, force: bool, quiet: bool) -> None:
    """Recover a bundled recording, picture and diffraction object, and write a report.

    Each comes with its certificate.  The clean originals are bundled too, so the tables show
    the true gain.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"{folder} is a file; give a folder with --out")
    check_own(folder, force=force)
    folder.mkdir(parents=True, exist_ok=True)
    told = []
    for part in (guitar, courtyard, beads):
        done = part(folder, quiet=quiet)
        told.append(done)
        if not quiet:
            _tell(done, first=len(told) == 1)
    # the demo's own results may be replaced, see `check_own`
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


def check_own(folder: Path, *, force: bool) -> None:
    """Raise if a folder holds files that have the names of results, and no demo made them.

    A demo may be run again: what it writes first has a name of its own, and tells that the
    other files of its names are its too.

    Parameters
    ----------
    folder : Path
        Where the results are to go; it need not exist.
    force : bool
        Whether files may be replaced whoever made them.

    Raises
    ------
    ParameterError
        If there is such a file.
    """
    if force or (folder / FIRST).exists():
        return
    for name in GENERAL:
        if (folder / name).exists():
            raise ParameterError(
                f"{folder / name} exists and is of no demo; give another folder with --out or "
                "pass --force"
            )


def _tell(done: Told, *, first: bool) -> None:
    if not first:
        click.echo()
    print_table(("what", "result"), done.rows)
    if done.why:
        click.echo(f"\n{done.why}")
