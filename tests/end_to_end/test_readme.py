"""What the README shows runs as it stands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from recover.cli.commands import cli
from recover.frames import CodedDiffraction
from recover.io import bundled
from recover.io.image_read import read_image

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
CONSOLE = re.findall(r"^\$ recover (.*?)(?:\s{2,}#.*)?$", README, re.M)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_python_snippets(snippet, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", snippet],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "True" in done.stdout


def test_the_first_two_commands_are_the_main_job_and_the_tests():
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
    assert blocks[0].rstrip().endswith("recover demo")
    assert "bin/pytest" in blocks[1].rstrip().splitlines()[-1]


def test_every_command_is_shown_and_every_shown_command_exists():
    shown = {shlex.split(line)[0] for line in CONSOLE}
    assert shown <= set(cli.commands)


def test_the_commands_run_in_order(run, tmp_path, monkeypatch):
    import numpy as np
    import soundfile
    import tifffile

    samples, rate = soundfile.read(bundled("audio/guitar_em9_clipped.flac"), dtype="int16")
    soundfile.write(tmp_path / "loud.wav", samples[30000:50000], rate, subtype="PCM_16")
    np.save(tmp_path / "frame.npy", np.random.default_rng(0).standard_normal((12, 3)))
    np.savez(tmp_path / "net.npz", weight=np.eye(3), bias=np.ones(3))
    picture = read_image(bundled("image/courtyard_clipped.tif")).pixels[:64, 60:156]
    tifffile.imwrite(tmp_path / "photo.tif", picture, photometric="rgb")
    frame = CodedDiffraction.octanary((16, 16), 6, np.random.default_rng(0))
    field = 1.0 + np.exp(1j * np.arange(256.0).reshape(16, 16) / 40.0)
    magnitude = np.abs(frame.analysis(field))
    np.savez(tmp_path / "patterns.npz", magnitude=magnitude, masks=frame.masks)
    monkeypatch.chdir(tmp_path)
    for line in CONSOLE:
        status, _, err = run(*shlex.split(line))
        assert status == 0, (line, err)
