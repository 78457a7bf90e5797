"""From file to file: formats, gain, copies, mixing, refusals before any work."""

import json

import numpy as np
import pytest
import soundfile

from recover.audio import AudioOptions, inspect_file, process_file
from recover.core.errors import ParameterError
from recover.io import FileError, bundled, read_audio

RATE = 8000


def loud(n=4000, level=0.8, channels=1):
    t = np.arange(n) / RATE
    x = np.sin(2 * np.pi * 220 * t) + 0.4 * np.sin(2 * np.pi * 333 * t)
    y = np.clip(x, -level, level)
    return np.stack([np.roll(y, k) for k in range(channels)], axis=1)


@pytest.fixture
def clipped(tmp_path):
    path = tmp_path / "in.wav"
    soundfile.write(path, loud(), RATE, subtype="PCM_16")
    return path


def test_output_beyond_full_scale_is_floating(clipped, tmp_path):
    report = process_file(clipped, tmp_path / "out.wav")
    out, source = read_audio(tmp_path / "out.wav"), read_audio(clipped)
    assert (report.format.subtype, report.format.gain) == ("FLOAT", 1.0)
    assert np.array_equal(out.samples, report.result.samples)
    assert np.abs(out.samples).max() > 1.0
    reliable = ~report.result.recovered
    assert np.array_equal(out.samples[reliable], source.samples[reliable])


def test_flac_takes_an_exact_gain(clipped, tmp_path):
    report = process_file(clipped, tmp_path / "out.flac")
    out, source = read_audio(tmp_path / "out.flac"), read_audio(clipped)
    assert (report.format.subtype, report.format.gain) == ("PCM_24", 0.5)
    reliable = ~report.result.recovered
    assert np.array_equal(2 * out.samples[reliable], source.samples[reliable])
    assert np.abs(2 * out.samples - report.result.samples).max() <= 2.0**-23


def test_what_24_bit_flac_cannot_hold_goes_beside_it_if_allowed(tmp_path):
    source, output = tmp_path / "in.flac", tmp_path / "out.flac"
    soundfile.write(source, loud(), RATE, subtype="PCM_24")
    with pytest.raises(FileError, match="name the output"):
        process_file(source, output)
    assert list(tmp_path.iterdir()) == [source]
    report = process_file(source, output, AudioOptions(fallback=True))
    assert report.output == str(tmp_path / "out.flac.wav")
    assert report.format.subtype == "FLOAT"
    out, before = read_audio(report.output), read_audio(source)
    reliable = ~report.result.recovered
    assert np.array_equal(out.samples[reliable], before.samples[reliable])
    assert not output.exists()
    # what fits stays where it was asked for
    soundfile.write(source, 0.25 * loud(), RATE, subtype="PCM_24")
    assert process_file(source, output, AudioOptions(fallback=True)).output == str(output)


def test_long_recordings_fall_back_too(tmp_path, monkeypatch):
    monkeypatch.setattr("recover.audio.app.LONG", 1000)
    source = tmp_path / "in.flac"
    soundfile.write(source, loud(), RATE, subtype="PCM_24")
    report = process_file(source, tmp_path / "out.flac", AudioOptions(fallback=True))
    assert report.output == str(tmp_path / "out.flac.wav")
    assert read_audio(report.output).samples.max() > 1.0


def test_blurred_levels_are_noted(tmp_path):
    rng = np.random.default_rng(3)
    smooth = np.convolve(rng.standard_normal(20199), np.hanning(40), "valid")
    y = np.clip(smooth / np.quantile(np.abs(smooth), 0.8), -1.0, 1.0)
    blurred = 0.5 * (y + 0.02 * rng.standard_normal(len(y)))
    soundfile.write(tmp_path / "in.wav", blurred, RATE, subtype="PCM_24")
    report = process_file(
        tmp_path / "in.wav", tmp_path / "out.wav", AudioOptions(quality="fast")
    )
    assert report.result.levels[0].tolerance > 0.0
    (note,) = report.notes
    assert "channel 1 are blurred" in note


def test_a_quiet_recording_keeps_its_format(tmp_path):
    soundfile.write(tmp_path / "in.wav", 0.25 * loud(channels=2), RATE, subtype="PCM_24")
    report = process_file(tmp_path / "in.wav", tmp_path / "out.wav")
    assert (report.format.subtype, report.format.gain) == ("PCM_24", 1.0)
    out, source = read_audio(tmp_path / "out.wav"), read_audio(tmp_path / "in.wav")
    reliable = ~report.result.recovered
    assert np.array_equal(out.samples[reliable], source.samples[reliable])
    recovered = report.result.recovered
    assert (np.abs(out.samples[recovered]) >= np.abs(source.samples[recovered])).all()


@pytest.mark.parametrize("samples", [np.zeros((500, 1)), 0.1 * loud(level=2.0)])
def test_silent_and_unclipped_files_come_back_byte_for_byte(tmp_path, samples):
    source, target = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, samples, RATE, subtype="PCM_16")
    report = process_file(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert "nothing was changed" in report.result.note
    process_file(source, tmp_path / "out.flac")
    assert np.array_equal(read_audio(tmp_path / "out.flac").samples, read_audio(source).samples)


def test_mix_and_difference(clipped, tmp_path):
    diff = tmp_path / "diff.wav"
    full = process_file(clipped, tmp_path / "full.wav")
    half = process_file(clipped, tmp_path / "half.wav", AudioOptions(mix=0.5, diff=str(diff)))
    source = read_audio(clipped).samples
    out = read_audio(tmp_path / "half.wav").samples
    assert np.array_equal(half.result.samples, full.result.samples)
    assert np.allclose(out, (source + full.result.samples) / 2, atol=1e-7)
    assert np.array_equal(read_audio(diff).samples, out - source)
    none = process_file(clipped, tmp_path / "none.wav", AudioOptions(mix=0.0))
    assert np.array_equal(read_audio(none.output).samples, source)


def test_json_holds_what_was_done(clipped, tmp_path):
    report = process_file(clipped, tmp_path / "out.wav")
    data = json.loads(json.dumps(report.to_json(), allow_nan=False))
    ((low, high),) = data["levels"]
    assert -low == pytest.approx(0.8, abs=1e-4)
    assert high == pytest.approx(0.8, abs=1e-4)
    assert data["fraction_clipped"]["total"] == data["fraction_clipped"]["channels"][0] > 0.3
    assert data["certificate"]["error_bound"] == "inf"
    assert data["certificate"]["kappa"] == {"lower": 0.0, "upper": 0.0}
    assert data["certificate"]["scope"] == {"kind": "global"}
    assert data["certificate"]["rigor"] == {"kind": "proved"}
    assert data["status"] == "completed"
    assert data["input"].endswith("in.wav")
    assert data["output"].endswith("out.wav")
    assert data["gain"] == 1.0
    assert data["seconds"] > 0.0


def test_inspection_changes_nothing(clipped):
    before = clipped.read_bytes()
    found = inspect_file(clipped)
    assert clipped.read_bytes() == before
    assert found.clipped
    assert (found.rate, found.frames, found.subtype) == (RATE, 4000, "PCM_16")
    assert json.loads(json.dumps(found.to_json()))["seconds"] == 0.5
    assert not inspect_file(bundled("audio/guitar_em9.flac")).clipped


def test_an_interruption_leaves_nothing(clipped, tmp_path):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process_file(clipped, tmp_path / "out.wav", watch=interrupt)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.wav"]


@pytest.mark.parametrize(
    ("output", "options", "message"),
    [
        ("out.mp3", {}, "recordings are written as .wav"),
        ("in.wav", {}, "exists"),
        ("no/out.wav", {}, "does not exist"),
        ("out.wav", {"diff": "no/diff.wav"}, "does not exist"),
    ],
)
def test_outputs_are_checked_before_any_work(clipped, tmp_path, output, options, message):
    def fail(_):
        raise AssertionError("work was begun")

    options = {name: str(tmp_path / value) for name, value in options.items()}
    with pytest.raises(FileError, match=message):
        process_file(clipped, tmp_path / output, AudioOptions(**options), watch=fail)


def test_floating_input_to_flac_is_refused_early(tmp_path):
    soundfile.write(tmp_path / "in.wav", loud(), RATE, subtype="FLOAT")
    with pytest.raises(FileError, match=r"FLAC cannot hold FLOAT .* name the output \.wav"):
        process_file(tmp_path / "in.wav", tmp_path / "out.flac")
    assert not (tmp_path / "out.flac").exists()


def test_a_fully_clipped_file_is_refused(tmp_path):
    square = np.where(np.arange(2000) % 100 < 50, 0.9, -0.9)
    soundfile.write(tmp_path / "in.wav", square, RATE, subtype="PCM_16")
    with pytest.raises(ParameterError, match="every sample of channel 1"):
        process_file(tmp_path / "in.wav", tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_force_replaces(clipped, tmp_path):
    target = tmp_path / "out.wav"
    target.write_text("old")
    process_file(clipped, target, AudioOptions(force=True))
    assert len(read_audio(target).samples) == 4000


def test_bad_seed():
    with pytest.raises(ParameterError, match="seed must be >= 0, got -1"):
        AudioOptions(seed=-1)


def test_bad_mix():
    with pytest.raises(ParameterError, match="mix must lie"):
        AudioOptions(mix=1.5)
