"""``recover demo``: the main job on the bundled recording."""

from __future__ import annotations

import math
from pathlib import Path

import click
import numpy as np

from recover.audio import AudioOptions, AudioReport, process_file
from recover.cli.output import Bar, print_table, write_json
from recover.core.errors import ParameterError
from recover.io.atomic import write_text
from recover.io.audio_read import read_audio
from recover.io.bundled import bundled
from recover.metrics import sdr

__all__ = ["demo_command"]

CLIPPED, ORIGINAL = "audio/guitar_em9_clipped.flac", "audio/guitar_em9.flac"


@click.command("demo")
@click.option(
    "--out",
    default="recover-demo",
    show_default=True,
    metavar="DIR",
    help="Folder for the results; made if it is missing.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def demo_command(out: str, quiet: bool) -> None:
    """Recover a bundled clipped recording, certify it, and write files and report.html.

    The clean original is bundled too, so the table shows the true gain.
    """
    from recover.report.audio import audio_report

    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"{folder} is a file; give a folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    source, restored = bundled(CLIPPED), folder / "guitar_recovered.flac"
    with Bar("guitar", quiet=quiet) as bar:
        # the demo's own results may be replaced: their names are its own
        done = process_file(source, restored, AudioOptions(force=True), watch=bar)
    write_json(folder / "result.json", done.to_json(), force=True)
    verify_with = f"recover verify {folder / 'result.json'} {source}"
    page = audio_report(done.result, "electric guitar, clipped", verify_with)
    write_text(folder / "report.html", page, force=True)
    if not quiet:
        _tell(done, source, folder, verify_with)


def _tell(done: AudioReport, source: Path, folder: Path, verify_with: str) -> None:
    clean = read_audio(bundled(ORIGINAL)).samples
    clipped = read_audio(source).samples
    before, after = sdr(clean, clipped), sdr(clean, done.result.samples)
    certificate = done.result.certificate
    reliable = ~done.result.recovered
    untouched = bool(np.array_equal(done.result.samples[reliable], clipped[reliable]))
    bound = (
        "infinite" if math.isinf(certificate.error_bound) else f"{certificate.error_bound:.4g}"
    )
    rows = [
        ["recording", f"{source.name}, {len(clipped) / done.result.rate:.1f} s"],
        ["clipped samples", f"{100.0 * done.result.fraction:.1f} %"],
        ["clipping levels found", _levels(done)],
        ["quality before (SDR)", f"{before:.1f} dB"],
        ["quality after (SDR)", f"{after:.1f} dB, {after - before:.1f} dB better"],
        ["other samples unchanged", "yes, bit for bit" if untouched else "NO"],
        ["time", f"{done.seconds:.1f} s"],
        ["certified error bound", f"{bound} ({certificate.scope.kind}, {certificate.rigor})"],
    ]
    print_table(("what", "result"), rows)
    if certificate.reason is not None:
        click.echo(f"\nWhy the bound is {bound}: {certificate.reason}.")
    names = ", ".join(sorted(path.name for path in folder.iterdir()))
    click.echo(f"\nIn {folder}: {names}. Open report.html in a browser.")
    click.echo(f"To re-prove the certificate: {verify_with}")


def _levels(done: AudioReport) -> str:
    return "; ".join(
        f"{channel.low:.4g} to {channel.high:.4g}"
        for channel in done.result.levels
        if channel.low is not None and channel.high is not None
    )
