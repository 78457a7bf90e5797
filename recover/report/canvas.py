"""Empty pictures in the house style, and their PNG bytes; no global state is touched."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from recover.core.display import CLIPPED, INK, RECOVERED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CLIPPED", "INK", "RECOVERED", "canvas", "png"]

WIDTH = 9.0  # inches
DPI = 130


def canvas(rows: int, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of `height` inches with its axes, row by row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, sharex=rows > 1, squeeze=False)
    axes: list[Axes] = list(grid.reshape(-1))
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure, axes


def png(figure: Figure) -> bytes:
    """Return the picture; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
