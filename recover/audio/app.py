"""From a file to a recovered file: what the command line calls; nothing is printed here."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recover.audio.declip import declip
from recover.audio.given import blur_notes, level_notes
from recover.audio.levels import ChannelLevels, as_frames, detect_levels
from recover.audio.reports import AudioOptions, AudioReport, Inspection
from recover.audio.result import AudioResult
from recover.audio.settings import quality_named
from recover.audio.stream import LongRecording
from recover.audio.stream_jobs import StretchRunner
from recover.audio.stream_patch import patch_beside
from recover.audio.stream_survey import find_levels, survey
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.io.atomic import STANDARD
from recover.io.audio_read import AudioFile, AudioSource, open_audio
from recover.io.audio_write import (
    AudioFormat,
    check_audio_output,
    choose_format,
    copy_audio,
    write_audio,
    write_blocks,
)
from recover.io.errors import FileError
from recover.solve.base import Watch

LONG = 2**21  # samples of all channels beyond which a recording is worked on in blocks

__all__ = [
    "AudioOptions",
    "AudioReport",
    "Inspection",
    "inspect_file",
    "is_long",
    "process_file",
]


def is_long(path: str | Path) -> bool:
    """Return whether a recording is worked on in blocks; raises `FileError` if unreadable."""
    with open_audio(path) as audio:
        return _long(audio)


def _long(audio: AudioSource) -> bool:
    return audio.frames * audio.channels > LONG


def inspect_file(path: str | Path) -> Inspection:
    """Find the clipping levels of a recording; raises `FileError` if it cannot be read."""
    with open_audio(path) as audio:
        if _long(audio):
            levels = survey(audio, find_levels(audio, None, None, 0.0)[0], 0.0).levels
        else:
            levels = detect_levels(audio.whole().samples)
        return Inspection(
            audio.path, audio.format, audio.subtype, audio.rate, audio.frames, levels
        )


def process_file(
    source: str | Path,
    output: str | Path,
    options: AudioOptions | None = None,
    *,
    jobs: int = 1,
    watch: Watch | None = None,
    runner: StretchRunner | None = None,
) -> AudioReport:
    """Recover a recording from a file into a file.

    A recording in which nothing is clipped is copied byte for byte where the container stays
    the same.  The output appears whole or not at all.  Recordings of more than `LONG` samples
    are worked on in blocks, in bounded memory.

    Parameters
    ----------
    source, output : str or Path
        "-" means standard input or output.
    options : AudioOptions, optional
        What the user chose.
    jobs : int >= 1
        Processes for a long recording; the outcome does not depend on it.
    watch : callable, optional
        Called with a `Progress`; return True to stop.
    runner : StretchRunner, optional
        Works on a long recording's stretches instead of processes on this machine.

    Raises
    ------
    FileError
        If a file cannot be read or written.
    ParameterError
        If levels are out of order or nothing is reliable.
    """
    chosen = AudioOptions() if options is None else options
    if jobs < 1:
        raise ParameterError(f"jobs must be >= 1, got {jobs}")
    container = check_audio_output(output, force=chosen.force)
    if chosen.diff is not None:
        _check_difference(chosen.diff, output, force=chosen.force)
    with open_audio(source) as audio:
        choose_format(np.zeros((1, 1), audio.dtype), container, audio.subtype)
        started = time.perf_counter()
        if _long(audio):
            done = _process_long(audio, output, chosen, jobs=jobs, watch=watch, runner=runner)
        else:
            done = _process_short(audio, output, chosen, watch)
        seconds = time.perf_counter() - started
    return AudioReport(
        input=audio.path,
        output=str(done.output),
        diff=chosen.diff,
        result=done.result,
        tolerance=chosen.tolerance,
        format=done.format,
        seconds=seconds,
        notes=done.notes,
    )


class _Done(NamedTuple):
    """What was done, and where the output went."""

    result: AudioResult
    output: str | Path
    format: AudioFormat
    notes: tuple[str, ...]


def _check_difference(diff: str, output: str | Path, *, force: bool) -> None:
    """Refuse, before any work, a difference that cannot be written."""
    if diff != STANDARD and Path(diff).absolute() == Path(output).absolute():
        raise ParameterError(f"diff and output are the same file: {diff}; name another")
    container = check_audio_output(diff, force=force)
    choose_format(np.zeros((1, 1), np.float32), container)


def _placed(
    output: str | Path, samples: Array, subtype: str, chosen: AudioOptions
) -> tuple[str | Path, AudioFormat]:
    """Return where and how samples, or their extremes, are written."""
    container = check_audio_output(output, force=chosen.force)
    try:
        return output, choose_format(samples, container, subtype)
    except FileError:
        if not chosen.fallback or container == "WAV":
            raise
    other = f"{output}.wav"
    return other, choose_format(samples, check_audio_output(other, force=chosen.force), subtype)


def _given(
    blocks: Iterable[Array], chosen: AudioOptions, levels: tuple[ChannelLevels, ...]
) -> tuple[str, ...]:
    """Return what is to be said of the levels."""
    given = level_notes(
        blocks, levels, low=chosen.low, high=chosen.high, tolerance=chosen.tolerance
    )
    return (*given, *blur_notes(levels))


def _process_short(
    source: AudioSource, output: str | Path, chosen: AudioOptions, watch: Watch | None
) -> _Done:
    audio = source.whole()
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
    mixed = _mixed(audio, result, chosen.mix)
    if result.recovered.any():
        output, _ = _placed(output, as_frames(mixed), audio.subtype, chosen)
        form = write_audio(output, mixed, audio.rate, source=audio, force=chosen.force)
    else:
        form = copy_audio(output, source, force=chosen.force)
    if chosen.diff is not None:
        write_audio(chosen.diff, mixed - audio.samples, audio.rate, force=chosen.force)
    return _Done(result, output, form, _given([audio.samples], chosen, result.levels))


def _process_long(
    source: AudioSource,
    output: str | Path,
    chosen: AudioOptions,
    *,
    jobs: int,
    watch: Watch | None,
    runner: StretchRunner | None,
) -> _Done:
    work = LongRecording(
        source=source,
        low=chosen.low,
        high=chosen.high,
        tolerance=chosen.tolerance,
        quality=quality_named(chosen.quality),
        jobs=jobs,
        seed=chosen.seed,
        mix=chosen.mix,
        runner=runner,
    )
    container = check_audio_output(output, force=chosen.force)
    shape = (source.frames, source.channels)
    choose_format(work.prepare(), container, source.subtype)  # refuses before any work
    blocks = (block for _, block in source.blocks(max(LONG // source.channels, 1)))
    notes = _given(blocks, chosen, work.levels)
    with patch_beside(output, source.dtype) as patch:
        output, form = _placed(output, work.recover(patch, watch), source.subtype, chosen)
        if chosen.diff is not None:
            write_blocks(
                chosen.diff,
                (x - y for y, x in work.blocks(patch)),
                shape,
                source.rate,
                choose_format(np.zeros((1, 1), source.dtype), check_audio_output(chosen.diff)),
                metadata={},
                force=chosen.force,
            )
        outcome = (x for _, x in work.blocks(patch))
        if work.clipped:
            write_blocks(
                output,
                outcome,
                shape,
                source.rate,
                form,
                metadata=source.metadata,
                extras=source.extras,
                force=chosen.force,
            )
        else:
            for _ in outcome:  # the excerpt
                pass
            form = copy_audio(output, source, force=chosen.force)
    return _Done(work.result(certify=chosen.certify), output, form, notes)


def _mixed(audio: AudioFile, result: AudioResult, mix: float) -> Array:
    """Return the output: reliable samples untouched, the others between level and recovery."""
    if mix == 1.0:
        return result.samples
    share = audio.samples + mix * (result.samples - audio.samples)
    return np.where(result.recovered, share, audio.samples).astype(audio.samples.dtype)
