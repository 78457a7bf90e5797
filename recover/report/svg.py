"""Small pictures as inline SVG: they follow the page's colours and are drawn for two widths."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["NARROW", "WIDE", "Canvas", "Sheet", "pair", "ticks"]


@dataclass(frozen=True)
class Sheet:
    """A width to draw for.

    Parameters
    ----------
    width : int
        In units that are pixels on a screen of that width.
    columns : int
        Bins or segments that can be told apart.
    text : int
        Size of the lettering.
    """

    width: int
    columns: int
    text: int


NARROW = Sheet(360, 80, 12)
WIDE = Sheet(1080, 240, 13)


class Canvas:
    """Collects the elements of one picture, and knows the axes.

    Parameters
    ----------
    sheet : Sheet
    height : int
        Of the field between the axes.
    horizontal, vertical : tuple of float
        Range of the values along the axes.
    foot : int
        Height below the field, for ticks and the legend.
    """

    LEFT, RIGHT, TOP = 48, 10, 14

    def __init__(
        self,
        sheet: Sheet,
        *,
        height: int,
        horizontal: tuple[float, float],
        vertical: tuple[float, float],
        foot: int,
    ) -> None:
        self.sheet = sheet
        self._height, self._foot = height, foot
        self._horizontal, self._vertical = horizontal, vertical
        self._parts: list[str] = []

    @property
    def bottom(self) -> float:
        """Where the field ends."""
        return float(self.TOP + self._height)

    def x(self, value: float) -> float:
        """Return the place of a value along the horizontal axis."""
        low, high = self._horizontal
        field = self.sheet.width - self.LEFT - self.RIGHT
        return self.LEFT + field * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Return the height of a value, kept within the field."""
        low, high = self._vertical
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return self.bottom - self._height * share

    def rectangle(self, left: float, right: float, ends: tuple[float, float], css: str) -> None:
        """Draw a rectangle between two places and two heights."""
        top, bottom = min(ends), max(ends)
        self._parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0.6):.1f}" '
            f'height="{max(bottom - top, 0.6):.1f}" class="{css}"/>'
        )

    def line(self, start: tuple[float, float], stop: tuple[float, float], css: str) -> None:
        """Draw a line from place to place."""
        self._parts.append(
            f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{stop[0]:.1f}" '
            f'y2="{stop[1]:.1f}" class="{css}"/>'
        )

    def text(self, place: tuple[float, float], words: str, anchor: str = "start") -> None:
        """Write words at a place; `anchor` is SVG's text-anchor."""
        self._parts.append(
            f'<text x="{place[0]:.1f}" y="{place[1]:.1f}" text-anchor="{anchor}" '
            f'font-size="{self.sheet.text}">{html.escape(words)}</text>'
        )

    def vertical_axis(self, values: Sequence[float], name: Callable[[float], str]) -> None:
        """Draw a grid line with its name for each value."""
        for value in values:
            height = self.y(value)
            self.line((self.LEFT, height), (self.sheet.width - self.RIGHT, height), "grid")
            self.text((self.LEFT - 5, height + 4), name(value), "end")

    def horizontal_axis(self, unit: str, below: float) -> None:
        """Draw ticks with their values, `below` the field, and the unit at the last one."""
        low, high = self._horizontal
        base = self.bottom + below
        values = ticks(low, high, 5 if self.sheet is NARROW else 10)
        for index, value in enumerate(values):
            at = self.x(value)
            self.line((at, base), (at, base + 4), "axis")
            words = f"{value:g}" + (f" {unit}" if index == len(values) - 1 else "")
            anchor = "end" if at > self.sheet.width - 40 else "middle"
            self.text((at, base + 5 + self.sheet.text), words, anchor)

    def legend(self, entries: Sequence[tuple[str, str]], top: float) -> None:
        """Write swatches (class, words) from `top` below the field: in columns or rows."""
        rows = 1 if self.sheet is NARROW else 2
        column = (self.sheet.width - self.LEFT) / rows
        step = self.sheet.text + 8
        for index, (css, words) in enumerate(entries):
            left = 8 + column * (index % rows)
            height = self.bottom + top + step * (index // rows)
            self.rectangle(left, left + 18, (height, height + self.sheet.text), css)
            self.text((left + 25, height + self.sheet.text - 2), words)

    def svg(self, title: str) -> str:
        """Return the picture with its text for those who cannot see it."""
        height = self.bottom + self._foot
        label = html.escape(title, quote=True)
        return (
            f'<svg viewBox="0 0 {self.sheet.width} {height:.0f}" role="img" '
            f'aria-label="{label}">{"".join(self._parts)}</svg>'
        )


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` + 1 round values within a range."""
    if not high > low:
        return [low]
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1.0, 2.0, 5.0, 10.0) if s * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def pair(draw: Callable[[Sheet], str], caption: str) -> str:
    """Return a figure drawn for narrow and for wide pages; the page shows the one that fits."""
    return (
        f'<figure class="drawn"><div class="narrow">{draw(NARROW)}</div>'
        f'<div class="wide">{draw(WIDE)}</div>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )
