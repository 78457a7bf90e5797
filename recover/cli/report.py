"""``recover report``."""

from __future__ import annotations

from pathlib import Path

import click

from recover.audio import AudioResult
from recover.cli.account import account_of
from recover.cli.options import force_option
from recover.core.errors import ParameterError
from recover.image.result import FORMAT as IMAGE_FORMAT
from recover.image.result import ImageResult
from recover.io.atomic import check_distinct, check_writable, write_text
from recover.io.results import saved_format
from recover.phase.result import FORMAT as PHASE_FORMAT
from recover.phase.result import PhaseResult
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
@force_option
def report_command(
    result: str, output: str, estimate: bool, conditional: bool, force: bool
) -> None:
    """Draw a saved result again, of a recording, an image or a phase retrieval."""
    check_distinct([result], [output])
    check_writable(output, force=force)
    kind = saved_format(result)
    if kind in (IMAGE_FORMAT, PHASE_FORMAT):
        if estimate or conditional:
            raise ParameterError(
                "--estimate and --conditional are for recordings; this result holds its map"
            )
        page = _drawn(result, kind)
        write_text(output, page, force=force)
        click.echo(f"wrote {output}")
        return
    saved = AudioResult.load(result)
    name = Path(result).name
    found = account_of(saved, name, estimate=estimate, conditional=conditional, quiet=False)
    page = audio_report(saved, name, estimate=found.estimate, conditional=found.conditional)
    write_text(output, page, force=force)
    click.echo(f"wrote {output}")


def _drawn(result: str, kind: str | None) -> str:
    """Return the page of an image's or a phase retrieval's result."""
    name = Path(result).name
    if kind == PHASE_FORMAT:
        from recover.report.phase import phase_report

        return phase_report(PhaseResult.load(result), name)
    from recover.report.image import image_report

    return image_report(ImageResult.load(result), name)
