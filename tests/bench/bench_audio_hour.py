"""A long stereo recording with one sample in a hundred clipped: time, memory, what is kept.

Not collected by default: `pytest -s tests/bench/bench_audio_hour.py`.  A recording, that of
RECOVER_BENCH_AUDIO_FILE or the bundled one, is repeated for RECOVER_BENCH_MINUTES (60) with the
second channel half a period later, and recovered by `recover audio` in RECOVER_BENCH_JOBS (2)
processes.  Times are CPU seconds of all processes, so that other work on the machine hardly
counts; divided by the processes they are what an idle machine needs.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recover.io import bundled

MINUTES = float(os.environ.get("RECOVER_BENCH_MINUTES", "60"))
JOBS = int(os.environ.get("RECOVER_BENCH_JOBS", "2"))
CLIPPED = 0.01
MEGABYTES = 300.0  # of the process itself, and of each other
MOST = {"fast": 10.0, "quality": 30.0}  # minutes on two cores for one hour
BUSY = 1.6


def peak_of(pid: int) -> dict[int, float]:
    """Return the largest resident size so far of a process and its children, in MB."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(
                line.split(":", 1) for line in status.read_text().splitlines() if ":" in line
            )
        except OSError:
            continue
        if pid in (int(fields["Pid"]), int(fields["PPid"])) and "VmHWM" in fields:
            found[int(fields["Pid"])] = int(fields["VmHWM"].split()[0]) / 1e3
    return found


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hour") / "hour.flac"
    source = os.environ.get("RECOVER_BENCH_AUDIO_FILE", str(bundled("audio/guitar_em9.flac")))
    mono, rate = soundfile.read(source, dtype="float32", always_2d=True)
    x = mono[:, 0]
    stereo = np.stack([x, np.roll(x, len(x) // 2)], axis=1)
    level = np.float32(np.quantile(np.abs(x), 1.0 - CLIPPED))
    period = np.clip(stereo, -level, level)
    frames = round(60 * MINUTES * rate)
    with soundfile.SoundFile(path, "w", rate, 2, subtype="PCM_16") as out:
        for start in range(0, frames, len(period)):
            out.write(period[: frames - start])
    return path


@pytest.mark.parametrize("quality", list(MOST))
def test_a_long_recording(quality: str, recording: Path, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    output = tmp_path / "out.wav"
    command = [
        sys.executable, "-m", "recover", "audio", str(recording), "-o", str(output),
        "--quality", quality, "--jobs", str(JOBS), "--quiet",
    ]  # fmt: skip
    peaks: dict[int, float] = {}
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            for pid, size in peak_of(process.pid).items():
                peaks[pid] = max(size, peaks.get(pid, 0.0))
            time.sleep(0.2)
    assert process.returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = (time.perf_counter() - started) / 60
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    hourly = cpu / JOBS / MINUTES  # minutes of each core for one hour
    sizes = ", ".join(f"{size:.0f}" for size in sorted(peaks.values(), reverse=True)[:JOBS])
    print(
        f"\n{MINUTES:g} minutes, {quality}, {JOBS} processes: {wall:.1f} minutes by the clock, "
        f"{cpu / 60:.1f} of CPU; an hour on an idle machine: {hourly:.1f} minutes "
        f"(bar {MOST[quality]:g}); memory of each process: {sizes} MB (bar {MEGABYTES:g})"
    )
    assert max(peaks.values()) <= MEGABYTES
    assert hourly <= BUSY * MOST[quality]
    with soundfile.SoundFile(output) as out, soundfile.SoundFile(recording) as given:
        assert out.frames == given.frames
        for _ in range(10):
            y = given.read(given.samplerate, dtype="float32")
            x = out.read(given.samplerate, dtype="float32")
            reliable = np.abs(y) < np.abs(y).max()
            assert np.array_equal(x[reliable], y[reliable])
            assert (np.abs(x) >= np.abs(y)).all()
