"""NPY and NPZ files of anybody's: plain arrays, sizes checked before memory is asked for.

NumPy's own reader evaluates a header as a Python expression and allocates what it claims; here
a header must be the dictionary that the format asks for, of a type without objects, and the
file must hold as many bytes as it claims.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from recover.core.arrays import Array
from recover.io.errors import FileError
from recover.io.guard import printable, reading, refuse_bomb

__all__ = ["MAGIC", "read_npy", "read_npz"]

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10000
_FIELD = re.compile(
    rb"""\s*['"](?P<key>descr|fortran_order|shape)['"]\s*:\s*
    (?:['"](?P<type>[<>|=]?(?:\?|[biufcSUmM][1-9]\d{0,8}(?:\[\w{1,4}\])?))['"]
    |(?P<order>True|False)
    |\(\s*(?P<shape>(?:\d{1,19}L?\s*,\s*)*(?:\d{1,19}L?)?)\s*\))\s*(?:,|$)""",
    re.VERBOSE,
)
_MOST_AXES = 32
_LARGEST = 2**60  # bytes
_CURE = "save it with numpy.save"
_ENDING = ".npy"
_PIECE = 2**20  # bytes read at a time


def read_npy(stream: IO[bytes], size: int, name: str) -> Array:
    """Return the array of an NPY file; no pickled object is ever loaded.

    Parameters
    ----------
    stream : binary file
        At the file's first byte.
    size : int
        Bytes from there to the file's end.
    name : str
        For messages.

    Raises
    ------
    FileError
        If the file is damaged, or holds objects or records.

    References
    ----------
    ``numpy.lib.format``, versions 1.0 to 3.0.
    """
    with reading(name, "not a usable NPY file", _CURE):
        head = stream.read(8)
        if head[:6] != MAGIC or len(head) < 8 or head[6] not in (1, 2, 3):
            raise FileError(f"{name} is not a usable NPY file; {_CURE}")
        width = 2 if head[6] == 1 else 4
        length = int.from_bytes(stream.read(width), "little")
        if length > _LONGEST_HEADER:
            raise FileError(f"{name} is not a usable NPY file: its header is too long; {_CURE}")
        dtype, shape, fortran = _described(stream.read(length), name)
        needed, held = math.prod(shape) * dtype.itemsize, size - 8 - width - length
        if needed > held:
            raise FileError(
                f"{name} is not a usable NPY file: {needed:.4g} bytes of {dtype} {shape} are "
                f"promised, {held} are there; fetch it again"
            )
        array: Array = np.empty(math.prod(shape), dtype)
        _fill(array, stream, name)
        return array.reshape(shape[::-1]).transpose() if fortran else array.reshape(shape)


def read_npz(
    file: IO[bytes], name: str, wanted: Callable[[str], bool] | None = None
) -> tuple[dict[str, Array], list[str]]:
    """Return the arrays of an NPZ file, and the names of what was not read.

    Parameters
    ----------
    file : binary file
        Seekable.
    name : str
        For messages.
    wanted : callable, optional
        Whether the array of a name is to be read; all are by default.

    Raises
    ------
    FileError
        If the file is damaged, unpacks to far more than its size, or holds objects where plain
        arrays are wanted.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    found: dict[str, Array] = {}
    others = []
    kind = "damaged or not an NPZ file of plain arrays"
    with reading(name, kind, "save it with numpy.savez"), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        refuse_bomb(name, sum(member.file_size for member in members), size)
        for member in members:
            key = member.filename.removesuffix(_ENDING)
            if not member.filename.endswith(_ENDING) or not (wanted is None or wanted(key)):
                others.append(key)
                continue
            if key in found:
                raise FileError(f"{name} holds {printable(key)} twice; save it again")
            with archive.open(member) as stream:
                found[key] = read_npy(stream, member.file_size, f"{name}: {printable(key)}")
    return found, others


def _described(header: bytes, name: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Return type, shape and whether columns come first."""
    text = header.strip()
    fields: dict[bytes, re.Match[bytes]] = {}
    inner = text[1:-1].strip() if text[:1] == b"{" and text[-1:] == b"}" else b""
    at = 0
    while at < len(inner):
        match = _FIELD.match(inner, at)
        if match is None or match["key"] in fields:
            break
        fields[match["key"]], at = match, match.end()
    kind, order, shape = (
        fields[key][part] if key in fields else None
        for key, part in ((b"descr", "type"), (b"fortran_order", "order"), (b"shape", "shape"))
    )
    if at < len(inner) or kind is None or order is None or shape is None:
        raise FileError(
            f"{name} is not a usable NPY file: its header is damaged, or not that of a plain "
            f"array (objects are never loaded); {_CURE}"
        )
    sizes = tuple(int(part) for part in re.findall(rb"\d+", shape))
    if len(sizes) > _MOST_AXES:
        raise FileError(f"{name} has {len(sizes)} axes; arrays have at most {_MOST_AXES}")
    dtype = np.dtype(kind.decode())
    if math.prod(n or 1 for n in sizes) * dtype.itemsize > _LARGEST:
        raise FileError(f"{name} claims the shape {sizes}, which no array has; fetch it again")
    return dtype, sizes, order == b"True"


def _fill(array: Array, stream: IO[bytes], name: str) -> None:
    """Read an array's bytes."""
    if array.nbytes == 0:
        return
    plain, at = array.view(np.uint8), 0
    while at < plain.size:
        piece = stream.read(min(plain.size - at, _PIECE))
        if not piece:
            raise FileError(f"{name} is truncated; fetch the whole file again")
        plain[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
