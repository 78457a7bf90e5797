"""OpenEXR files of scan lines: uncompressed or ZIP in, uncompressed float out.

None of the packages that `recover` stands on writes EXR.  Other compressions are read by the
package OpenEXR, the extra `exr`.
"""

from __future__ import annotations

import importlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import MissingExtraError
from recover.io.errors import FileError
from recover.io.guard import printable, reading, refuse_bomb

__all__ = ["MAGIC", "read_exr", "write_exr"]

MAGIC = b"\x76\x2f\x31\x01"
_TYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype("<u4"),
    1: np.dtype("<f2"),
    2: np.dtype("<f4"),
}
_LINES = {0: 1, 2: 1, 3: 16}  # rows of a chunk: uncompressed, ZIPS, ZIP
_ORDERS = (("R", "G", "B"), ("Y",))
_UNUSUAL = 0x200 | 0x800 | 0x1000  # tiles, deep data, several parts


@dataclass(frozen=True)
class _Header:
    """What the header of a scan-line file says."""

    channels: tuple[tuple[str, int], ...]
    compression: int
    window: tuple[int, int, int, int]
    size: int
    unusual: bool

    @property
    def width(self) -> int:
        """Columns."""
        return self.window[2] - self.window[0] + 1

    @property
    def height(self) -> int:
        """Rows."""
        return self.window[3] - self.window[1] + 1

    @property
    def pixel(self) -> int:
        """Bytes of one pixel, all channels together."""
        return sum(_TYPES[kind].itemsize for _, kind in self.channels)


def read_exr(
    data: bytes, name: str, path: str | None
) -> tuple[Array, Array | None, tuple[str, ...]]:
    """Return the samples, shape (h, w, 3) or (h, w), alpha or None, and what else there is.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        For messages.
    path : str or None
        Where the file is, for the package OpenEXR; None if it is not on disk.

    Raises
    ------
    FileError
        If it is damaged, or its channels are neither RGB nor Y.
    MissingExtraError
        If its compression needs the package OpenEXR.
    """
    if data[:4] != MAGIC:
        raise FileError(f"{name} is not an EXR file")
    with reading(name, "a damaged EXR file", "fetch it again"):
        header = _header(data)
        refuse_bomb(name, header.width * header.height * header.pixel, len(data))
        if header.unusual or header.compression not in _LINES:
            return _sorted(_by_package(path, name), name)
        return _sorted(_planes(data, header), name)


def write_exr(file: BinaryIO, samples: Array, alpha: Array | None, comment: str) -> None:
    """Write samples, shape (h, w) or (h, w, 3), as float32 in uncompressed scan lines."""
    planes = samples if samples.ndim == 3 else samples[..., None]
    names = ["Y"] if planes.shape[-1] == 1 else ["R", "G", "B"]
    stored = dict(zip(names, np.moveaxis(planes, -1, 0), strict=True))
    if alpha is not None:
        stored["A"] = alpha
    height, width = planes.shape[:2]
    box = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    order = sorted(stored)
    listed = b"".join(n.encode() + b"\0" + struct.pack("<iiii", 2, 0, 1, 1) for n in order)
    attributes = [
        ("channels", "chlist", listed + b"\0"),
        ("comments", "string", comment.encode()),
        ("compression", "compression", b"\0"),
        ("dataWindow", "box2i", box),
        ("displayWindow", "box2i", box),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
        ("screenWindowCenter", "v2f", struct.pack("<ff", 0.0, 0.0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1.0)),
    ]
    head = MAGIC + struct.pack("<i", 2)
    for key, kind, value in attributes:
        head += key.encode() + b"\0" + kind.encode() + b"\0"
        head += struct.pack("<i", len(value)) + value
    head += b"\0"
    line = 4 * width * len(order)
    first = len(head) + 8 * height
    file.write(head)
    file.write((first + np.arange(height, dtype="<u8") * (line + 8)).astype("<u8").tobytes())
    rows = np.stack([stored[n].astype("<f4") for n in order], axis=1)  # (h, channels, w)
    for y in range(height):
        file.write(struct.pack("<ii", y, line) + rows[y].tobytes())


def _header(data: bytes) -> _Header:
    """Return the header."""
    unusual = struct.unpack("<i", data[4:8])[0] & _UNUSUAL != 0
    attributes: dict[str, bytes] = {}
    at = 8
    while data[at] != 0:
        end = data.index(b"\0", at)
        kind_end = data.index(b"\0", end + 1)
        (size,) = struct.unpack("<i", data[kind_end + 1 : kind_end + 5])
        start = kind_end + 5
        if not 0 <= size <= len(data) - start:
            raise ValueError(f"an attribute of {size} bytes")
        attributes[data[at:end].decode("latin-1")] = data[start : start + size]
        at = start + size
    channels, raw, place = [], attributes["channels"], 0
    while raw[place] != 0:
        end = raw.index(b"\0", place)
        kind, _, across, down = struct.unpack("<iiii", raw[end + 1 : end + 17])
        unusual = unusual or (across, down) != (1, 1)
        channels.append((raw[place:end].decode("latin-1"), kind))
        place = end + 17
    window = struct.unpack("<iiii", attributes["dataWindow"])
    return _Header(tuple(channels), attributes["compression"][0], window, at + 1, unusual)


def _planes(data: bytes, header: _Header) -> dict[str, Array]:
    """Return every channel of a scan-line file."""
    height, width = header.height, header.width
    if min(height, width) < 1:
        raise ValueError("no pixels")
    line = width * header.pixel
    per_chunk = _LINES[header.compression]
    chunks = -(-height // per_chunk)
    offsets = np.frombuffer(data, "<u8", chunks, header.size)
    if header.compression == 0 and height * line > len(data):
        raise ValueError("truncated")
    planes = {n: np.empty((height, width), _TYPES[kind]) for n, kind in header.channels}
    for offset in map(int, offsets):
        if offset > len(data):
            raise ValueError("truncated")
        y, size = struct.unpack_from("<ii", data, offset)
        first = y - header.window[1]
        rows = min(per_chunk, height - first)
        body = data[offset + 8 : offset + 8 + size]
        if header.compression != 0 and size < rows * line:
            body = _unzipped(body, rows * line)
        if first < 0 or size < 0 or len(body) != rows * line:
            raise ValueError("truncated")
        at = 0
        for row in range(first, first + rows):
            for n, kind in header.channels:
                planes[n][row] = np.frombuffer(body, _TYPES[kind], width, at)
                at += width * _TYPES[kind].itemsize
    return planes


def _unzipped(body: bytes, size: int) -> bytes:
    """Undo deflation, the differences of bytes, and their split into two halves."""
    unpacked = zlib.decompressobj().decompress(body, size + 1)  # a bomb goes no further
    coded = np.frombuffer(unpacked, np.uint8).copy()
    coded[1:] -= 128
    plain = np.cumsum(coded, dtype=np.uint8)
    out = np.empty_like(plain)
    half = (plain.size + 1) // 2
    out[::2], out[1::2] = plain[:half], plain[half:]
    return out.tobytes()


def _sorted(
    planes: Mapping[str, Array], name: str
) -> tuple[Array, Array | None, tuple[str, ...]]:
    """Return the channels in the order of colour pictures, and the names of the others."""
    for order in _ORDERS:
        if all(n in planes for n in order):
            stacked = np.stack([planes[n] for n in order], axis=-1)
            colour = stacked if len(order) > 1 else stacked[..., 0]
            native = colour.astype(colour.dtype.newbyteorder("="), copy=False)
            others = sorted(set(planes) - {*order, "A"})
            besides = (f"channel(s) {printable(', '.join(others))}",) if others else ()
            return native, planes.get("A"), besides
    raise FileError(
        f"{name} has the channels {printable(', '.join(sorted(planes)))}; images need R, G, B "
        "or Y"
    )


def _by_package(path: str | None, name: str) -> dict[str, Array]:
    try:
        library: Any = importlib.import_module("OpenEXR")
    except ImportError:
        raise MissingExtraError(
            f"{name} is compressed in a way that needs the package OpenEXR; install it with "
            "pip install 'recover[exr]', or save the file with ZIP compression"
        ) from None
    if path is None:
        raise FileError(f"{name}: EXR files of this compression are read from files only")
    channels = library.File(path, separate_channels=True).channels()
    return {str(n): np.asarray(each.pixels) for n, each in channels.items()}
