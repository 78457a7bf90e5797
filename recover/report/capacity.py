"""Capacities of random layers as a table at finite size, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from recover.report.canvas import INK, RECOVERED, canvas, png
from recover.theory import (
    capacity_bounds,
    deep_injectivity_capacity,
    injectivity_capacity,
    injectivity_failure_bound,
    minimal_rows,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FiniteTable", "capacity_figure", "finite_table"]

FAILURES = (1e-2, 1e-4, 1e-6)
DEPTH = 4
CRITERIA: tuple[tuple[Literal["weak", "strong"], str], ...] = (
    ("strong", RECOVERED),
    ("weak", INK),
)
FIRST, LAST, STEP = 4, 10, 1  # rows for each input


class FiniteTable(NamedTuple):
    """What is proved of Gaussian layers without biases at one input dimension."""

    head: list[str]
    rows: list[list[str]]
    data: dict[str, Any]


def finite_table(inputs: int) -> FiniteTable:
    """Return widths with the bounds on the probability that a random layer is not injective.

    Parameters
    ----------
    inputs : int >= 1
        The input dimension.

    Raises
    ------
    ParameterError
        If `inputs` is below 1.
    """
    enough = [(minimal_rows(inputs, failure), failure) for failure in FAILURES]
    widths = sorted(
        {ratio * inputs for ratio in range(FIRST, LAST + 1, STEP)} | {m for m, _ in enough}
    )
    failures = [injectivity_failure_bound(m, inputs) for m in widths]
    rows = [
        [str(m), f"{m / inputs:.4g}", f"{failure:.3g}"]
        for m, failure in zip(widths, failures, strict=True)
    ]
    data = {
        "inputs": inputs,
        "widths": widths,
        "failure_bounds": failures,
        "enough": [{"rows": m, "failure": failure} for m, failure in enough],
    }
    head = [f"rows at {inputs} inputs", "rows per dimension", "fails with at most"]
    return FiniteTable(head, rows, data)


def capacity_figure(inputs: int | None = None) -> bytes:
    """Return a PNG with the capacity by method, by depth, and the bound at finite size.

    Parameters
    ----------
    inputs : int, optional
        The input dimension of the third panel; 10 by default.
    """
    figure, (by_method, by_depth, by_width) = canvas(1, 3.0, columns=3)
    _methods(by_method)
    _depths(by_depth)
    table = finite_table(10 if inputs is None else inputs).data
    ratios = [m / table["inputs"] for m in table["widths"]]
    by_width.semilogy(ratios, table["failure_bounds"], "o-", color=INK, markersize=4)
    by_width.set_xlabel("rows per dimension")
    by_width.set_title(f"failure at {table['inputs']} inputs, proved", fontsize=9)
    return png(figure)


def _methods(axes: Axes) -> None:
    found = [
        ("union", capacity_bounds().union),
        ("plain", injectivity_capacity("plain").value),
        ("partial", injectivity_capacity("partial").value),
        ("level 2", injectivity_capacity("lifted", 2).value),
        ("level 3", injectivity_capacity("lifted", 3).value),
    ]
    names, values = zip(*found, strict=True)
    axes.plot(names, values, "o-", color=INK, markersize=4)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_ylabel("rows per dimension")
    axes.set_title("one layer (levels: heuristic)", fontsize=9)


def _depths(axes: Axes) -> None:
    layers = range(1, DEPTH + 1)
    for criterion, colour in CRITERIA:
        values = deep_injectivity_capacity(DEPTH, criterion).values
        axes.plot(layers, values, "o-", color=colour, markersize=4, label=criterion)
    axes.set_xticks(list(layers))
    axes.set_xlabel("layer")
    axes.set_title("each layer of a network, plain", fontsize=9)
    axes.legend(frameon=False, fontsize=8)
