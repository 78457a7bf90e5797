"""The command line end to end, on real files: what it writes, prints, refuses and returns."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recover.io import bundled

CLIPPED = bundled("audio/guitar_em9_clipped.flac")
SECONDS = 0.4


@pytest.fixture
def clip(tmp_path):
    """A short piece of the bundled clipped recording."""
    samples, rate = soundfile.read(CLIPPED, dtype="int16")
    path = tmp_path / "loud.wav"
    soundfile.write(path, samples[30000 : 30000 + int(SECONDS * rate)], rate, subtype="PCM_16")
    return path


def test_recover_then_verify(run, clip, tmp_path):
    out, page, data = tmp_path / "out.wav", tmp_path / "r.html", tmp_path / "r.json"
    saved = tmp_path / "r.npz"
    status, text, err = run(
        "audio", clip, "-o", out, "--quality", "fast", "--report", page, "--json", data,
        "--save", saved,
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert "loud.wav" in text

    before, rate = soundfile.read(clip)
    after, rate_after = soundfile.read(out)
    written = json.loads(data.read_text())
    ((low, high),) = written["levels"]
    reliable = (before > low) & (before < high)
    assert rate == rate_after
    assert not reliable.all()
    np.testing.assert_array_equal(after[reliable], before[reliable])
    assert np.all(after[before >= high] >= high)
    assert np.all(after[before <= low] <= low)
    assert written["fraction_clipped"]["total"] == pytest.approx(1 - reliable.mean())
    for key in ("input", "output", "seconds", "status", "certificate"):
        assert key in written
    promise = written["certificate"]
    assert promise["kappa"]["upper"] is not None
    assert promise["error_bound"] == "inf"
    assert promise["reason"]
    assert promise["scope"]["kind"] == "global"
    assert promise["rigor"] == {"kind": "proved"}

    html = page.read_text()
    assert html.startswith("<!doctype html>")
    assert "http://" not in html
    assert "https://" not in html
    assert html.count("<img alt=") == html.count("<img")

    assert run("verify", data, clip)[0] == 0
    assert run("verify", data)[0] == 0

    again = tmp_path / "again.html"
    assert run("report", saved, "-o", again)[0] == 0
    assert "recovered" in again.read_text()


def test_verify_refuses_other_recordings_and_forgeries(run, clip, tmp_path):
    data = tmp_path / "r.json"
    assert (
        run("audio", clip, "-o", tmp_path / "o.wav", "--quality", "fast", "--json", data)[0]
        == 0
    )
    samples, rate = soundfile.read(clip, dtype="int16")
    samples[100] += 1
    other = tmp_path / "other.wav"
    soundfile.write(other, samples, rate, subtype="PCM_16")
    status, _, err = run("verify", data, other)
    assert status == 1
    assert "refused" in err

    forged = json.loads(data.read_text())
    forged["certificate"]["error_bound"] = 1e-3
    data.write_text(json.dumps(forged))
    status, _, err = run("verify", data, clip)
    assert status == 1
    assert "refused" in err


def test_results_are_the_same_twice(run, clip, tmp_path):
    texts = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        args = ["--quality", "fast", "--json", folder / "r.json", "--report", folder / "r.html"]
        assert run("audio", clip, "-o", folder / "o.wav", *args)[0] == 0
        data = json.loads((folder / "r.json").read_text())
        data.pop("seconds")
        text = json.dumps(data) + (folder / "r.html").read_text()
        texts.append(text.replace(str(folder), ""))
        texts.append((folder / "o.wav").read_bytes())
    assert texts[0] == texts[2]
    assert texts[1] == texts[3]


def test_several_inputs_go_to_a_folder(run, clip, tmp_path):
    second = tmp_path / "second.wav"
    second.write_bytes(clip.read_bytes())
    folder = tmp_path / "out"
    status, _, err = run("audio", clip, second, "-o", folder, "--quality", "fast")
    assert status == 1
    assert "folder" in err
    folder.mkdir()
    status, text, _ = run("audio", clip, second, "-o", folder, "--quality", "fast", "--jobs", 2)
    assert status == 0
    assert (folder / "loud.wav").read_bytes() == (folder / "second.wav").read_bytes()
    assert "second.wav" in text


def test_unclipped_recordings_come_back_byte_for_byte(run, clip, tmp_path):
    samples, rate = soundfile.read(bundled("audio/guitar_em9.flac"), dtype="int16")
    for name, data in {"clean": samples[:20000], "silent": np.zeros(5000, np.int16)}.items():
        path, out = tmp_path / f"{name}.flac", tmp_path / f"{name}_out.flac"
        soundfile.write(path, data, rate, subtype="PCM_16")
        status, text, _ = run("audio", path, "-o", out)
        assert status == 0
        assert "nothing was changed" in text
        assert out.read_bytes() == path.read_bytes()


def bad_inputs(folder):
    """Return {name: (path, words of the message)} of files that cannot be recovered."""
    rate = 8000

    def wav(name, data, subtype="FLOAT"):
        path = folder / f"{name}.wav"
        soundfile.write(path, np.asarray(data, dtype=np.float64), rate, subtype=subtype)
        return path

    tone = np.sin(np.arange(4000) / 7.0)
    nan, inf = tone.copy(), tone.copy()
    nan[5], inf[7] = np.nan, np.inf
    whole = wav("whole", tone).read_bytes()
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("this is not audio")
    (folder / "cut.wav").write_bytes(whole[:30])
    (folder / "cut_flac.flac").write_bytes(CLIPPED.read_bytes()[:5000])
    return {
        "missing": (folder / "no_such_file.wav", ["does not exist"]),
        "empty": (folder / "empty.wav", ["empty"]),
        "text": (folder / "text.wav", ["text.wav"]),
        "truncated": (folder / "cut.wav", ["cut.wav"]),
        "truncated flac": (folder / "cut_flac.flac", ["cut_flac.flac"]),
        "nan": (wav("nan", nan), ["NaN"]),
        "infinity": (wav("inf", inf), ["infinit"]),
        "no samples": (wav("none", []), ["no samples"]),
        "folder": (folder, ["directory"]),
    }


NAMES = [
    "missing", "empty", "text", "truncated", "truncated flac", "nan", "infinity", "no samples",
    "folder",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", ["audio", "inspect"])
def test_bad_input_gets_one_clear_line(run, tmp_path, name, command):
    path, words = bad_inputs(tmp_path)[name]
    out = tmp_path / "out.wav"
    before = sorted(tmp_path.iterdir())
    args = ["-o", out] if command == "audio" else []
    status, text, err = run(command, path, *args)
    assert status == 1
    assert text == ""
    assert err.startswith("recover: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for word in words:
        assert word.lower() in err.lower(), err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--low", "0.5", "--high", "-0.5"], "below"),
        (["--high", "2e-9", "--low", "1e-9"], "every sample"),
        (["--tolerance", "-1"], "tolerance"),
        (["--mix", "2"], "mix"),
    ],
)
def test_bad_options_get_one_clear_line(run, clip, tmp_path, args, word):
    status, _, err = run("audio", clip, "-o", tmp_path / "o.wav", *args)
    assert status == 1
    assert word in err
    assert err.count("\n") == 1
    assert not (tmp_path / "o.wav").exists()


@pytest.mark.parametrize("args", [["audio"], ["audio", "x.wav"], ["nonsense"], ["inspect"]])
def test_wrong_usage_is_status_2(run, args):
    status, _, err = run(*args)
    assert status == 2
    assert "Usage" in err


def test_nothing_is_overwritten_without_force(run, clip, tmp_path):
    names = {"-o": "a.wav", "--json": "a.json", "--report": "a.html", "--save": "a.npz"}
    for option, name in {**names, "--diff": "d.wav"}.items():
        path = tmp_path / name
        path.write_text("precious")
        args = [] if option == "-o" else ["-o", tmp_path / f"free{option}.wav"]
        status, _, err = run("audio", clip, *args, option, path)
        assert status == 1, option
        assert "exists" in err
        assert path.read_text() == "precious"
        assert not (tmp_path / f"free{option}.wav").exists()
    status, _, _ = run("audio", clip, "-o", tmp_path / "a.wav", "--quality", "fast", "--force")
    assert status == 0


def test_levels_of_each_channel(run, clip, tmp_path):
    samples, rate = soundfile.read(clip)
    soundfile.write(tmp_path / "two.wav", np.stack([samples, 0.5 * samples], axis=1), rate)
    args = ("audio", tmp_path / "two.wav", "-o", tmp_path / "o.wav", "--quality", "fast")
    data = tmp_path / "o.json"
    status, _, _ = run(*args, "--low", "none,-0.1", "--high", "0.2,none", "--json", data)
    assert status == 0
    assert json.loads(data.read_text())["levels"] == [[None, 0.2], [-0.1, None]]
    status, _, err = run(*args, "--high", "0.2,loud", "--force")
    assert status == 1
    assert "one per channel" in err
    status, _, err = run(*args, "--high", "0.2,0.3,0.4", "--force")
    assert status == 1
    assert "high" in err
    status, _, err = run(*args, "--seed", -1, "--force")
    assert status == 1
    assert "seed must be >= 0" in err


def test_a_folder_takes_formats_that_are_not_written(run, clip, tmp_path):
    samples, rate = soundfile.read(clip)
    soundfile.write(tmp_path / "a.aiff", samples, rate, subtype="PCM_24")
    soundfile.write(tmp_path / "b.flac", 4.0 * samples, rate, subtype="PCM_24")
    folder = tmp_path / "out"
    folder.mkdir()
    files = (tmp_path / "a.aiff", tmp_path / "b.flac")
    status, text, err = run("audio", *files, "-o", folder, "--quality", "fast")
    assert (status, err) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == ["a.wav", "b.flac.wav"]
    assert "b.flac.wav (WAV FLOAT)" in text


def test_unwritable_output(run, clip, tmp_path):
    status, _, err = run("audio", clip, "-o", tmp_path / "no" / "folder" / "o.wav")
    assert status == 1
    assert "does not exist" in err
    status, _, err = run("audio", clip, "-o", tmp_path / "o.mp4")
    assert status == 1
    assert ".wav" in err


@pytest.mark.parametrize("text", ["", "{}", "[1]", "not json", '{"certificate": {}}'])
def test_verify_refuses_what_is_no_certificate(run, tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    status, _, err = run("verify", path)
    assert status == 1
    assert err.startswith("recover: ")
    assert err.count("\n") == 1


def test_interruption_leaves_nothing_partial(tmp_path):
    termios = pytest.importorskip("termios")
    rate = 44100
    noise = np.random.default_rng(0).standard_normal(20 * rate)
    source = tmp_path / "long.wav"
    soundfile.write(source, np.clip(noise, -1.0, 1.0) * 0.9, rate, subtype="PCM_16")
    before = sorted(tmp_path.iterdir())
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen(
        [sys.executable, "-m", "recover", "audio", source, "-o", tmp_path / "o.wav"],
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
    )
    os.close(theirs)
    err = printed_until(ours, "%|")  # the bar: the work has begun, however long imports took
    assert "%|" in err
    process.send_signal(signal.SIGINT)
    err += printed_until(ours, None)
    assert process.wait(timeout=60) == 130
    os.close(ours)
    assert "interrupted" in err
    assert "Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before


def printed_until(terminal, sign):
    """What a process prints on its terminal, up to a sign or to its end."""
    text = ""
    while sign is None or sign not in text:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux: the last writer has gone
            break
        if not data:
            break
        text += data.decode(errors="replace")
    return text


def test_list_names_one_of_each(run):
    status, text, _ = run("list")
    assert status == 0
    for name in ("Gabor", "Saturation", "SocialSparsity", "Quadratic"):
        assert name in text


def test_capacity_prints_and_writes_the_plain_value(run, tmp_path):
    status, text, _ = run("capacity", "--json", tmp_path / "c.json")
    assert status == 0
    assert "7.64769493544" in text
    data = json.loads((tmp_path / "c.json").read_text())
    assert data["value"] == pytest.approx(7.647694935435280, abs=1e-12)
    assert data["rigor"] == {"kind": "proved"}
    status, text, _ = run("capacity", "--layers", 2, "--criterion", "strong", "--json", "-")
    assert status == 0
    assert json.loads(text)["values"][1] == pytest.approx(11.460257, abs=1e-6)


@pytest.mark.parametrize("args", [["--layers", "0"], ["--layers", "2", "--method", "limit"]])
def test_capacity_refuses_what_does_not_exist(run, args):
    status, text, err = run("capacity", *args)
    assert status == 1
    assert text == ""
    assert err.count("\n") == 1
