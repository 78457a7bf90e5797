"""One self-contained HTML page: no request ever leaves the file."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Chapter", "Figure", "Section", "book", "page", "table"]

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de;
  --paper: #ffffff; --card: #f6f8fa; --mark: #0b6e4f;
  --well: #1b7f6b; --moderate: #d59b00; --open: #c23b4e; --band: #3b3bd0; --count: #22577a;
  --shade: #00000030; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --line: #30363d;
  --paper: #0d1117; --card: #161b22; --mark: #4cc38a;
  --well: #35b89b; --moderate: #e3b341; --open: #ff6b7d; --band: #a5a6ff; --count: #6cb2e0;
  --shade: #ffffff38; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem); max-width: 72rem;
  font: 1rem/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: clamp(1.4rem, 4vw, 2rem); line-height: 1.2; margin: .2rem 0 .4rem; }
article { margin-top: 3rem; border-top: 3px solid var(--line); padding-top: 1rem; }
article h1 { font-size: clamp(1.3rem, 3.5vw, 1.7rem); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; padding: 0; }
a { color: var(--mark); }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; padding-top: .6rem;
  border-top: 1px solid var(--line); }
p.lead { color: var(--soft); margin-top: 0; }
/* shadows at the ends show that a wide table goes on */
div.scroll { overflow-x: auto; background:
  linear-gradient(to right, var(--paper) 30%, transparent) left / 2.5rem 100%,
  linear-gradient(to left, var(--paper) 30%, transparent) right / 2.5rem 100%,
  linear-gradient(to right, var(--shade), transparent) left / .9rem 100%,
  linear-gradient(to left, var(--shade), transparent) right / .9rem 100%;
  background-repeat: no-repeat; background-attachment: local, local, scroll, scroll; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td.short { white-space: nowrap; }
@media (max-width: 62rem) { th { white-space: normal; vertical-align: bottom; }
  th, td { padding-right: .7rem; } td { min-width: 3.6rem; } }
figure { margin: 1rem 0; }
figure img { width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
  border-radius: 6px; }
figcaption { color: var(--soft); font-size: .92rem; }
div.promise { background: var(--card); border-left: 4px solid var(--mark);
  padding: .6rem 1rem; border-radius: 4px; }
code, pre { font-family: ui-monospace, monospace; font-size: .92em; }
pre { background: var(--card); padding: .7rem 1rem; overflow-x: auto; border-radius: 4px; }
footer { color: var(--soft); margin-top: 2.5rem; font-size: .9rem; }
figure.drawn svg { display: block; width: 100%; height: auto; }
figure.drawn .wide { display: none; }
@media (min-width: 46rem) { figure.drawn .wide { display: block; }
  figure.drawn .narrow { display: none; } }
@media (max-width: 46rem) { figure .picture { overflow-x: auto; }
  figure .picture img { width: 46rem; max-width: none; } }
svg text { fill: var(--ink); font-family: system-ui, sans-serif; }
svg .grid { stroke: var(--line); } svg .axis { stroke: var(--soft); stroke-width: 1.5; }
svg .well { fill: var(--well); } svg .moderate { fill: url(#hatch); }
svg .open { fill: url(#cross); } svg .bar { opacity: .75; }
svg .upper { stroke: var(--ink); stroke-width: 1.6; }
svg .band { stroke: var(--band); stroke-width: 1.8; } svg .bandkey { fill: var(--band); }
svg .count { fill: var(--count); } svg .tolerance { fill: var(--open); opacity: .3; }
svg .gapbound { fill: var(--soft); opacity: .7; } svg .upperkey { fill: var(--ink); }
svg .level { stroke: var(--open); stroke-width: 2; stroke-dasharray: 5 3; }
svg .levelkey { fill: var(--open); }
svg.patterns { position: absolute; width: 0; height: 0; }
.wellfill { fill: var(--well); } .moderatefill { fill: var(--moderate); }
.openfill { fill: var(--open); } .lines { stroke: var(--paper); stroke-width: 1.6; }
.thin { stroke-width: .7; }
/* two pictures side by side; a script lays one over the other, with a slider */
figure.compare .pair { display: grid; gap: .5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); }
figure.near { max-width: 44rem; }
figure.compare img, figure.photo img { width: 100%; }
figure.compare .pair > div { position: relative; }
figure.compare .before { order: -1; }
figure.compare img, figure.photo img { display: block; border-radius: 4px; }
figure.compare .tag { position: absolute; top: .5rem; left: .5rem; padding: .1rem .5rem;
  border-radius: 3px; background: #000b; color: #fff; font-size: .85rem; }
figure.compare .after .tag { left: auto; right: .5rem; }
figure.compare input { display: none; width: 100%; margin: .5rem 0 0; }
@media screen { figure.compare.live .pair { display: block; position: relative; }
  figure.compare.live .before { position: absolute; inset: 0; overflow: hidden;
    clip-path: inset(0 calc(100% - var(--at)) 0 0); }
  figure.compare.live .pair::after { content: ""; position: absolute; inset: 0 auto 0 var(--at);
    border-left: 2px solid #fff; box-shadow: 0 0 3px #000; }
  figure.compare.live input { display: block; } }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0;
  margin: .5rem 0; font-size: .92rem; }
ul.key img { width: 1.6rem; height: 1rem; vertical-align: -.1rem; margin-right: .4rem;
  display: inline-block; border-radius: 2px; image-rendering: pixelated; }
@media print { body { max-width: none; padding: 0; } figure, table, div.promise {
  break-inside: avoid; } }
"""

_FOOTER = "Written by recover. Nothing was sent anywhere."
_SHORT = 14  # letters of a cell that is kept on one line

# patterns, so that the labels can be told apart without colours
_PATTERNS = (
    '<svg class="patterns" aria-hidden="true"><defs>'
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" class="moderatefill"/>'
    '<line x1="0" y1="0" x2="0" y2="6" class="lines"/></pattern>'
    '<pattern id="cross" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<rect width="5" height="5" class="openfill"/>'
    '<path d="M0 0L5 5M5 0L0 5" class="lines thin"/></pattern></defs></svg>'
)


@dataclass(frozen=True)
class Figure:
    """A picture with its text for those who cannot see it.

    Parameters
    ----------
    png : bytes
        The picture.
    alt : str
        What it shows, in a sentence.
    caption : str
        How to read it.
    """

    png: bytes
    alt: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading with blocks of HTML made by the functions of this module."""

    title: str
    blocks: tuple[str, ...]


@dataclass(frozen=True)
class Chapter:
    """What is told of one result: a page of its own, or a part of one.

    Parameters
    ----------
    title : str
        Name of what was recovered or certified.
    lead : str
        The result in a sentence or two.
    sections : tuple of Section
        In the order of reading.
    """

    title: str
    lead: str
    sections: tuple[Section, ...]


def paragraphs(texts: Sequence[str]) -> str:
    """Return escaped paragraphs."""
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)


def promise(texts: Sequence[str]) -> str:
    """Return paragraphs in the frame that marks a certificate."""
    return f'<div class="promise">{paragraphs(texts)}</div>'


def command(text: str) -> str:
    """Return a command line to be copied."""
    return f"<pre><code>{html.escape(text)}</code></pre>"


def figure(picture: Figure) -> str:
    """Return a picture embedded in the page."""
    data = base64.b64encode(picture.png).decode("ascii")
    alt, caption = html.escape(picture.alt, quote=True), html.escape(picture.caption)
    return (
        f'<figure><div class="picture"><img alt="{alt}" src="data:image/png;base64,{data}">'
        f"</div><figcaption>{caption}</figcaption></figure>"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; every cell is escaped."""
    top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return (
        '<div class="scroll" role="region" aria-label="table" tabindex="0"><table>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    """Return a cell; short ones, such as a number with its unit, are not broken."""
    kind = ' class="short"' if len(text) <= _SHORT else ""
    return f"<td{kind}>{html.escape(text)}</td>"


def page(chapter: Chapter) -> str:
    """Return a page that holds one result."""
    return _document(chapter.title, chapter.lead, _sections(chapter.sections))


def book(title: str, lead: str, chapters: Sequence[Chapter]) -> str:
    """Return one page that holds several results, with links to each."""
    links = "".join(
        f'<li><a href="#part{k}">{html.escape(each.title)}</a></li>'
        for k, each in enumerate(chapters)
    )
    body = "".join(
        f'<article id="part{k}"><h1>{html.escape(each.title)}</h1>'
        f'<p class="lead">{html.escape(each.lead)}</p>{_sections(each.sections)}</article>'
        for k, each in enumerate(chapters)
    )
    return _document(title, lead, f"<nav><ul>{links}</ul></nav>{body}")


def _sections(sections: Sequence[Section]) -> str:
    return "".join(
        f"<section><h2>{html.escape(s.title)}</h2>{''.join(s.blocks)}</section>"
        for s in sections
    )


def _document(title: str, lead: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>recover: {html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>{_PATTERNS}<header><h1>{html.escape(title)}</h1>"
        f'<p class="lead">{html.escape(lead)}</p></header>{body}'
        f"<footer>{_FOOTER}</footer></body></html>\n"
    )
