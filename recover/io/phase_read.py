"""Measurements without phase from files: named arrays, whatever the container."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.io.errors import FileError
from recover.io.phase_write import h5py_for

__all__ = ["KNOWN", "PhaseFile", "read_phase"]

KNOWN = (
    "magnitude", "intensity", "object_magnitude", "object_intensity", "masks", "rows",
    "support", "bad", "dark", "distances", "wavelength", "pixel_size", "positions", "probe",
    "nonnegative", "real", "centered", "shape", "refine_probe",
)  # fmt: skip
_ALIASES = {
    "magnitudes": "magnitude", "amplitude": "magnitude", "amplitudes": "magnitude",
    "intensities": "intensity", "mask": "bad", "distance": "distances",
    "x_pixel_size": "pixel_size",
}  # fmt: skip
_HDF5 = (".h5", ".hdf5", ".cxi", ".nxs")
_CXI_DATA = "data"  # of an image or a detector: intensities
_JOULE_METRE = 1.98644586e-25  # Planck's constant times the speed of light


@dataclass(frozen=True, eq=False)
class PhaseFile:
    """Named arrays of a measurement.

    Parameters
    ----------
    path : str
        Where they come from.
    arrays : mapping of str to array
        By the names of `KNOWN`.
    others : tuple of str
        Names of what was there besides, for messages.
    """

    path: str
    arrays: Mapping[str, Array]
    others: tuple[str, ...]


def read_phase(path: str | Path) -> PhaseFile:
    """Read NPZ, NPY, HDF5 or CXI (extra ``hdf5``), or a TIFF stack.

    NPY and TIFF hold one array without a name; it is called ``intensity``, as detectors count,
    unless the caller knows better.  In HDF5 and CXI, data sets are taken by the last part of
    their path; ``data`` of an image or a detector are intensities, ``mask`` bad pixels.

    Raises
    ------
    FileError
        If the file is missing, damaged, or of another kind.
    MissingExtraError
        If h5py is not installed.
    """
    source = Path(path)
    kind = source.suffix.lower()
    try:
        if kind in _HDF5:
            return _read_hdf5(source)
        data = source.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{path} does not exist; check the name") from None
    except IsADirectoryError:
        raise FileError(f"{path} is a directory; give a file") from None
    if kind == ".npz":
        return _read_npz(data, str(path))
    if kind == ".npy":
        return PhaseFile(str(path), {"intensity": _npy(data, str(path))}, ())
    if kind in {".tif", ".tiff"}:
        return PhaseFile(str(path), {"intensity": _tiff(data, str(path))}, ())
    raise FileError(
        f"{path} is of no kind that is read; give NPZ, NPY, TIFF, or HDF5 or CXI, by their "
        "endings"
    )


def _npy(data: bytes, name: str) -> Array:
    try:
        return np.asarray(np.lib.format.read_array(io.BytesIO(data), allow_pickle=False))
    except (ValueError, EOFError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise FileError(f"{name} is damaged or no NPY file ({reason})") from None


def _tiff(data: bytes, name: str) -> Array:
    """Return all pages as one array, whatever colours the file takes them for."""
    import tifffile

    try:
        return np.asarray(tifffile.imread(io.BytesIO(data)))
    except (
        tifffile.TiffFileError, ValueError, KeyError, IndexError, struct.error, OSError,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())
        raise FileError(
            f"{name} is damaged or no TIFF file that can be read ({reason})"
        ) from None


def _read_npz(data: bytes, name: str) -> PhaseFile:
    import zipfile
    import zlib

    found: dict[str, Array] = {}
    others = []
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            for key in file.files:
                known = _ALIASES.get(key, key)
                if known in KNOWN:
                    found[known] = np.asarray(file[key])
                else:
                    others.append(key)
    except (
        ValueError, EOFError, OSError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())
        raise FileError(
            f"{name} is damaged or no NPZ file of plain arrays ({reason})"
        ) from None
    return PhaseFile(name, found, tuple(others))


def _read_hdf5(path: Path) -> PhaseFile:
    h5py = h5py_for(path)
    if not path.exists():
        raise FileNotFoundError(path)
    found: dict[str, Array] = {}
    others: list[str] = []

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        last = name.rsplit("/", 1)[-1]
        known = _ALIASES.get(last, last)
        if last == _CXI_DATA:
            known = "intensity"
        if last == "energy" and "wavelength" not in found:
            found["wavelength"] = np.asarray(_JOULE_METRE / np.asarray(item[()]))
            return
        if known not in KNOWN or known in found:
            others.append(name)
            return
        found[known] = np.asarray(item[()])

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise FileError(f"{path} is damaged or no HDF5 file ({reason})") from None
    return PhaseFile(str(path), found, tuple(others))
