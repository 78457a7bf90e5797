"""Files in and out: exact samples, atomic writing, and the bundled data."""

from recover.io.atomic import (
    STANDARD,
    check_distinct,
    check_writable,
    staged,
    write_bytes,
    write_text,
)
from recover.io.audio_read import AudioFile, AudioSource, open_audio, read_audio
from recover.io.audio_write import (
    AudioFormat,
    check_audio_output,
    choose_format,
    copy_audio,
    write_audio,
    write_blocks,
)
from recover.io.bundled import bundled
from recover.io.errors import FileError
from recover.io.results import load_result, save_result

__all__ = [
    "STANDARD",
    "AudioFile",
    "AudioFormat",
    "AudioSource",
    "FileError",
    "bundled",
    "check_audio_output",
    "check_distinct",
    "check_writable",
    "choose_format",
    "copy_audio",
    "load_result",
    "open_audio",
    "read_audio",
    "save_result",
    "staged",
    "write_audio",
    "write_blocks",
    "write_bytes",
    "write_text",
]
