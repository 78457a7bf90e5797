"""Clip-level detection: hard clipping, clipping before lossy coding, and false alarms.

Not collected by default: `pytest -s tests/bench/bench_audio_levels.py`.  The files are those of
the folder named by RECOVER_BENCH_AUDIO (recordings that are not clipped), or the bundled one.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recover.audio import declip, detect_levels
from recover.io import bundled
from recover.metrics import sdr, sdr_gain

CODERS = {"MP3 best": 0.0, "MP3 high": 0.2, "Vorbis middle": 0.5}
HARD = {5.0: 1.0, 10.0: 1.0, 15.0: 1.0, 20.0: 1.0, 30.0: 0.95}  # share that must be found
CLOSE = {"exact": 0.005, "coded": 0.03}  # relative distance of a level that counts as found


def recordings() -> list[tuple[str, np.ndarray, int]]:
    folder = os.environ.get("RECOVER_BENCH_AUDIO")
    paths = (
        sorted(Path(folder).glob("*.flac")) if folder else [bundled("audio/guitar_em9.flac")]
    )
    found = []
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        found.append((path.stem, 0.8 / np.abs(samples).max() * samples[:, 0], rate))
    return found


def clip_to(x: np.ndarray, ratio: float) -> tuple[np.ndarray, float]:
    low, high = 0.0, float(np.abs(x).max())
    for _ in range(50):
        level = (low + high) / 2
        low, high = (level, high) if sdr(x, np.clip(x, -level, level)) < ratio else (low, level)
    return np.clip(x, -np.float32(high), np.float32(high)), high


def coded(y: np.ndarray, rate: int, coder: str) -> np.ndarray:
    buffer = io.BytesIO()
    kind = ("MP3", "MPEG_LAYER_III") if coder.startswith("MP3") else ("OGG", "VORBIS")
    soundfile.write(
        buffer, y, rate, format=kind[0], subtype=kind[1], compression_level=CODERS[coder]
    )
    buffer.seek(0)
    return soundfile.read(buffer, dtype="float32")[0]


def sides(y: np.ndarray, level: float, close: float) -> int:
    """Return how many of the two sides were found near the level."""
    (found,) = detect_levels(y)
    return sum(
        value is not None and abs(abs(value) / level - 1.0) <= close
        for value in (found.low, found.high)
    )


@pytest.mark.parametrize("ratio", HARD)
def test_hard_clipping(ratio: float) -> None:
    files, hits = recordings(), 0
    for _, x, _ in files:
        y, level = clip_to(x, ratio)
        hits += sides(np.round(y * 32768) / 32768, level, CLOSE["exact"])
    print(f"\nhard, 16 bit, {ratio:g} dB: {hits} of {2 * len(files)} sides")
    assert hits >= HARD[ratio] * 2 * len(files)


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("ratio", [10.0, 15.0, 20.0])
def test_clipping_before_coding(coder: str, ratio: float) -> None:
    files, hits, channels = recordings(), 0, 0
    for _, x, rate in files:
        y, level = clip_to(x, ratio)
        here = sides(coded(y, rate, coder), level, CLOSE["coded"])
        hits, channels = hits + here, channels + (here > 0)
    print(f"\n{coder}, {ratio:g} dB: {hits} of {2 * len(files)} sides, {channels} channels")
    assert ratio > 10.0 or channels >= 0.8 * len(files)


def test_false_alarms() -> None:
    for coder in (None, *CODERS):
        alarms = [
            name
            for name, x, rate in recordings()
            if detect_levels(x if coder is None else coded(x, rate, coder))[0].clipped
        ]
        print(f"\nfalse alarms, {coder or 'not coded'}: {len(alarms)} {alarms}")
        assert not alarms


@pytest.mark.parametrize("coder", CODERS)
def test_gain_after_coding(coder: str) -> None:
    gains = []
    for _, x, rate in recordings():
        part = x[rate : 3 * rate]
        y = coded(clip_to(part, 10.0)[0], rate, coder)[: len(part)]
        gains.append(sdr_gain(part, y, declip(y, rate, certify=False).samples))
    print(f"\n{coder}, 10 dB: gain {np.mean(gains):.2f} dB, worst {min(gains):.2f} dB")
    assert min(gains) > 0.0
