"""``recover capacity``."""

from __future__ import annotations

from typing import Literal

import click

from recover.cli.output import print_table, write_json
from recover.core.errors import ParameterError
from recover.io.atomic import STANDARD, check_writable, write_bytes
from recover.report.capacity import capacity_figure, finite_table
from recover.theory import capacity_bounds, deep_injectivity_capacity, injectivity_capacity

__all__ = ["capacity_command"]

Criterion = Literal["weak", "strong", "typical", "unit_multiplier"]
Lifting = Literal["plain", "partial", "lifted", "limit"]


@click.command("capacity")
@click.option("--layers", type=int, default=1, show_default=True, help="Depth of the network.")
@click.option(
    "--criterion",
    type=click.Choice(["weak", "strong", "typical", "unit_multiplier"]),
    default="weak",
    show_default=True,
    help="What is asked of the later layers.",
)
@click.option(
    "--method",
    type=click.Choice(["plain", "partial", "lifted", "limit"]),
    default="plain",
    show_default=True,
    help="Plain and partial are bounds; lifted and limit are heuristic.",
)
@click.option("--level", type=int, default=2, show_default=True, help="Level of full lifting.")
@click.option(
    "--inputs",
    type=int,
    metavar="N",
    help="Also what is proved at this input dimension: widths and failure probabilities.",
)
@click.option(
    "--plot", "plot_path", metavar="FIG.png", help="Draw capacities by level and depth."
)
@click.option("--json", "json_path", metavar="R.json", help="Write the figures; - is stdout.")
@click.option("--force", is_flag=True, help="Replace an existing JSON file.")
def capacity_command(
    *,
    layers: int,
    criterion: Criterion,
    method: Lifting,
    level: int,
    inputs: int | None,
    plot_path: str | None,
    json_path: str | None,
    force: bool,
) -> None:
    """Show how wide Gaussian ReLU layers must be to be injective, as rows per input dimension.

    An asymptotic statement about random layers; a given matrix is decided by its own rows.
    """
    if layers == 1:
        head, rows, data = _single(method, level)
    else:
        head, rows, data = _deep(layers, criterion, method)
    finite = None if inputs is None else finite_table(inputs)
    if finite is not None:
        data = {**data, "finite": finite.data}
    if plot_path is not None:
        if plot_path == json_path:
            raise ParameterError(f"--plot and --json both name {plot_path}; give two names")
        check_writable(plot_path, force=force)
        write_bytes(plot_path, capacity_figure(inputs), force=force)
    if json_path is not None:
        write_json(json_path, data, force=force)
        if json_path == STANDARD:
            return
    print_table(head, rows)
    if finite is not None:
        click.echo()
        print_table(finite.head, finite.rows)


Table = tuple[list[str], list[list[str]], dict[str, object]]


def _single(method: Lifting, level: int) -> Table:
    lifted = method == "lifted"
    found = injectivity_capacity(method, level) if lifted else injectivity_capacity(method)
    bounds = capacity_bounds()
    name = f"lifted, level {level}" if lifted else method
    rows = [
        [name, f"{found.value:.12g}", str(found.rigor)],
        ["union bound", f"{bounds.union:.12g}", "upper bound"],
        ["Gordon mesh", f"{bounds.gordon_mesh:.12g}", "upper bound"],
        ["easy lower bound", f"{bounds.easy_lower:.12g}", "lower bound"],
        ["Euler characteristic", f"{bounds.euler_characteristic:.7g}", "heuristic"],
    ]
    data: dict[str, object] = {
        "layers": 1,
        "method": name,
        "value": found.value,
        "accuracy": found.accuracy,
        "rigor": found.rigor.to_json(),
    }
    return ["method", "rows per dimension", "how firmly"], rows, data


def _deep(layers: int, criterion: Criterion, method: Lifting) -> Table:
    match method:
        case "plain" | "partial":
            found = deep_injectivity_capacity(layers, criterion, method)
        case _:
            raise ParameterError(
                f"several layers have the methods plain and partial, got {method!r}"
            )
    rows = [
        [str(k + 1), f"{value:.9g}", f"{expansion:.6g}", str(found.rigor)]
        for k, (value, expansion) in enumerate(zip(found.values, found.expansions, strict=True))
    ]
    data: dict[str, object] = {
        "layers": layers,
        "criterion": criterion,
        "method": method,
        "values": list(found.values),
        "expansions": list(found.expansions),
        "rigor": found.rigor.to_json(),
    }
    return ["layer", "rows per dimension", "expansion", "how firmly"], rows, data
