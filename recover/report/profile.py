"""A line through the brightest highlight: as it was clipped, recovered, and how surely."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.image.result import ImageResult
from recover.report.canvas import CLIPPED, INK, canvas, png
from recover.report.page import Figure, figure
from recover.report.pictures import Scene, is_mosaic, planes_of

__all__ = ["profile"]

_COLOURS = ("#c1392b", "#1b7f6b", "#2b59c3")
_REACH = 24  # pixels on either side of the highlight
_MOST = 400  # pixels of the line


def profile(result: ImageResult, scene: Scene) -> str | None:
    """Return the figure, None if the picture's channels cannot be told apart."""
    count = len(result.levels)
    if count > len(_COLOURS) or is_mosaic(result):
        return None
    image, recovered = (
        planes_of(each, result, scene.index) for each in (result.image, result.recovered)
    )
    trust = None
    if result.trust_map is not None:
        trust = planes_of(result.trust_map, result, scene.index)
    row, columns = _line(image, recovered)
    at = np.arange(columns.start, columns.stop)
    drawing, (axis,) = canvas(1, 2.9)
    for c, level in enumerate(result.levels):
        values, touched = image[row, columns, c].astype(np.float64), recovered[row, columns, c]
        colour = INK if count == 1 else _COLOURS[c]
        if level.high is not None and touched.any():
            axis.axhline(level.high, color=CLIPPED, linewidth=0.8, linestyle="--")
        if trust is not None:
            width = np.where(touched, trust[row, columns, c], 0.0)
            top = 1.5 * float(np.abs(values).max())
            low, high = values - width, np.minimum(values + width, top)
            if level.high is not None:  # which the true value is not below
                low = np.where(values >= level.high, np.maximum(low, level.high), low)
            axis.fill_between(at, low, high, where=touched, color=colour, alpha=0.18,
                              linewidth=0.0)  # fmt: skip
        axis.plot(at, values, color=colour, linewidth=1.3)
        axis.plot(at[touched], values[touched], ".", color=colour, markersize=3)
    axis.set(xlabel=f"column (row {row})", ylabel="sample value")
    axis.set_xlim(at[0], max(at[-1], at[0] + 1))  # of a single column too
    axis.set_ylim(bottom=min(0.0, float(image[row, columns].min())))
    band = "" if trust is None else " The bands are the bounds on the error."
    return figure(
        Figure(
            png(drawing),
            "Sample values along one row through the brightest highlight; dots are recovered.",
            "Sample values along one row through the brightest recovered sample, a line for "
            f"each channel; dots are recovered, dashed lines the clipping levels.{band}",
        )
    )


def _line(image: Array, recovered: Array) -> tuple[int, slice]:
    """Return the row of the brightest recovered sample, and the columns around it."""
    brightest = np.where(recovered, image, -np.inf).max(axis=-1)
    row, column = np.unravel_index(int(np.argmax(brightest)), brightest.shape)
    touched = recovered[row].any(axis=-1)
    left = right = int(column)
    while left > 0 and touched[left - 1]:
        left -= 1
    while right + 1 < touched.size and touched[right + 1]:
        right += 1
    reach = max(_REACH, right - left)
    start, stop = max(left - reach, 0), min(right + reach + 1, touched.size)
    if stop - start > _MOST:
        start = max(int(column) - _MOST // 2, 0)
        stop = min(start + _MOST, touched.size)
    return int(row), slice(start, stop)
