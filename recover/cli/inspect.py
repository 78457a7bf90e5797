"""``recover inspect``."""

from __future__ import annotations

from pathlib import Path

import click

from recover.audio import Inspection, inspect_file
from recover.cli.batch import level_text
from recover.cli.options import force_option
from recover.cli.output import print_table, write_json
from recover.image import ImageInspection, inspect_image
from recover.io.atomic import STANDARD, check_distinct
from recover.io.errors import FileError
from recover.io.image_read import looks_like_image

__all__ = ["inspect_command"]

_RECORDINGS = (".wav", ".flac", ".aiff", ".aif", ".ogg", ".oga", ".opus", ".mp3", ".w64")


@click.command("inspect")
@click.argument("path", metavar="FILE")
@click.option(
    "--json", "json_path", metavar="R.json", help="Write what was found; - is standard output."
)
@force_option
def inspect_command(path: str, json_path: str | None, force: bool) -> None:
    """Show what was clipped in a recording or an image; changes nothing."""
    check_distinct([path], [json_path])
    found = _inspect(path)
    if json_path is not None:
        write_json(json_path, found.to_json(), force=force)
        if json_path == STANDARD:
            return
    if isinstance(found, ImageInspection):
        _show_image(found)
    else:
        _show_recording(found)
    click.echo("clipped" if found.clipped else "no clipping was found")


def _inspect(path: str) -> Inspection | ImageInspection:
    if looks_like_image(path):
        return inspect_image(path)
    try:
        return inspect_file(path)
    except FileError as error:
        if not Path(path).is_file() or Path(path).suffix.lower() in _RECORDINGS:
            raise
        raise FileError(
            f"{path} is neither an image nor a recording that can be read; give a PNG, TIFF, "
            "EXR, NPY, JPEG, FITS or raw file, or a WAV, FLAC, AIFF or OGG file"
        ) from error


def _show_recording(found: Inspection) -> None:
    seconds = found.frames / found.rate
    click.echo(
        f"{found.path}: {found.format} {found.subtype}, {found.rate} Hz, {seconds:.2f} s"
    )
    head = (
        "channel", "lower level", "upper level", "within", "clipped", "runs", "longest",
        "confidence",
    )  # fmt: skip
    rows = [
        [
            str(index + 1),
            level_text(channel.low),
            level_text(channel.high),
            f"{channel.tolerance:.3g}",
            f"{100.0 * channel.fraction:.3f} %",
            str(channel.runs),
            str(channel.longest),
            f"{channel.confidence:.2f}",
        ]
        for index, channel in enumerate(found.levels)
    ]
    print_table(head, rows)


def _show_image(found: ImageInspection) -> None:
    size = "x".join(str(n) for n in found.shape)
    click.echo(f"{found.path}: {found.container} {found.dtype}, {size}")
    head = ("channel", "lower level", "upper level", "clipped", "regions", "largest",
            "confidence")  # fmt: skip
    rows = [
        [
            name,
            level_text(channel.low),
            level_text(channel.high),
            f"{100.0 * channel.fraction:.3f} %",
            str(regions),
            f"{largest} samples",
            f"{channel.confidence:.2f}",
        ]
        for name, channel, (regions, largest) in zip(
            found.names, found.levels, found.regions, strict=True
        )
    ]
    print_table(head, rows)
    for note in found.notes:
        click.echo(f"note: {note}")
