"""Pictures of what was found about layers, into axes of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recover.core.display import CLIPPED, INK, RECOVERED, axes_or_new
from recover.theory import injectivity_capacity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from recover.layers.result import NetworkAnalysis
    from recover.layers.transition import Transition

__all__ = ["draw_halves", "draw_network", "draw_transition"]

CROWDED = 12  # layers up to which each gets its name


def draw_transition(found: Transition, ax: Axes | None = None) -> Axes:
    """Draw the share of injective layers against the width, a line for each dimension."""
    axes = axes_or_new(ax)
    for n, colour in zip(found.dimensions, _colours(len(found.dimensions)), strict=True):
        points = [point for point in found.of(n) if point.trials]
        exact = n <= found.EXACT
        axes.errorbar(
            [point.ratio for point in points],
            [point.share for point in points],
            yerr=[point.standard_error() for point in points],
            color=colour,
            linewidth=1.4,
            linestyle="-" if exact else "--",
            marker="o" if exact else "^",
            markersize=4,
            markerfacecolor=colour if exact else "white",
            capsize=2,
            label=f"n = {n}" + ("" if exact else " (search)"),
        )
    _limits(axes.axvline)
    axes.set(xlabel="neurons per input", ylabel="share of injective layers", ylim=(-0.03, 1.03))
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def draw_halves(found: Transition, ax: Axes | None = None) -> Axes:
    """Draw where half of the layers are injective against 1/n, beside the capacities."""
    axes = axes_or_new(ax)
    for n, colour in zip(found.dimensions, _colours(len(found.dimensions)), strict=True):
        exact, half = n <= found.EXACT, found.half(n)
        axes.plot(
            1.0 / n,
            half,
            marker="o" if exact else "^",
            color=colour,
            markerfacecolor=colour if exact else "white",
            linestyle="",
        )
        crowded = 1.0 / n < 0.03
        axes.annotate(
            f"n = {n}", (1.0 / n, half), (-8, -15) if crowded else (7, 3),
            textcoords="offset points", fontsize=8,
        )  # fmt: skip
    _limits(axes.axhline)
    if max(found.dimensions) > found.EXACT:
        axes.plot([], [], "^", color="black", fillstyle="none", label="by search: at least")
    axes.set(xlabel="1 / n", ylabel="neurons per input at one half", xlim=(-0.02, 0.56))
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    return axes


def draw_network(found: NetworkAnalysis, ax: Axes | None = None) -> Axes:
    """Draw how many neurons of each layer are active, beside the network's inputs."""
    axes = axes_or_new(ax)
    places = np.arange(1, len(found.layers) + 1)
    for place, layer in zip(places, found.layers, strict=True):
        ends = (layer.sampled_active[0], layer.sampled_active[-1])
        axes.vlines(place, 0, layer.outputs, color=CLIPPED, linewidth=9, alpha=0.35)
        axes.vlines(place, *ends, color=INK, linewidth=5)
        axes.plot(place, layer.min_active.count, "v", color=RECOVERED)
        axes.plot(place, layer.min_active.lower, "^", color=RECOVERED, fillstyle="none")
    names = ("neurons", "active at random inputs", "fewest found", "fewest, proved")
    for name, drawn in zip(names, [*axes.collections[:2], *axes.lines[:2]], strict=True):
        drawn.set_label(name)
    n = found.layers[0].inputs
    axes.axhline(n, color="black", linestyle=":", linewidth=1.2, label=f"{n} inputs")
    axes.set(xlabel="layer", ylabel="active neurons", xlim=(0.5, len(places) + 0.5))
    if len(places) <= CROWDED:
        axes.set_xticks(places)
    axes.set_ylim(bottom=0.0)
    axes.legend(
        frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5
    )
    return axes


def _colours(count: int) -> Any:
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0.0, 0.85, count))


def _limits(line: Any) -> None:
    """Draw the capacities that the shares tend to as n grows."""
    level = injectivity_capacity("lifted", 3).value
    line(level, color=RECOVERED, linewidth=1.1, label=f"capacity, level 3: {level:.3f}")
    proved = injectivity_capacity("partial").value
    line(proved, color=CLIPPED, linestyle=":", label=f"proved upper bound: {proved:.3f}")
