"""Saved results: one NPZ file of arrays and a JSON text, written whole, read without pickle."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.io.atomic import write_bytes
from recover.io.errors import FileError
from recover.io.guard import opened, printable
from recover.io.npy import read_npz

__all__ = ["load_result", "save_result", "saved_format"]

_META = "meta"
_CURE = "give a file that --save wrote"


def save_result(
    path: str | Path,
    meta: Mapping[str, Any],
    arrays: Mapping[str, Array],
    *,
    force: bool = False,
) -> None:
    """Write `meta` (plain data) and `arrays` to an NPZ file, whole or not at all.

    Raises
    ------
    FileError
        If the file exists and `force` is not set, or cannot be written.
    """
    text = json.dumps(dict(meta), sort_keys=True, allow_nan=False).encode()
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, allow_pickle=False, **{_META: np.frombuffer(text, dtype=np.uint8), **arrays}
    )
    write_bytes(path, buffer.getvalue(), force=force)


def load_result(path: str | Path, expected: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read what `save_result` wrote; no pickled object is ever loaded.

    Parameters
    ----------
    path : str or Path
        The NPZ file.
    expected : str
        The ``format`` that its meta data must name.

    Raises
    ------
    FileError
        If the file is missing, damaged, or something else.
    """
    with opened(path, _CURE) as file:
        arrays, _ = read_npz(file, str(path))
    meta = _meta(arrays.pop(_META, None))
    if meta is None:
        raise FileError(f"{path} is not a saved result; {_CURE}")
    found = meta["format"]
    if found != expected:
        raise FileError(f"{path} holds {printable(repr(found))}, expected {expected!r}")
    return meta, arrays


def saved_format(path: str | Path) -> str | None:
    """Return the ``format`` that a saved result names, None if the file is something else."""
    try:
        with opened(path, _CURE) as file:
            arrays, _ = read_npz(file, str(path), {_META}.__contains__)
    except FileError:
        return None
    meta = _meta(arrays.get(_META))
    found = None if meta is None else meta["format"]
    return found if isinstance(found, str) else None


def _meta(text: Array | None) -> dict[str, Any] | None:
    """Return the meta data of a saved result, None if they are damaged."""
    if text is None:
        return None
    try:
        meta = json.loads(text.tobytes())
    except (ValueError, RecursionError):
        return None
    return meta if isinstance(meta, dict) and "format" in meta else None
