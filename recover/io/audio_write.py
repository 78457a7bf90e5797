"""Writing recordings: reliable samples keep their values, nothing is ever clipped again."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.io.atomic import STANDARD, check_writable, staged
from recover.io.audio_read import AudioFile
from recover.io.errors import FileError
from recover.io.wav import WAV_BITS, write_wav

__all__ = ["AudioFormat", "check_audio_output", "choose_format", "copy_audio", "write_audio"]

_CONTAINERS = {".wav": "WAV", ".wave": "WAV", ".flac": "FLAC"}
_INTEGER_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_FLAC_BITS = (16, 24)


@dataclass(frozen=True)
class AudioFormat:
    """How samples will be stored.

    Parameters
    ----------
    container : str
        "WAV" or "FLAC".
    subtype : str
        "PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT" or "DOUBLE".
    gain : float
        Every sample is multiplied by it: 1, or a power of two where an integer format must hold
        samples beyond full scale, so that no reliable sample loses a bit.
    """

    container: str
    subtype: str
    gain: float = 1.0


@dataclass(frozen=True, eq=False)
class _Source:
    subtype: str = "FLOAT"
    metadata: Mapping[str, str] = field(default_factory=dict)


def check_audio_output(path: str | Path, *, force: bool = False) -> str:
    """Return the container that `path` asks for, or raise `FileError` before work is done."""
    check_writable(path, force=force)
    return _container(path)


def choose_format(samples: Array, container: str, subtype: str = "FLOAT") -> AudioFormat:
    """Return a format that holds `samples` without clipping and keeps exact values exact.

    Parameters
    ----------
    samples : array [shape=(n, channels)]
        Full scale is 1.
    container : str
        "WAV" or "FLAC".
    subtype : str
        Coding of the source: its samples come back bit for bit.

    Raises
    ------
    FileError
        If no exact way exists (24-bit FLAC whose output goes beyond full scale).
    """
    bits = _INTEGER_BITS.get(subtype)
    if container == "WAV":
        if bits is None:
            return AudioFormat("WAV", "DOUBLE" if samples.dtype == np.float64 else "FLOAT")
        if _fits(samples, bits):
            return AudioFormat("WAV", "PCM_U8" if bits == 8 else subtype)
        return AudioFormat("WAV", "DOUBLE" if bits > 24 else "FLOAT")
    if bits is None or bits > 24:
        raise FileError(f"FLAC cannot hold {subtype} samples exactly; name the output .wav")
    for depth in _FLAC_BITS:
        if bits <= depth and _fits(samples, depth):
            return AudioFormat("FLAC", f"PCM_{depth}")
    for shift in range(1, 24 - bits + 1):
        gain = math.ldexp(1.0, -shift)
        if _fits(samples * gain, 24):
            return AudioFormat("FLAC", "PCM_24", gain)
    peak = float(np.abs(samples).max())
    raise FileError(
        f"the recovered peak {peak:.3f} is beyond full scale and FLAC cannot hold it exactly; "
        "name the output .wav to write floating-point samples"
    )


def write_audio(
    path: str | Path,
    samples: Array,
    rate: int,
    *,
    source: AudioFile | None = None,
    force: bool = False,
) -> AudioFormat:
    """Write a recording whole or not at all.

    Parameters
    ----------
    path : str or Path
        ``.wav`` or ``.flac``; "-" writes WAV to standard output.
    samples : array [shape=(n,) or (n, channels)]
        Full scale is 1; values beyond it are kept.
    rate : int
        Samples per second.
    source : AudioFile, optional
        Gives the sample format to keep where it fits, and the metadata to copy.
    force : bool
        Whether an existing file may be replaced.

    Returns
    -------
    AudioFormat
        What was written, with the gain.

    Raises
    ------
    FileError
        If the name asks for another format, the output exists or cannot be written.
    """
    container = check_audio_output(path, force=force)
    frames = samples[:, None] if samples.ndim == 1 else samples
    like = _Source() if source is None else _Source(source.subtype, source.metadata)
    form = choose_format(frames, container, like.subtype)
    with staged(path, force=force) as file:
        stored = _stored(frames, form)
        if form.container == "WAV":
            write_wav(file, stored, rate, form.subtype, like.metadata)
        else:
            _write_flac(file, stored, rate, form.subtype, like.metadata)
    return form


def copy_audio(path: str | Path, source: AudioFile, *, force: bool = False) -> AudioFormat:
    """Write `source` unchanged: byte for byte where the container is the same."""
    container = check_audio_output(path, force=force)
    if container == source.format:
        with staged(path, force=force) as file:
            if source.content:
                file.write(source.content)
            else:
                with Path(source.path).open("rb") as original:
                    shutil.copyfileobj(original, file)
        return AudioFormat(container, source.subtype)
    return write_audio(path, source.samples, source.rate, source=source, force=force)


def _container(path: str | Path) -> str:
    if str(path) == STANDARD:
        return "WAV"
    suffix = Path(path).suffix.lower()
    if suffix not in _CONTAINERS:
        raise FileError(
            f"output {path} has an unknown ending {suffix!r}; recordings are written as .wav "
            "or .flac (a lossy format would change the reliable samples)"
        )
    return _CONTAINERS[suffix]


def _fits(samples: Array, bits: int) -> bool:
    scale = math.ldexp(1.0, bits - 1)
    return bool(
        np.rint(samples.max(initial=0.0) * scale) <= scale - 1.0
        and np.rint(samples.min(initial=0.0) * scale) >= -scale
    )


def _stored(samples: Array, form: AudioFormat) -> Array:
    """Return the numbers that go into the file."""
    if form.subtype in ("FLOAT", "DOUBLE"):
        return samples
    bits = WAV_BITS[form.subtype]
    scaled = np.rint(samples.astype(np.float64) * (form.gain * math.ldexp(1.0, bits - 1)))
    integers: Array = scaled.astype(np.int32)
    return integers


def _write_flac(
    file: BinaryIO, integers: Array, rate: int, subtype: str, metadata: Mapping[str, str]
) -> None:
    import soundfile

    # soundfile takes 24-bit samples in the upper bits of 32
    data = integers * 256 if subtype == "PCM_24" else integers.astype(np.int16)
    with soundfile.SoundFile(
        file, "w", samplerate=rate, channels=data.shape[1], format="FLAC", subtype=subtype
    ) as out:
        for key, value in metadata.items():
            setattr(out, key, value)
        out.write(data)
