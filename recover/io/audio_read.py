"""Reading recordings: exact samples, and one clear line for a file that is not one."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.io.atomic import STANDARD
from recover.io.errors import FileError
from recover.io.guard import opened, spooled, standard_input
from recover.io.wav_chunks import NO_EXTRAS, WavExtras, wav_extras

if TYPE_CHECKING:
    import soundfile

__all__ = ["AudioFile", "AudioSource", "open_audio", "read_audio"]

# subtypes whose samples need more than the 24 bits of a float32
_WIDE = ("PCM_32", "DOUBLE")
_HARMLESS = 2**28  # bytes that a recording may claim without proof
_MOST = 2**48  # samples per channel
_MISSING_SIZES = (0, 0xFFFFFFFF)  # what streaming writers leave where the size belongs


@dataclass(frozen=True, eq=False)
class AudioFile:
    """One recording as it stands in its file.

    Parameters
    ----------
    samples : array of float32 or float64 [shape=(n, channels)]
        Exact values; integer formats are scaled so that full scale is 1 (a power of two).
    rate : int
        Samples per second.
    format, subtype : str
        Container and coding in libsndfile's names, such as "WAV" and "PCM_16".
    metadata : mapping of str to str
        Title, artist and the like.
    path : str
        Where it came from; "-" for standard input.
    extras : WavExtras
        Speakers, markers and the like of a WAV file.
    """

    samples: Array
    rate: int
    format: str
    subtype: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    path: str = STANDARD
    extras: WavExtras = NO_EXTRAS

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[1])

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate


class AudioSource:
    """An open recording, read in blocks; made by `open_audio`.

    Attributes
    ----------
    frames, channels, rate : int
        Samples per channel, channels, and samples per second.
    format, subtype : str
        Container and coding in libsndfile's names.
    metadata : dict of str to str
        Title, artist and the like.
    dtype : dtype
        float32, or float64 where the file's samples need it.
    path : str
        Where it came from; "-" for standard input.
    extras : WavExtras
        Speakers, markers and the like of a WAV file.
    """

    def __init__(
        self, file: soundfile.SoundFile, stream: BinaryIO, path: str, extras: WavExtras
    ) -> None:
        self._file, self._stream = file, stream
        self.path, self.extras = path, extras
        self.frames, self.channels = int(file.frames), int(file.channels)
        self.rate = int(file.samplerate)
        self.format, self.subtype = str(file.format), str(file.subtype)
        self.dtype: np.dtype[Any] = np.dtype(
            np.float64 if self.subtype in _WIDE else np.float32
        )
        self.metadata = {key: value for key, value in file.copy_metadata().items() if value}

    def read(self, start: int, count: int) -> Array:
        """Return samples of all channels, shape (count, channels), from frame `start` on.

        Raises
        ------
        FileError
            If the file ends before, or the samples are not finite.
        """
        import soundfile

        try:
            if self._file.tell() != start:
                self._file.seek(start)
            samples = self._file.read(
                count,
                dtype="float64" if self.dtype == np.float64 else "float32",
                always_2d=True,
            )
        except soundfile.LibsndfileError as error:
            raise FileError(
                f"{_name(self.path)} cannot be read from sample {start} on: "
                f"{error.error_string.strip()} Fetch the whole file again"
            ) from None
        if len(samples) < count:
            raise FileError(
                f"{_name(self.path)} is truncated: {start + len(samples)} of {self.frames} "
                "samples could be read; fetch the whole file again"
            )
        _refuse_nonfinite(samples, start, _name(self.path))
        return np.asarray(samples)

    def blocks(self, size: int) -> Iterator[tuple[int, Array]]:
        """Yield (first frame, samples) of consecutive blocks of `size` frames."""
        for start in range(0, self.frames, size):
            yield start, self.read(start, min(size, self.frames - start))

    def whole(self) -> AudioFile:
        """Return everything at once."""
        size = self.frames * self.channels * self.dtype.itemsize
        if size <= _HARMLESS:
            samples = self.read(0, self.frames)
        else:  # a header that lies is found out before memory for all of it is asked for
            blocks = [block for _, block in self.blocks(_HARMLESS // (8 * self.channels))]
            samples = np.concatenate(blocks)
        return AudioFile(
            samples=samples,
            rate=self.rate,
            format=self.format,
            subtype=self.subtype,
            metadata=self.metadata,
            extras=self.extras,
            path=self.path,
        )

    def copy_to(self, file: BinaryIO) -> None:
        """Write the file's own bytes to another; nothing can be read afterwards."""
        self._file.close()
        # the stream's own buffer does not know where libsndfile left the descriptor
        with os.fdopen(os.dup(self._stream.fileno()), "rb") as own:
            own.seek(0)
            shutil.copyfileobj(own, file)


@contextmanager
def open_audio(path: str | Path) -> Iterator[AudioSource]:
    """Open a recording (WAV, FLAC, AIFF, OGG and whatever else libsndfile reads).

    Parameters
    ----------
    path : str or Path
        A file, or "-" for standard input, which is spooled to a temporary file.

    Yields
    ------
    AudioSource

    Raises
    ------
    FileError
        If the file is missing, empty, truncated, not a recording, or has no samples.
    """
    import soundfile

    name = _name(str(path))
    with _opened(path) as stream:
        _refuse_truncated(stream, name)
        extras = wav_extras(stream)
        try:
            # by its descriptor: libsndfile reads by itself, and keeps its errors
            os.lseek(stream.fileno(), 0, os.SEEK_SET)
            file = soundfile.SoundFile(stream.fileno(), closefd=False)
        except soundfile.LibsndfileError as error:
            raise FileError(
                f"{name} cannot be read as a recording: {error.error_string.strip()} Give a "
                "WAV, FLAC, AIFF or OGG file"
            ) from None
        with file:
            source = AudioSource(file, stream, str(path), extras)
            if source.frames <= 0 or source.channels <= 0 or source.rate <= 0:
                raise FileError(f"{name} holds no samples; there is nothing to recover")
            if source.frames > _MOST:  # what a stream without a length claims
                raise FileError(f"{name} claims {source.frames} samples; fetch it again")
            yield source


def read_audio(path: str | Path) -> AudioFile:
    """Read a recording at once; see `open_audio`.

    Raises
    ------
    FileError
        If the file is missing, empty, truncated, not a recording, has no samples, or holds NaN
        or infinity.
    """
    with open_audio(path) as source:
        return source.whole()


def _name(path: str) -> str:
    return "standard input" if path == STANDARD else path


@contextmanager
def _opened(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for reading; standard input is copied to a temporary file."""
    if str(path) != STANDARD:
        with opened(path, "give a recording") as file:
            yield file
        return
    with spooled(standard_input("give a recording"), _name(str(path))) as spool:
        yield spool


def _refuse_truncated(stream: BinaryIO, name: str) -> None:
    """Raise `FileError` if the stream is empty or shorter than its header promises."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    promised = _promised_size(stream.read(8))
    stream.seek(0)
    if size == 0:
        raise FileError(f"{name} is empty; give a recording")
    if promised > size + 1:
        raise FileError(
            f"{name} is truncated: its header promises {promised} bytes, it has {size}; "
            "fetch the whole file again"
        )


def _promised_size(head: bytes) -> int:
    """Return the file size that a RIFF or AIFF header promises, 0 if it promises none."""
    if head[:4] not in (b"RIFF", b"FORM"):
        return 0
    size = int.from_bytes(head[4:8], "little" if head[:4] == b"RIFF" else "big")
    return 0 if size in _MISSING_SIZES else size + 8


def _refuse_nonfinite(samples: Array, first: int, name: str) -> None:
    finite = np.isfinite(samples)
    if not finite.all():
        frame, channel = (int(i) for i in np.argwhere(~finite)[0])
        raise FileError(
            f"{name} holds {finite.size - np.count_nonzero(finite)} NaN or infinite sample(s), "
            f"the first at sample {first + frame} of channel {channel + 1}; repair it first"
        )
