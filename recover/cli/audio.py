"""``recover audio``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from recover.audio import (
    AudioOptions,
    AudioReport,
    AudioResult,
    ChannelLevels,
    is_long,
    process_file,
)
from recover.cli.account import Account, account_of
from recover.cli.batch import (
    Described,
    Place,
    level_text,
    print_summary,
    process_all,
    targets_of,
)
from recover.cli.file_work import FileWork, LongFiles
from recover.cli.levels import levels_named
from recover.cli.options import file_options
from recover.cli.side_files import SideFiles, check_evidence, write_side_files
from recover.io.atomic import STANDARD

__all__ = ["audio_command", "summary_rows"]

SUMMARY = ("file", "clipped", "levels", "restored", "time", "error bound")


@click.command("audio")
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    help="File to write, or a folder for several inputs; - is standard output.",
)
@click.option(
    "--low",
    metavar="LEVEL",
    help="Lower clipping level, or one per channel with commas between, none for a side that "
    "is not clipped; detected by default.",
)
@click.option("--high", metavar="LEVEL", help="Upper clipping level, in the same way.")
@click.option(
    "--quality",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "quality", "fast", "extreme"]),
    help="Time or quality.",
)
@click.option(
    "--tolerance",
    type=float,
    default=0.0,
    show_default=True,
    help="Samples this near to a level count as clipped.",
)
@click.option(
    "--mix",
    type=float,
    default=1.0,
    show_default=True,
    help="Share of the restoration in the output, 0 to 1.",
)
@click.option("--diff", metavar="FILE", help="Also write output minus input, as float WAV.")
@click.option(
    "--estimate",
    is_flag=True,
    help="Also estimate the error over time (not a bound), at the cost of recovering again.",
)
@click.option(
    "--conditional",
    is_flag=True,
    help="Also certify gaps and segments, each on condition of a stated hypothesis.",
)
@file_options
def audio_command(
    *,
    inputs: tuple[str, ...],
    output: str,
    low: str | None,
    high: str | None,
    quality: str,
    tolerance: float,
    mix: float,
    diff: str | None,
    report: str | None,
    json_path: str | None,
    save: str | None,
    jobs: int,
    cluster: str | None,
    estimate: bool,
    conditional: bool,
    no_certify: bool,
    seed: int,
    force: bool,
    quiet: bool,
) -> int:
    """Recover clipped recordings.

    Reads WAV, FLAC, AIFF and OGG; writes WAV or FLAC, in floating point where the result
    exceeds full scale.  Samples that were not clipped stay exactly as they were.  In a folder,
    files of other formats are written as WAV, and so is a result that FLAC cannot hold exactly.
    """
    options = AudioOptions(
        low=levels_named("low", low), high=levels_named("high", high), tolerance=tolerance,
        quality=quality, mix=mix, diff=diff, force=force, seed=seed, certify=not no_certify,
        fallback=cluster is None and Path(output).is_dir(),
    )  # fmt: skip
    targets = targets_of(inputs, output)
    if Path(output).is_dir():
        targets = tuple(_lossless(name) for name in targets)
    side = SideFiles(report, json_path, save, {"--diff": diff})
    side.check(inputs, targets, force=force)
    check_evidence(json_path, inputs, force=force)
    describe = _Describe(
        estimate=estimate, conditional=conditional, tolerance=tolerance,
        figures=json_path is not None, quiet=quiet or len(inputs) > 1,
    )  # fmt: skip
    work = FileWork(
        process_file, options, describe, writes=("diff",), long=LongFiles(is_long, process_file)
    )
    place = Place(jobs, cluster)
    batch = process_all(work, inputs, targets, place, force=force, quiet=quiet)
    files = [each.file for each in batch.kept]
    figures = [file.figures for file in files]
    page = partial(_page, batch.kept[0].account)
    write_side_files(side, batch.report, figures, inputs, page, force=force)
    if not quiet and STANDARD not in (output, json_path):
        print_summary(SUMMARY, files)
    return batch.status


@dataclass(frozen=True, eq=False)
class _Kept:
    """What is kept of a file: what is told of it, and what is said of its error."""

    file: Described
    account: Account


@dataclass(frozen=True)
class _Describe:
    """Makes what is kept of a file, with the estimates and certificates that were asked for."""

    estimate: bool
    conditional: bool
    tolerance: float
    figures: bool
    quiet: bool

    def __call__(self, report: AudioReport) -> _Kept:
        account = account_of(
            report.result, Path(report.input).name, estimate=self.estimate,
            conditional=self.conditional, tolerance=self.tolerance, quiet=self.quiet,
        )  # fmt: skip
        said = (f"{report.result.note}; wrote {_written(report)}", *report.notes)
        file = Described(
            row=summary_rows([report])[0],
            sentences=[
                f"{report.input}: {sentence}" for sentence in (*said, *account.sentences())
            ],
            figures={**report.to_json(), **account.to_json()} if self.figures else {},
        )
        return _Kept(file, account)


def summary_rows(reports: Sequence[AudioReport]) -> list[list[str]]:
    """Return the summary of recovered files, a row each."""
    return [
        [
            Path(each.input).name,
            f"{100.0 * each.result.fraction:.2f} %",
            "; ".join(_levels(channel) for channel in each.result.levels),
            f"{each.result.count} samples",
            f"{each.seconds:.1f} s",
            f"{each.result.error_bound:.4g}",
        ]
        for each in reports
    ]


def _page(account: Account, result: AudioResult, title: str, verify_with: str) -> str:
    from recover.report.audio import audio_report

    return audio_report(
        result, title, verify_with, estimate=account.estimate, conditional=account.conditional
    )


def _lossless(target: str) -> str:
    """Return a name of a kind that is written, for one taken over from the input."""
    path = Path(target)
    kept = path.suffix.lower() in (".wav", ".wave", ".flac")
    return target if kept else str(path.with_suffix(".wav"))


def _levels(channel: ChannelLevels) -> str:
    if not channel.clipped:
        return "none"
    return f"{level_text(channel.low)} to {level_text(channel.high)}"


def _written(report: AudioReport) -> str:
    gain = "" if report.format.gain == 1.0 else f", gain {report.format.gain:.9g}"
    return f"{report.output} ({report.format.container} {report.format.subtype}{gain})"
