"""The histogram of the amplitudes with the levels: what clipping looks like to the detector."""

from __future__ import annotations

import math

import numpy as np

from recover.audio.levels import ChannelLevels
from recover.core.arrays import Array
from recover.report.svg import Canvas, Sheet, pair

__all__ = ["level_histogram"]


def level_histogram(y: Array, levels: ChannelLevels, channel: int) -> str:
    """Return the figure of one channel.

    Parameters
    ----------
    y : array [shape=(n,)]
        The clipped samples.
    levels : ChannelLevels
    channel : int
        Counted from 0.
    """
    ends = [level for level in (levels.low, levels.high) if level is not None]
    furthest = max([float(np.abs(y).max()), *(abs(e) + levels.tolerance for e in ends)])
    reach = 1.05 * furthest
    where = " and ".join(f"{level:.4g}" for level in ends) or "none"
    wide = levels.tolerance
    band = f", each with a band of {wide:.2g} on either side" if wide > 0.0 else ""
    title = (
        f"Channel {channel + 1}: histogram of the sample values on a logarithmic scale; levels "
        f"{where}{band}."
    )

    def draw(sheet: Sheet) -> str:
        counts, edges = np.histogram(y, sheet.columns, range=(-reach, reach))
        top = max(math.ceil(math.log10(max(int(counts.max()), 10))), 1)
        canvas = Canvas(
            sheet, height=160, horizontal=(-reach, reach), vertical=(0.0, float(top)),
            foot=80 if sheet.columns < 100 else 62,
        )  # fmt: skip
        canvas.vertical_axis([float(k) for k in range(top + 1)], _power)
        for level in ends:
            if wide > 0.0:
                inside = (canvas.x(level - wide), canvas.x(level + wide))
                canvas.rectangle(*inside, (canvas.TOP, canvas.bottom), "tolerance")
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
            if count:
                heights = canvas.y(0.0), canvas.y(math.log10(count) if count > 1 else 0.05)
                canvas.rectangle(canvas.x(left), canvas.x(right) - 0.4, heights, "count")
        for level in ends:
            at = canvas.x(level)
            canvas.line((at, canvas.TOP), (at, canvas.bottom), "level")
        canvas.horizontal_axis("", 0.0)
        entries = [("levelkey", "level")]
        if wide > 0.0:
            entries.append(("tolerance", "band in which clipped samples lie"))
        canvas.legend(entries, 30.0)
        return canvas.svg(title)

    caption = (
        f"Channel {channel + 1}. Number of samples by value. Clipping piles samples up at a "
        "level; coding afterwards spreads them over a band, and such samples are drawn at the "
        "level itself here."
    )
    return pair(draw, caption)


def _power(exponent: float) -> str:
    """Return a power of ten in few letters."""
    thousands = int(exponent) // 3
    return f"{10 ** (int(exponent) % 3)}" + ("", "k", "M", "G")[min(thousands, 3)]
