"""Random layers beside theory: the table and the figure of their transition."""

from __future__ import annotations

from recover.layers.draw import draw_halves, draw_transition
from recover.layers.transition import Share, Transition
from recover.report.canvas import canvas, png
from recover.theory import planar_injectivity_probability

__all__ = ["check_lines", "transition_figure", "transition_table"]

EXPECTED = 5.0  # layers of the rarer kind, for a comparison in standard errors


def transition_table(found: Transition) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of a table: the share of injective layers by width and dimension."""
    ratios = sorted({round(2.0 * point.ratio) / 2.0 for point in found.injective})
    head = ["neurons per input"]
    head += [f"n = {n}" + ("" if n <= found.EXACT else "*") for n in found.dimensions]
    rows = []
    for ratio in ratios:
        cells = [_cell(found.of(n), ratio, n) for n in found.dimensions]
        rows.append([f"{ratio:g}", *cells])
    rows.append(["half are injective at", *(_half(found, n) for n in found.dimensions)])
    rows.append(["layers drawn", *(str(found.of(n)[0].trials) for n in found.dimensions)])
    return head, rows


def _half(found: Transition, n: int) -> str:
    """Return where half are injective; a search that misses inputs puts it too low."""
    half = f"{found.half(n):.2f}"
    return half if n <= found.EXACT else f">= {half}"


def _cell(points: tuple[Share, ...], ratio: float, n: int) -> str:
    """Return the share at exactly this ratio; half a row does not exist."""
    for point in points:
        if point.rows == ratio * n:
            return f"{point.share:.3f}" if point.trials > 100 else f"{point.share:.2f}"
    return "-"


def check_lines(found: Transition) -> list[str]:
    """Return how the counts compare with what is known exactly, in standard errors."""
    lines = []
    if 2 in found.dimensions:
        off = [
            (point.share - exact) / point.standard_error(exact)
            for point in found.of(2)
            if _enough(exact := planar_injectivity_probability(point.rows), point.trials)
        ]
        if off:
            lines.append(
                "n = 2 against 1 - m (m - 2) 2^(1 - m): "
                f"{max(off, key=abs):+.2f} standard errors at most, of {len(off)} widths"
            )
    cells = ", ".join(
        f"n = {point.inputs}: {point.share:.3f} ({(point.share - 0.5) / error:+.1f})"
        for point in found.all_off
        if (error := point.standard_error(0.5)) > 0.0
    )
    lines.append(
        "an input switches off all of 2 n neurons with probability 1/2 (Wendel); seen, with "
        f"the distance in standard errors: {cells}"
    )
    return lines


def _enough(probability: float, trials: int) -> bool:
    """Tell whether the binomial distribution is close enough to a normal one."""
    return trials * min(probability, 1.0 - probability) >= EXPECTED


def transition_figure(found: Transition) -> bytes:
    """Return a PNG: shares against the width, and where they are one half against 1/n."""
    figure, (shares, halves) = canvas(1, 4.0, columns=2)
    draw_transition(found, shares)
    draw_halves(found, halves)
    handles, labels = shares.get_legend_handles_labels()
    if (beside := shares.get_legend()) is not None:
        beside.remove()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=8
    )
    return png(figure)
