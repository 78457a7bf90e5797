"""``recover layer``."""

from __future__ import annotations

from pathlib import Path

import click

from recover.cli.options import proof_options
from recover.cli.output import (
    Bar,
    check_certificate_writable,
    how_to_verify,
    print_table,
    write_certificate,
    write_json,
)
from recover.core.enclosure import Enclosure
from recover.io.atomic import STANDARD, check_distinct, check_writable, write_text
from recover.io.weights import TensorFile, read_tensors
from recover.layers.app import analyse_file
from recover.layers.result import LayerAnalysis, NetworkAnalysis
from recover.report.layers import layers_report

__all__ = ["layer_command"]


@click.command("layer")
@click.argument("source", metavar="WEIGHTS.npz|.safetensors")
@click.option(
    "--layer", "names", multiple=True, metavar="NAME", help="Weights to take, in order."
)
@click.option("--list", "list_only", is_flag=True, help="Show the tensors and stop.")
@proof_options
def layer_command(
    *,
    source: str,
    radius: float,
    nonnegative: bool,
    budget: float,
    names: tuple[str, ...],
    list_only: bool,
    json_path: str | None,
    report: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Tell whether ReLU layers relu(W x + b) are injective on a ball, proved or with a witness.

    WEIGHTS holds matrices (out, in) named as weights, with biases named alike: fc1.weight and
    fc1.bias, or W1 and b1.  All of them are taken as one stack unless --layer chooses.
    """
    if list_only:
        _show(read_tensors(source))
        return
    check_distinct([source], [json_path, report])
    if json_path is not None:
        check_certificate_writable(json_path, force=force)
    if report is not None:
        check_writable(report, force=force)
    with Bar(source, quiet=quiet) as bar:
        taken, analysis = analyse_file(
            source,
            names=names,
            radius=radius,
            nonnegative=nonnegative,
            budget=budget,
            watch=bar,
        )
    if json_path is not None:
        _write(json_path, source, taken, analysis, force=force)
    if report is not None:
        page = layers_report(
            taken, analysis, Path(source).name, how_to_verify(json_path, source)
        )
        write_text(report, page, force=force)
    if not quiet and json_path != STANDARD:
        _report(taken, analysis)


def _write(
    path: str, source: str, taken: tuple[str, ...], analysis: NetworkAnalysis, *, force: bool
) -> None:
    """Write what was found; one layer's certificate is such that `recover verify` takes it."""
    data = {"input": source, "weights": list(taken), **analysis.to_json()}
    certificates = [layer.certificate for layer in analysis.layers]
    if len(certificates) == 1 and certificates[0] is not None:
        write_certificate(path, data, certificates[0], force=force)
        return
    data["certificates"] = [None if each is None else each.to_data() for each in certificates]
    data["folded"] = None if analysis.folded is None else analysis.folded.to_data()
    write_json(path, data, force=force)


def _show(file: TensorFile) -> None:
    rows = [
        [name, "x".join(map(str, a.shape)), str(a.dtype)] for name, a in file.tensors.items()
    ]
    print_table(["tensor", "shape", "type"], rows)
    for layer in file.layers():
        bias = "with its bias" if layer.bias is not None else "no bias: taken as zero"
        click.echo(f"layer {layer.name}: {layer.weights.shape[1]} inputs, {bias}")


def _report(taken: tuple[str, ...], analysis: NetworkAnalysis) -> None:
    rows = [_row(name, layer) for name, layer in zip(taken, analysis.layers, strict=True)]
    head = ["layer", "shape", "verdict", "kappa", "active at least", "critical frame bias"]
    print_table(head, rows)
    for note in analysis.notes:
        click.echo(f"note: {note}")
    click.echo(f"verdict: {analysis.verdict}")
    if analysis.reason is not None:
        click.echo(f"reason: {analysis.reason}")
    click.echo(f"kappa of the whole: {_ends(analysis.kappa)}")
    if analysis.witness is not None:
        x, y = analysis.witness
        apart = float(((x - y) ** 2).sum()) ** 0.5
        click.echo(
            f"witness: two inputs {apart:.6g} apart with the same output (--json has them)"
        )
    for name, layer in zip(taken, analysis.layers, strict=True):
        fails = f"fails with probability at most {layer.random_failure:.3g}"
        if layer.random_failure >= 1.0:
            fails = "is too narrow for a proved bound on its failure"
        click.echo(
            f"{name}: {layer.expansion:.4g} neurons for each input; a Gaussian layer of this "
            f"shape without biases {fails}"
        )


def _row(name: str, layer: LayerAnalysis) -> list[str]:
    active = layer.min_active
    count = str(active.count) if active.exact else f"{active.lower} to {active.count}"
    critical = "-" if layer.critical_bias is None else _ends(layer.critical_bias)
    shape = f"{layer.outputs}x{layer.inputs}"
    return [name, shape, str(layer.verdict), _ends(layer.kappa), count, critical]


def _ends(value: Enclosure) -> str:
    return f"[{value.lower:.6g}, {value.upper:.6g}]"
