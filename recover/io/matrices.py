"""Matrices and vectors from NPY files."""

from __future__ import annotations

import io
from pathlib import Path

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError
from recover.io.guard import opened
from recover.io.npy import read_npy

__all__ = ["read_array"]


def read_array(name: str, path: str | Path) -> Array:
    """Return the numeric array in an NPY file; no pickled object is ever loaded.

    Parameters
    ----------
    name : str
        What the array is, for messages.
    path : str or Path
        The file.

    Raises
    ------
    FileError
        If the file is missing or not an NPY file.
    ParameterError
        If the array is not numeric, or holds NaN or infinity.
    """
    with opened(path, "give an NPY file") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        array = read_npy(file, size, str(path))
    try:
        return as_numeric(name, array)
    except ParameterError as error:
        raise ParameterError(f"{path}: {error}") from None
