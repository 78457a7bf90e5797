"""Writing recordings: reliable samples keep their values, nothing is ever clipped again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recover.core.arrays import Array
from recover.io.atomic import STANDARD, check_writable, staged
from recover.io.audio_read import AudioFile, AudioSource
from recover.io.errors import FileError
from recover.io.flac import write_flac
from recover.io.wav import WAV_BITS, write_wav
from recover.io.wav_chunks import NO_EXTRAS, WavExtras

__all__ = [
    "AudioFormat",
    "check_audio_output",
    "choose_format",
    "copy_audio",
    "write_audio",
    "write_blocks",
]

_CONTAINERS = {".wav": "WAV", ".wave": "WAV", ".flac": "FLAC"}
_WAV_TOO = ("WAVEX", "RF64")  # libsndfile's names of WAV files with another head
_INTEGER_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_FLAC_BITS = (16, 24)
_BLOCK = 2**18  # frames copied at a time


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
    source: AudioFile | AudioSource | None = None,
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
    source : AudioFile or AudioSource, optional
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
    subtype = "FLOAT" if source is None else source.subtype
    metadata = {} if source is None else source.metadata
    extras = NO_EXTRAS if source is None else source.extras
    form = choose_format(frames, container, subtype)
    shape = (frames.shape[0], frames.shape[1])
    write_blocks(
        path, [frames], shape, rate, form, metadata=metadata, extras=extras, force=force
    )
    return form


def write_blocks(
    path: str | Path,
    blocks: Iterable[Array],
    shape: tuple[int, int],
    rate: int,
    form: AudioFormat,
    *,
    metadata: Mapping[str, str],
    extras: WavExtras = NO_EXTRAS,
    force: bool = False,
) -> None:
    """Write a recording block by block, whole or not at all.

    Parameters
    ----------
    path : str or Path
        "-" is standard output.
    blocks : iterable of array [shape=(any, channels)]
        The samples in order; they are asked for one by one while the file is written.
    shape : tuple of int
        (n, channels) of all blocks together.
    rate : int
        Samples per second.
    form : AudioFormat
        How to store them, see `choose_format`.
    metadata : mapping of str to str
        Title, artist and the like.
    extras : WavExtras
        What else a WAV file says; FLAC does not take it.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileError
        If the output exists or cannot be written; nothing partial is left.
    """
    stored = (_stored(block, form) for block in blocks)
    with staged(path, force=force) as file:
        if form.container == "WAV":
            write_wav(
                file, stored, shape, rate, subtype=form.subtype, metadata=metadata,
                extras=extras,
            )  # fmt: skip
        else:
            write_flac(file, stored, shape[1], rate, subtype=form.subtype, metadata=metadata)


def copy_audio(path: str | Path, source: AudioSource, *, force: bool = False) -> AudioFormat:
    """Write `source` unchanged: byte for byte where the container is the same."""
    container = check_audio_output(path, force=force)
    if container == source.format or (container == "WAV" and source.format in _WAV_TOO):
        with staged(path, force=force) as file:
            source.copy_to(file)
        return AudioFormat(container, source.subtype)
    peak = [(block.min(), block.max()) for _, block in source.blocks(_BLOCK)]
    form = choose_format(np.array(peak, dtype=source.dtype), container, source.subtype)
    write_blocks(
        path,
        (block for _, block in source.blocks(_BLOCK)),
        (source.frames, source.channels),
        source.rate,
        form,
        metadata=source.metadata,
        extras=source.extras,
        force=force,
    )
    return form


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
