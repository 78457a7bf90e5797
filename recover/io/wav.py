"""A plain WAV file as bytes: deterministic, exact, in chunks of bounded size."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.io.wav_chunks import NO_EXTRAS, WavExtras

__all__ = ["WAV_BITS", "write_wav"]

# subtype -> (format tag, bits): 1 is integer PCM, 3 is IEEE float
_CODES = {
    "PCM_U8": (1, 8),
    "PCM_16": (1, 16),
    "PCM_24": (1, 24),
    "PCM_32": (1, 32),
    "FLOAT": (3, 32),
    "DOUBLE": (3, 64),
}
WAV_BITS = {name: bits for name, (_, bits) in _CODES.items()}
_INFO = {
    "title": b"INAM",
    "artist": b"IART",
    "comment": b"ICMT",
    "copyright": b"ICOP",
    "date": b"ICRD",
    "album": b"IPRD",
    "genre": b"IGNR",
    "tracknumber": b"ITRK",
    "software": b"ISFT",
}
_STRIP = 2**18  # frames encoded at a time
_RIFF_LIMIT = 2**32 - 1
_EXTENSIBLE = 0xFFFE  # the format tag that states speakers; the true one follows them
_FAMILY = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"


def write_wav(
    file: BinaryIO,
    blocks: Iterable[Array],
    shape: tuple[int, int],
    rate: int,
    *,
    subtype: str,
    metadata: Mapping[str, str],
    extras: WavExtras = NO_EXTRAS,
) -> None:
    """Write a WAV file; the same arguments always give the same bytes.

    Parameters
    ----------
    file : binary file
        Open for writing.
    blocks : iterable of array [shape=(any, channels)]
        Integers for the PCM subtypes (at the file's own scale), floats for FLOAT and DOUBLE.
    shape : tuple of int
        (n, channels) of all blocks together.
    rate : int
        Samples per second.
    subtype : str
        One of `WAV_BITS`.
    metadata : mapping of str to str
        Written as a LIST INFO chunk; fields that WAV does not have are left out.
    extras : WavExtras
        Speakers and further chunks, from the source.
    """
    tag, bits = _CODES[subtype]
    frames, channels = shape
    align = channels * bits // 8
    size = frames * align
    info = _info_chunk(metadata)
    said = _EXTENSIBLE if extras.speakers else tag
    fmt = struct.pack("<HHIIHH", said, channels, rate, rate * align, align, bits)
    if extras.speakers:
        fmt += struct.pack("<HHIH", 22, bits, extras.speakers, tag) + _FAMILY
    elif tag == 3:
        fmt += struct.pack("<H", 0)
    head = b"fmt " + struct.pack("<I", len(fmt)) + fmt
    if tag == 3:
        head += b"fact" + struct.pack("<II", 4, min(frames, _RIFF_LIMIT))
    head += extras.chunks
    total = 4 + len(head) + len(info) + 8 + size + size % 2
    if total > _RIFF_LIMIT:  # RF64 keeps the true sizes in a ds64 chunk
        sizes = struct.pack("<QQQI", total + 36, size, frames, 0)
        file.write(b"RF64" + struct.pack("<I", _RIFF_LIMIT) + b"WAVE")
        file.write(b"ds64" + struct.pack("<I", len(sizes)) + sizes)
    else:
        file.write(b"RIFF" + struct.pack("<I", total) + b"WAVE")
    file.write(head + info + b"data" + struct.pack("<I", min(size, _RIFF_LIMIT)))
    for block in blocks:
        for start in range(0, len(block), _STRIP):
            file.write(_encode(block[start : start + _STRIP], bits, tag))
    file.write(b"\0" * (size % 2))


def _encode(samples: Array, bits: int, tag: int) -> bytes:
    if tag == 3:
        return samples.astype("<f4" if bits == 32 else "<f8").tobytes()
    if bits == 8:
        return (samples + 128).astype(np.uint8).tobytes()
    if bits == 24:
        wide = np.ascontiguousarray(samples.astype("<i4"))
        return wide.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return samples.astype(f"<i{bits // 8}").tobytes()


def _info_chunk(metadata: Mapping[str, str]) -> bytes:
    body = b""
    for key, code in _INFO.items():
        if metadata.get(key):
            text = metadata[key].encode("utf-8") + b"\0"
            body += code + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    return b"LIST" + struct.pack("<I", 4 + len(body)) + b"INFO" + body if body else b""
