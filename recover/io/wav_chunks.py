"""What a WAV file says besides its samples and texts: speakers, markers, time, loops."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["NO_EXTRAS", "WavExtras", "wav_extras"]

# Broadcast extension, markers, loops, instrument, XML of the recorder, and object audio: they
# speak of samples by their number or not at all, so they hold for the recovered ones too.
_KEPT = (b"bext", b"cue ", b"plst", b"smpl", b"inst", b"acid", b"iXML", b"axml", b"chna")
_LABELS = b"adtl"  # the list of markers' names; the list of texts is metadata
_MOST = 2**24  # bytes of all of them
_EXTENSIBLE = 0xFFFE
_UNKNOWN = 2**32 - 1  # a size that the ds64 chunk states


@dataclass(frozen=True)
class WavExtras:
    """Of a WAV file; the default is what other files have.

    Parameters
    ----------
    speakers : int
        Bits of the channels' speaker positions; 0 if they are not stated.
    chunks : bytes
        Whole chunks, as they are in the file.
    """

    speakers: int = 0
    chunks: bytes = b""


NO_EXTRAS = WavExtras()


def wav_extras(stream: BinaryIO) -> WavExtras:
    """Return what is kept of a WAV file; its position is lost.

    Nothing is raised: a damaged file gives what was found before the damage.

    Parameters
    ----------
    stream : binary file
        Open for reading, seekable.
    """
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(12)
    if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        return NO_EXTRAS
    speakers, kept, place, data_size = 0, b"", 12, 0
    while place + 8 <= size:
        stream.seek(place)
        name, length = struct.unpack("<4sI", stream.read(8))
        if length == _UNKNOWN and name == b"data":
            length = data_size
        if place + 8 + length > size:
            break
        if name == b"ds64" and length >= 16:
            data_size = struct.unpack("<8xQ", stream.read(16))[0]
        elif name == b"fmt " and length >= 40:
            speakers = _speakers(stream.read(40))
        elif len(kept) + length + 9 <= _MOST and (name in _KEPT or name == b"LIST"):
            body = stream.read(length)
            if name in _KEPT or body[:4] == _LABELS:
                kept += name + struct.pack("<I", length) + body + b"\0" * (length % 2)
        place += 8 + length + length % 2
    return WavExtras(speakers, kept)


def _speakers(body: bytes) -> int:
    tag, speakers = struct.unpack("<H18xI", body[:24])
    return int(speakers) if tag == _EXTENSIBLE else 0
