"""Writing FLAC through libsndfile, with the errors of the disk kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import BinaryIO, cast

import numpy as np

from recover.core.arrays import Array

__all__ = ["write_flac"]


def write_flac(
    file: BinaryIO,
    blocks: Iterable[Array],
    channels: int,
    rate: int,
    *,
    subtype: str,
    metadata: Mapping[str, str],
) -> None:
    """Write a FLAC file block by block.

    Parameters
    ----------
    file : binary file
        Open for writing, seekable.
    blocks : iterable of array of int32 [shape=(any, channels)]
        Samples at the file's own scale.
    channels, rate : int
    subtype : str
        "PCM_16" or "PCM_24".
    metadata : mapping of str to str
        Title, artist and the like.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    import soundfile

    guarded = _Remembering(file)
    try:
        with soundfile.SoundFile(
            cast(BinaryIO, guarded),
            "w",
            samplerate=rate,
            channels=channels,
            format="FLAC",
            subtype=subtype,
        ) as out:
            for key, value in metadata.items():
                setattr(out, key, value)
            for integers in blocks:
                # soundfile takes 24-bit samples in the upper bits of 32
                out.write(integers * 256 if subtype == "PCM_24" else integers.astype(np.int16))
                if guarded.error is not None:
                    break
    except soundfile.LibsndfileError:
        if guarded.error is None:
            raise
    if guarded.error is not None:
        raise guarded.error


class _Remembering:
    """A file whose write errors are kept: libsndfile's callbacks would only print them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, or keep the error and claim to have written, as soundfile insists on it."""
        if self.error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.error = error
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read as the file does."""
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Seek, or keep the error (buffered data are written first) and stay."""
        if self.error is None:
            try:
                return self._file.seek(offset, whence)
            except OSError as error:
                self.error = error
        return 0

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()
