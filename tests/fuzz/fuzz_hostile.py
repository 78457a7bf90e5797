"""Files made to hurt a reader: extreme sizes, bombs, pickles, loops, links elsewhere."""

from __future__ import annotations

import io
import itertools
import json
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

Named = tuple[str, str, bytes]
SIZES = (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**33, 2**62, 2**63 - 1, 2**63, 2**64)
_OME = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
MARKER = "poisoned"  # the file that a loaded pickle would write


def deflated_zeros(size: int, head: bytes = b"", wrapped: bool = True) -> bytes:
    """Return `head` and about `size` zeros, deflated; a zlib stream's checksum is wrong."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(2**22)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = first + block * (size // 2**22) + b"\3\0"
    return b"\x78\x9c" + body + bytes(4) if wrapped else body


class _Poison:
    """An object whose pickle runs code where it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (eval, (f"open({MARKER!r}, 'w').close()",))


def poisoned_npy() -> bytes:
    """Return an NPY file of objects whose pickle writes a file."""
    buffer = io.BytesIO()
    array = np.empty(1, dtype=object)
    array[0] = _Poison()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


# --- recordings ---------------------------------------------------------------------------


def _wave(fmt: bytes, body: bytes, size: int | None = None, riff: int | None = None) -> bytes:
    chunks = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt
    chunks += b"data" + struct.pack("<I", len(body) if size is None else size) + body
    return b"RIFF" + struct.pack("<I", len(chunks) if riff is None else riff) + chunks


def wav() -> Iterator[Named]:
    body = bytes(range(256)) * 4
    for size in (0, 1, 3, 2**31 - 1, 2**31, 2**32 - 1):
        fmt = struct.pack("<HHIIHH", 1, 2, 16000, 64000, 4, 16)
        yield f"data of {size}", ".wav", _wave(fmt, body, size)
        yield f"data and riff of {size}", ".wav", _wave(fmt, body, size, size)
    for channels, rate, bits in itertools.product(
        (0, 1, 1024, 65535), (0, 1, 2**31 - 1, 2**32 - 1), (0, 1, 16, 32, 64, 65535)
    ):
        align = channels * bits // 8 % 65536
        fmt = struct.pack("<HHIIHH", 1, channels, rate, rate * align % 2**32, align, bits)
        yield f"{channels} channels at {rate} Hz of {bits} bits", ".wav", _wave(fmt, body)
    fmt = struct.pack("<HHIIHHH", 3, 1, 16000, 64000, 4, 32, 0)
    for value in (np.inf, -np.inf, np.nan, 3e38, 1e-45):
        yield f"samples of {value}", ".wav", _wave(fmt, np.full(64, value, "<f4").tobytes())
    for size in (2**40, 2**63 - 1, 2**64 - 1):
        sizes = struct.pack("<QQQI", size, size, size, 0)
        head = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", 28) + sizes
        head += (
            b"fmt " + struct.pack("<I", 16) + struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16)
        )
        yield f"RF64 of {size}", ".wav", head + b"data\xff\xff\xff\xff" + body
        w64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0" + struct.pack("<Q", size)
        yield f"W64 of {size}", ".w64", w64 + body


def flac() -> Iterator[Named]:
    for total, channels in itertools.product((0, 1, 2**31, 2**36 - 1), (1, 8)):
        packed = (16000 << 44) | ((channels - 1) << 41) | (15 << 36) | total
        info = (
            struct.pack(">HH", 4096, 4096) + b"\0" * 6 + struct.pack(">Q", packed) + b"\0" * 16
        )
        yield (
            f"{total} samples declared",
            ".flac",
            b"fLaC\x80\0\0\x22" + info + b"\xff\xf8" * 20,
        )
    yield "comments of 16 MB", ".flac", b"fLaC\x84\xff\xff\xff" + b"\xff" * 64


# --- images -------------------------------------------------------------------------------


def _png_of(
    width: int, height: int, bits: int, colour: int, body: bytes, lace: int = 0
) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, lace)
    parts = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    )


def png() -> Iterator[Named]:
    for width, height in itertools.product((0, 1, 65535, 2**31 - 1, 2**32 - 1), repeat=2):
        for bits, colour in ((16, 2), (8, 6), (16, 0), (1, 0)):
            body = zlib.compress(b"\0" * 100)
            label = f"{width} x {height} of {bits} bits, colour {colour}"
            yield label, ".png", _png_of(width, height, bits, colour, body)
    packed = deflated_zeros(3 * 2**30)
    yield "bomb behind a small picture", ".png", _png_of(4, 4, 16, 2, packed)
    yield "bomb of 16 bits", ".png", _png_of(2**14, 2**15, 16, 2, packed)
    yield "bomb of 8 bits", ".png", _png_of(2**14, 2**16, 8, 2, packed)
    for filters in (5, 255):
        rows = (bytes([filters]) + bytes(24)) * 4
        yield f"row filter {filters}", ".png", _png_of(4, 4, 16, 2, zlib.compress(rows))
    good = _png_of(4, 4, 16, 2, zlib.compress(bytes(25) * 4))
    text = b"iTXtXML:com.adobe.xmp\0\1\0\0\0" + packed[:10]
    for kind, data in (
        (b"iCCP", b"icc\0\0" + packed), (b"zTXt", b"a\0\0" + packed), (b"iTXt", text[4:]),
        (b"tRNS", b"\0"), (b"eXIf", b"II*\0\xff\xff\xff\xff"), (b"pHYs", b"\xff" * 9),
        (b"PLTE", b"\0" * 5), (b"sBIT", b""), (b"gAMA", b""),
    ):  # fmt: skip
        chunk = _chunk(kind, data)
        yield f"chunk {kind.decode()}", ".png", good[:33] + chunk + good[33:]
    yield "chunk size of 4 GB", ".png", good[:33] + b"\xff\xff\xff\xffIDAT" + good[33:]


def png_checked(data: bytes, rng: random.Random) -> bytes:
    """Make the checksums of a PNG file's chunks right, every other time."""
    if rng.random() < 0.5 or data[:8] != b"\x89PNG\r\n\x1a\n":
        return data
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + size > len(data):
            break
        parts.append(_chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return b"".join(parts) + data[at:]


def simple_images() -> Iterator[Named]:
    for size in (0, 1, 65536, 2**31 - 1, 2**32 - 1):
        head = struct.pack("<IiiHHIIiiII", 40, size % 2**31, 7, 1, 24, 0, 0, 0, 0, 0, 0)
        yield f"BMP of width {size}", ".bmp", b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head
        yield f"PPM of width {size}", ".ppm", f"P6 {size} {size} 255\n".encode() + b"\0" * 99
        yield f"PGM with peak {size}", ".pgm", f"P5 3 3 {size}\n".encode() + b"\0" * 99
    yield "PPM of digits", ".ppm", b"P6 " + b"9" * 10000 + b" 3 255\n"
    yield (
        "GIF of 4 GP",
        ".gif",
        b"GIF89a\xff\xff\xff\xff\x80\0\0" + b"\0" * 6 + b"," + bytes(99),
    )
    jpeg = b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3\1\x11\0\2\x11\1\3\x11\1"
    yield "JPEG of 4 GP", ".jpg", jpeg + b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0" + bytes(99)
    yield "JPEG without end", ".jpg", b"\xff\xd8" + b"\xff\xe1\xff\xff" * 9


def _tag(code: int, kind: int, count: int, value: int, order: str = "<") -> bytes:
    return struct.pack(order + "HHII", code, kind, count % 2**32, value % 2**32)


def _tiff_of(tags: list[bytes], after: bytes = b"", following: int = 0) -> bytes:
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + b"".join(tags)
    return head + struct.pack("<I", following) + after


def tiff() -> Iterator[Named]:
    def tags(**changed: int) -> list[bytes]:
        plain = {"width": 4, "height": 4, "bits": 8, "compression": 1, "photometric": 1,
                 "offset": 8, "samples": 1, "rows": 4, "count": 16, **changed}  # fmt: skip
        codes = {
            "width": 256,
            "height": 257,
            "bits": 258,
            "compression": 259,
            "photometric": 262,
            "offset": 273,
            "samples": 277,
            "rows": 278,
            "count": 279,
        }
        return [_tag(codes[k], 4, 1, v) for k, v in plain.items()]  # fmt: skip

    for name, value in itertools.product(
        ("width", "height", "bits", "compression", "photometric", "offset", "samples", "rows",
         "count"), (0, 3, 65535, 2**20, 2**31 - 1, 2**31, 2**32 - 1),
    ):  # fmt: skip
        yield f"{name} of {value}", ".tif", _tiff_of(tags(**{name: value}), bytes(64))
    for value in (65535, 2**20, 2**31):
        big = tags(width=value, height=value, rows=value)
        yield f"{value} x {value}", ".tif", _tiff_of(big, bytes(64))
        yield (
            f"{value} x {value} deflated",
            ".tif",
            _tiff_of(tags(width=value, height=value, rows=value, compression=8), bytes(64)),
        )
    yield "directory that follows itself", ".tif", _tiff_of(tags(), bytes(64), 8)
    yield "10^9 counts", ".tif", _tiff_of([*tags()[:-1], _tag(279, 4, 10**9, 8)], bytes(64))
    yield "10^9 offsets", ".tif", _tiff_of([_tag(273, 4, 10**9, 8), *tags()], bytes(64))
    yield (
        "profile of 4 GB",
        ".tif",
        _tiff_of([*tags(), _tag(34675, 7, 2**32 - 1, 8)], bytes(64)),
    )
    for kind in range(20):
        odd = [*tags()[:3], _tag(282, kind, 1, 8), _tag(34665, kind, 9, 8), *tags()[3:]]
        yield f"tags of type {kind}", ".tif", _tiff_of(odd, bytes(64))
    yield "far directory", ".tif", b"II*\0\xff\xff\xff\x7f"
    yield "BigTIFF far", ".tif", b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63)
    many = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + struct.pack("<Q", 2**63) + bytes(99)
    yield "BigTIFF of 2^63 tags", ".tif", many
    entry = struct.pack("<HHQQ", 256, 16, 2**61, 16)
    yield (
        "BigTIFF tag of 2^64 bytes",
        ".tif",
        (b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1) + entry + bytes(16)),
    )
    body = deflated_zeros(2**28)
    bomb = tags(
        width=2**14, height=2**14, rows=2**14, compression=8, count=len(body), offset=130
    )
    yield "bomb", ".tif", _tiff_of(bomb).ljust(130, b"\0") + body
    body = deflated_zeros(3 * 2**30)
    bomb = tags(width=4, height=4, rows=4, compression=8, count=len(body), offset=130)
    yield "bomb behind a small picture", ".tif", _tiff_of(bomb).ljust(130, b"\0") + body
    text = b"ImageJ=1.11a\nimages=1000000000\nslices=1000000000\nhyperstack=true\0"
    notes = [_tag(270, 2, len(text), 150), *tags()]
    yield "ImageJ of 10^9 pictures", ".tif", _tiff_of(notes).ljust(150, b"\0") + text
    for size in (10**4, 10**9, 2**63):
        text = (
            f'<?xml version="1.0"?><OME {_OME}><Image ID="Image:0">'
            f'<Pixels DimensionOrder="XYCZT" SizeX="4" SizeY="4" SizeC="1" SizeZ="{size}" '
            f'SizeT="{size}" Type="uint8"><TiffData/></Pixels></Image></OME>'
        ).encode() + b"\0"
        notes = [_tag(270, 2, len(text), 150), *tags()]
        yield f"OME of {size} planes", ".tif", _tiff_of(notes).ljust(150, b"\0") + text
        text = json.dumps({"shape": [size, 4, 4]}).encode() + b"\0"
        notes = [_tag(270, 2, len(text), 150), *tags()]
        yield f"shaped of {size} planes", ".tif", _tiff_of(notes).ljust(150, b"\0") + text
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    text = (
        f'<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY l0 "ha">{laughs}]><OME '
        f"{_OME}>&l11;</OME>"
    ).encode() + b"\0"
    notes = [_tag(270, 2, len(text), 150), *tags()]
    yield "OME of a billion laughs", ".tif", _tiff_of(notes).ljust(150, b"\0") + text


def exr() -> Iterator[Named]:
    def made(window: tuple[int, int, int, int], compression: int = 0, kind: int = 2,
             names: tuple[bytes, ...] = (b"R", b"G", b"B"), body: bytes = bytes(400),
             size: int | None = None) -> bytes:  # fmt: skip
        listed = (
            b"".join(n + b"\0" + struct.pack("<iiii", kind, 0, 1, 1) for n in names) + b"\0"
        )
        attributes = [
            (b"channels", b"chlist", listed),
            (b"compression", b"compression", bytes([compression])),
            (b"dataWindow", b"box2i", struct.pack("<iiii", *window)),
            (b"displayWindow", b"box2i", struct.pack("<iiii", *window)),
            (b"lineOrder", b"lineOrder", b"\0"),
            (b"pixelAspectRatio", b"float", struct.pack("<f", 1.0)),
            (b"screenWindowCenter", b"v2f", struct.pack("<ff", 0.0, 0.0)),
            (b"screenWindowWidth", b"float", struct.pack("<f", 1.0)),
        ]
        head = b"\x76\x2f\x31\x01" + struct.pack("<i", 2)
        for key, what, value in attributes:
            stated = len(value) if size is None else size
            head += key + b"\0" + what + b"\0" + struct.pack("<i", stated) + value
        return head + b"\0" + body

    ends = (-(2**31), -1, 0, 3, 2**16, 2**31 - 1)
    for low, high in itertools.product(ends, ends):
        for compression in (0, 3, 4):
            yield (
                f"from {low} to {high} by {compression}",
                ".exr",
                made((low, low, high, high), compression),
            )
            yield (
                f"wide from {low} to {high} by {compression}",
                ".exr",
                made((low, 0, high, 3), compression),
            )
    for compression in range(12):
        yield f"compression {compression}", ".exr", made((0, 0, 3, 3), compression)
    for kind in (-1, 3, 2**31 - 1):
        yield f"samples of type {kind}", ".exr", made((0, 0, 3, 3), kind=kind)
    for size in (-1, -20, -(2**31), 2**31 - 1):
        yield f"attributes of {size} bytes", ".exr", made((0, 0, 3, 3), size=size)
    yield "no channels", ".exr", made((0, 0, 2**15, 2**15), names=())
    names = tuple(b"c%d" % i for i in range(20000))
    yield "20000 channels", ".exr", made((0, 0, 2**12, 2**12), names=names)
    yield "channels of one name", ".exr", made((0, 0, 3, 3), names=(b"Y",) * 3)
    first = len(made((0, 0, 3, 3), 3, body=b"")) + 8
    packed = deflated_zeros(2**31)
    body = struct.pack("<Q", first) + struct.pack("<ii", 0, len(packed)) + packed
    yield "bomb in a chunk", ".exr", made((0, 0, 3, 3), 3, body=body)
    for offset in (0, 2**31, 2**63, 2**64 - 1):
        body = struct.pack("<Q", offset) * 4 + struct.pack("<ii", 0, 48) + bytes(48)
        yield f"chunk at {offset}", ".exr", made((0, 0, 3, 3), body=body)
    body = struct.pack("<Q", first) * 4 + struct.pack("<ii", 0, -1) + bytes(48)
    yield "chunk of -1 bytes", ".exr", made((0, 0, 3, 3), body=body)


def fits() -> Iterator[Named]:
    def made(cards: dict[str, Any], body: bytes = bytes(2880)) -> bytes:
        text = "".join(f"{key:<8}= {value!s:>20}".ljust(80) for key, value in cards.items())
        text += "END"
        return text.ljust(-(-len(text) // 2880) * 2880).encode() + body

    for size, count in itertools.product(
        (-1, 0, 1, 10**5, 2**31, 2**63, 10**30), (1, 2, 3, 999)
    ):
        for bits in (8, -64, 7):
            axes = {f"NAXIS{k + 1}": size for k in range(min(count, 3))}
            cards = {"SIMPLE": "T", "BITPIX": bits, "NAXIS": count, **axes}
            yield f"{count} axes of {size}, {bits} bits", ".fits", made(cards)
    plain = {"SIMPLE": "T", "BITPIX": 16, "NAXIS": 2, "NAXIS1": 4, "NAXIS2": 4}
    for key, value in (
        ("SATURATE", 2**70), ("SATURATE", 1e308), ("BSCALE", "'a'"), ("BSCALE", 1e308),
        ("BZERO", 1e400), ("BLANK", 2**70), ("PCOUNT", 2**62), ("GCOUNT", 2**40), ("EXTEND", 3),
        ("GROUPS", "T"), ("MP_SAT", -1), ("SATURATE", "NaN"), ("TELESCOP", 4), ("EXTNAME", 7),
    ):  # fmt: skip
        yield f"{key} of {value}", ".fits", made({**plain, key: value})
    yield "no end", ".fits", b"SIMPLE  =                    T".ljust(80) * 200
    table = {
        "XTENSION": "'BINTABLE'",
        "BITPIX": 8,
        "NAXIS": 2,
        "NAXIS1": 8,
        "NAXIS2": 4,
        "PCOUNT": 0,
        "GCOUNT": 1,
        "TFIELDS": 1,
        "TFORM1": "'1PB(4)'",
        "TTYPE1": "'COMPRESSED_DATA'",
        "ZIMAGE": "T",
        "ZBITPIX": 16,
        "ZNAXIS": 2,
        "ZNAXIS1": 4,
        "ZNAXIS2": 4,
        "ZTILE1": 4,
        "ZTILE2": 1,
        "ZCMPTYPE": "'RICE_1'",
    }
    empty = made({"SIMPLE": "T", "BITPIX": 8, "NAXIS": 0, "EXTEND": "T"}, b"")
    for changed in (
        {}, {"ZNAXIS1": 2**31}, {"ZNAXIS1": 2**15, "ZNAXIS2": 2**15}, {"ZTILE1": 0},
        {"ZTILE1": 2**40}, {"ZNAXIS": 0}, {"ZBITPIX": 5}, {"ZCMPTYPE": "'HCOMPRESS_1'"},
        {"ZCMPTYPE": "'PLIO_1'"}, {"ZCMPTYPE": "'GZIP_2'"}, {"TFORM1": "'9999999999PB'"},
        {"PCOUNT": 2**40}, {"NAXIS2": 2**40}, {"TFIELDS": 999}, {"ZBLOCKED": -1},
    ):  # fmt: skip
        part = made({**table, **changed}, struct.pack(">ii", 4, 0) * 4 + bytes(2848))
        yield f"compressed with {changed}", ".fits", empty + part


def dng() -> Iterator[Named]:
    for label, _, data in tiff():
        if "bomb" not in label:
            yield label, ".dng", data
    for ending in (".cr2", ".nef", ".arw", ".raf", ".orf", ".rw2", ".crw", ".x3f", ".mrw"):
        heads = (b"FUJIFILMCCD-RAW ", b"II\x1a\0\0\0HEAPCCDR", b"\0MRM", b"IIRO\x08\0\0\0",
                 b"IIU\0\x18\0\0\0", b"II*\0\x10\0\0\0CR\2\0")  # fmt: skip
        for head in heads:
            yield f"{ending} of {head[:8]!r}", ending, head + b"\xff" * 4000


# --- arrays -------------------------------------------------------------------------------


def npy_of(header: str, body: bytes = bytes(64), version: int = 1) -> bytes:
    """Return an NPY file with a header of one's own."""
    text = header.encode("latin-1" if version < 3 else "utf-8")
    size = struct.pack("<H" if version == 1 else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + b"\n" + body


def npy() -> Iterator[Named]:
    for label, data in _npy_files():
        yield label, ".npy", data


def _npy_files() -> Iterator[tuple[str, bytes]]:
    def header(descr: str = "'<f8'", shape: str = "(2, 4)", order: str = "False") -> str:
        return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"

    yield "a poisoned pickle", poisoned_npy()
    for size in SIZES:
        for shape in (f"({size},)", f"({size}, {size})", f"({size}, 0)", f"({-size},)"):
            for descr in ("'<f8'", "'|u1'", "'|V0'", "'<U0'", "'|O'"):
                yield f"shape {shape} of {descr}", npy_of(header(descr, shape))
    for descr in (
        "'|O'", "'<U100000000'", "'|V2147483647'", "'<M8[s]'", "'m8'", "'|S0'", "'<c8'",
        "'>f2'",
        "'<f16'", "[('a', '<f8'), ('b', '|O')]", "[('a', '<f8', (1000000, 1000000))]", "'x'",
        "[]", "None", "3", "('<f8', (2, 2))", "'<f8' * 3", "'|b1'", "{}", "'<i8,<f4'",
        "[('', '|V0')]", "'" + "(9,)" * 30 + "f8'", "[" * 80 + "]" * 80,
    ):  # fmt: skip
        yield f"type {descr[:40]}", npy_of(header(descr))
    for shape in (
        "3",
        "None",
        "(True, 4)",
        "(2.0, 4)",
        "('a',)",
        "(2,) * 3",
        "()",
        "(1,) * 40",
        "(" + "1, " * 33 + ")",
        "(" + "1, " * 65 + ")",
        "(9" + "9" * 5000 + ",)",
    ):
        yield f"shape {shape[:30]}", npy_of(header(shape=shape))  # fmt: skip
    for text in (
        "", "{", "[]", "{'descr': '<f8'}", "(" * 5000, "-" * 9000 + "1", "9" * 9000,
        "__import__('os').system('touch poisoned')", "{" * 200 + "}" * 200, "\0" * 50,
        "{'descr': '<f8', 'fortran_order': 7, 'shape': (2, 4), }", "[" * 90 + "]" * 90,
        "{1: 2, **{3: 4}}", "'\\N{BULLET'", "0x" + "f" * 9000, "1L",
        "{'a': " * 90 + "1" + "}" * 90,
    ):  # fmt: skip
        for version in (1, 2, 3):
            yield f"header {text[:20]!r} in version {version}", npy_of(text, version=version)
    yield "header of 4 GB", b"\x93NUMPY\2\0\xff\xff\xff\xff{"
    yield "version 255", b"\x93NUMPY\xff\xff\0\0"
    yield "no version", b"\x93NUMPY"
    for value in (np.nan, np.inf, 1e308, 5e-324):
        yield f"entries of {value}", npy_of(header(), np.full(8, value).tobytes())


def zip_of(members: list[tuple[str, bytes]], *, packed: bool = True) -> bytes:
    """Return a ZIP file."""
    buffer = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", kind) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, kind)
    return buffer.getvalue()


def npz() -> Iterator[Named]:
    names = ("magnitude", "support", "fc1.weight", "meta", "shape", "rows")
    for index, (label, data) in enumerate(_npy_files()):
        name = names[index % len(names)]
        yield f"{name}: {label}", ".npz", zip_of([(f"{name}.npy", data)])
    for name in names:
        yield f"{name}: pickle", ".npz", zip_of([(f"{name}.npy", poisoned_npy())])
        yield f"{name}: raw pickle", ".npz", zip_of([(f"{name}.npy", pickle.dumps(_Poison()))])
        yield f"{name}: no ending", ".npz", zip_of([(name, b"words")])
    yield "a bare pickle", ".npz", pickle.dumps(_Poison())
    yield "a bare array", ".npz", poisoned_npy()
    yield "nothing", ".npz", zip_of([])
    for name in ("../../out.npy", "/etc/out.npy", "C:\\out.npy", "a/../../b.npy",
                 "magnitude.npy/", "\0.npy", "magnitude\n.npy", ".npy",
                 "x" * 60000 + ".npy"):  # fmt: skip
        good = npy_of("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }")
        yield f"named {name[:20]!r}", ".npz", zip_of([(name, good), ("magnitude.npy", good)])
    zeros = npy_of("{'descr': '|u1', 'fortran_order': False, 'shape': (3221225472,), }", b"")
    for name in names:
        yield f"{name}: bomb cut short", ".npz", _bomb(f"{name}.npy", zeros, 2**27)
    yield "bomb", ".npz", _bomb("magnitude.npy", zeros, 3 * 2**30)
    yield "bomb of weights", ".npz", _bomb("W1.npy", zeros, 3 * 2**30)
    yield "bomb of meta data", ".npz", _bomb("meta.npy", zeros, 3 * 2**30)
    good = zip_of([("magnitude.npy", npy_of("{'descr': '<f8', 'fortran_order': False, "
                                            "'shape': (2, 4), }"))])  # fmt: skip
    for size in (0, 2**31, 2**32 - 1):
        for at in (18, 22):
            local = bytearray(good)
            struct.pack_into("<I", local, at, size)
            yield f"local size {at} of {size}", ".npz", bytes(local)
        for at in (20, 24, 42):
            central = bytearray(good)
            struct.pack_into("<I", central, good.index(b"PK\1\2") + at, size)
            yield f"central field {at} of {size}", ".npz", bytes(central)
    for kind in (0, 1, 9, 12, 14, 93, 99):
        other = bytearray(good)
        struct.pack_into("<H", other, 8, kind)
        struct.pack_into("<H", other, good.index(b"PK\1\2") + 10, kind)
        yield f"compression {kind}", ".npz", bytes(other)
    locked = bytearray(good)
    locked[6] |= 1
    locked[good.index(b"PK\1\2") + 8] |= 1
    yield "encrypted", ".npz", bytes(locked)
    yield "the same name twice", ".npz", _twice()
    for name, array in (
        ("shape", np.array([2**40, 2**40])), ("shape", np.array([-1, 0])),
        ("shape", np.array([10**5, 10**5])), ("positions", np.full((4, 2), 2**40)),
        ("positions", np.array([[0, 0], [10**6, 10**6]])), ("distances", np.array([1e308])),
        ("wavelength", np.float64(0.0)), ("wavelength", np.float64(-1.0)),
        ("pixel_size", np.float64(1e-300)), ("probe", np.zeros((0, 0))),
        ("masks", np.zeros((0, 8, 8))), ("support", np.zeros((0,))), ("bad", np.ones((8, 8))),
        ("rows", np.zeros((0, 0))), ("dark", np.array("words")), ("real", np.array("words")),
    ):  # fmt: skip
        pattern = np.ones((4, 8, 8))
        plain: dict[str, Any] = {"magnitude": pattern if name in ("shape", "positions", "probe",
                                 "masks") else pattern[0]}  # fmt: skip
        if name in ("shape", "positions", "probe"):
            plain |= {"probe": np.ones((8, 8)), "positions": np.array([[0, 0], [0, 4], [4, 0],
                                                                       [4, 4]])}  # fmt: skip
        if name in ("distances", "wavelength", "pixel_size"):
            plain |= {"distances": np.array([0.1]), "wavelength": 5e-7, "pixel_size": 1e-5}
        buffer = io.BytesIO()
        np.savez(buffer, **{**plain, name: array})
        yield f"{name} of {str(array)[:30]!r}", ".npz", buffer.getvalue()


def _bomb(name: str, head: bytes, size: int) -> bytes:
    """Return an archive of one member that unpacks to `head` and `size` zeros."""
    body, unpacked = deflated_zeros(size, head, wrapped=False), len(head) + size
    names = name.encode()
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(body), unpacked,
                        len(names), 0)  # fmt: skip
    central = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, len(body),
                          unpacked, len(names), 0, 0, 0, 0, 0, 0)  # fmt: skip
    start = len(local) + len(names) + len(body)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(central) + len(names), start, 0)
    return local + names + body + central + names + end


def _twice() -> bytes:
    import warnings

    good = npy_of("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zip_of([("magnitude.npy", good), ("magnitude.npy", poisoned_npy())])


def npz_checked(data: bytes, rng: random.Random) -> bytes:
    """Write a mutant's members into a new archive, so that its checksums are right."""
    if rng.random() < 0.3:
        return data
    members = []
    for start in _found(data, b"PK\3\4"):
        if start + 30 > len(data):
            continue
        _, kind = struct.unpack_from("<HH", data, start + 6)
        size, name_size, extra = struct.unpack_from("<I4xHH", data, start + 18)
        first = start + 30 + name_size + extra
        name = data[start + 30 : start + 30 + min(name_size, 100)].decode("latin-1")
        body = data[first : first + size if size < len(data) else None]
        if kind == zipfile.ZIP_DEFLATED:
            try:
                body = zlib.decompressobj(-15).decompress(data[first:], 2**20)
            except zlib.error:
                continue
        if rng.random() < 0.5 and len(body) > 12:
            changed = bytearray(body)
            changed[rng.randrange(min(len(body), 130))] ^= 1 << rng.randrange(8)
            body = bytes(changed)
        members.append((name.replace("\0", ""), body))
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zip_of(members, packed=rng.random() < 0.5) if members else data


def _found(data: bytes, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)


def saved() -> Iterator[Named]:
    def made(meta: Any, **arrays: Any) -> bytes:
        text = meta if isinstance(meta, bytes) else json.dumps(meta).encode()
        buffer = io.BytesIO()
        np.savez(buffer, meta=np.frombuffer(text, np.uint8), **arrays)
        return buffer.getvalue()

    formats = ("recover-audio-1", "recover-image-1", "recover-phase-1", "recover-recovery-1",
               "recover-evidence-1")  # fmt: skip
    for name in formats:
        for meta in (
            {"format": name}, {"format": name, "certificate": {}},
            {"format": name, "rate": "x"},
            {"format": name, "levels": 3, "certificate": None, "status": "x"},
        ):  # fmt: skip
            yield f"{name} of {len(meta)} fields", ".npz", made(meta, samples=np.zeros(3))
    for label, text in _json_texts():
        yield f"meta data {label}", ".npz", made(text.encode("utf-8", "surrogatepass") or b" ")


def hdf5() -> Iterator[Named]:
    import h5py

    def made(fill: Any) -> bytes:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            fill(file)
        return buffer.getvalue()

    def sized(shape: tuple[int, ...], **options: Any) -> bytes:
        return made(lambda f: f.create_dataset("data", shape, "f8", **options))

    for size in (2**20, 2**31, 2**40, 2**62):
        yield f"{size} entries never written", ".h5", sized((size,), chunks=(1024,))
        yield (
            f"{size} entries, packed",
            ".h5",
            sized((size,), chunks=(1024,), compression="gzip"),
        )
    yield "2^40 squared", ".h5", sized((2**40, 2**20), chunks=(8, 8))
    yield "chunks of 4 GB", ".h5", sized((2**31,), chunks=(2**28,), compression="gzip")
    yield "an empty data set", ".h5", made(lambda f: f.create_dataset("data", (0, 3), "f8"))
    yield (
        "a null data set",
        ".h5",
        made(lambda f: f.create_dataset("data", data=h5py.Empty("f"))),
    )
    text = h5py.string_dtype()
    yield "words", ".h5", made(lambda f: f.create_dataset("data", (3,), text))
    yield "lists", ".h5", made(lambda f: f.create_dataset("data", (3,), h5py.vlen_dtype("i4")))
    yield "references", ".h5", made(lambda f: f.create_dataset("data", (3,), h5py.ref_dtype))
    fields = np.dtype([("a", "f4"), ("b", "S4000")])
    yield "records", ".h5", made(lambda f: f.create_dataset("data", (3,), fields))
    yield (
        "opaque",
        ".h5",
        made(
            lambda f: f.create_dataset(
                "data", data=np.zeros(3, "M8[s]").astype(h5py.opaque_dtype("M8[s]"))
            )
        ),
    )
    yield (
        "raw data in another file",
        ".h5",
        made(lambda f: f.create_dataset("data", (4,), "u1", external=[("/etc/passwd", 0, 4)])),
    )
    yield (
        "a link to another file",
        ".h5",
        made(lambda f: f.__setitem__("data", h5py.ExternalLink("/etc/passwd", "/x"))),
    )
    yield "a loop", ".h5", made(lambda f: f.__setitem__("a/b", f["/"]))
    yield "energy of zero", ".h5", made(lambda f: f.__setitem__("energy", 0.0))
    yield "energy in words", ".h5", made(lambda f: f.__setitem__("energy", "high"))

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((2**33,), "f8")
        layout[:4] = h5py.VirtualSource("no_such_file.h5", "x", (4,))
        file.create_virtual_dataset("data", layout)

    yield "a virtual data set", ".h5", made(virtual)

    def deep(file: Any) -> None:
        group = file
        for _ in range(2000):
            group = group.create_group("g")
        group["data"] = 1.0

    yield "2000 groups deep", ".h5", made(deep)

    def bomb(file: Any) -> None:
        data = file.create_dataset(
            "data", (2**28,), "f8", chunks=(2**22,), compression="gzip", compression_opts=1
        )
        packed = deflated_zeros(2**25)
        for k in range(2**6):
            data.id.write_direct_chunk((k * 2**22,), packed)

    yield "a bomb", ".h5", made(bomb)


def safetensors() -> Iterator[Named]:
    def made(header: Any, body: bytes = bytes(64), size: int | None = None) -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(text) if size is None else size) + text + body

    def tensor(dtype: str = "F32", shape: Any = (4, 4), span: Any = (0, 64)) -> dict[str, Any]:
        return {"dtype": dtype, "shape": shape, "data_offsets": span}

    for size in (0, 1, 7, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1):
        yield f"header of {size}", ".safetensors", made({"W1": tensor()}, size=size)
        yield f"shape of {size}", ".safetensors", made({"W1": tensor(shape=[size, 4])})
        yield f"span to {size}", ".safetensors", made({"W1": tensor(span=[0, size])})
        yield f"span from {size}", ".safetensors", made({"W1": tensor(span=[size, 64])})
    for dtype in (
        "F64",
        "F16",
        "BF16",
        "F8_E4M3",
        "F8_E5M2",
        "I64",
        "BOOL",
        "U16",
        "C64",
        "O",
        "",
    ):
        width = {"F64": 8, "I64": 8, "C64": 8, "F16": 2, "BF16": 2, "U16": 2}.get(dtype, 1)
        entry = tensor(dtype, [64 // width // 4, 4])
        yield f"type {dtype}", ".safetensors", made({"W1": entry})
    for shape in ([-1, 4], [[4], 4], "4", None, [4.0, 4], [1] * 100, [16, 0], []):
        yield f"shape {str(shape)[:20]}", ".safetensors", made({"W1": tensor(shape=shape)})
    both = {"W1": tensor(), "W2": tensor()}
    yield "overlapping", ".safetensors", made(both)
    yield "metadata of words", ".safetensors", made({"__metadata__": "words", "W1": tensor()})
    for label, text in _json_texts():
        yield f"header {label}", ".safetensors", made(text.encode("utf-8", "surrogatepass"))
    many = {f"W{k}": tensor(shape=[0, 4], span=[0, 0]) for k in range(3000)}
    yield "3000 tensors", ".safetensors", made(many, b"")
    names = {"\n": tensor(), "W\0": tensor(span=[64, 128]), "é" * 999: tensor(span=[128, 192])}
    yield "odd names", ".safetensors", made(names, bytes(192))


def _json_texts() -> Iterator[tuple[str, str]]:
    for text in ("", "null", "3", "[]", "{}", "{", "nul", '{"a": 1,}', "\ufeff{}", "'a'"):
        yield repr(text), text
    for deep in (500, 5000, 200000):
        yield f"lists {deep} deep", "[" * deep + "]" * deep
        yield f"objects {deep} deep", '{"a":' * deep + "1" + "}" * deep
        yield f"open lists {deep} deep", "[" * deep
    yield "a number of 10^6 digits", "9" * 10**6
    yield "an exponent of 10^6", '{"certificate": 1e1000000}'
    yield "NaN", '{"certificate": NaN}'
    yield "a name of 10^6 letters", json.dumps({"a" * 10**6: 1})
    yield "half a surrogate", '{"certificate": "\\ud800"}'
    yield "names twice", '{"certificate": {}, "certificate": 3}'


def certificates() -> Iterator[Named]:
    for label, text in _json_texts():
        yield label, ".json", text.encode("utf-8", "surrogatepass")
        inner = f'{{"certificate": {text or "null"}}}'
        yield f"certificate of {label}", ".json", inner.encode("utf-8", "surrogatepass")
    yield "bytes that are no text", ".json", b"\xff\xfe{}\x80"
    for beside in (
        "../../x.npz",
        "/etc/passwd",
        "",
        ".",
        "..",
        "a\0b",
        3,
        None,
        ["x"],
        "x" * 5000,
    ):
        data = {"certificate": {"evidence": {"arrays": {}}}, "arrays_beside": beside}
        yield f"evidence beside in {str(beside)[:15]!r}", ".json", json.dumps(data).encode()
    for deep in (100, 400, 900):
        text = '{"parts": [{"label": "a", "certificate": ' * deep + "{}" + "}]}" * deep
        yield f"{deep} parts deep", ".json", f'{{"certificate": {text}}}'.encode()


def believed() -> Iterator[Named]:
    """Yield files of some kilobytes that unpack to as much as is believed without proof."""
    import h5py
    import tifffile
    from astropy.io import fits as astropy_fits

    width = 4700
    rows = zlib.compress(bytes(width * (6 * width + 1)), 9)
    yield "png", ".png", _png_of(width, width, 16, 2, rows)
    head = "{'descr': '|u1', 'fortran_order': False, 'shape': (10000, 13000), }"
    yield "npz", ".npz", zip_of([("magnitude.npy", npy_of(head, bytes(130_000_000)))])
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("data", (16_000_000,), "f8", chunks=(1_000_000,))
    yield "hdf5", ".h5", buffer.getvalue()
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((5700, 5700), np.float32), compression="zlib")
    yield "tiff", ".tif", buffer.getvalue()
    buffer = io.BytesIO()
    packed = astropy_fits.CompImageHDU(np.zeros((4000, 4000), np.int16))
    astropy_fits.HDUList([astropy_fits.PrimaryHDU(), packed]).writeto(buffer)
    yield "fits", ".fits", buffer.getvalue()
