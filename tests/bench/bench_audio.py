"""Declipping: gain and CPU time beside the bars, and beside ffmpeg's adeclip where installed.

Not collected by default.  The whole table comes from one command,
``OMP_NUM_THREADS=1 RECOVER_BENCH_AUDIO=FOLDER pytest -s tests/bench/bench_audio.py``; its last
lines are the table in Markdown.  FOLDER holds recordings that are not clipped; without it the
bundled one is taken.  Two seconds from second 1 of each are clipped symmetrically at the level
that leaves the stated signal-to-distortion ratio.  CPU times are those of an idle core only on
an idle machine; ratios to adeclip are of one run.
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
from recover.audio.stretches import Stretch
from recover.io import bundled
from recover.metrics import sdr, sdr_gain

# dB on nine recordings, and CPU seconds per second of audio on an idle core
FLOOR = {
    "quality": {15.0: 15.3, 10.0: 15.0, 5.0: 13.2, 3.0: 11.4, 1.0: 6.3},
    "auto": {15.0: 15.2, 10.0: 14.9, 5.0: 13.1, 3.0: 11.4, 1.0: 6.3},
    "fast": {15.0: 14.7, 10.0: 14.6, 5.0: 10.2},
}
AHEAD = {15.0: 6.5, 10.0: 8.5}  # dB over adeclip on average, with quality and auto
SHARE = {15.0: 1.0, 10.0: 0.2}  # of adeclip's time
LEAST_LOSS = 3.5  # dB; below it more time is allowed
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


def most(quality: str, ratio: float) -> float:
    """Return the bar of CPU seconds per second."""
    if quality == "fast":
        return 0.13
    return 0.45 if ratio > LEAST_LOSS else 0.9


class Table:
    """The lines that are printed at the end."""

    def __init__(self) -> None:
        self._lines = ["| what | figure | bar |", "| --- | --- | --- |"]

    def add(self, what: str, figure: str, bar: str) -> None:
        self._lines.append(f"| {what} | {figure} | {bar} |")

    def __str__(self) -> str:
        return "\n".join(self._lines)


@pytest.fixture(scope="module")
def table() -> Table:
    return Table()


def row(name: str, gains: list[float], seconds: float, duration: float) -> str:
    each = " ".join(f"{gain:6.2f}" for gain in gains)
    return f"{name:>16} {each} | {np.mean(gains):6.2f} dB, {seconds / duration:6.3f} s/s"


@pytest.mark.parametrize(
    ("quality", "ratio"), [(name, ratio) for name in FLOOR for ratio in FLOOR[name]]
)
def test_gain_and_time(quality: str, ratio: float, table: Table) -> None:
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
    floor, limit = FLOOR[quality][ratio], most(quality, ratio)
    table.add(
        f"{quality}, {ratio:g} dB input",
        f"{np.mean(gains):+.2f} dB, {spent / duration:.2f} s/s",
        f"{floor:+.1f} dB, {limit:g} s/s",
    )
    table.add(f"its certificate, {ratio:g} dB", f"{certified / spent:.2f} of the time", "2")
    assert certified <= 2.0 * spent
    assert spent <= BUSY * limit * duration
    if len(files) == NINE:
        assert np.mean(gains) >= floor


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("ratio", [15.0, 10.0])
def test_beside_adeclip(ratio: float, tmp_path: Path, table: Table) -> None:
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
        ahead, share = np.array(gains[name]) - gains[peer], seconds[name] / seconds[peer]
        figure = (
            f"{ahead.mean():+.2f} dB, at least {ahead.min():+.2f} dB, {share:.2f} of the time"
        )
        print(f"{name:>16} against {peer}: {figure}")
        floor = AHEAD[ratio] if name != "fast" else 0.0
        table.add(
            f"{name} against {peer}, {ratio:g} dB",
            figure,
            f"{floor:+.1f} dB, every file ahead, {SHARE[ratio]:g} of the time",
        )
        assert ahead.min() > 0.0
        if len(gains[name]) == NINE:
            assert ahead.mean() >= floor
            assert share <= SHARE[ratio]


def test_changing_content_gets_a_window_each(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of different recordings in one: a window for each part against one for all."""
    files = [(x, rate) for _, x, rate in recordings() if rate == recordings()[0][2]]
    if len(files) < NINE // 2:
        pytest.skip("one recording does not change")
    pieces = [x[: 3 * rate // 2] for x, rate in files]
    x = np.concatenate([0.1 * piece / np.sqrt(np.mean(piece**2)) for piece in pieces])
    y = clip_to(x, 10.0)
    gains, spent = [], []
    for whole in (False, True):
        if whole:
            monkeypatch.setattr(
                "recover.audio.task.parts_of_one_window", lambda y, *_: (Stretch(0, len(y)),)
            )
        start = time.process_time()
        restored = declip(y, files[0][1], quality="fast", certify=False)
        spent.append(time.process_time() - start)
        gains.append(sdr_gain(x, y, restored.samples))
    figure = f"{gains[0] - gains[1]:+.2f} dB, {spent[0] / spent[1]:.2f} of the time"
    print(f"\n{len(pieces)} recordings in one, fast, a window for each part: {figure}")
    table.add("a window for each part, against one for six seconds", figure, "+0 dB")
    assert gains[0] > gains[1]


def test_an_unclipped_recording_costs_next_to_nothing(table: Table) -> None:
    shares = []
    for name, x, rate in recordings():
        declip(x, rate)
        start = time.process_time()
        result = declip(x, rate)
        share = (time.process_time() - start) * rate / len(x)
        assert np.array_equal(result.samples, x)
        print(f"\n{name}: {share:.4f} CPU s per s of unclipped audio")
        shares.append(share)
    table.add("unclipped, bit for bit the same", f"{max(shares):.3f} s/s", "0.02 s/s")
    assert max(shares) <= 0.02


def test_the_table(table: Table) -> None:
    print(f"\n\n{table}")
