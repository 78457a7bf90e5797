"""Matrices and vectors from NPY files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recover.core.arrays import Array, as_numeric
from recover.io.errors import FileError

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
    try:
        with Path(path).open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError:
        raise FileError(f"{path} does not exist; check the name") from None
    except IsADirectoryError:
        raise FileError(f"{path} is a directory; give an NPY file") from None
    except (OSError, ValueError, EOFError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise FileError(
            f"{path} is not a usable NPY file ({reason}); save it with numpy.save"
        ) from None
    return as_numeric(name, array)
