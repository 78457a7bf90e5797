"""``recover certify``."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import click

from recover.certificates.certificate import Certificate
from recover.cli.measurement import KINDS, describe_model, level_argument, model_of
from recover.cli.options import proof_options
from recover.cli.output import (
    Bar,
    check_certificate_writable,
    how_to_verify,
    print_table,
    write_certificate,
)
from recover.core.errors import ParameterError
from recover.core.progress import Progress
from recover.io.atomic import STANDARD, check_distinct, check_writable, write_text
from recover.models.domains import Ball, Domain, Everywhere
from recover.pipeline import certify

__all__ = ["certify_command"]


# what the bracket of each engine is of
_EIGENVALUE = {
    "cells": "smallest eigenvalue over all cells",
    "splits": "A = min over splits of A_S + A_rest",
    "moments": "kappa squared",
}


@click.command("certify")
@click.argument("frame", metavar="FRAME.npy")
@click.option("--model", "kind", type=click.Choice(KINDS), required=True, help="Non-linearity.")
@click.option(
    "--bias",
    metavar="B|B.npy",
    help="Of max(<x, phi> - bias, 0); a network's bias with the other sign.  [0]",
)
@click.option("--low", metavar="L|L.npy", help="Lower saturation level, or none.")
@click.option("--high", metavar="H|H.npy", help="Upper saturation level, or none.")
@click.option("--level", type=float, metavar="L", help="Both levels at once: -L and L.")
@proof_options
def certify_command(
    *,
    frame: str,
    kind: str,
    bias: str | None,
    low: str | None,
    high: str | None,
    level: float | None,
    radius: float,
    nonnegative: bool,
    budget: float,
    json_path: str | None,
    report: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Prove how stably a frame determines a signal under a non-linearity, before any data.

    The rows of FRAME.npy are the measuring vectors.  Prints a proved bracket of the lower
    Lipschitz constant kappa; noise grows by at most 1/kappa.
    """
    description = _description(kind, bias, low, high, level)
    where = _domain(kind, radius, nonnegative)
    check_distinct([frame, bias, low, high], [json_path, report])
    if json_path is not None:
        check_certificate_writable(json_path, force=force)
    if report is not None:
        check_writable(report, force=force)
    model = model_of(frame, description)
    history = _History()
    with Bar(frame, quiet=quiet) as bar:
        history.bar = bar
        certificate = certify(model, where, budget=budget, watch=history)
    seconds = history.seconds()
    values = certificate.evidence.values
    ends = (float(values["eigenvalue_lower"]), float(values["eigenvalue_upper"]))
    history.brackets.append((seconds, *ends))
    data = {
        "input": frame,
        "model": description,
        "scope": certificate.scope.to_json(),
        "seconds": seconds,
    }
    if json_path is not None:
        write_certificate(json_path, data, certificate, force=force)
    if report is not None:
        from recover.report.certify import certify_report

        verify_with = how_to_verify(json_path, frame)
        page = certify_report(certificate, model, where, history.brackets, verify_with)
        write_text(report, page, force=force)
    if not quiet and json_path != STANDARD:
        _tell(certificate, seconds)


class _History:
    """Keeps the bracket over time, and passes progress on."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.brackets: list[tuple[float, float, float]] = []
        self.bar: Bar | None = None

    def __call__(self, progress: Progress, /) -> None:
        if progress.bracket is not None:
            self.brackets.append((self.seconds(), *progress.bracket))
        if self.bar is not None:
            self.bar(progress)

    def seconds(self) -> float:
        return time.monotonic() - self.started


def _description(
    kind: str, bias: str | None, low: str | None, high: str | None, level: float | None
) -> dict[str, Any]:
    if kind != "relu" and bias is not None:
        raise ParameterError(f"--bias belongs to --model relu, not {kind}")
    levels = {"--low": low, "--high": high, "--level": level}
    given = [name for name, value in levels.items() if value is not None]
    if kind != "saturation":
        if given:
            raise ParameterError(
                f"{', '.join(given)} belongs to --model saturation, not {kind}"
            )
        return describe_model(
            kind, {"bias": level_argument("bias", bias or "0")} if kind == "relu" else {}
        )
    if level is not None:
        if len(given) > 1:
            raise ParameterError("give --level, or --low and --high, not both")
        if not level > 0.0:
            raise ParameterError(f"level must be positive, got {level}")
        return describe_model(kind, {"low": -level, "high": level})
    if not given:
        raise ParameterError("saturation needs --level, or --low and --high")
    ends = {"low": level_argument("low", low), "high": level_argument("high", high)}
    return describe_model(kind, ends)


def _domain(kind: str, radius: float, nonnegative: bool) -> Domain:
    if math.isinf(radius) and radius > 0.0:
        if nonnegative:
            raise ParameterError("the non-negative part needs a finite radius")
        return Everywhere()
    if nonnegative and kind == "modulus":
        raise ParameterError(
            "--nonnegative is for relu and saturation: of modulus is known the constant of "
            "all signals, which holds for those without negative entries too; leave it out"
        )
    return Ball(radius, nonnegative)


def _ends(values: Mapping[str, float | int | str | bool], name: str) -> list[str]:
    return [f"{float(values[f'{name}_{end}']):.10g}" for end in ("lower", "upper")]


def _tell(certificate: Certificate, seconds: float) -> None:
    kappa, growth = certificate.kappa, certificate.amplification
    values = certificate.evidence.values
    scope = certificate.scope.to_json()
    where = f"ball of radius {scope['radius']:g}" if scope["kind"] == "ball" else "whole space"
    if scope.get("nonnegative"):
        where = f"non-negative part of the {where}"
    rows = [
        ["kappa (lower Lipschitz constant)", f"{kappa.lower:.10g}", f"{kappa.upper:.10g}"],
        ["noise amplification", f"{growth.lower:.10g}", f"{growth.upper:.10g}"],
        [_EIGENVALUE[str(values["engine"])], *_ends(values, "eigenvalue")],
    ]
    if "sigma_lower" in values:
        rows += [
            ["sigma (strong complement property)", *_ends(values, "sigma")],
            ["sqrt(A) <= kappa <= sqrt(2) sigma", *_ends(values, "published_kappa")],
            ["sigma^2 <= A <= 2 sigma^2", *_ends(values, "published_eigenvalue")],
        ]
    print_table(("quantity", "at least", "at most"), rows)
    state = "closed" if values["closed"] else "open"
    click.echo(
        f"on the {where}; search {state} after {int(values['nodes'])} nodes, {seconds:.2f} s; "
        f"{certificate.rigor}"
    )
    if certificate.reason is not None:
        click.echo(f"reason: {certificate.reason}")
