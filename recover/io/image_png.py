"""PNG files of 16 bits per sample in several channels, and the writing of all PNG files.

Pillow truncates 16-bit colour to 8 bits, so these files are read here: the compressed stream
by zlib, the row filters along diagonals, on which no sample waits for another.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.io.errors import FileError
from recover.io.guard import refuse_bomb
from recover.io.image_file import ImageMetadata

__all__ = ["SIGNATURE", "decode_png", "png_header", "unfilter", "write_png"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
_COLOUR_TYPE = {1: 0, 3: 2, 2: 4, 4: 6}
_LEVEL = 6
_PAETH = 4  # the last of the row filters
_BAND = 256  # rows
_METRES = {"inch": 39.37007874015748, "cm": 100.0}


def png_header(data: bytes, name: str) -> tuple[int, int, int, int, int]:
    """Return (width, height, bits, colour type, interlace) of a PNG file's bytes."""
    if data[:8] != SIGNATURE or len(data) < 33:
        raise FileError(f"{name} is not a PNG file, or truncated; fetch the whole file again")
    width, height, bits, colour, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    return width, height, bits, colour, interlace


def decode_png(data: bytes, name: str) -> Array:
    """Return the samples of a PNG file of 8 or 16 bits, shape (h, w, channels).

    Raises
    ------
    FileError
        If it is damaged, interlaced, has a palette, or fewer than 8 bits per sample.
    """
    width, height, bits, colour, interlace = png_header(data, name)
    if bits not in (8, 16) or colour not in _CHANNELS or interlace:
        raise FileError(
            f"{name} is an interlaced or packed PNG with {bits} bits per sample; save it "
            "without interlacing"
        )
    step = _CHANNELS[colour] * bits // 8
    size = height * (width * step + 1)
    refuse_bomb(name, size, len(data))
    packed = b"".join(part for kind, part in _chunks(data) if kind == b"IDAT")
    try:
        unpacker = zlib.decompressobj()
        body = unpacker.decompress(packed, size + 1)  # never more than the header promises
    except zlib.error as error:
        raise FileError(f"{name} is damaged: {error}; fetch the whole file again") from None
    if len(body) != size:
        raise FileError(f"{name} is truncated; fetch the whole file again")
    rows = np.frombuffer(body, np.uint8).reshape(height, width * step + 1)
    plain = unfilter(rows[:, 1:].reshape(height, width, step), rows[:, 0], name)
    samples = plain.view(">u2").astype(np.uint16) if bits == 16 else plain
    return np.ascontiguousarray(samples)


def unfilter(coded: Array, kinds: Array, name: str = "the PNG file") -> Array:
    """Undo the row filters of PNG.

    A sample needs its left, upper and upper left neighbours; those on one diagonal (row +
    column constant) need only earlier diagonals, so each diagonal is one vector operation.

    Parameters
    ----------
    coded : array of uint8 [shape=(h, w, bytes of a pixel)]
        The filtered bytes.
    kinds : array of uint8 [shape=(h,)]
        Filter of each row: none, sub, up, average, Paeth.
    name : str
        For messages.

    Raises
    ------
    FileError
        If a row names another filter.

    References
    ----------
    ISO/IEC 15948:2004, section 9.
    """
    if kinds.max(initial=0) > _PAETH:
        raise FileError(f"{name} is damaged: row filter {int(kinds.max())} does not exist")
    height, width, step = coded.shape
    out = np.empty_like(coded)
    above = np.zeros((width, step), np.uint8)
    band = max(width // 2, _BAND)  # so that memory stays in proportion to the picture
    for first in range(0, height, band):
        part = slice(first, first + band)
        _unfilter_band(coded[part], kinds[part], above, out[part])
        above = out[part][-1]
    return out


def _unfilter_band(coded: Array, kinds: Array, border: Array, out: Array) -> None:
    """Undo the filters of some rows below the row `border`, into `out`."""
    height, width, step = coded.shape
    # skewed[d, r] is pixel (r - 1, d - r - 1); row 0 is the one above, zeros lie to the left
    skewed = np.zeros((height + width + 1, height + 1, step), np.uint8)
    skewed[1 : width + 1, 0] = border
    rows = np.arange(height)
    for first in range(0, height, _BAND):
        part = rows[first : first + _BAND]
        at = part[:, None] + np.arange(width)[None, :]
        skewed[at + 2, part[:, None] + 1] = coded[part]
    kind = np.concatenate([[0], kinds])[:, None]
    weights = [kind == k for k in range(_PAETH + 1)]
    for d in range(2, height + width + 1):
        top, stop = max(1, d - 1 - width + 1), min(height, d - 1) + 1
        rows_here = slice(top, stop)
        left = skewed[d - 1, rows_here].astype(np.int16)
        above = skewed[d - 1, top - 1 : stop - 1].astype(np.int16)
        corner = skewed[d - 2, top - 1 : stop - 1].astype(np.int16)
        if d - 1 <= height:  # the first column has nothing to its left
            left[-1], corner[-1] = 0, 0
        estimate = left + above - corner
        a, b, c = (np.abs(estimate - each) for each in (left, above, corner))
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))
        add = np.where(weights[1][rows_here], left, 0)
        add = np.where(weights[2][rows_here], above, add)
        add = np.where(weights[3][rows_here], (left + above) >> 1, add)
        add = np.where(weights[_PAETH][rows_here], paeth, add)
        skewed[d, rows_here] += add.astype(np.uint8)
    for first in range(0, height, _BAND):
        part = rows[first : first + _BAND]
        at = part[:, None] + np.arange(width)[None, :]
        out[part] = skewed[at + 2, part[:, None] + 1]


def write_png(file: BinaryIO, samples: Array, metadata: ImageMetadata, comment: str) -> None:
    """Write samples of uint8 or uint16, shape (h, w) or (h, w, 1 to 4), as a PNG file.

    Parameters
    ----------
    file : binary file
    samples : array of uint8 or uint16
        Grey, grey and alpha, RGB, or RGB and alpha.
    metadata : ImageMetadata
        Profile, EXIF, XMP and resolution are kept.
    comment : str
        A sentence for the text chunk; empty for none.
    """
    planes = samples if samples.ndim == 3 else samples[..., None]
    height, width, channels = planes.shape
    bits = 8 * planes.dtype.itemsize
    rows = np.ascontiguousarray(planes.astype(planes.dtype.newbyteorder(">")))
    rows = rows.view(np.uint8).reshape(height, -1)
    coded = np.empty((height, rows.shape[1] + 1), np.uint8)
    coded[:, 0] = 2  # every row as its difference from the one above
    coded[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=coded[1:, 1:])
    head = struct.pack(">IIBBBBB", width, height, bits, _COLOUR_TYPE[channels], 0, 0, 0)
    file.write(SIGNATURE + _chunk(b"IHDR", head))
    for kind, data in _side_chunks(metadata, comment):
        file.write(_chunk(kind, data))
    file.write(_chunk(b"IDAT", zlib.compress(coded.data, _LEVEL)))
    file.write(_chunk(b"IEND", b""))


def _side_chunks(metadata: ImageMetadata, comment: str) -> Iterator[tuple[bytes, bytes]]:
    if metadata.icc is not None:
        yield b"iCCP", b"icc\0\0" + zlib.compress(metadata.icc)
    if metadata.resolution is not None and metadata.resolution[2] in _METRES:
        across, down, unit = metadata.resolution
        per = [round(value * _METRES[unit]) for value in (across, down)]
        yield b"pHYs", struct.pack(">IIB", *per, 1)
    if metadata.exif is not None:
        yield b"eXIf", metadata.exif
    if metadata.xmp is not None:
        yield b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp
    if comment:
        yield b"tEXt", b"Comment\0" + comment.encode("latin-1", "replace")


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += size + 12
