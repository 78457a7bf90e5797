"""Declipping: gain and CPU time, beside ffmpeg's adeclip where it is installed.

Not collected by default: `pytest -s tests/bench/bench_audio.py`.  Set OMP_NUM_THREADS=1.  The
files are those of the folder named by RECOVER_BENCH_AUDIO (recordings that are not clipped), or
the bundled one; two seconds from second 1 of each are clipped symmetrically at the level that
leaves the stated signal-to-distortion ratio.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recover.audio import declip
from recover.io import bundled
from recover.metrics import sdr, sdr_gain

# dB on nine recordings, and CPU seconds per second of audio on an idle core
FLOOR = {
    "quality": {15.0: 15.3, 10.0: 15.0, 5.0: 13.2},
    "auto": {15.0: 15.2, 10.0: 14.9, 5.0: 13.1, 3.0: 11.4, 1.0: 6.3},
    "fast": {15.0: 14.7, 10.0: 14.6, 5.0: 10.2},
}
MOST = {"quality": 0.45, "auto": 0.9, "fast": 0.13}
NINE = 9
BUSY = 1.6  # other work on the machine inflates CPU time by up to this
ADECLIP_LONGEST = 300.0  # seconds of wall clock for one file


def recordings() -> list[tuple[str, np.ndarray, int]]:
    folder = os.environ.get("RECOVER_BENCH_AUDIO")
    paths = (
        sorted(Path(folder).glob("*.flac")) if folder else [bundled("audio/guitar_em9.flac")]
    )
    found = []
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        found.append((path.stem, samples[rate : 3 * rate, 0], rate))
    return found


def clip_to(x: np.ndarray, ratio: float) -> np.ndarray:
    """Return `x` clipped so that the input SDR is `ratio` dB."""
    low, high = 0.0, float(np.abs(x).max())
    for _ in range(60):
        level = (low + high) / 2
        if sdr(x, np.clip(x, -level, level)) < ratio:
            low = level
        else:
            high = level
    return np.clip(x, -np.float32(high), np.float32(high))


def adeclip(y: np.ndarray, rate: int, folder: Path) -> tuple[np.ndarray, float]:
    """Return the output of ffmpeg's adeclip (overlap-save) and its CPU time."""
    source, target = folder / "in.wav", folder / "out.wav"
    scale = float(np.abs(y).max())
    soundfile.write(source, y / scale, rate, subtype="FLOAT")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        "ffmpeg", "-v", "error", "-y", "-threads", "1", "-i", source, "-af", "adeclip=m=s",
        "-c:a", "pcm_f32le", target,
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=ADECLIP_LONGEST)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    out, _ = soundfile.read(target, dtype="float32")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return scale * out[: len(y)], seconds


def row(name: str, gains: list[float], seconds: float, duration: float) -> str:
    each = " ".join(f"{gain:6.2f}" for gain in gains)
    return f"{name:>16} {each} | {np.mean(gains):6.2f} dB, {seconds / duration:6.3f} s/s"


@pytest.mark.parametrize(
    ("quality", "ratio"), [(name, ratio) for name in FLOOR for ratio in FLOOR[name]]
)
def test_gain_and_time(quality: str, ratio: float) -> None:
    files = recordings()
    gains, spent, certified, duration = [], 0.0, 0.0, 0.0
    for _, x, rate in files:
        y = clip_to(x, ratio)
        start = time.process_time()
        restored = declip(y, rate, quality=quality, certify=False)
        spent += time.process_time() - start
        start = time.process_time()
        declip(y, rate, quality=quality)
        certified += time.process_time() - start
        duration += len(x) / rate
        gains.append(sdr_gain(x, y, restored.samples))
        reliable = ~restored.recovered
        assert np.array_equal(restored.samples[reliable], y[reliable])
        assert (np.abs(restored.samples) >= np.abs(y)).all()
    print("\n" + " " * 17 + " ".join(f"{name[:6]:>6}" for name, _, _ in files))
    print(row(f"{ratio:g} dB {quality}", gains, spent, duration))
    print(f"{'with certificate':>16} {certified / spent:.2f} times the time")
    assert certified <= 2.0 * spent
    assert spent <= BUSY * MOST[quality] * duration
    if len(files) == NINE:
        assert np.mean(gains) >= FLOOR[quality][ratio]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("ratio", [15.0, 10.0])
def test_beside_adeclip(ratio: float, tmp_path: Path) -> None:
    peer, qualities = "adeclip=m=s", ("quality", "auto", "fast")
    gains: dict[str, list[float]] = {name: [] for name in (peer, *qualities)}
    seconds = dict.fromkeys(gains, 0.0)
    duration = 0.0
    for _, x, rate in recordings():
        y = clip_to(x, ratio)
        out, spent = adeclip(y, rate, tmp_path)
        seconds[peer] += spent
        gains[peer].append(sdr_gain(x, y, out))
        for name in qualities:
            start = time.process_time()
            ours = declip(y, rate, quality=name, certify=False).samples
            seconds[name] += time.process_time() - start
            gains[name].append(sdr_gain(x, y, ours))
        duration += len(x) / rate
    print()
    for name, each in gains.items():
        print(row(f"{ratio:g} dB {name}", each, seconds[name], duration))
    for name in qualities:
        ahead = np.array(gains[name]) - gains[peer]
        print(
            f"{name:>16} ahead by {ahead.mean():.2f} dB, at least {ahead.min():.2f} dB, in "
            f"{seconds[name] / seconds[peer]:.3f} of the time"
        )
        assert ahead.min() > 0.0


def test_an_unclipped_recording_costs_next_to_nothing() -> None:
    for name, x, rate in recordings():
        declip(x, rate)
        start = time.process_time()
        result = declip(x, rate)
        share = (time.process_time() - start) * rate / len(x)
        assert np.array_equal(result.samples, x)
        print(f"\n{name}: {share:.4f} CPU s per s of unclipped audio")
        assert share <= 0.02
