"""From a file to a recovered file: what the command line calls; nothing is printed here."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recover.audio.declip import declip
from recover.audio.levels import ChannelLevels, detect_levels
from recover.audio.result import AudioResult
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.io.audio_read import AudioFile, read_audio
from recover.io.audio_write import (
    AudioFormat,
    check_audio_output,
    choose_format,
    copy_audio,
    write_audio,
)
from recover.solve.base import Watch

__all__ = ["AudioOptions", "AudioReport", "Inspection", "inspect_file", "process_file"]


@dataclass(frozen=True)
class AudioOptions:
    """What the user may choose.

    Parameters
    ----------
    low, high : float, tuple of float, or None
        The clipping levels; None to detect them, infinite for a side that is not clipped.
    tolerance : float
        See `recover.audio.declip`.
    quality : str
        "auto", "quality", "fast" or "extreme".
    mix : float in [0, 1]
        Share of the recovered signal in the output; 1 for all of it.
    diff : str or None
        File to write the difference of output and input to, as floating-point WAV.
    force : bool
        Whether existing files may be replaced.
    seed : int
        For methods that draw numbers.
    certify : bool
        Whether to certify.
    """

    low: float | tuple[float, ...] | None = None
    high: float | tuple[float, ...] | None = None
    tolerance: float = 0.0
    quality: str = "auto"
    mix: float = 1.0
    diff: str | None = None
    force: bool = False
    seed: int = 0
    certify: bool = True

    def __post_init__(self) -> None:
        if not 0.0 <= self.mix <= 1.0:
            raise ParameterError(f"mix must lie in [0, 1], got {self.mix}")


@dataclass(frozen=True, eq=False)
class AudioReport:
    """What was done with one file.

    Parameters
    ----------
    input, output : str
        The files.
    diff : str or None
        The difference file, if one was written.
    result : AudioResult
        The recovery.
    tolerance : float
        As it was chosen.
    format : AudioFormat
        How the output is stored, with its gain.
    seconds : float
        Wall-clock time of the recovery, certificate included.
    """

    input: str
    output: str
    diff: str | None
    result: AudioResult
    tolerance: float
    format: AudioFormat
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, infinity as the string "inf"."""
        result = self.result
        return {
            "input": self.input,
            "output": self.output,
            "diff": self.diff,
            "levels": [[channel.low, channel.high] for channel in result.levels],
            "tolerance": self.tolerance,
            "detection": [asdict(channel) for channel in result.levels],
            "fraction_clipped": {
                "total": result.fraction,
                "channels": [channel.fraction for channel in result.levels],
            },
            "seconds": self.seconds,
            "status": result.status.name.lower(),
            "note": result.note,
            "rate": result.rate,
            "format": asdict(self.format),
            "gain": self.format.gain,
            "stretches": [stretch.to_json() for stretch in result.stretches],
            "certificate": result.certificate.to_data(),
        }


@dataclass(frozen=True)
class Inspection:
    """What was found in one file, which stays as it is.

    Parameters
    ----------
    path : str
        The file.
    format, subtype : str
        Container and coding in libsndfile's names.
    rate, frames : int
        Samples per second, and per channel.
    levels : tuple of ChannelLevels
        One for each channel.
    """

    path: str
    format: str
    subtype: str
    rate: int
    frames: int
    levels: tuple[ChannelLevels, ...]

    @property
    def clipped(self) -> bool:
        """Whether any channel is clipped."""
        return any(channel.clipped for channel in self.levels)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "clipped": self.clipped, "seconds": self.frames / self.rate}


def inspect_file(path: str | Path) -> Inspection:
    """Find the clipping levels of a recording; raises `FileError` if it cannot be read."""
    audio = read_audio(path)
    levels = detect_levels(audio.samples)
    return Inspection(
        audio.path, audio.format, audio.subtype, audio.rate, len(audio.samples), levels
    )


def process_file(
    source: str | Path,
    output: str | Path,
    options: AudioOptions | None = None,
    *,
    watch: Watch | None = None,
) -> AudioReport:
    """Recover a recording from a file into a file.

    A recording in which nothing is clipped is copied byte for byte where the container stays
    the same.  The output appears whole or not at all.

    Parameters
    ----------
    source, output : str or Path
        "-" means standard input or output.
    options : AudioOptions, optional
        What the user chose.
    watch : callable, optional
        Called with a `Progress`; return True to stop.

    Raises
    ------
    FileError
        If a file cannot be read or written.
    ParameterError
        If levels are out of order or nothing is reliable.
    """
    chosen = AudioOptions() if options is None else options
    container = check_audio_output(output, force=chosen.force)
    if chosen.diff is not None:
        check_audio_output(chosen.diff, force=chosen.force)
    audio = read_audio(source)
    choose_format(audio.samples, container, audio.subtype)  # refuses before any work
    started = time.perf_counter()
    result = declip(
        audio.samples,
        audio.rate,
        low=chosen.low,
        high=chosen.high,
        tolerance=chosen.tolerance,
        quality=chosen.quality,
        certify=chosen.certify,
        rng=chosen.seed,
        watch=watch,
    )
    seconds = time.perf_counter() - started
    mixed = _mixed(audio, result, chosen.mix)
    if result.recovered.any():
        form = write_audio(output, mixed, audio.rate, source=audio, force=chosen.force)
    else:
        form = copy_audio(output, audio, force=chosen.force)
    if chosen.diff is not None:
        write_audio(chosen.diff, mixed - audio.samples, audio.rate, force=chosen.force)
    return AudioReport(
        input=audio.path,
        output=str(output),
        diff=chosen.diff,
        result=result,
        tolerance=chosen.tolerance,
        format=form,
        seconds=seconds,
    )


def _mixed(audio: AudioFile, result: AudioResult, mix: float) -> Array:
    """Return the output: reliable samples untouched, the others between level and recovery."""
    if mix == 1.0:
        return result.samples
    share = audio.samples + mix * (result.samples - audio.samples)
    return np.where(result.recovered, share, audio.samples).astype(audio.samples.dtype)
