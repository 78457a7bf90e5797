"""``recover phase``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from recover.cli.batch import SideFiles, file_options, process_all, targets_of
from recover.cli.output import (
    check_certificate_writable,
    print_table,
    write_certificate,
    write_json,
)
from recover.io.atomic import STANDARD, write_text
from recover.phase.app import PhaseOptions, PhaseReport, process_phase

__all__ = ["phase_command", "phase_rows"]

EVIDENCE = ".evidence.npz"  # beside the JSON, and no name that --save would be given
SUMMARY = ("file", "setup", "object", "residual", "time", "error bound")


@click.command("phase")
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    help="File to write (NPZ, NPY, TIFF or HDF5), or a folder for several inputs.",
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
    "--noise",
    type=float,
    default=0.0,
    show_default=True,
    help="Bound of the l2 norm of the noise of the magnitudes.",
)
@click.option("--restarts", type=click.IntRange(1), help="Starts that are compared.")
@file_options
def phase_command(
    *,
    inputs: tuple[str, ...],
    output: str,
    setup: str | None,
    dark: str | None,
    data: str | None,
    method: str | None,
    noise: float,
    restarts: int | None,
    report: str | None,
    json_path: str | None,
    save: str | None,
    jobs: int,
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
        setup=setup, dark=dark, data=data, method=method, noise=noise, restarts=restarts,
        certify=not no_certify, force=force, seed=seed,
    )  # fmt: skip
    targets = targets_of(inputs, output)
    if Path(output).is_dir():
        targets = tuple(str(Path(name).with_suffix(".npz")) for name in targets)
    SideFiles(report, json_path, save, {}).check(inputs, force=force)
    if json_path is not None and len(inputs) == 1:
        check_certificate_writable(json_path, force=force, ending=EVIDENCE)
    done, status = process_all(process_phase, inputs, targets, options, jobs, quiet=quiet)
    if report is not None:
        from recover.report.phase import phase_report

        verify_with = f"recover verify {json_path} {inputs[0]}" if json_path else ""
        page = phase_report(done[0].result, Path(inputs[0]).name, verify_with)
        write_text(report, page, force=force)
    if json_path is not None:
        plain = [each.to_json() for each in done]
        if len(inputs) == 1:
            promise = done[0].result.certificate
            write_certificate(json_path, plain[0], promise, force=force, ending=EVIDENCE)
        else:
            write_json(json_path, plain, force=force)
    if save is not None:
        done[0].result.save(save, force=force)
    if not quiet and json_path != STANDARD:
        print_table(SUMMARY, phase_rows(done))
        for each in done:
            click.echo(f"{each.input}: {each.result.status.value} Wrote {each.output}")
            for note in each.notes:
                click.echo(f"{each.input}: note: {note}")
    return status


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
