"""``recover report``."""

from __future__ import annotations

from pathlib import Path

import click

from recover.audio import AudioResult
from recover.cli.account import account_of
from recover.core.errors import ParameterError
from recover.image.result import FORMAT as IMAGE_FORMAT
from recover.image.result import ImageResult
from recover.io.atomic import check_writable, write_text
from recover.io.results import saved_format
from recover.report.audio import audio_report

__all__ = ["report_command"]


@click.command("report")
@click.argument("result", metavar="RESULT.npz")
@click.option("-o", "--output", required=True, metavar="R.html", help="The page to write.")
@click.option(
    "--estimate",
    is_flag=True,
    help="Also estimate the error over time, at the cost of recovering again.",
)
@click.option(
    "--conditional",
    is_flag=True,
    help="Also certify gaps and segments, each on condition of a stated hypothesis.",
)
@click.option("--force", is_flag=True, help="Replace an existing page.")
def report_command(
    result: str, output: str, estimate: bool, conditional: bool, force: bool
) -> None:
    """Draw a saved result again, of a recording or of an image."""
    check_writable(output, force=force)
    if saved_format(result) == IMAGE_FORMAT:
        _draw_image(result, output, estimate or conditional, force=force)
        return
    saved = AudioResult.load(result)
    name = Path(result).name
    found = account_of(saved, name, estimate=estimate, conditional=conditional, quiet=False)
    page = audio_report(saved, name, estimate=found.estimate, conditional=found.conditional)
    write_text(output, page, force=force)
    click.echo(f"wrote {output}")


def _draw_image(result: str, output: str, more: bool, *, force: bool) -> None:
    from recover.report.image import image_report

    if more:
        raise ParameterError(
            "--estimate and --conditional are for recordings; an image's result holds its map"
        )
    page = image_report(ImageResult.load(result), Path(result).name)
    write_text(output, page, force=force)
    click.echo(f"wrote {output}")
