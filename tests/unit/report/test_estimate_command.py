"""``--estimate`` of the commands that recover and draw recordings."""

import json

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from recover.cli.audio import audio_command
from recover.cli.report import report_command


@pytest.fixture
def recording(tmp_path):
    y = np.clip(np.sin(0.05 * np.arange(6000)) * np.linspace(1, 0.5, 6000), -0.6, 0.6)
    path = tmp_path / "in.wav"
    soundfile.write(path, y, 8000, subtype="FLOAT")
    return path


def test_audio_and_report(recording, tmp_path):
    page, data, saved = (tmp_path / name for name in ("r.html", "r.json", "r.npz"))
    done = CliRunner().invoke(
        audio_command,
        [str(recording), "-o", str(tmp_path / "o.wav"), "--estimate", "--quality", "fast",
         "--report", str(page), "--json", str(data), "--save", str(saved)],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0
    assert "not a bound" in done.output
    assert json.loads(data.read_text())["estimate"]["segments"]
    assert "Which seconds to trust" in page.read_text()
    again = tmp_path / "again.html"
    drawn = CliRunner().invoke(
        report_command, [str(saved), "-o", str(again), "--estimate"], catch_exceptions=False
    )
    assert drawn.exit_code == 0
    assert "Which seconds to trust" in again.read_text()
    plain = CliRunner().invoke(
        report_command, [str(saved), "-o", str(again), "--force"], catch_exceptions=False
    )
    assert plain.exit_code == 0
    assert "Which seconds to trust" not in again.read_text()


def test_not_asked_not_made(recording, tmp_path):
    data = tmp_path / "r.json"
    CliRunner().invoke(
        audio_command,
        [
            str(recording),
            "-o",
            str(tmp_path / "o.wav"),
            "--quality",
            "fast",
            "--json",
            str(data),
        ],
        catch_exceptions=False,
    )
    assert "estimate" not in json.loads(data.read_text())
