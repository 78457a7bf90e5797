"""Ptychographic scans of usual size: `pytest -s tests/bench/bench_ptychography.py`.

64x64 probes over a 256x256 object in steps of 26 pixels (60 % overlap of windows) with a jitter
of 3, without noise.  Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1.  Errors are those of
the pixels with at least 5 % of the strongest illumination, after removing what cannot be told:
the phase; with an unknown probe also the factor, the phase ramp and a shift by whole pixels.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from skimage import data
from skimage.transform import resize

import recover as rv
from recover.core.arrays import Array

SIZE, WIDTH, STEP, JITTER, SEEDS = 256, 64, 26, 3, 10
STEPS = 200
R2 = np.add.outer((np.arange(WIDTH) - 31.5) ** 2, (np.arange(WIDTH) - 31.5) ** 2)
DISC = (R2 < 29.0**2) * 1.0


def probe_of(kind: str, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return a probe and the first guess of one who does not know it."""
    if kind == "disc out of focus":
        bend = float(rng.uniform(0.005, 0.015) * rng.choice([-1, 1]))
        return DISC * np.exp(1j * bend * R2), DISC
    if kind == "Gaussian beam":
        bend = float(rng.uniform(0.005, 0.015) * rng.choice([-1, 1]))
        width = float(rng.uniform(18.0, 20.0))
        exact = np.exp(-R2 / (2.0 * width**2) + 1j * bend * R2)
        return exact, np.exp(-R2 / (2.0 * 20.0**2))
    # a diffuser: random phases that vary over about 6 pixels, in a disc
    rough = np.fft.fft2(rng.standard_normal((2, WIDTH, WIDTH)))
    radius = np.hypot(np.fft.fftfreq(WIDTH)[:, None], np.fft.fftfreq(WIDTH))
    real, imag = np.fft.ifft2(rough * np.exp(-np.square(radius * 12.0))).real
    exact = DISC * (real + 1j * imag)
    noise = rng.standard_normal((2, WIDTH, WIDTH))
    scale = 0.3 * np.sqrt(np.mean(np.abs(exact[DISC > 0]) ** 2) / 2.0)
    return exact, exact + DISC * scale * (noise[0] + 1j * noise[1])


def scene(seed: int, kind: str) -> tuple[Array, rv.frames.Ptychography, Array]:
    """Return an object of two pictures, its scan, and the guess of the probe."""
    rng = np.random.default_rng(seed)
    amplitude = 0.4 + 0.6 * resize(data.camera(), (SIZE, SIZE))
    phase = 2.0 * resize(data.moon(), (SIZE, SIZE))
    turns = int(rng.integers(4))
    x = np.rot90(amplitude, turns) * np.exp(1j * np.rot90(phase, int(rng.integers(4))))
    places = np.arange(0, SIZE - WIDTH + STEP, STEP)
    grid = np.stack(np.meshgrid(places, places, indexing="ij"), -1).reshape(-1, 2)
    moved = grid + rng.integers(-JITTER, JITTER + 1, grid.shape)
    probe, guess = probe_of(kind, rng)
    scan = rv.frames.Ptychography((SIZE, SIZE), probe, np.clip(moved, 0, SIZE - WIDTH))
    return x, scan, guess


def aligned_error(found: Array, truth: Array, region: Array) -> float:
    """Return the least error over factors, phase ramps and shifts by up to 2 pixels."""
    inner = region.copy()
    inner[:3] = inner[-3:] = inner[:, :3] = inner[:, -3:] = False
    rows, columns = np.mgrid[:SIZE, :SIZE]
    best = np.inf
    for shift in np.ndindex(5, 5):
        moved = np.roll(found, np.array(shift) - 2, (0, 1))
        product = np.where(inner, truth * moved.conj(), 0.0)
        far = np.abs(np.fft.fft2(product))
        slope = np.array(np.unravel_index(int(np.argmax(far)), far.shape)) / SIZE
        for _ in range(6):  # Newton steps of the ramp
            left = product * np.exp(-2j * np.pi * (slope[0] * rows + slope[1] * columns))
            left *= np.exp(-1j * np.angle(left.sum()))
            weight, angle = np.abs(left), np.angle(left)
            total = weight.sum()
            for axis, places in enumerate((rows, columns)):
                apart = places - (weight * places).sum() / total
                slope[axis] += (
                    (weight * angle * apart).sum() / (weight * apart**2).sum() / (2.0 * np.pi)
                )
        straight = moved * np.exp(2j * np.pi * (slope[0] * rows + slope[1] * columns))
        a, b = straight[inner], truth[inner]
        scale = np.vdot(a, b) / np.vdot(a, a).real
        best = min(best, float(np.linalg.norm(scale * a - b) / np.linalg.norm(b)))
    return best


def plain_error(found: Array, truth: Array, region: Array) -> float:
    """Return the error up to a global phase."""
    a, b = found[region], truth[region]
    inner = np.vdot(a, b)
    return float(np.linalg.norm(a * inner / abs(inner) - b) / np.linalg.norm(b))


@pytest.mark.parametrize("kind", ["disc out of focus", "Gaussian beam", "diffuser"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_the_bar(kind: str, known: bool) -> None:
    bar, met, lines = (1e-3 if known else 1e-2), 0, list[str]()
    for seed in range(SEEDS):
        x, scan, guess = scene(seed, kind)
        y = np.abs(scan.analysis(x))
        region = scan.illumination > 0.05 * scan.illumination.max()
        began = time.process_time()
        if known:
            method = rv.methods.PtychographicRetrieval(max_iter=STEPS, tol=1e-6)
            found = rv.phase.ptychography(
                y, scan.positions, scan.probe, shape=(SIZE, SIZE), method=method, certify=False
            )
            error = plain_error(found.signal, x, region)
        else:
            found = rv.phase.ptychography(
                y, scan.positions, guess, shape=(SIZE, SIZE), refine_probe=True, certify=False
            )
            error = aligned_error(found.signal, x, region)
        seconds = time.process_time() - began
        met += error < bar
        lines.append(f"{error:.1e} ({found.residuals.size} steps, {seconds:.1f} s)")
    print(f"\n{kind}, {'known' if known else 'unknown'}: {met} of {SEEDS} below {bar:g}")
    print("  " + "; ".join(lines))
    assert met >= SEEDS - 1
