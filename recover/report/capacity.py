"""Capacities of random layers as a table at finite size, and as a figure."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from recover.theory import (
    capacity_bounds,
    deep_injectivity_capacity,
    injectivity_capacity,
    injectivity_failure_bound,
    minimal_rows,
)

__all__ = ["FiniteTable", "capacity_figure", "finite_table"]

FAILURES = (1e-2, 1e-4, 1e-6)
DEPTH = 4
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
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 3.6), layout="constrained")
    by_method, by_depth, by_width = figure.subplots(1, 3)
    _methods(by_method)
    _depths(by_depth)
    table = finite_table(10 if inputs is None else inputs).data
    ratios = [m / table["inputs"] for m in table["widths"]]
    by_width.semilogy(ratios, table["failure_bounds"], "o-")
    by_width.set_xlabel("rows per dimension")
    by_width.set_title(f"proved failure bound, {table['inputs']} inputs")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()


def _methods(axes: Any) -> None:
    found = [
        ("union", capacity_bounds().union),
        ("plain", injectivity_capacity("plain").value),
        ("partial", injectivity_capacity("partial").value),
        ("level 2", injectivity_capacity("lifted", 2).value),
        ("level 3", injectivity_capacity("lifted", 3).value),
    ]
    axes.plot([name for name, _ in found], [value for _, value in found], "o-")
    axes.set_ylabel("rows per dimension")
    axes.set_title("capacity of one layer (levels: heuristic)")


def _depths(axes: Any) -> None:
    layers = range(1, DEPTH + 1)
    axes.plot(layers, deep_injectivity_capacity(DEPTH, "weak").values, "o-", label="weak")
    axes.plot(layers, deep_injectivity_capacity(DEPTH, "strong").values, "s-", label="strong")
    axes.set_xticks(list(layers))
    axes.set_xlabel("layer")
    axes.set_title("each layer's capacity, plain")
    axes.legend()
