"""Pictures as they are, and two of one scene to be compared by a slider."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

__all__ = ["compare", "key", "photo"]

_SCRIPT = (
    "<script>document.querySelectorAll('figure.compare:not(.live)').forEach(function(f){"
    "f.classList.add('live');var r=f.querySelector('input');"
    "r.oninput=function(){f.style.setProperty('--at',r.value+'%')}})</script>"
)


def photo(picture: bytes, alt: str, caption: str) -> str:
    """Return a picture (JPEG) in the width of the page."""
    return (
        f'<figure class="photo">{_img(picture, alt)}'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def compare(
    before: bytes, after: bytes, alt: tuple[str, str], caption: str, *, near: bool = False
) -> str:
    """Return two pictures (JPEG) of one size, with a slider between them.

    Without a script, and on paper, they stand side by side.  Those that show a part from near
    are kept smaller than the page.
    """
    kind = "compare near" if near else "compare"
    return (
        f'<figure class="{kind}" style="--at:50%"><div class="pair">'
        f'<div class="after">{_img(after, alt[1])}<span class="tag">recovered</span></div>'
        f'<div class="before">{_img(before, alt[0])}<span class="tag">clipped</span></div>'
        '</div><input type="range" min="0" max="100" value="50" '
        'aria-label="how much of the clipped picture to show">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>{_SCRIPT}"
    )


def key(entries: Sequence[tuple[bytes, str]]) -> str:
    """Return a legend: small pictures (PNG) with their words."""
    items = "".join(
        f'<li><img alt="" src="data:image/png;base64,{_text(picture)}">'
        f"{html.escape(words)}</li>"
        for picture, words in entries
    )
    return f'<ul class="key">{items}</ul>'


def _img(picture: bytes, alt: str) -> str:
    words = html.escape(alt, quote=True)
    return f'<img alt="{words}" src="data:image/jpeg;base64,{_text(picture)}">'


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
