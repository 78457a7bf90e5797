"""The recovered samples of a long recording, kept on disk until the output is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.io.atomic import STANDARD
from recover.io.errors import FileError

__all__ = ["Blend", "Patch", "patch_beside"]


class Patch:
    """Values in the order in which they were appended, in a nameless temporary file."""

    def __init__(self, file: BinaryIO, dtype: np.dtype[Any]) -> None:
        self._file, self._dtype = file, dtype

    def append(self, values: Array) -> None:
        """Add values at the end."""
        try:
            self._file.write(values.astype(self._dtype).tobytes())
        except OSError as error:
            raise _full(error) from None

    def rewind(self) -> None:
        """Start taking from the first value; nothing is appended any more."""
        try:
            self._file.seek(0)
        except OSError as error:
            raise _full(error) from None

    def take(self, count: int) -> Array:
        """Return the next values."""
        return np.frombuffer(self._file.read(count * self._dtype.itemsize), dtype=self._dtype)


@contextmanager
def patch_beside(output: str | Path, dtype: np.dtype[Any]) -> Iterator[Patch]:
    """Open a patch on the disk of `output`; it vanishes at the end, or with the process."""
    folder = None if str(output) == STANDARD else Path(output).parent
    with ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        except OSError as error:
            raise _full(error) from None
        yield Patch(file, dtype)


class Blend:
    """Weighted sums of recovered stretches, in chunks that are given up once they are used.

    Parameters
    ----------
    size : int
        Frames of a chunk.
    channels : int
    """

    def __init__(self, size: int, channels: int) -> None:
        self._size, self._channels = size, channels
        self._chunks: dict[int, Array] = {}

    def add(self, channel: int, start: int, values: Array) -> None:
        """Add values to one channel from frame `start` on."""
        stop = start + len(values)
        for index in range(start // self._size, -(-stop // self._size)):
            if index not in self._chunks:
                self._chunks[index] = np.zeros((self._size, self._channels))
            origin = index * self._size
            low, high = max(start, origin), min(stop, origin + self._size)
            chunk = self._chunks[index]
            chunk[low - origin : high - origin, channel] += values[low - start : high - start]

    def pop(self, index: int, frames: int) -> Array:
        """Return the first frames of a chunk, zeros if nothing was added, and forget it."""
        if index not in self._chunks:
            return np.zeros((frames, self._channels))
        return self._chunks.pop(index)[:frames]


def _full(error: OSError) -> FileError:
    return FileError(
        f"recovered samples could not be kept beside the output: {error.strerror or error}; "
        "nothing was written"
    )
