"""The map of how far each sample can be trusted, as a file of its own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.result import ImageResult
from recover.io.atomic import STANDARD
from recover.io.errors import FileError
from recover.io.image_file import Container, ImageFile
from recover.io.image_write import check_image_output, write_image

__all__ = ["check_map", "trust_of", "write_map"]

FLOATING = (Container.NPY, Container.TIFF, Container.EXR, Container.FITS)


def check_map(path: str, output: str | Path, *, force: bool) -> None:
    """Refuse, before any work, a map that cannot be written.

    Raises
    ------
    ParameterError
        If it is the output itself.
    FileError
        If its container holds no floating-point samples, or it exists or cannot be written.
    """
    if path != STANDARD and Path(path).absolute() == Path(output).absolute():
        raise ParameterError(f"map and output are the same file: {path}; name another")
    container = check_image_output(path, force=force)
    if container not in FLOATING:
        raise FileError(
            f"{path}: a map holds bounds in floating point; name it .npy, .tif, .exr or .fits"
        )


def trust_of(result: ImageResult) -> Array:
    """Return bounds of the error of every sample, in the image's units.

    0 where a sample was not clipped, infinite where nothing is promised.
    """
    if result.trust_map is not None:
        return result.trust_map.astype(np.float32)
    return np.where(result.recovered, np.float32(np.inf), np.float32(0.0))


def write_map(path: str, result: ImageResult, source: ImageFile, *, force: bool) -> None:
    """Write the map, whole or not at all.

    Parameters
    ----------
    path : str
        Its ending chooses the container.
    result : ImageResult
    source : ImageFile
        Gives the layout.
    force : bool
        Whether an existing file may be replaced.
    """
    trust = trust_of(result)
    plain = dataclasses.replace(source, pixels=trust, alpha=None, raw=None, data=b"")
    write_image(path, trust, source=plain, recovered=result.recovered, force=force)
