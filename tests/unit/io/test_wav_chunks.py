"""What a WAV file says besides its samples stays with it: speakers, markers, broadcast data."""

import io
import struct

import numpy as np
import pytest
import soundfile

from recover.audio import AudioOptions, process_file
from recover.io.audio_read import open_audio, read_audio
from recover.io.wav import write_wav
from recover.io.wav_chunks import NO_EXTRAS, WavExtras, wav_extras

RATE = 8000


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


CHUNKS = (
    chunk(b"bext", b"take 7".ljust(603, b"\0"))
    + chunk(b"cue ", struct.pack("<IIIIIII", 1, 1, 0, 0x61746164, 0, 0, 123))
    + chunk(b"LIST", b"adtl" + chunk(b"labl", struct.pack("<I", 1) + b"here\0"))
    + chunk(b"iXML", b"<BWFXML/>")
)
EXTRAS = WavExtras(0x3, CHUNKS)


def loud(level=0.6):
    t = np.arange(4000) / RATE
    x = np.sin(2 * np.pi * 220 * t) + 0.4 * np.sin(2 * np.pi * 333 * t)
    return np.clip(np.stack([x, 0.9 * x], axis=1), -level, level)


def wav(samples, extras=EXTRAS, subtype="PCM_24"):
    numbers = samples if subtype == "FLOAT" else np.rint(samples * 2**23).astype(np.int32)
    file = io.BytesIO()
    write_wav(
        file, [numbers], samples.shape, RATE, subtype=subtype, metadata={"title": "A"},
        extras=extras,
    )  # fmt: skip
    return file.getvalue()


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT"])
@pytest.mark.parametrize("extras", [EXTRAS, NO_EXTRAS, WavExtras(0x3), WavExtras(0, CHUNKS)])
def test_written_and_read(subtype, extras):
    data = wav(loud(), extras, subtype)
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    assert wav_extras(io.BytesIO(data)) == extras
    samples, rate = soundfile.read(io.BytesIO(data))
    assert rate == RATE
    np.testing.assert_allclose(samples, loud(), atol=2.0**-23)


@pytest.mark.parametrize("long", [False, True])
def test_a_recovered_recording_keeps_them(tmp_path, monkeypatch, long):
    if long:
        monkeypatch.setattr("recover.audio.app.LONG", 1000)
    source, output = tmp_path / "in.wav", tmp_path / "out.wav"
    source.write_bytes(wav(loud()))
    report = process_file(source, output, AudioOptions(quality="fast"))
    assert report.result.count > 0
    with open_audio(output) as done:
        assert done.extras == EXTRAS
        assert done.metadata == {"title": "A"}
    # FLAC has no place for them
    process_file(source, tmp_path / "out.flac", AudioOptions(quality="fast", mix=0.0))
    assert read_audio(tmp_path / "out.flac").extras == NO_EXTRAS


@pytest.mark.parametrize("kind", ["WAVEX", "RF64"])
def test_other_heads_are_copied_byte_for_byte(tmp_path, kind):
    source, output = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, 0.5 * loud(level=2.0), RATE, format=kind, subtype="PCM_24")
    process_file(source, output)
    assert output.read_bytes() == source.read_bytes()


def test_chunks_behind_long_data_are_found():
    # an RF64 file states the size of its data elsewhere
    data = struct.pack("<4sI4s", b"RF64", 2**32 - 1, b"WAVE")
    data += chunk(b"ds64", struct.pack("<QQQI", 0, 10, 5, 0))
    data += struct.pack("<4sI", b"data", 2**32 - 1) + bytes(10) + CHUNKS
    assert wav_extras(io.BytesIO(data)) == WavExtras(0, CHUNKS)


@pytest.mark.parametrize("size", [0, 5, 12, 17, 40, 100])
def test_damage_raises_nothing(size):
    assert wav_extras(io.BytesIO(wav(loud())[:size])).chunks == b""
    assert wav_extras(io.BytesIO(b"fLaC" + bytes(size))) == NO_EXTRAS


def test_lists_of_texts_and_foreign_chunks_are_left():
    data = struct.pack("<4sI4s", b"RIFF", 0, b"WAVE")
    data += chunk(b"LIST", b"INFO" + chunk(b"INAM", b"A\0")) + chunk(b"junk", bytes(7))
    assert wav_extras(io.BytesIO(data)) == NO_EXTRAS
