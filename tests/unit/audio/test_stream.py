"""Long recordings in blocks: the same as in one piece, in bounded memory, whole or absent."""

import dataclasses
import errno
import json
import tracemalloc

import numpy as np
import pytest
import soundfile

from recover.audio import (
    AudioOptions,
    AudioResult,
    app,
    channel_problems,
    inspect_file,
    process_file,
    stream_survey,
)
from recover.audio.account import RunningDigest
from recover.audio.levels import ChannelLevels
from recover.audio.measurement import channel_problem
from recover.audio.stretches import Islands, cut
from recover.certificates.verify import verify
from recover.core.arrays import digest
from recover.core.errors import ParameterError
from recover.io import FileError, read_audio
from recover.solve.base import Progress, Status

RATE = 2000
FAST = AudioOptions(quality="fast")


def music(seconds, channels=1, level=0.8, seed=0):
    """Tones that come and go, clipped now and then."""
    t = np.arange(round(seconds * RATE)) / RATE
    rng = np.random.default_rng(seed)
    columns = []
    for _ in range(channels):
        swell = 0.75 + 0.35 * np.sin(2 * np.pi * t / 7 + rng.uniform(0, 6))
        x = sum(
            np.sin(2 * np.pi * f * t + p)
            for f, p in zip((110, 163, 251), rng.random(3), strict=True)
        )
        columns.append(np.clip(0.5 * swell * x, -level, level))
    return np.stack(columns, axis=1)


@pytest.fixture
def in_blocks(monkeypatch):
    """Every recording counts as long, and is read in pieces of 3000 samples."""
    monkeypatch.setattr(app, "LONG", 0)
    monkeypatch.setattr(stream_survey, "CHUNK", 3000)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.wav"
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
        file.title = "a title"
        file.write(music(25, channels=2))
    return path


def test_blocks_give_what_one_piece_gives(source, tmp_path, monkeypatch):
    whole = process_file(source, tmp_path / "whole.wav", FAST)
    assert whole.result.excerpt is None
    monkeypatch.setattr(app, "LONG", 0)
    monkeypatch.setattr(stream_survey, "CHUNK", 3000)
    for name, jobs in (("one.wav", 1), ("two.wav", 2)):
        split = process_file(source, tmp_path / name, FAST, jobs=jobs)
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole.wav").read_bytes()
        assert split.result.levels == whole.result.levels
        assert split.result.count == whole.result.count == split.result.excerpt.recovered
        assert split.result.fraction == whole.result.fraction
        assert split.result.note == whole.result.note
        assert split.result.certificate.to_data() == whole.result.certificate.to_data()
        assert set(split.result.stretches) == set(whole.result.stretches)
        assert split.format == whole.format
    assert read_audio(tmp_path / "two.wav").metadata["title"] == "a title"
    problems = channel_problems(read_audio(source).samples, split.result.levels)
    assert verify(split.result.certificate, problems).accepted


def test_the_excerpt_is_part_of_the_recording(source, tmp_path, in_blocks):
    report = process_file(source, tmp_path / "out.wav", FAST)
    result = report.result
    first = result.excerpt.start
    out = read_audio(tmp_path / "out.wav").samples
    assert np.array_equal(result.samples, out[first : first + len(result.samples)])
    assert len(result.samples) <= 20 * RATE
    assert result.excerpt.frames == len(out)
    json.dumps(report.to_json(), allow_nan=False)
    result.save(tmp_path / "r.npz")
    assert AudioResult.load(tmp_path / "r.npz").excerpt == result.excerpt


def test_mix_and_difference_in_blocks(source, tmp_path, monkeypatch):
    half = {"quality": "fast", "mix": 0.5}
    process_file(source, tmp_path / "a.wav", AudioOptions(**half, diff=str(tmp_path / "c.wav")))
    monkeypatch.setattr(app, "LONG", 0)
    monkeypatch.setattr(stream_survey, "CHUNK", 5000)
    process_file(source, tmp_path / "b.wav", AudioOptions(**half, diff=str(tmp_path / "d.wav")))
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert (tmp_path / "c.wav").read_bytes() == (tmp_path / "d.wav").read_bytes()


def test_flac_in_blocks_takes_the_same_gain(source, tmp_path, in_blocks):
    report = process_file(source, tmp_path / "out.flac", FAST)
    out, clipped = read_audio(tmp_path / "out.flac").samples, read_audio(source).samples
    reliable = np.abs(clipped) < 0.79
    assert report.format.subtype == "PCM_24"
    assert np.array_equal(out[reliable] / report.format.gain, clipped[reliable])


@pytest.mark.parametrize("channels", [1, 3])
def test_unclipped_in_blocks_is_copied(tmp_path, in_blocks, channels):
    soundfile.write(tmp_path / "in.wav", 0.3 * music(9, channels, level=9.0), RATE)
    report = process_file(tmp_path / "in.wav", tmp_path / "out.wav")
    assert (tmp_path / "out.wav").read_bytes() == (tmp_path / "in.wav").read_bytes()
    assert "nothing was changed" in report.result.note
    assert report.result.status is Status.DIRECT
    certificate = report.result.certificate
    assert certificate.error_bound == 0.0
    samples = read_audio(tmp_path / "in.wav").samples
    problems = channel_problems(samples, report.result.levels)
    if channels > 1:
        assert verify(certificate, problems, list(samples.T)).accepted
    else:
        assert verify(certificate, problems[0], samples[:, 0]).accepted


@pytest.mark.slow
def test_given_levels_hold_for_the_whole_recording(source, tmp_path, in_blocks):
    report = process_file(source, tmp_path / "a.wav", AudioOptions(low=-0.7, high=0.75))
    y = read_audio(source).samples
    expected = ((y <= np.float32(-0.7)) | (y >= np.float32(0.75))).sum(axis=0)
    counted = [level.fraction * len(y) for level in report.result.levels]
    assert np.allclose(counted, expected)
    out = read_audio(tmp_path / "a.wav").samples
    assert (out[y >= np.float32(0.75)] >= 0.75).all()
    assert (out[y <= np.float32(-0.7)] <= -0.7 + 1e-7).all()
    with pytest.raises(ParameterError, match="every sample of channel 1"):
        process_file(source, tmp_path / "b.wav", AudioOptions(low=-9.0, high=-8.0))


@pytest.mark.parametrize(
    ("scale", "options", "note"),
    [(0.0, {}, "is silent"), (0.3, {"low": -9.0, "high": 9.0}, "no sample is at the given")],
)
def test_what_is_said_of_nothing_to_do(tmp_path, in_blocks, scale, options, note):
    soundfile.write(tmp_path / "in.wav", scale * music(5), RATE)
    report = process_file(tmp_path / "in.wav", tmp_path / "out.wav", AudioOptions(**options))
    assert note in report.result.note
    assert (tmp_path / "out.wav").read_bytes() == (tmp_path / "in.wav").read_bytes()


def test_inspection_in_blocks(source, monkeypatch):
    whole = inspect_file(source)
    monkeypatch.setattr(app, "LONG", 0)
    monkeypatch.setattr(stream_survey, "CHUNK", 2048)
    split = inspect_file(source)
    # the share of samples at the level is that of the loudest seconds
    levels = [dataclasses.replace(level, confidence=1.0) for level in split.levels]
    assert levels == [dataclasses.replace(level, confidence=1.0) for level in whole.levels]
    assert all(level.confidence > 0.9 for level in split.levels)


@pytest.mark.parametrize("after", [0, 1, 40])
def test_an_interruption_leaves_nothing(source, tmp_path, in_blocks, after):
    calls = 0

    def interrupt(_):
        nonlocal calls
        calls += 1
        if calls > after:
            raise KeyboardInterrupt

    for jobs in (1, 2) if after == 1 else (1,):
        with pytest.raises(KeyboardInterrupt):
            process_file(source, tmp_path / "out.wav", FAST, jobs=jobs, watch=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_a_stop_keeps_what_was_recovered(source, tmp_path, in_blocks):
    report = process_file(
        source, tmp_path / "out.wav", FAST, watch=lambda progress: progress.step > 200
    )
    assert report.result.status is Status.STOPPED
    y, x = read_audio(source).samples, read_audio(tmp_path / "out.wav").samples
    assert (np.abs(x) >= np.abs(y)).all()
    assert len(report.result.stretches) in (2, 3)


def test_progress_is_monotone_and_complete(source, tmp_path, in_blocks):
    for jobs in (1, 2):
        seen: list[Progress] = []
        options = {"jobs": jobs, "watch": seen.append}
        process_file(source, tmp_path / f"{jobs}.wav", FAST, **options)
        steps = [progress.step for progress in seen]
        assert steps == sorted(steps)
        assert steps[-1] == seen[-1].total


class Full:
    """A file on a disk that is full after some bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("name", ["out.wav", "out.flac"])
def test_a_full_disk_is_one_clear_line(source, tmp_path, in_blocks, monkeypatch, capfd, name):
    from pathlib import Path

    plain = Path.open

    def full(path, mode="r", *rest, **more):
        file = plain(path, mode, *rest, **more)
        return Full(file, 20_000) if "x" in mode else file

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(FileError, match="could not be written: No space left on device") as e:
        process_file(source, tmp_path / name, FAST)
    assert "\n" not in str(e.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_while_recovering(source, tmp_path, in_blocks, monkeypatch):
    import recover.audio.stream_patch as module

    plain = module.tempfile.TemporaryFile
    monkeypatch.setattr(
        module.tempfile, "TemporaryFile", lambda dir=None: Full(plain(dir=dir), 100)
    )
    with pytest.raises(FileError, match="beside the output: No space left on device; nothing"):
        process_file(source, tmp_path / "out.wav", FAST)
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_a_truncated_recording_in_blocks(source, tmp_path, in_blocks):
    soundfile.write(tmp_path / "in.flac", music(20), RATE)
    data = (tmp_path / "in.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(FileError, match=r"cut\.flac (is truncated|cannot be read)"):
        process_file(tmp_path / "cut.flac", tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "LONG", 0)
    monkeypatch.setattr(stream_survey, "CHUNK", 2**15)
    peaks = []
    for name, seconds in (("short.wav", 60), ("long.wav", 240)):
        soundfile.write(tmp_path / name, music(seconds), RATE, subtype="PCM_16")
        tracemalloc.start()
        process_file(tmp_path / name, tmp_path / f"out_{name}", FAST)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize("n", [1, 70_000, 131_072])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_running_digest_is_the_problems(n, dtype):
    rng = np.random.default_rng(n)
    y = np.clip(rng.standard_normal(n), -0.7, 0.9).astype(dtype)
    levels = ChannelLevels(-0.7, 0.9, 0.1, 1.0, 1, 1)
    running = RunningDigest(levels, n, np.dtype(dtype))
    problem = channel_problem(y, levels)
    for part in np.array_split(problem.y, min(3, n)):
        running.update(part)
    assert running.digests().problem == problem.digest
    assert running.digests().signal == digest([problem.y.astype(np.float64)])


def test_islands_do_not_depend_on_the_blocks():
    rng = np.random.default_rng(0)
    for _ in range(50):
        mask = np.zeros(5000, dtype=bool)
        for start in rng.integers(0, 5000, rng.integers(0, 12)):
            mask[start : start + rng.integers(1, 300)] = True
        whole, split = Islands(100.0), Islands(100.0)
        whole.push(mask)
        edges = np.sort(rng.integers(1, 5000, rng.integers(0, 40)))
        for part in np.split(mask, np.unique(edges)):
            split.push(part)
        assert split.stretches() == whole.stretches() == cut(mask, 100.0)
        assert (split.count, split.runs, split.longest) == (
            whole.count,
            whole.runs,
            whole.longest,
        )
        assert whole.count == mask.sum()
