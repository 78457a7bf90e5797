"""How a result shows itself: in a line, as a table of a notebook, and as a plot."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recover.core.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CLIPPED", "CYCLIC", "GREY", "INK", "RECOVERED", "Facts", "Shown", "axes_or_new",
           "draw_signal"]  # fmt: skip

INK, RECOVERED, CLIPPED = "#22577a", "#d1495b", "#8d99ae"
GREY, CYCLIC = "gray", "twilight"

Facts = Sequence[tuple[str, str]]


class Shown(ABC):
    """What has a few facts worth seeing at a glance."""

    __slots__ = ()

    @abstractmethod
    def facts(self) -> Facts:
        """Return names and values, the most important first."""

    def shown_below(self) -> Sequence[Shown]:
        """Return what is shown with it, such as a result's certificate."""
        return ()

    def __repr__(self) -> str:
        told = [f"{name}: {value}" for name, value in self.facts()]
        below = [repr(each) for each in self.shown_below()]
        return f"{type(self).__name__}({', '.join([*told, *below])})"

    def _repr_html_(self) -> str:
        """Return tables for notebooks; everything in them is escaped."""
        rows = "".join(
            f'<tr><th scope="row" style="text-align: left">{html.escape(name)}</th>'
            f'<td style="text-align: left">{html.escape(value)}</td></tr>'
            for name, value in self.facts()
        )
        below = "".join(each._repr_html_() for each in self.shown_below())
        return (
            f'<table><caption style="text-align: left">{html.escape(type(self).__name__)}'
            f"</caption><tbody>{rows}</tbody></table>{below}"
        )


def axes_or_new(ax: Axes | None) -> Axes:
    """Return the axes to draw into: those given, or those of a new figure of pyplot's."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    _, new = pyplot.subplots(layout="constrained")
    return new


def draw_signal(signal: Array, ax: Axes | None, name: str) -> Axes:
    """Draw a signal as a line, a picture, or the middle slice of a volume.

    A complex line is drawn by its real and imaginary parts, a complex picture by its phase.

    Parameters
    ----------
    signal : array [shape=(n,), (n, m) or more axes]
        What is drawn.
    ax : matplotlib axes, optional
        Where; a new figure by default.
    name : str
        The axis's label, or the title of a picture.

    Returns
    -------
    matplotlib axes
    """
    axes = axes_or_new(ax)
    while signal.ndim > 2:
        signal = signal[signal.shape[0] // 2]
    if signal.ndim < 2:
        axes.plot(np.atleast_1d(signal.real), color=INK, linewidth=1, label="real part")
        if np.iscomplexobj(signal):
            axes.plot(signal.imag, color=RECOVERED, linewidth=1, label="imaginary part")
            axes.legend(frameon=False)
        axes.set_ylabel(name)
        return axes
    if np.iscomplexobj(signal):
        shown = axes.imshow(np.angle(signal), cmap=CYCLIC, vmin=-np.pi, vmax=np.pi)
        axes.set_title(f"{name}, phase in rad")
    else:
        shown = axes.imshow(signal, cmap=GREY)
        axes.set_title(name)
    axes.figure.colorbar(shown, ax=axes)
    return axes
