"""Files that were moved together with the one that names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["namesake"]


def namesake(name: str, folders: Sequence[Path]) -> str | None:
    """Return the file of that name, else the first of its base name in one of the folders.

    Parameters
    ----------
    name : str
        As another file has it: perhaps of a place that is no more, or of another machine.
    folders : sequence of Path
        Where it may lie now.

    Returns
    -------
    str or None
        None if there is no such file.
    """
    path = Path(name)
    for candidate in (path, *(folder / path.name for folder in folders)):
        try:
            if candidate.is_file():
                return str(candidate)
        except OSError:  # too long for a name, or not allowed to look
            continue
    return None
