"""Every example runs as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONG = {  # several seconds each
    "at_a_glance",
    "capacity_transition",
    "certificate_as_clipping_grows",
    "coded_diffraction_microscope",
    "compare_methods",
    "diffraction_with_support",
    "how_wide",
    "ptychographic_scan",
    "speech_from_spectrogram",
}
EXAMPLES = [
    pytest.param(path, marks=[pytest.mark.slow] if path.stem in LONG else [], id=path.stem)
    for path in sorted((ROOT / "examples").glob("*.py"))
]


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES)
def test_example(path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", path],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.slow
def test_the_example_of_the_command_line(tmp_path):
    """Its commands run as they stand, and warn of nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = "from recover.cli import main; main()"
    for name, arguments in (("recover", f"-W error -c '{program}'"), ("python", "-W error")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (folder / name).chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        ["sh", ROOT / "examples" / "command_line.sh"],
        cwd=work,
        env={
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "MPLBACKEND": "Agg",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("accepted") == 4
    assert (work / "demo" / "report.html").stat().st_size > 10_000
