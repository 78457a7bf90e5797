"""Pictures of a recovered recording, as PNG bytes; no global plotting state is touched."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from recover.audio.levels import ChannelLevels
from recover.core.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["REACH", "largest_peak", "spectrograms", "waveform", "zoom"]

INK, RECOVERED, CLIPPED = "#22577a", "#d1495b", "#8d99ae"
COLUMNS = 1600  # bins of the overview: about the pixels of a wide screen
FRAMES = 900  # columns of a spectrogram
WINDOW = 1024
RANGE_DB = 80.0
DPI = 130
REACH = 0.004  # seconds on either side in a zoom


def waveform(
    after: Array, recovered: Array, rate: float, levels: ChannelLevels, origin: float = 0.0
) -> bytes:
    """Draw one channel, shape (n,), its recovered samples marked and the levels as lines.

    `origin` is the second of the recording at which it begins, here and below.
    """
    figure, (axis,) = _canvas(1, 2.6)
    edges = np.unique(np.linspace(0, after.size, COLUMNS + 1).astype(int))
    starts = edges[:-1]
    time = origin + starts / rate
    low, high = np.minimum.reduceat(after, starts), np.maximum.reduceat(after, starts)
    axis.fill_between(time, low, high, color=INK, linewidth=0.4, step="post")
    touched = np.logical_or.reduceat(recovered, starts)
    for sign, values in ((1.0, high), (-1.0, low)):
        level = levels.high if sign > 0 else levels.low
        if level is None:
            continue
        beyond = touched & (sign * values > sign * level)
        axis.vlines(time[beyond], level, values[beyond], color=RECOVERED, linewidth=0.9)
        axis.axhline(level, color=CLIPPED, linewidth=0.8, linestyle="--")
    axis.set(xlabel="time in s", ylabel="amplitude", xlim=(origin, origin + after.size / rate))
    return _png(figure)


def largest_peak(before: Array, after: Array) -> int:
    """Return the sample where most was restored."""
    return int(np.argmax(np.abs(after - before)))


def zoom(
    before: Array,
    after: Array,
    recovered: Array,
    rate: float,
    *,
    peak: int,
    origin: float = 0.0,
) -> bytes:
    """Draw eight milliseconds of one channel around the sample `peak`, sample by sample."""
    figure, (axis,) = _canvas(1, 2.8)
    reach = max(int(REACH * rate), 1)
    part = slice(max(peak - reach, 0), min(peak + reach, after.size))
    time = origin + np.arange(part.start, part.stop) / rate
    marked = recovered[part]
    axis.plot(time, before[part], color=CLIPPED, linewidth=1.4, label="as it was clipped")
    axis.plot(time, after[part], color=INK, linewidth=1.4, label="recovered")
    axis.plot(
        time[marked], after[part][marked], ".", color=RECOVERED, markersize=4,
        label="recovered samples",
    )  # fmt: skip
    axis.set(xlabel="time in s", ylabel="amplitude", xlim=(time[0], time[-1]))
    axis.xaxis.set_major_formatter("{x:.3f}")
    axis.legend(frameon=False, loc="best", fontsize=8)
    return _png(figure)


def spectrograms(before: Array, after: Array, rate: float, origin: float = 0.0) -> bytes:
    """Draw the spectrograms of one channel before and after, on one scale of decibels."""
    figure, axes = _canvas(2, 4.6)
    pictures = [_decibels(x) for x in (before, after)]
    top = max(float(picture.max()) for picture in pictures)
    for axis, picture, name in zip(axes, pictures, ("clipped", "recovered"), strict=True):
        image = axis.imshow(
            picture,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=top - RANGE_DB,
            vmax=top,
            extent=(origin, origin + before.size / rate, 0.0, rate / 2e3),
        )
        axis.set(ylabel="frequency in kHz", title=name)
        axis.title.set_fontsize(9)
    axes[-1].set_xlabel("time in s")
    figure.colorbar(image, ax=axes, label="dB", fraction=0.03, pad=0.01)
    return _png(figure)


def _decibels(x: Array) -> Array:
    size = min(WINDOW, x.size)
    count = max(min(FRAMES, x.size // max(size // 4, 1)), 1)
    starts = np.linspace(0, x.size - size, count).astype(int)
    window = np.hanning(size + 2)[1:-1]
    frames = x[starts[:, None] + np.arange(size)] * window
    power = np.abs(fft.rfft(frames, axis=-1)).T ** 2
    floor = max(float(power.max()), np.finfo(np.float64).tiny) * 10 ** (-RANGE_DB / 10)
    decibels: Array = 10.0 * np.log10(np.maximum(power, floor))
    return decibels


def _canvas(rows: int, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 1, sharex=rows > 1, squeeze=False)
    for axis in axes[:, 0]:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure, list(axes[:, 0])


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # no creation date or version: the same result gives the same bytes
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
