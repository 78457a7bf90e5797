"""Sound from spectrograms, beside librosa: `pytest -s tests/bench/bench_spectrogram.py`.

Set OMP_NUM_THREADS=1.  CPU times of this process; the files are those of the folder named by
RECOVER_BENCH_AUDIO, or the bundled one, five seconds from second 1 of the first channel at
their own rate.  Spectral convergence in dB, lower is better.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recover.audio import phase_from_magnitude
from recover.io import bundled
from recover.solve import GriffinLim, GriffinLimADMM, RelaxedAveragedReflections

librosa = pytest.importorskip("librosa")

N_FFT = 1024
QUICK = GriffinLimADMM(max_iter=6, finish=6)
LONGEST = 600.0  # seconds of sound in the test of memory
MOST_MEMORY = 7e8  # bytes beside the magnitudes and the sound


def recordings() -> list[tuple[str, np.ndarray]]:
    folder = os.environ.get("RECOVER_BENCH_AUDIO")
    paths = sorted(Path(folder).glob("*.*a*")) if folder else [bundled("audio/guitar_em9.flac")]
    found = []
    for path in paths:
        if path.suffix not in {".wav", ".flac"}:
            continue
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        first = rate if len(samples) > 2 * rate else 0
        found.append((path.stem, np.ascontiguousarray(samples[first : first + 5 * rate, 0])))
    return found


def convergence(x: np.ndarray, s: np.ndarray, hop: int) -> float:
    again = np.abs(librosa.stft(x, n_fft=N_FFT, hop_length=hop))
    return float(20.0 * np.log10(np.linalg.norm(again - s) / np.linalg.norm(s)))


@pytest.mark.parametrize("hop", [256, 128])
def test_quality_and_time(hop: int) -> None:
    librosa.griffinlim(np.ones((N_FFT // 2 + 1, 40), np.float32), n_iter=1, hop_length=hop)
    print(f"\nhop {hop}: dB and CPU s of librosa (32, 100 steps) and ours (quick, default)")
    for name, whole in recordings():
        x = whole[: whole.size // hop * hop]
        s = np.abs(librosa.stft(x, n_fft=N_FFT, hop_length=hop))

        def peer(steps: int, s: np.ndarray = s, n: int = x.size) -> np.ndarray:
            return librosa.griffinlim(
                s, n_iter=steps, hop_length=hop, n_fft=N_FFT, random_state=0, length=n
            )

        def ours(
            method: GriffinLimADMM | None, s: np.ndarray = s, n: int = x.size
        ) -> np.ndarray:
            return phase_from_magnitude(
                s, hop=hop, length=n, method=method, certify=False
            ).signal

        runs = [(peer, 32), (peer, 100), (ours, QUICK), (ours, None)]
        figures, times = [], []
        for work, how in runs:
            start = time.process_time()
            y = work(how)
            times.append(time.process_time() - start)
            figures.append(convergence(y, s, hop))
        each = "  ".join(f"{f:7.2f} {t:5.2f}" for f, t in zip(figures, times, strict=True))
        ahead = (figures[1] - figures[3], figures[0] - figures[2])
        shares = (times[3] / times[1], times[2] / times[0])
        print(
            f"{name:>22} {each} | ahead of 100 steps by {ahead[0]:5.2f} dB in {shares[0]:.2f} "
            f"of the time, of 32 by {ahead[1]:5.2f} dB in {shares[1]:.2f}"
        )
        assert figures[3] < figures[1]


def test_methods_after_the_same_steps() -> None:
    """The default beside the others for spectrograms; three clips, hop 256, 110 steps.

    Five seconds of speech, piano and rock: ADMM -40.5, -37.0, -27.6 dB; averaged reflections
    -37.0, -33.1, -25.9 in 0.96 to 1.09 of its time; fast Griffin-Lim -34.0, -30.1, -23.8.
    """
    hop, steps = 256, GriffinLimADMM().max_iter
    methods = [
        GriffinLimADMM(),
        RelaxedAveragedReflections(max_iter=steps),
        GriffinLim(max_iter=steps, tol=0.0),
    ]
    print(f"\nhop {hop}, {steps} steps: dB and CPU s of {[type(m).__name__ for m in methods]}")
    for name, whole in recordings():
        x = whole[: whole.size // hop * hop]
        s = np.abs(librosa.stft(x, n_fft=N_FFT, hop_length=hop))
        figures, times = [], []
        for method in methods:
            start = time.process_time()
            found = phase_from_magnitude(
                s, hop=hop, length=x.size, method=method, certify=False
            )
            times.append(time.process_time() - start)
            figures.append(float(found.convergence))
        each = "  ".join(f"{f:7.2f} {t:5.2f}" for f, t in zip(figures, times, strict=True))
        print(f"{name:>22} {each}")
        assert figures[0] < min(figures[1:])


def test_ten_minutes_in_bounded_memory() -> None:
    hop, rate = 256, 22050
    x = np.random.default_rng(0).standard_normal(int(LONGEST * rate) // hop * hop)
    s = np.abs(librosa.stft(x.astype(np.float32), n_fft=N_FFT, hop_length=hop))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    start = time.process_time()
    phase_from_magnitude(s, hop=hop, method=QUICK)
    spent = time.process_time() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"\n{LONGEST:g} s of sound, {s.nbytes / 1e6:.0f} MB of magnitudes: {spent:.0f} CPU s "
        f"with {QUICK.max_iter} steps, at most {most / 1e6:.0f} MB ({before / 1e6:.0f} before)"
    )
    assert most - before < MOST_MEMORY
