"""``recover capacity``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from recover.cli.options import force_option, quiet_option
from recover.cli.output import Bar, print_table, write_json
from recover.core.errors import ParameterError
from recover.io.atomic import STANDARD, check_writable, write_bytes
from recover.layers.transition import DIMENSIONS, Transition, transition
from recover.report.capacity import capacity_figure, finite_table
from recover.report.capacity_transition import (
    check_lines,
    transition_figure,
    transition_table,
)
from recover.theory import capacity_bounds, deep_injectivity_capacity, injectivity_capacity

__all__ = ["capacity_command"]

Criterion = Literal["weak", "strong", "typical", "unit_multiplier"]
Lifting = Literal["plain", "partial", "lifted", "limit"]


@click.command("capacity")
@click.option("--layers", type=int, default=1, show_default=True, help="Depth of the network.")
@click.option(
    "--criterion",
    type=click.Choice(["weak", "strong", "typical", "unit_multiplier"]),
    help="What is asked of the layers.  [weak]",
)
@click.option(
    "--method",
    type=click.Choice(["plain", "partial", "lifted", "limit"]),
    default="plain",
    show_default=True,
    help="Plain and partial are bounds; lifted and limit are heuristic.",
)
@click.option("--level", type=int, help="Level of full lifting, for --method lifted.  [2]")
@click.option(
    "--inputs",
    type=int,
    metavar="N",
    help="Also what is proved at this input dimension: widths and failure probabilities.",
)
@click.option(
    "--plot", "plot_path", metavar="FIG.png", help="Draw capacities by level and depth."
)
@click.option(
    "--transition",
    "experiment",
    is_flag=True,
    help="Draw random layers instead, and count how many are injective.",
)
@click.option(
    "--trials",
    type=int,
    metavar="T",
    help="Layers for each size in --transition; 400 by default.",
)
@click.option(
    "--budget", type=float, metavar="S", help="Seconds for --transition; 120 by default."
)
@click.option(
    "--seed", type=int, metavar="K", help="Of the layers of --transition; 0 by default."
)
@click.option(
    "--json", "json_path", metavar="R.json", help="Write the figures; - is standard output."
)
@force_option
@quiet_option
def capacity_command(
    *,
    layers: int,
    criterion: Criterion | None,
    method: Lifting,
    level: int | None,
    inputs: int | None,
    plot_path: str | None,
    experiment: bool,
    trials: int | None,
    budget: float | None,
    seed: int | None,
    json_path: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Show how wide Gaussian ReLU layers must be to be injective, as rows per input dimension.

    An asymptotic statement about random layers; a given matrix is decided by its own rows.
    With --transition random layers of 2 to 50 inputs (or N) are drawn and decided.
    """
    if plot_path is not None:
        if plot_path == json_path:
            raise ParameterError(f"--plot and --json both name {plot_path}; give two names")
        check_writable(plot_path, force=force)
    settings = {"trials": trials, "budget": budget, "seed": seed}
    if plot_path is not None and Path(plot_path).suffix.lower() != ".png":
        raise ParameterError(
            f"--plot writes PNG, got {plot_path}; give a name that ends in .png"
        )
    if experiment:
        _refuse_theory(layers, criterion, method, level)
        found = _experiment(inputs, trials, budget, seed, quiet=quiet)
        _write(found.to_json(), json_path, lambda: transition_figure(found), plot_path, force)
        if not quiet and json_path != STANDARD:
            _tell(found)
        return
    for name, value in settings.items():
        if value is not None:
            raise ParameterError(f"--{name} belongs to --transition, which is not given")
    head, rows, data = (
        _single(method, level)
        if layers == 1 and criterion is None
        else _deep(layers, "weak" if criterion is None else criterion, method, level)
    )
    finite = None if inputs is None else finite_table(inputs)
    if finite is not None:
        data = {**data, "finite": finite.data}
    _write(data, json_path, lambda: capacity_figure(inputs), plot_path, force)
    if quiet or json_path == STANDARD:
        return
    print_table(head, rows)
    if finite is not None:
        click.echo()
        print_table(finite.head, finite.rows)


def _refuse_theory(
    layers: int, criterion: Criterion | None, method: Lifting, level: int | None
) -> None:
    """Raise if an option is given that says nothing of single layers that are drawn."""
    given = {
        "--layers": layers != 1,
        "--criterion": criterion is not None,
        "--method": method != "plain",
        "--level": level is not None,
    }
    for name, wrong in given.items():
        if wrong:
            raise ParameterError(f"{name} is not for --transition, which draws single layers")


def _write(
    data: dict[str, Any],
    json_path: str | None,
    draw: Callable[[], bytes],
    plot_path: str | None,
    force: bool,
) -> None:
    """Write the files that were asked for."""
    if plot_path is not None:
        write_bytes(plot_path, draw(), force=force)
    if json_path is not None:
        write_json(json_path, data, force=force)


def _experiment(
    inputs: int | None,
    trials: int | None,
    budget: float | None,
    seed: int | None,
    *,
    quiet: bool,
) -> Transition:
    dimensions = DIMENSIONS if inputs is None else (inputs,)
    with Bar("random layers", quiet=quiet) as bar:
        return transition(
            dimensions,
            trials=400 if trials is None else trials,
            budget=120.0 if budget is None else budget,
            rng=0 if seed is None else seed,
            watch=bar,
        )


def _tell(found: Transition) -> None:
    click.echo("share of random layers (Gaussian weights, no biases) that are injective")
    print_table(*transition_table(found))
    if max(found.dimensions) > found.EXACT:
        click.echo(
            "* no input with too few active neurons was found by search: upper estimates; the "
            "others were decided exactly"
        )
    for line in check_lines(found):
        click.echo(line)
    level, proved = injectivity_capacity("lifted", 3), injectivity_capacity("partial")
    click.echo(
        f"as n grows: capacity {level.value:.6f} (lifted, level 3, {level.rigor}), at most "
        f"{proved.value:.6f} ({proved.rigor})"
    )


Table = tuple[list[str], list[list[str]], dict[str, object]]


def _single(method: Lifting, level: int | None) -> Table:
    if level is not None and method != "lifted":
        raise ParameterError(f"--level belongs to --method lifted, got --method {method}")
    found = injectivity_capacity(method, 2 if level is None else level)
    bounds = capacity_bounds()
    name = f"lifted, level {2 if level is None else level}" if method == "lifted" else method
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
        "bounds": {
            "union": bounds.union,
            "gordon_mesh": bounds.gordon_mesh,
            "easy_lower": bounds.easy_lower,
            "euler_characteristic": bounds.euler_characteristic,
        },
    }
    return ["method", "rows per dimension", "how firmly"], rows, data


def _deep(layers: int, criterion: Criterion, method: Lifting, level: int | None) -> Table:
    if level is not None:
        raise ParameterError(f"--level is for one layer and --method lifted, got {level}")
    match method:
        case "plain" | "partial":
            found = deep_injectivity_capacity(layers, criterion, method)
        case _:
            raise ParameterError(
                "several layers, and criteria, have the methods plain and partial, got "
                f"{method!r}"
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
