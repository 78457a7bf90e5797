"""Blind changes to a file's bytes: what a bad disk, a cut download or an attacker leaves."""

from __future__ import annotations

import random
import struct

# sizes and counts at which readers err: zero, one, signs, and what overflows a product
EXTREMES = (
    0,
    1,
    2,
    255,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**62,
    2**63,
    2**64 - 1,
)
_FORMATS = ("B", "H", "I", "Q")
_HEADER = 96  # bytes at the beginning that are changed more often


def _place(rng: random.Random, data: bytearray) -> int:
    """Return an offset, every other time in what is usually the header."""
    most = max(len(data) - 1, 0)
    return rng.randint(0, min(most, _HEADER) if rng.random() < 0.5 else most)


def flip_bits(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if data:
            data[_place(rng, data)] ^= 1 << rng.randrange(8)
    return data


def run_of_bytes(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    start, size = _place(rng, data), rng.choice((1, 4, 16, 64, 512))
    size = min(size, len(data) - start)
    value = rng.choice((b"\0", b"\xff", b"\x80", None))
    data[start : start + size] = rng.randbytes(size) if value is None else value * size
    return data


def truncate(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    return data[: rng.randint(0, len(data))]


def splice(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    """Put a piece of another file, or of this one, in the place of a piece."""
    source = other if rng.random() < 0.5 else bytes(data)
    start = rng.randint(0, len(source))
    piece = source[start : start + rng.choice((2, 8, 64, 1024))]
    at = _place(rng, data)
    data[at : at + rng.choice((0, len(piece)))] = piece
    return data


def extreme_field(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    kind, order = rng.choice(_FORMATS), rng.choice("<>")
    width = struct.calcsize(kind)
    value = (rng.choice(EXTREMES) + rng.choice((-1, 0, 0, 1))) % 2 ** (8 * width)
    at = _place(rng, data)
    at -= at % width if rng.random() < 0.5 else 0
    if at + width <= len(data):
        struct.pack_into(order + kind, data, at, value)
    return data


def delete(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    at = _place(rng, data)
    del data[at : at + rng.choice((1, 4, 64))]
    return data


def append(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    return data + (other if rng.random() < 0.5 else rng.randbytes(rng.choice((1, 1000))))


MUTATORS = (
    flip_bits,
    run_of_bytes,
    truncate,
    splice,
    extreme_field,
    extreme_field,
    delete,
    append,
)


def mutated(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Return `data` after one to three changes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        changed = bytearray(rng.choice(MUTATORS)(rng, changed, other))
    return bytes(changed)
