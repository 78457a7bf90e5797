"""Recovered complex objects into files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import MissingExtraError
from recover.io.atomic import check_writable, write_bytes
from recover.io.errors import FileError

__all__ = ["ENDINGS", "check_phase_output", "h5py_for", "write_object"]

LABELS = ["amplitude", "phase in radians"]  # of the pages of a TIFF
ENDINGS = (".npz", ".npy", ".tif", ".tiff", ".h5", ".hdf5")


def check_phase_output(path: str | Path, *, force: bool) -> None:
    """Raise an error before any work if an object could not be written to `path`."""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise FileError(f"{path} is of no kind that is written; end it in {', '.join(ENDINGS)}")
    if ending in {".h5", ".hdf5"}:
        h5py_for(path)
    check_writable(path, force=force)


def write_object(
    path: str | Path, signal: Array, residuals: Array, certificate: str, *, force: bool
) -> None:
    """Write an object to NPY (complex), TIFF (amplitude and phase) or HDF5 (all).

    Parameters
    ----------
    path : str or Path
        Its ending says the kind.
    signal : array
        The object.
    residuals : array [shape=(iterations,)]
        Residual history, for HDF5.
    certificate : str
        JSON text, for HDF5.
    force : bool
        Replace an existing file.
    """
    ending = Path(path).suffix.lower()
    buffer = io.BytesIO()
    if ending == ".npy":
        np.save(buffer, signal, allow_pickle=False)
    elif ending in {".tif", ".tiff"}:
        import tifffile

        planes = np.stack([np.abs(signal), np.angle(signal)]).astype(np.float32)
        tifffile.imwrite(
            buffer,
            planes,
            photometric="minisblack",
            metadata={"Labels": LABELS},
        )
    else:
        with h5py_for(path).File(buffer, "w") as file:
            file["object"], file["residuals"] = signal, residuals
            file["certificate"] = certificate
    write_bytes(path, buffer.getvalue(), force=force)


def h5py_for(path: str | Path) -> Any:
    """Return h5py, or raise `MissingExtraError` that names the file."""
    try:
        import h5py
    except ImportError:
        raise MissingExtraError(
            f"{path} needs h5py: pip install 'recover[hdf5]' (from the checkout: "
            "pip install -e '.[hdf5]')"
        ) from None
    return h5py
