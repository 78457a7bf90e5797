"""Recordings in and out: exact values in every format, one clear line for every bad file."""

import hashlib
import io
import re
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recover.io import (
    FileError,
    bundled,
    choose_format,
    copy_audio,
    open_audio,
    read_audio,
    write_audio,
)
from recover.io.wav import write_wav

RATE = 8000


def ramp(n=300, channels=2, bits=16):
    rng = np.random.default_rng(0)
    top = 2 ** (bits - 1)
    x = rng.integers(-top, top, (n, channels))
    x[0], x[1] = -top, top - 1
    return x / top


@pytest.mark.parametrize(
    ("kind", "subtype", "bits"),
    [
        ("WAV", "PCM_U8", 8), ("WAV", "PCM_16", 16), ("WAV", "PCM_24", 24),
        ("WAV", "PCM_32", 32), ("FLAC", "PCM_16", 16), ("FLAC", "PCM_24", 24),
        ("AIFF", "PCM_16", 16), ("AIFF", "PCM_24", 24),
    ],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_integer_formats_are_read_and_written_exactly(tmp_path, kind, subtype, bits, channels):
    x = ramp(channels=channels, bits=bits)
    path = tmp_path / f"in.{kind.lower()}"
    wide = np.round(x * 2**31).clip(-(2**31), 2**31 - 1).astype(np.int32)
    soundfile.write(path, wide, RATE, format=kind, subtype=subtype)
    audio = read_audio(path)
    assert np.array_equal(audio.samples, x)
    assert audio.samples.dtype == (np.float64 if bits == 32 else np.float32)
    assert (audio.rate, audio.channels, audio.subtype, audio.format) == (
        RATE, channels, subtype, kind,
    )  # fmt: skip
    form = write_audio(tmp_path / "out.wav", audio.samples, RATE, source=audio)
    assert (form.subtype, form.gain) == (subtype, 1.0)
    assert np.array_equal(read_audio(tmp_path / "out.wav").samples, x)
    if bits <= 24:
        write_audio(tmp_path / "out.flac", audio.samples, RATE, source=audio)
        assert np.array_equal(read_audio(tmp_path / "out.flac").samples, x)


@pytest.mark.parametrize(("subtype", "dtype"), [("FLOAT", np.float32), ("DOUBLE", np.float64)])
def test_floating_formats_are_exact(tmp_path, subtype, dtype):
    x = np.random.default_rng(0).standard_normal((100, 1)).astype(dtype) * 3
    soundfile.write(tmp_path / "in.wav", x, RATE, subtype=subtype)
    audio = read_audio(tmp_path / "in.wav")
    assert audio.samples.dtype == dtype
    assert np.array_equal(audio.samples, x)
    form = write_audio(tmp_path / "out.wav", audio.samples, RATE, source=audio)
    assert form.subtype == subtype
    back, _ = soundfile.read(tmp_path / "out.wav", dtype=dtype.__name__, always_2d=True)
    assert np.array_equal(back, x)


def test_ogg_is_read(tmp_path):
    tone = 0.5 * np.sin(0.1 * np.arange(RATE))
    soundfile.write(tmp_path / "in.ogg", tone, RATE)
    audio = read_audio(tmp_path / "in.ogg")
    assert audio.subtype == "VORBIS"
    assert np.abs(audio.samples[:, 0] - tone).max() < 0.1
    form = write_audio(tmp_path / "out.wav", audio.samples, RATE, source=audio)
    assert form.subtype == "FLOAT"
    assert np.array_equal(read_audio(tmp_path / "out.wav").samples, audio.samples)


def test_values_beyond_full_scale_are_never_clipped():
    x = np.array([[0.5], [1.25], [-3.0]], dtype=np.float32)
    assert choose_format(x, "WAV", "PCM_16").subtype == "FLOAT"
    assert choose_format(x.astype(np.float64), "WAV", "PCM_32").subtype == "DOUBLE"
    form = choose_format(x, "FLAC", "PCM_16")
    assert (form.subtype, form.gain) == ("PCM_24", 0.25)
    assert choose_format(np.array([[1.0]]), "WAV", "PCM_16").subtype == "FLOAT"
    assert choose_format(np.array([[-1.0]]), "WAV", "PCM_16").subtype == "PCM_16"


@pytest.mark.parametrize(
    ("subtype", "message"),
    [
        ("PCM_24", "recovered peak 3.000 is beyond full scale"),
        ("FLOAT", "FLAC cannot hold FLOAT"),
        ("PCM_32", "FLAC cannot hold PCM_32"),
    ],
)
def test_what_flac_cannot_hold_exactly(subtype, message):
    with pytest.raises(FileError, match=message):
        choose_format(np.array([[3.0]]), "FLAC", subtype)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_metadata_is_copied(tmp_path, suffix):
    with soundfile.SoundFile(
        tmp_path / f"in.{suffix}", "w", RATE, 1, "PCM_16", format=suffix.upper()
    ) as file:
        file.title, file.artist, file.comment = "Tïtle", "Artist", "odd"
        file.write(ramp(channels=1)[:, 0])
    audio = read_audio(tmp_path / f"in.{suffix}")
    assert audio.metadata["title"] == "Tïtle"
    for name in ("a.wav", "a.flac"):
        write_audio(tmp_path / name, 0.5 * audio.samples, RATE, source=audio)
        copied = read_audio(tmp_path / name).metadata
        assert {k: copied[k] for k in ("title", "artist", "comment")} == {
            "title": "Tïtle", "artist": "Artist", "comment": "odd",
        }  # fmt: skip


def test_the_same_samples_give_the_same_bytes(tmp_path):
    x = ramp()
    for name in ("a.wav", "b.wav"):
        write_audio(tmp_path / name, x, RATE)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_a_mono_vector_is_one_channel(tmp_path):
    write_audio(tmp_path / "a.wav", np.array([0.5, -0.5], dtype=np.float32), RATE)
    assert read_audio(tmp_path / "a.wav").samples.shape == (2, 1)


def test_copies_are_byte_for_byte(tmp_path):
    source = bundled("audio/guitar_em9.flac")
    for name in ("a.wav", "a.flac"):
        with open_audio(source) as audio:
            copy_audio(tmp_path / name, audio)
    assert (tmp_path / "a.flac").read_bytes() == source.read_bytes()
    assert np.array_equal(read_audio(tmp_path / "a.wav").samples, read_audio(source).samples)


def test_standard_input_and_output(tmp_path, monkeypatch):
    source = bundled("audio/guitar_em9_clipped.flac")

    class In:
        buffer = io.BytesIO(source.read_bytes())

    class Out:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdin", In)
    monkeypatch.setattr(sys, "stdout", Out)
    audio = read_audio("-")
    assert np.array_equal(audio.samples, read_audio(source).samples)
    write_audio("-", audio.samples, audio.rate, source=audio)
    back, _ = soundfile.read(io.BytesIO(Out.buffer.getvalue()), dtype="float32", always_2d=True)
    assert np.array_equal(back, audio.samples)
    assert Out.buffer.getvalue()[:4] == b"RIFF"


def test_a_large_wav_is_rf64(monkeypatch):
    import recover.io.wav as module

    monkeypatch.setattr(module, "_RIFF_LIMIT", 100)
    # the limit also stands where the true sizes do not fit; libsndfile reads them from ds64
    file = io.BytesIO()
    x = np.arange(-100, 100, dtype=np.int32)[:, None]
    write_wav(file, [x], x.shape, RATE, subtype="PCM_16", metadata={})
    raw = bytearray(file.getvalue())
    assert raw[:4] == b"RF64"
    place = raw.index(b"data") + 4
    raw[4:8] = raw[place : place + 4] = struct.pack("<I", 2**32 - 1)
    back, _ = soundfile.read(io.BytesIO(bytes(raw)), dtype="int16")
    assert np.array_equal(back, x[:, 0])


# --- bad files -------------------------------------------------------------------------------
@pytest.fixture
def bad(tmp_path):
    """Make a bad file of a named kind."""

    def make(kind):
        path = tmp_path / "bad.wav"
        soundfile.write(path, ramp(), RATE, subtype="FLOAT" if "n" in kind[:3] else "PCM_16")
        raw = path.read_bytes()
        if kind == "missing":
            path.unlink()
        elif kind == "empty":
            path.write_bytes(b"")
        elif kind == "truncated":
            path.write_bytes(raw[: len(raw) // 2])
        elif kind == "text":
            path.write_text("this is not a recording")
        elif kind == "no samples":
            soundfile.write(path, np.zeros((0, 1)), RATE)
        elif kind in ("nan", "inf"):
            x = np.zeros((10, 2), dtype=np.float32)
            x[3, 1] = np.nan if kind == "nan" else -np.inf
            soundfile.write(path, x, RATE, subtype="FLOAT")
        elif kind == "truncated aiff":
            path = tmp_path / "bad.aiff"
            soundfile.write(path, ramp(), RATE)
            path.write_bytes(path.read_bytes()[:400])
        elif kind == "truncated flac":
            whole = bundled("audio/guitar_em9.flac").read_bytes()
            path = tmp_path / "bad.flac"
            path.write_bytes(whole[: len(whole) // 2])
        elif kind == "directory":
            path = tmp_path
        return path

    return make


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "does not exist"),
        ("empty", "is empty"),
        ("truncated", "is truncated: its header promises"),
        ("truncated aiff", "is truncated"),
        ("truncated flac", "truncated|cannot be read"),
        ("text", "cannot be read as a recording"),
        ("no samples", "holds no samples"),
        ("nan", "1 NaN or infinite sample.*sample 3 of channel 2"),
        ("inf", "1 NaN or infinite sample"),
        ("directory", "is a directory"),
    ],
)
def test_bad_files(bad, kind, message):
    with pytest.raises(FileError, match=message) as caught:
        read_audio(bad(kind))
    assert "\n" not in str(caught.value)
    assert "bad" in str(caught.value) or kind == "directory"


@pytest.mark.parametrize("name", ["out.mp3", "out.ogg", "out", "out.txt"])
def test_other_formats_are_not_written(tmp_path, name):
    with pytest.raises(FileError, match=r"written as \.wav or \.flac"):
        write_audio(tmp_path / name, ramp(), RATE)


# --- the bundled data ------------------------------------------------------------------------
def test_bundled_files_have_the_stated_checksums():
    readme = bundled("README.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| `(\S+\.flac)` .* `([0-9a-f]{64})` \|$", readme, re.M))
    folder = bundled("audio/guitar_em9.flac").parent
    assert {p.name for p in folder.iterdir()} == set(stated)
    for name, checksum in stated.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum


def test_the_clipped_recording_is_made_as_stated():
    clean, _ = soundfile.read(bundled("audio/guitar_em9.flac"), dtype="int16")
    clipped, _ = soundfile.read(bundled("audio/guitar_em9_clipped.flac"), dtype="int16")
    assert np.array_equal(clipped, np.clip(clean, -7358, 7358))


@pytest.mark.parametrize("name", ["audio/none.flac", "../pyproject.toml", "/etc/hosts"])
def test_unknown_bundled_files(name):
    with pytest.raises(FileError, match="bundled file"):
        bundled(name)


def test_an_installed_package_looks_beside_itself(tmp_path, monkeypatch):
    module = sys.modules[bundled.__module__]
    (tmp_path / "_data").mkdir()
    (tmp_path / "_data" / "a.txt").write_text("x")
    monkeypatch.setattr(module, "_PLACES", (tmp_path / "_data", tmp_path / "data"))
    assert bundled("a.txt") == Path(tmp_path / "_data" / "a.txt")
    with pytest.raises(FileError, match=r"there are: a\.txt"):
        bundled("b.txt")
