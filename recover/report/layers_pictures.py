"""Pictures of layers: active neurons, spectra, a witness, and the place among capacities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recover.core.arrays import Array
from recover.layers.draw import draw_network
from recover.layers.result import NetworkAnalysis, active_words
from recover.report.canvas import CLIPPED, INK, RECOVERED, canvas, png
from recover.report.page import Figure
from recover.report.words import number
from recover.theory import capacity_bounds, injectivity_capacity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["active_picture", "capacity_picture", "spectrum_picture", "witness_picture"]

MANY = 6  # layers up to which each is named in the legend
FEW = 40  # inputs up to which their entries are drawn as stems
EDGES = 40  # of a histogram


def active_picture(found: NetworkAnalysis) -> Figure:
    """Draw how many neurons are active, at random inputs and at least."""
    drawn, (axis,) = canvas(1, 3.2)
    n = found.layers[0].inputs
    if len(found.layers) > 1:
        draw_network(found, axis)
    else:
        _histogram(axis, found)
    fewest = active_words(found.min_active)
    return Figure(
        png(drawn),
        f"Active neurons at random inputs; the fewest at any are {fewest}, {n} are needed.",
        f"How many neurons are active at random inputs, and the fewest at any: {fewest}. Where "
        f"fewer than the {n} inputs are active, inputs are lost.",
    )


def _histogram(axis: Axes, found: NetworkAnalysis) -> None:
    (layer,) = found.layers
    sampled, active = layer.sampled_active, layer.min_active
    low, high = int(sampled[0]), int(sampled[-1])
    step = max(1, (high - low) // EDGES)
    edges = [k - 0.5 for k in range(low, high + step + 1, step)]
    axis.hist(sampled, bins=edges, color=INK, label=f"at {sampled.size} random inputs")
    axis.axvline(layer.inputs, color="black", linestyle=":", label=f"{layer.inputs} inputs")
    axis.axvline(active.count, color=RECOVERED, label=f"fewest found: {active.count}")
    if not active.exact:
        axis.axvline(active.lower, color=RECOVERED, linestyle="--",
                     label=f"fewest, proved: {active.lower}")  # fmt: skip
    axis.set(xlabel="active neurons", ylabel="random inputs")
    axis.set_xlim(right=layer.outputs + 0.5)
    axis.legend(frameon=False, fontsize=8)


def spectrum_picture(names: Sequence[str], found: NetworkAnalysis) -> Figure:
    """Draw the singular values of each layer's weights, and the bracket of a single kappa."""
    drawn, (axis,) = canvas(1, 3.2)
    single = len(found.layers) == 1
    for name, layer in zip(names, found.layers, strict=True):
        values = layer.singular_values
        place = (np.arange(values.size) + 0.5) / values.size
        axis.plot(place, values, marker="o" if values.size <= FEW else "", markersize=3,
                  linewidth=1.3, color=INK if single else None, label=name)  # fmt: skip
    caption = "The singular values of the weights, in floating point."
    low, high = found.kappa.lower, found.kappa.upper
    if single and 0.0 < high < np.inf:
        axis.axhspan(low, high, color=RECOVERED, alpha=0.3, linewidth=0, label="kappa")
        caption += (
            f" With all neurons active kappa would be the smallest, {number(values[-1])}; it "
            "lies in the band because some are off."
        )
    axis.set(xlabel="part of the inputs' directions", ylabel="singular value", xlim=(0.0, 1.0))
    axis.set_ylim(bottom=0.0)
    if len(names) <= MANY:
        axis.legend(frameon=False, fontsize=8)
    ends = ", ".join(
        f"{name} from {number(layer.singular_values[-1])} to {number(layer.singular_values[0])}"
        for name, layer in list(zip(names, found.layers, strict=True))[:MANY]
    )
    return Figure(png(drawn), f"Singular values: {ends}.", caption)


def witness_picture(witness: tuple[Array, Array]) -> Figure:
    """Draw two inputs with the same output, entry by entry."""
    from matplotlib.ticker import MaxNLocator

    drawn, (axis,) = canvas(1, 2.6)
    x, y = witness
    place = np.arange(1, x.size + 1)
    line = "" if x.size <= FEW else "-"
    for values, colour, marker in ((x, INK, "o"), (y, RECOVERED, "x")):
        axis.plot(place, values, color=colour, linestyle=line, linewidth=1,
                  marker=marker if x.size <= FEW else "")  # fmt: skip
    axis.axhline(0.0, color=CLIPPED, linewidth=0.8)
    axis.set(xlabel="entry", ylabel="value")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    apart = number(float(np.linalg.norm(x - y)))
    return Figure(
        png(drawn),
        f"The entries of two inputs that are {apart} apart.",
        f"The entries of two inputs, {apart} apart, that have the same output up to rounding.",
    )


def capacity_picture(found: NetworkAnalysis) -> Figure:
    """Draw the layers' widths on the axis of capacities."""
    drawn, (axis,) = canvas(1, 1.9)
    bounds = capacity_bounds()
    marks = [
        ("easy lower bound", bounds.easy_lower),
        ("level 3", injectivity_capacity("lifted", 3).value),
        ("proved", injectivity_capacity("partial").value),
        ("union", bounds.union),
    ]
    n = found.layers[0].inputs
    widths = [layer.outputs / n for layer in found.layers]
    axis.axvspan(0.0, marks[0][1], color=RECOVERED, alpha=0.15, linewidth=0)
    axis.axvspan(marks[0][1], marks[2][1], color=CLIPPED, alpha=0.25, linewidth=0)
    axis.axvspan(marks[2][1], max(*widths, 10.0) * 1.1, color=INK, alpha=0.3, linewidth=0)
    # each name at its own height: on a wide axis the lines are near each other
    heights = (0.88, 0.75, 0.62, 0.49)
    for (name, value), height in zip(marks, heights, strict=True):
        axis.axvline(value, color="black", linewidth=0.8)
        label = axis.text(value, height, f" {name} {value:.2f}", fontsize=8, ha="left")
        label.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0.0, "pad": 0.5})
    for k, width in enumerate(widths[:MANY], start=1):
        axis.plot(width, 0.2, "v", color=RECOVERED, markersize=9)
        axis.text(width, 0.32, f"layer {k}" if len(widths) > 1 else "this layer",
                  fontsize=8, ha="center")  # fmt: skip
    axis.set(xlabel="neurons per input of the network", yticks=[], ylim=(0.0, 1.0))
    axis.set_xlim(0.0, max(*widths, 10.0) * 1.1)
    axis.spines["left"].set_visible(False)
    placed = ", ".join(f"{width:.3g}" for width in widths[:MANY])
    return Figure(
        png(drawn),
        f"The widths {placed} neurons per input, beside the capacities of random layers.",
        "Where a single random layer would stand: left, not injective; right, injective; "
        "between, it turns from one to the other as its size grows.",
    )
