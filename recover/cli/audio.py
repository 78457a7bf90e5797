"""``recover audio`` and ``recover inspect``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click

from recover.audio import (
    AudioOptions,
    AudioReport,
    ChannelLevels,
    estimate_again,
    inspect_file,
    process_file,
)
from recover.cli.output import Bar, print_table, write_json
from recover.core.errors import ParameterError
from recover.io.atomic import STANDARD, check_writable, write_text

__all__ = ["audio_command", "inspect_command", "summary_rows"]

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
@click.option("--low", type=float, help="Lower clipping level; detected by default.")
@click.option("--high", type=float, help="Upper clipping level; detected by default.")
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
    "--report", metavar="R.html", help="Write a report, one file that needs no other."
)
@click.option("--json", "json_path", metavar="R.json", help="Write figures and certificate.")
@click.option("--save", metavar="RESULT.npz", help="Save the result, for `recover report`.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes: files worked on at once, or parts of one long file.",
)
@click.option(
    "--estimate",
    is_flag=True,
    help="Also estimate the error over time (not a bound), at the cost of recovering again.",
)
@click.option("--no-certify", is_flag=True, help="Leave out the certificate.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all randomness.")
@click.option("--force", is_flag=True, help="Replace existing files.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def audio_command(
    *,
    inputs: tuple[str, ...],
    output: str,
    low: float | None,
    high: float | None,
    quality: str,
    tolerance: float,
    mix: float,
    diff: str | None,
    report: str | None,
    json_path: str | None,
    save: str | None,
    jobs: int,
    estimate: bool,
    no_certify: bool,
    seed: int,
    force: bool,
    quiet: bool,
) -> None:
    """Recover clipped recordings.

    Reads WAV, FLAC, AIFF and OGG; writes WAV or FLAC, in floating point where the result
    exceeds full scale.  Samples that were not clipped stay exactly as they were.
    """
    options = AudioOptions(
        low=low, high=high, tolerance=tolerance, quality=quality, mix=mix, diff=diff,
        force=force, seed=seed, certify=not no_certify,
    )  # fmt: skip
    side_files = {"--diff": diff, "--report": report, "--json": json_path, "--save": save}
    targets = _targets(inputs, output, side_files)
    for path in side_files.values():
        if path is not None:
            check_writable(path, force=force)
    done = _process(inputs, targets, options, jobs, quiet=quiet)
    estimates = [estimate_again(each.result) for each in done] if estimate else []
    if report is not None:
        from recover.report.audio import audio_report

        verify_with = f"recover verify {json_path} {inputs[0]}" if json_path else ""
        page = audio_report(
            done[0].result,
            Path(inputs[0]).name,
            verify_with,
            estimate=estimates[0] if estimates else None,
        )
        write_text(report, page, force=force)
    if json_path is not None:
        data = [each.to_json() for each in done]
        for entry, found in zip(data, estimates, strict=False):
            entry["estimate"] = found.to_json()
        write_json(json_path, data[0] if len(data) == 1 else data, force=force)
    if save is not None:
        done[0].result.save(save, force=force)
    if not quiet and STANDARD not in (output, json_path):
        print_table(SUMMARY, summary_rows(done))
        for each in done:
            click.echo(f"{each.input}: {each.result.note}; wrote {_written(each)}")
        for each, found in zip(done, estimates, strict=False):
            click.echo(f"{each.input}: {found.sentence}")


@click.command("inspect")
@click.argument("path", metavar="FILE")
@click.option(
    "--json", "json_path", metavar="R.json", help="Write what was found; - is stdout."
)
@click.option("--force", is_flag=True, help="Replace an existing JSON file.")
def inspect_command(path: str, json_path: str | None, force: bool) -> None:
    """Show what was clipped in a recording: levels, fraction, runs; changes nothing."""
    found = inspect_file(path)
    if json_path is not None:
        write_json(json_path, found.to_json(), force=force)
        if json_path == STANDARD:
            return
    seconds = found.frames / found.rate
    click.echo(
        f"{found.path}: {found.format} {found.subtype}, {found.rate} Hz, {seconds:.2f} s"
    )
    head = ("channel", "lower level", "upper level", "clipped", "runs", "longest", "confidence")
    rows = [
        [
            str(index + 1),
            _level(channel.low),
            _level(channel.high),
            f"{100.0 * channel.fraction:.3f} %",
            str(channel.runs),
            str(channel.longest),
            f"{channel.confidence:.2f}",
        ]
        for index, channel in enumerate(found.levels)
    ]
    print_table(head, rows)
    click.echo("clipped" if found.clipped else "no clipping was found")


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


def _level(value: float | None) -> str:
    return "none" if value is None else f"{value:.5g}"


def _levels(channel: ChannelLevels) -> str:
    return f"{_level(channel.low)} to {_level(channel.high)}" if channel.clipped else "none"


def _written(report: AudioReport) -> str:
    gain = "" if report.format.gain == 1.0 else f", gain {report.format.gain:.9g}"
    return f"{report.output} ({report.format.container} {report.format.subtype}{gain})"


def _targets(
    inputs: Sequence[str], output: str, side_files: dict[str, str | None]
) -> tuple[str, ...]:
    """Return the output of each input; refuses what cannot be before any work."""
    folder = Path(output)
    if len(inputs) == 1 and not folder.is_dir():
        return (output,)
    for name in ("--diff", "--report", "--save"):
        if side_files[name] is not None and len(inputs) > 1:
            raise ParameterError(f"{name} takes one input, got {len(inputs)}; run it for each")
    if not folder.is_dir():
        raise ParameterError(f"output must be an existing folder for several inputs: {output}")
    names = [Path(name).name for name in inputs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or STANDARD in inputs:
        raise ParameterError(
            f"inputs for one folder need different file names, got {twice or STANDARD}"
        )
    return tuple(str(folder / name) for name in names)


def _process(
    inputs: Sequence[str],
    targets: Sequence[str],
    options: AudioOptions,
    jobs: int,
    *,
    quiet: bool,
) -> list[AudioReport]:
    if jobs > 1 and len(inputs) > 1:
        with ProcessPoolExecutor(min(jobs, len(inputs))) as pool:
            settings = [dataclasses.replace(options)] * len(inputs)
            return list(pool.map(process_file, inputs, targets, settings))
    reports = []
    for source, target in zip(inputs, targets, strict=True):
        with Bar(Path(source).name, quiet=quiet) as bar:
            reports.append(process_file(source, target, options, jobs=jobs, watch=bar))
    return reports
