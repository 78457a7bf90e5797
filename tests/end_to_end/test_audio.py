"""A real recording from file to file, judged against its clean original."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from recover.audio import AudioOptions, AudioResult, process_file
from recover.io import bundled, read_audio
from recover.metrics import sdr, sdr_gain

# of another process: reads the certificate, builds the problems from the file, verifies
VERIFY = """
import json, sys
from recover import Certificate, verify
from recover.audio import ChannelLevels, channel_problems
from recover.io import read_audio
source, report = sys.argv[1:]
data = json.load(open(report, encoding="utf-8"))
levels = [ChannelLevels(**each) for each in data["detection"]]
problems = channel_problems(read_audio(source).samples, levels)
certificate = Certificate.from_data(data["certificate"])
verdict = verify(certificate, problems if certificate.parts else problems[0])
print(verdict.accepted, verdict.reasons)
"""


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """One second of the bundled recording, clean and clipped, as files."""
    folder = tmp_path_factory.mktemp("audio")
    for name in ("guitar_em9", "guitar_em9_clipped"):
        samples, rate = soundfile.read(bundled(f"audio/{name}.flac"), dtype="int16")
        soundfile.write(folder / f"{name}.wav", samples[rate : 2 * rate], rate)
    return folder


def test_a_recording_is_recovered_and_its_certificate_verified_elsewhere(pieces, tmp_path):
    source, output = pieces / "guitar_em9_clipped.wav", tmp_path / "out.wav"
    report = process_file(source, output)
    clean = read_audio(pieces / "guitar_em9.wav").samples
    clipped, restored = read_audio(source).samples, read_audio(output).samples
    assert sdr(clean, clipped) < 12.0
    assert sdr_gain(clean, clipped, restored) > 17.0

    reliable = np.abs(clipped) < 7358 / 32768
    assert np.array_equal(restored[reliable], clipped[reliable])
    assert (np.abs(restored[~reliable]) >= 7358 / 32768).all()

    page = tmp_path / "r.json"
    page.write_text(json.dumps(report.to_json(), allow_nan=False))
    outcome = subprocess.run(
        [sys.executable, "-c", VERIFY, str(source), str(page)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert outcome.stdout == "True ()\n"

    report.result.save(tmp_path / "r.npz")
    loaded = AudioResult.load(tmp_path / "r.npz")
    assert np.array_equal(loaded.samples, report.result.samples)


def test_the_clean_recording_comes_back_as_it_was(pieces, tmp_path):
    source, output = pieces / "guitar_em9.wav", tmp_path / "out.wav"
    report = process_file(source, output)
    assert output.read_bytes() == source.read_bytes()
    assert not report.result.recovered.any()
    assert report.result.certificate.error_bound == 0.0


def test_twice_gives_the_same_bytes(pieces, tmp_path):
    for name in ("a.wav", "b.wav"):
        process_file(
            pieces / "guitar_em9_clipped.wav", tmp_path / name, AudioOptions(quality="fast")
        )
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
