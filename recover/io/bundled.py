"""The small real inputs that come with the package."""

from __future__ import annotations

from pathlib import Path

from recover.io.errors import FileError

__all__ = ["bundled"]

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "_data", _PACKAGE.parent / "data")  # an installed wheel, a checkout


def bundled(name: str) -> Path:
    """Return the path of a bundled file such as ``"audio/guitar.flac"``.

    Raises
    ------
    FileError
        If there is none of that name; the message lists what there is.
    """
    relative = Path(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise FileError(f"bundled files are named relative to data/, got {name!r}")
    for place in _PLACES:
        found = place / relative
        if found.is_file():
            return found
    known = sorted(
        {
            str(path.relative_to(place))
            for place in _PLACES
            if place.is_dir()
            for path in place.rglob("*")
            if path.is_file()
        }
    )
    raise FileError(f"no bundled file {name!r}; there are: {', '.join(known) or 'none'}")
