"""``recover report``."""

from __future__ import annotations

from pathlib import Path

import click

from recover.audio import AudioResult
from recover.io.atomic import check_writable, write_text
from recover.report.audio import audio_report

__all__ = ["report_command"]


@click.command("report")
@click.argument("result", metavar="RESULT.npz")
@click.option("-o", "--output", required=True, metavar="R.html", help="The page to write.")
@click.option("--force", is_flag=True, help="Replace an existing page.")
def report_command(result: str, output: str, force: bool) -> None:
    """Draw a saved result again."""
    check_writable(output, force=force)
    write_text(output, audio_report(AudioResult.load(result), Path(result).name), force=force)
    click.echo(f"wrote {output}")
