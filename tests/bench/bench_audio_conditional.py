"""Conditional certificates on recordings: how often the hypothesis held, what they say.

Not collected by default: `pytest -s tests/bench/bench_audio_conditional.py`.  The recordings
are those of the folder named by RECOVER_BENCH_AUDIO (nothing in them may be clipped), or the
bundled one; two seconds of each, from the first on, are clipped symmetrically.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.fft import dct

from recover import verify
from recover.audio import Gap, Segment, certify_conditionally, declip
from recover.audio.gaps import gap_problem
from recover.io import bundled
from recover.metrics import sdr

MOST = 150  # gaps of a recording at a level; half as many segments


def recordings() -> list[tuple[str, np.ndarray, int]]:
    folder = os.environ.get("RECOVER_BENCH_AUDIO")
    paths = (
        sorted(Path(folder).glob("*.flac")) if folder else [bundled("audio/guitar_em9.flac")]
    )
    found = []
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        part = samples[rate : 3 * rate, 0]
        found.append((path.stem, 0.9 / np.abs(part).max() * part, rate))
    return found


def clip_to(x: np.ndarray, ratio: float) -> np.ndarray:
    low, high = 0.0, float(np.abs(x).max())
    for _ in range(60):
        level = (low + high) / 2
        low, high = (level, high) if sdr(x, np.clip(x, -level, level)) < ratio else (low, level)
    return np.clip(x, -np.float32(high), np.float32(high))


def gap_holds(x: np.ndarray, gap: Gap) -> bool:
    errors = np.convolve(x[gap.first : gap.last].astype(float), gap.taps, "valid")
    return bool(np.linalg.norm(errors) <= gap.budget)


def segment_holds(x: np.ndarray, segment: Segment) -> bool:
    rest = dct(x[segment.start : segment.stop].astype(float), norm="ortho")
    rest[segment.support] = 0.0
    return bool(np.linalg.norm(rest) <= segment.remainder)


def tell(
    name: str,
    parts: list[tuple[str, Gap | Segment, np.ndarray, np.ndarray]],
    holds: Callable[..., bool],
) -> None:
    held, below, useful, loose, broken, files = [], [], [], [], 0, {}
    for file, part, x, r in parts:
        error = float(np.linalg.norm(x[part.start : part.stop].astype(float)
                                     - r[part.start : part.stop]))  # fmt: skip
        true = holds(x, part)
        held.append(true)
        files.setdefault(file, []).append(true)
        below.append(part.error_bound < part.restored)
        useful.append(below[-1] and true)
        broken += true and error > part.error_bound
        loose.append(part.error_bound / error if error > 0.0 else np.inf)
    finite = np.mean([np.isfinite(part.error_bound) for _, part, _, _ in parts])
    worst = min(files, key=lambda f: np.mean(files[f]))
    print(
        f"  {name:<14} {len(parts):5d}: hypothesis true {np.mean(held):.2f} (worst recording "
        f"{np.mean(files[worst]):.2f}, {worst}), finite {finite:.2f}, below what was restored "
        f"{np.mean(below):.2f}, and true {np.mean(useful):.2f}, bound / error "
        f"{np.median(loose):.1f} (median), broken though true {broken}"
    )
    assert broken == 0


@pytest.mark.parametrize("ratio", [15.0, 10.0, 5.0])
def test_hypotheses_on_recordings(ratio: float) -> None:
    gaps, segments, spent = [], [], 0.0
    for name, x, rate in recordings():
        y = clip_to(x, ratio)
        level = float(np.abs(y).max())
        result = declip(y, rate, low=-level, high=level, certify=False)
        began = time.process_time()
        account = certify_conditionally(result, most=MOST)
        spent += time.process_time() - began
        gaps += [(name, gap, x, result.samples) for gap in account.gaps]
        segments += [(name, each, x, result.samples) for each in account.segments]
        for gap in account.gaps[:: MOST // 5]:
            problem = gap_problem(
                y[gap.first : gap.last], result.levels[0], gap.taps, gap.budget
            )
            assert verify(gap.certificate, problem).accepted
    print(f"\ninput SDR {ratio:g} dB, {spent / (len(gaps) + len(segments)):.4f} CPU s per part")
    for low, high in ((1, 2), (3, 5), (6, 10), (11, 20), (21, 40), (41, 80), (81, 2000)):
        some = [each for each in gaps if low <= each[1].stop - each[1].start <= high]
        if some:
            tell(f"gaps {low}-{high}", some, gap_holds)
    tell("gaps", gaps, gap_holds)
    tell("segments", segments, segment_holds)
