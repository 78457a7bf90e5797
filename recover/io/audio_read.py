"""Reading recordings: exact samples, and one clear line for a file that is not one."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.io.atomic import STANDARD
from recover.io.errors import FileError

__all__ = ["AudioFile", "read_audio"]

# subtypes whose samples need more than the 24 bits of a float32
_WIDE = ("PCM_32", "DOUBLE")
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
    content : bytes
        What standard input held, so that an unclipped recording can be handed on unchanged.
    """

    samples: Array
    rate: int
    format: str
    subtype: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    path: str = STANDARD
    content: bytes = b""

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[1])

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate


def read_audio(path: str | Path) -> AudioFile:
    """Read a recording (WAV, FLAC, AIFF, OGG and whatever else libsndfile reads).

    Parameters
    ----------
    path : str or Path
        A file, or "-" for standard input.

    Returns
    -------
    AudioFile

    Raises
    ------
    FileError
        If the file is missing, empty, truncated, not a recording, has no samples, or holds NaN
        or infinity.
    """
    import soundfile

    name = "standard input" if str(path) == STANDARD else str(path)
    try:
        stream, content = _opened(path)
        with stream:
            _refuse_truncated(stream, name)
            with soundfile.SoundFile(stream) as file:
                promised = file.frames
                wide = file.subtype in _WIDE
                samples = file.read(dtype="float64" if wide else "float32", always_2d=True)
                rate, kind, subtype = file.samplerate, file.format, file.subtype
                tags = file.copy_metadata().items()
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{name} cannot be read: {error.strerror or error}") from None
    except soundfile.LibsndfileError as error:
        raise FileError(
            f"{name} cannot be read as a recording: {error.error_string.strip()} Give a WAV, "
            "FLAC, AIFF or OGG file"
        ) from None
    if len(samples) < promised:
        raise FileError(
            f"{name} is truncated: {len(samples)} of {promised} samples could be read; "
            "fetch the whole file again"
        )
    if samples.size == 0:
        raise FileError(f"{name} holds no samples; there is nothing to recover")
    _refuse_nonfinite(samples, name)
    metadata = {key: value for key, value in tags if value}
    return AudioFile(samples, rate, kind, subtype, metadata, str(path), content)


def _opened(path: str | Path) -> tuple[BinaryIO, bytes]:
    """Return the file open for reading, and its content if it is standard input."""
    if str(path) == STANDARD:
        content = sys.stdin.buffer.read()
        return io.BytesIO(content), content
    if not Path(path).exists():
        raise FileError(f"{path} does not exist; check the name")
    if Path(path).is_dir():
        raise FileError(f"{path} is a directory; give a recording")
    return Path(path).open("rb"), b""


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


def _refuse_nonfinite(samples: Array, name: str) -> None:
    finite = np.isfinite(samples)
    if not finite.all():
        frame, channel = (int(i) for i in np.argwhere(~finite)[0])
        raise FileError(
            f"{name} holds {finite.size - np.count_nonzero(finite)} NaN or infinite sample(s), "
            f"the first at sample {frame} of channel {channel}; repair it first"
        )
