"""``recover demo``: the main job on the bundled recording and the bundled picture."""

from __future__ import annotations

import math
from pathlib import Path

import click
import numpy as np

from recover.audio import AudioOptions, AudioReport, process_file
from recover.certificates.certificate import Certificate
from recover.cli.output import Bar, print_table, write_json
from recover.core.errors import ParameterError
from recover.image import ImageOptions, ImageReport, process_image
from recover.io.atomic import write_text
from recover.io.audio_read import read_audio
from recover.io.bundled import bundled
from recover.io.image_read import read_image
from recover.metrics import sdr

__all__ = ["demo_command"]

CLIPPED, ORIGINAL = "audio/guitar_em9_clipped.flac", "audio/guitar_em9.flac"
PICTURE, SCENE = "image/courtyard_clipped.tif", "image/courtyard.exr"
FULL_SCALE = 65535.0


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
    """Recover a bundled clipped recording and a picture, certify them, and write files.

    The clean originals are bundled too, so the tables show the true gain.
    """
    from recover.report.audio import audio_report
    from recover.report.image import image_report

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
        _tell(done, source)
    picture, recovered = bundled(PICTURE), folder / "courtyard_recovered.tif"
    with Bar("courtyard", quiet=quiet) as bar:
        seen = process_image(picture, recovered, ImageOptions(force=True), watch=bar)
    write_json(folder / "picture.json", seen.to_json(), force=True)
    verify_picture = f"recover verify {folder / 'picture.json'} {picture}"
    page = image_report(seen.result, "courtyard, clipped", verify_picture)
    write_text(folder / "picture.html", page, force=True)
    if not quiet:
        click.echo()
        _tell_picture(seen, picture)
        names = ", ".join(sorted(path.name for path in folder.iterdir()))
        click.echo(f"\nIn {folder}: {names}.")
        click.echo("Open report.html (the recording) and picture.html in a browser.")
        click.echo(f"To re-prove the certificates: {verify_with}")
        click.echo(f"                              {verify_picture}")


def _tell(done: AudioReport, source: Path) -> None:
    clean = read_audio(bundled(ORIGINAL)).samples
    clipped = read_audio(source).samples
    before, after = sdr(clean, clipped), sdr(clean, done.result.samples)
    certificate = done.result.certificate
    reliable = ~done.result.recovered
    untouched = bool(np.array_equal(done.result.samples[reliable], clipped[reliable]))
    bound = _bound(certificate)
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


def _levels(done: AudioReport) -> str:
    return "; ".join(
        f"{channel.low:.4g} to {channel.high:.4g}"
        for channel in done.result.levels
        if channel.low is not None and channel.high is not None
    )


def _tell_picture(done: ImageReport, source: Path) -> None:
    scene = read_image(bundled(SCENE)).pixels.astype(np.float32) * np.float32(FULL_SCALE)
    clipped = read_image(source).pixels.astype(np.float32)
    result = done.result
    mask = result.recovered
    before, after = (
        float(np.linalg.norm((picture - scene)[mask])) for picture in (clipped, result.image)
    )
    certificate = result.certificate
    untouched = bool(np.array_equal(result.image[~mask], clipped[~mask]))
    height, width = mask.shape[:2]
    rows = [
        ["picture", f"{source.name}, {width} x {height}"],
        ["clipped samples", f"{100.0 * result.fraction:.1f} %"],
        ["error of the clipped samples", f"{20 * math.log10(before / after):.1f} dB smaller"],
        ["other samples unchanged", "yes, bit for bit" if untouched else "NO"],
        ["time", f"{done.seconds:.1f} s"],
        [
            "certified error bound",
            f"{_bound(certificate)} ({certificate.scope.kind}, {certificate.rigor})",
        ],
    ]
    print_table(("what", "result"), rows)
    if certificate.reason is not None:
        click.echo(f"\nWhy the bound is {_bound(certificate)}: {certificate.reason}.")


def _bound(certificate: Certificate) -> str:
    if math.isinf(certificate.error_bound):
        return "infinite"
    return f"{certificate.error_bound:.4g}"
