"""``recover image``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from recover.cli.batch import (
    Described,
    Place,
    level_text,
    print_summary,
    process_all,
    targets_of,
)
from recover.cli.file_work import FileWork
from recover.cli.levels import levels_named
from recover.cli.options import file_options
from recover.cli.side_files import SideFiles, check_evidence, write_side_files
from recover.image import (
    ChannelLevel,
    ImageOptions,
    ImageReport,
    ImageResult,
    process_image,
)
from recover.image.layout import is_stack
from recover.image.reports import TRANSFERS
from recover.io.atomic import STANDARD
from recover.io.image_raw import RAW_ENDINGS

__all__ = ["image_command", "image_rows"]

_PNG_DEPTH = 24  # where a PNG's header has its bits per sample
SUMMARY = ("file", "clipped", "levels", "recovered", "time", "error bound")


@click.command("image")
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    help="File to write, or a folder for several inputs; - is standard output (NPY).",
)
@click.option(
    "--low", metavar="L[,L...]", help="Lower clipping level, or one per channel, or none."
)
@click.option(
    "--high",
    metavar="H[,H...]",
    help="Upper clipping level, or one per channel; detected by default.",
)
@click.option(
    "--transfer",
    default="auto",
    show_default=True,
    type=click.Choice(TRANSFERS),
    help="How samples encode light; auto takes srgb for 8-bit colour.",
)
@click.option(
    "--tolerance",
    type=float,
    default=0.0,
    show_default=True,
    help="Samples this near to a level count as clipped.",
)
@click.option("--mask", metavar="FILE", help="An image that is not zero where samples are bad.")
@click.option(
    "--dq-bits", type=int, help="Bits of a FITS data-quality array that mean saturated."
)
@click.option(
    "--map",
    "map_path",
    metavar="FILE",
    help="Also write the bound of each sample's error: NPY, TIFF, EXR or FITS.",
)
@file_options
def image_command(
    *,
    inputs: tuple[str, ...],
    output: str,
    low: str | None,
    high: str | None,
    transfer: str,
    tolerance: float,
    mask: str | None,
    dq_bits: int | None,
    map_path: str | None,
    report: str | None,
    json_path: str | None,
    save: str | None,
    jobs: int,
    cluster: str | None,
    no_certify: bool,
    seed: int,
    force: bool,
    quiet: bool,
) -> int:
    """Recover clipped images: blown highlights, saturated pixels.

    Reads PNG, TIFF, EXR, NPY and JPEG, and with their extras FITS and raw files; writes TIFF,
    EXR, PNG, NPY, FITS or, from raw files, DNG.  Samples that were not clipped stay exactly as
    they were, and no scale is changed.
    """
    options = ImageOptions(
        low=levels_named("low", low), high=levels_named("high", high), transfer=transfer,
        tolerance=tolerance, mask=mask, dq_bits=dq_bits, force=force, seed=seed,
        certify=not no_certify, map=map_path,
    )  # fmt: skip
    folder = Path(output).is_dir()
    targets = targets_of(inputs, output)
    if folder:
        targets = tuple(map(_lossless, targets, inputs))
    side = SideFiles(report, json_path, save, {"--map": map_path})
    side.check(inputs, targets, [mask], force=force)
    check_evidence(json_path, inputs, force=force)
    work = FileWork(
        process_image, options, partial(_described, figures=json_path is not None),
        reads=("mask",), writes=("map",),
    )  # fmt: skip
    place = Place(jobs, cluster)
    batch = process_all(work, inputs, targets, place, force=force, quiet=quiet)
    figures = [each.figures for each in batch.kept]
    write_side_files(side, batch.report, figures, inputs, _page, force=force)
    if not quiet and STANDARD not in (output, json_path, map_path):
        print_summary(SUMMARY, batch.kept)
    return batch.status


def _described(report: ImageReport, *, figures: bool) -> Described:
    notes = (*report.result.notes, *report.notes)
    return Described(
        row=image_rows([report])[0],
        sentences=[
            f"{report.input}: {_outcome(report)}; wrote {_written(report)}",
            *(f"{report.input}: note: {note}" for note in notes),
        ],
        figures=report.to_json() if figures else {},
    )


def _page(result: ImageResult, title: str, verify_with: str) -> str:
    from recover.report.image import image_report

    return image_report(result, title, verify_with)


def image_rows(reports: Sequence[ImageReport]) -> list[list[str]]:
    """Return the summary of recovered files, a row each."""
    return [
        [
            Path(each.input).name,
            f"{100.0 * each.result.fraction:.2f} %",
            "; ".join(_channel(channel) for channel in each.result.levels),
            f"{each.result.count} samples",
            f"{each.seconds:.1f} s",
            _bound(each.result),
        ]
        for each in reports
    ]


def _bound(result: ImageResult) -> str:
    promise = result.certificate
    limited = promise.finite and promise.scope.kind == "conditional"
    return f"{promise.error_bound:.4g}{' (conditional)' if limited else ''}"


def _lossless(target: str, source: str) -> str:
    """Return a name of a kind that is written, for one taken over from the input."""
    path = Path(target)
    if path.suffix.lower() in RAW_ENDINGS:
        return str(path.with_suffix(".dng"))
    if path.suffix.lower() in (".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".pgm", ".gif"):
        return str(path.with_suffix(".tif"))
    if path.suffix.lower() == ".png" and _fills_png(Path(source)):
        return str(path.with_suffix(".tif"))
    return target


def _fills_png(source: Path) -> bool:
    """Return whether a PNG has 16 bits, so that no PNG has room for what lies beyond them."""
    try:
        with source.open("rb") as file:
            head = file.read(_PNG_DEPTH + 1)
    except OSError:
        return False  # reading it says what is wrong
    return head[:4] == b"\x89PNG" and head[_PNG_DEPTH:] == b"\x10"


def _channel(channel: ChannelLevel) -> str:
    if not channel.clipped:
        return "none"
    if channel.low is None:
        return level_text(channel.high)
    return f"{level_text(channel.low)} to {level_text(channel.high)}"


def _outcome(report: ImageReport) -> str:
    result = report.result
    if result.count:
        share = f"{100.0 * result.fraction:.3g} %"
        return f"recovered {result.count} clipped samples ({share}){_pictures(report)}"
    same = "copied byte for byte" if report.copied else "all samples kept"
    return f"nothing was clipped{_pictures(report)}; {same}"


def _pictures(report: ImageReport) -> str:
    """Return what a stack was taken for, which an array alone does not say."""
    shape = report.result.image.shape
    if not is_stack(shape, len(report.names)):
        return ""
    return f" in {shape[0]} pictures of {shape[2]} x {shape[1]} pixels"


def _written(report: ImageReport) -> str:
    form = report.format
    gain = "" if form.gain == 1.0 else f", values times {form.gain:g}"
    scale = ""
    if form.full_scale is not None and not form.dtype.startswith("uint"):
        scale = f", full scale {form.full_scale:g}"
    return f"{report.output} ({form.container} {form.dtype}{gain}{scale})"
