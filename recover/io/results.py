"""Saved results: one NPZ file of arrays and a JSON text, written whole, read without pickle."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.io.atomic import write_bytes
from recover.io.errors import FileError

__all__ = ["load_result", "save_result", "saved_format"]

_META = "meta"


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
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        meta = json.loads(arrays.pop(_META).tobytes())
        found = meta["format"]
    except FileNotFoundError:
        raise FileError(f"{path} does not exist; check the name") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        raise FileError(
            f"{path} is not a saved result; give a file that --save wrote"
        ) from None
    if found != expected:
        raise FileError(f"{path} holds {found!r}, expected {expected!r}")
    return meta, arrays


def saved_format(path: str | Path) -> str | None:
    """Return the ``format`` that a saved result names, None if the file is something else."""
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as data:
            found = json.loads(data[_META].tobytes())["format"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return found if isinstance(found, str) else None
