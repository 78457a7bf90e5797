"""``recover phase``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from recover.cli.batch import (
    Described,
    Place,
    print_summary,
    process_all,
    targets_of,
)
from recover.cli.file_work import FileWork
from recover.cli.options import file_options
from recover.cli.side_files import SideFiles, check_evidence, write_side_files
from recover.io.atomic import STANDARD
from recover.phase.app import PhaseOptions, PhaseReport, process_phase
from recover.phase.result import PhaseResult

__all__ = ["phase_command", "phase_rows"]

SUMMARY = ("file", "setup", "object", "residual", "time", "error bound")


@click.command("phase")
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    help="File to write: NPZ (the whole result), NPY or HDF5 (the complex object) or TIFF "
    "(amplitude, then phase in radians); or a folder for several inputs.",
)
@click.option(
    "--setup",
    metavar="SETUP.npz",
    help="What the data lack: masks, support, distances, wavelength, pixel_size, bad, ...",
)
@click.option("--dark", metavar="D.npy", help="What the detector counts without light.")
@click.option(
    "--data",
    type=click.Choice(["magnitude", "intensity"]),
    help="What a TIFF or NPY file holds; intensities by default.",
)
@click.option("--method", metavar="NAME", help="A method of `recover list`; chosen by default.")
@click.option(
    "--iterations", metavar="N", type=click.IntRange(1), help="Steps of the method named."
)
@click.option(
    "--noise",
    type=float,
    default=0.0,
    show_default=True,
    help="Bound of the l2 norm of the noise of the magnitudes.",
)
@click.option(
    "--counts-per-unit",
    type=float,
    default=0.0,
    metavar="C",
    help="Intensities are counted, C counts to a unit (1 for photon counts): the noise of "
    "counting is allowed for.",
)
@click.option(
    "--restarts", metavar="N", type=click.IntRange(1), help="Starts that are compared."
)
@file_options
def phase_command(
    *,
    inputs: tuple[str, ...],
    output: str,
    setup: str | None,
    dark: str | None,
    data: str | None,
    method: str | None,
    iterations: int | None,
    noise: float,
    counts_per_unit: float,
    restarts: int | None,
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
    """Recover objects from measurements that lost their phase.

    Reads NPZ files that name their arrays (magnitude or intensity, and masks, support,
    distances with wavelength and pixel_size, positions with probe, shape and refine_probe,
    object_magnitude, rows, bad, dark, real, nonnegative, centered), HDF5
    and CXI with their extra, and TIFF stacks or NPY files with --setup.
    """
    options = PhaseOptions(
        setup=setup, dark=dark, data=data, method=method, iterations=iterations, noise=noise,
        counts_per_unit=counts_per_unit, restarts=restarts, certify=not no_certify,
        force=force, seed=seed,
    )  # fmt: skip
    targets = targets_of(inputs, output)
    if Path(output).is_dir():
        targets = tuple(str(Path(name).with_suffix(".npz")) for name in targets)
    side = SideFiles(report, json_path, save, {})
    side.check(inputs, targets, [setup, dark], force=force)
    check_evidence(json_path, inputs, force=force)
    work = FileWork(
        process_phase, options, partial(_described, figures=json_path is not None),
        reads=("setup", "dark"),
    )  # fmt: skip
    place = Place(jobs, cluster)
    batch = process_all(work, inputs, targets, place, force=force, quiet=quiet)
    figures = [each.figures for each in batch.kept]
    # standard output takes all in one, and then the digest of a large object has to do
    whole = None if batch.report is None or json_path == STANDARD else batch.report.promise
    write_side_files(side, batch.report, figures, inputs, _page, force=force, promise=whole)
    if not quiet and json_path != STANDARD:
        print_summary(SUMMARY, batch.kept)
    return batch.status


def _described(report: PhaseReport, *, figures: bool) -> Described:
    return Described(
        row=phase_rows([report])[0],
        sentences=[
            f"{report.input}: {report.result.status.value} Wrote {report.output}",
            *(f"{report.input}: note: {note}" for note in report.notes),
        ],
        figures=report.to_json() if figures else {},
    )


def _page(result: PhaseResult, title: str, verify_with: str) -> str:
    from recover.report.phase import phase_report

    return phase_report(result, title, verify_with)


def phase_rows(reports: Sequence[PhaseReport]) -> list[list[str]]:
    """Return the summary of recovered files, a row each."""
    return [
        [
            Path(each.input).name,
            each.measurement.setup,
            "x".join(str(n) for n in each.result.signal.shape),
            f"{each.result.residual:.2e}",
            f"{each.seconds:.1f} s",
            f"{each.result.error_bound:.4g}",
        ]
        for each in reports
    ]
