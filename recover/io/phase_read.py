"""Measurements without phase from files: named arrays, whatever the container."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.io.errors import FileError
from recover.io.guard import opened, printable, reading, refuse_bomb
from recover.io.image_tiff import read_tiff_stack
from recover.io.npy import read_npy, read_npz
from recover.io.phase_write import h5py_for

__all__ = ["KNOWN", "PhaseFile", "read_phase"]

KNOWN = (
    "magnitude", "intensity", "object_magnitude", "object_intensity", "masks", "rows",
    "support", "bad", "dark", "distances", "wavelength", "pixel_size", "positions", "probe",
    "nonnegative", "real", "centered", "shape", "refine_probe", "translation",
    "detector_distance",
)  # fmt: skip
_ALIASES = {
    "magnitudes": "magnitude", "amplitude": "magnitude", "amplitudes": "magnitude",
    "intensities": "intensity", "mask": "bad", "distance": "distances",
    "x_pixel_size": "pixel_size",
}  # fmt: skip
_HDF5 = (".h5", ".hdf5", ".cxi", ".nxs")
_TIFF = (".tif", ".tiff")
_DEEPEST = 40
_MOST, _LONGEST = 20, 60  # names that are listed, and letters of each
_DETECTOR, _IMAGE = "detector", "image"  # how such groups of CXI files begin
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
    their path; ``data`` of a detector, or else of an image, are intensities, ``mask`` bad
    pixels.  A detector's ``distance`` is that of far fields: ``detector_distance``.

    Raises
    ------
    FileError
        If the file is missing, damaged, or of another kind.
    MissingExtraError
        If h5py is not installed.
    """
    source, name = Path(path), str(path)
    kind = source.suffix.lower()
    if kind not in (*_HDF5, ".npz", ".npy", *_TIFF):
        raise FileError(
            f"{path} is of no kind that is read; give NPZ, NPY, TIFF, or HDF5 or CXI, by their "
            "endings"
        )
    with opened(path, "give a file") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        if kind in _HDF5:
            return _read_hdf5(source, size)
        if kind == ".npz":
            return _read_npz(file, name)
        if kind == ".npy":
            return PhaseFile(name, {"intensity": read_npy(file, size, name)}, ())
        return PhaseFile(name, {"intensity": read_tiff_stack(file.read(), name)}, ())


def _read_npz(file: BinaryIO, name: str) -> PhaseFile:
    arrays, others = read_npz(file, name, lambda key: _ALIASES.get(key, key) in KNOWN)
    found = {_ALIASES.get(key, key): array for key, array in arrays.items()}
    return PhaseFile(name, found, _shown(others))


def _read_hdf5(path: Path, size: int) -> PhaseFile:
    h5py = h5py_for(path)
    found: dict[str, Array] = {}
    others: list[str] = []
    with (
        reading(str(path), "damaged or no HDF5 file", "fetch it again"),
        h5py.File(path, "r") as file,
    ):
        held = _data_sets(h5py, file, "", set())
        # an image may be what others reconstructed from the detector's data
        for name, item in sorted(held, key=lambda pair: _ends_in(pair[0], _IMAGE, _CXI_DATA)):
            last = name.rsplit("/", 1)[-1]
            known = "intensity" if last == _CXI_DATA else _ALIASES.get(last, last)
            if _ends_in(name, _DETECTOR, "distance"):
                known = "detector_distance"
            if last == "energy" and "wavelength" not in found:
                found["wavelength"] = _wavelength(_plain(item, name, path, size), path)
            elif known in KNOWN and known not in found:
                found[known] = _plain(item, name, path, size)
            else:
                others.append(name)
    return PhaseFile(str(path), found, _shown(others))


def _ends_in(name: str, group: str, last: str) -> bool:
    """Return whether a path ends in a data set of that name in such a group."""
    parts = name.split("/")
    return len(parts) > 1 and parts[-1] == last and parts[-2].startswith(group)


def _data_sets(h5py: Any, group: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield path and data set of all that is in the file itself, each once."""
    if prefix.count("/") > _DEEPEST:
        raise FileError(f"{group.file.filename} nests its groups more than {_DEEPEST} deep")
    for key in group:
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            continue  # links may lead in circles, or into other files
        item = group[key]
        if isinstance(item, h5py.Dataset):
            yield prefix + key, item
        elif isinstance(item, h5py.Group):
            address = h5py.h5o.get_info(item.id).addr
            if address not in seen:
                seen.add(address)
                yield from _data_sets(h5py, item, f"{prefix}{key}/", seen)


def _plain(item: Any, name: str, path: Path, size: int) -> Array:
    """Return the numbers of a data set, once it is known that the file can hold them."""
    where = f"{path}: {printable(name)}"
    if item.dtype.kind not in "biufc" or item.shape is None:
        raise FileError(f"{where} holds {item.dtype}, not numbers; leave it out or rename it")
    if item.external:
        raise FileError(f"{where} has its numbers in another file; copy them into this one")
    # one stored chunk may stand for very many equal entries, but not without limit
    refuse_bomb(where, math.prod(item.shape) * item.dtype.itemsize, size)
    refuse_bomb(where, math.prod(item.chunks or (0,)) * item.dtype.itemsize, size)
    return np.asarray(item[()])


def _wavelength(energy: Array, path: Path) -> Array:
    if energy.dtype.kind not in "iuf" or not (energy > 0.0).all():
        raise FileError(f"{path}: energy must be positive joules, got {energy}")
    return np.asarray(_JOULE_METRE / energy)


def _shown(names: Sequence[str]) -> tuple[str, ...]:
    """Return some of the names, fit for a message."""
    shown = tuple(printable(name)[:_LONGEST] for name in names[:_MOST])
    return shown if len(names) <= _MOST else (*shown, f"and {len(names) - _MOST} more")
