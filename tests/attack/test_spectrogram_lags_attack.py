"""The bound for all sounds of a spectrogram with hop 1, attacked with other sounds.

The data are the magnitudes of the recovered sound and the noise bound is exactly how far the
other sound's magnitudes are from them.  Both are consistent, so the bound must hold the
distance.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.phase.chain import edge_weights, find_chain
from recover.certificates.phase.lags import distance_bound, floors_of, is_closed, lags_of
from recover.certificates.phase.rows import magnitudes_of
from recover.certificates.phase.section import section_floor
from recover.certificates.proofs.base import Case
from recover.certificates.proofs.modulus_lags import SpectrogramLags
from recover.core.arrays import Array
from recover.frames import Spectrogram
from recover.models import Modulus, Problem

SIZE = 8


def drawn(rng: np.random.Generator) -> Spectrogram:
    """A short frame whose window peaks anywhere, reaching beyond the ends or not."""
    taps = np.zeros(SIZE)
    count = int(rng.integers(2, SIZE))
    shape = np.exp(-np.abs(np.arange(count) - rng.integers(count)) / rng.uniform(0.4, 2.0))
    first = int(rng.integers(0, SIZE - count + 1))
    taps[first : first + count] = shape * rng.choice([-1.0, 1.0], count)
    length = int(rng.integers(4, 16))
    if rng.random() < 0.5:
        return Spectrogram(length, taps, 1, SIZE, length + 2 * SIZE)
    return Spectrogram.centered(length, taps, 1)


def others(rng: np.random.Generator, frame: Spectrogram, x: Array) -> list[Array]:
    """Sounds near and far, among them the ones whose magnitudes change least."""
    z = frame.analysis(x).reshape(-1)
    matrix = frame.analysis(np.eye(frame.length)).reshape(frame.length, -1).T
    sizes = np.abs(z)
    phases = np.divide(z, sizes, out=np.zeros_like(z), where=sizes > 0.0)
    rows = (phases.conj()[:, None] * matrix).real
    least = np.linalg.svd(rows)[2][-1]
    cut = int(rng.integers(1, frame.length))
    halves = np.where(np.arange(frame.length) < cut, x, -x)
    weak = np.where(np.abs(x) == np.abs(x).min(), -x, x)
    steps = 10.0 ** rng.uniform(-6, 0, 6)
    near = [x + s * v for s in steps for v in (least, -least, rng.standard_normal(x.size))]
    return [*near, halves, weak, x[::-1].copy()]


def held(frame: Spectrogram, x_hat: Array, x: Array) -> float:
    """Return the part of the bound that the distance is; -1 if there is no bound."""
    y = np.abs(frame.analysis(x_hat))
    noise = float(np.linalg.norm(np.abs(frame.analysis(x)) - y)) * (1.0 + 1e-9) + 1e-14
    problem = Problem(Modulus(frame), y, noise=noise)
    magnitudes = magnitudes_of(problem, x_hat)
    floors = floors_of(frame)
    if min(floors) <= 0.0:
        return -1.0
    lags = lags_of(magnitudes, frame, floors=floors)
    for lag, tau in enumerate(lags.tau):
        n = x.size - lag
        assert np.linalg.norm(x[lag:] * x[:n] - x_hat[lag:] * x_hat[:n]) <= tau
    weights = edge_weights(np.abs(x_hat), lags.tau[0], closed=is_closed(frame))
    value, _, _ = find_chain(np.abs(x_hat), weights)
    if value <= 0.0:
        return -1.0
    distance = min(float(np.linalg.norm(x - x_hat)), float(np.linalg.norm(x + x_hat)))
    bound = distance_bound(x_hat, lags, value)
    assert distance <= bound
    issued = SpectrogramLags().attempt(Case(problem, x_hat), math.inf)
    if isinstance(issued, Certificate):
        assert distance <= issued.error_bound
    return distance / bound


@pytest.mark.slow
def test_no_other_sound_with_such_magnitudes_is_farther() -> None:
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(16):
        frame = drawn(rng)
        x_hat = rng.standard_normal(frame.length)
        x_hat += np.sign(x_hat) * rng.uniform(0.0, 1.0)
        shares += [held(frame, x_hat, x) for x in others(rng, frame, x_hat)]
    bounded = [share for share in shares if share >= 0.0]
    assert len(bounded) > 100
    assert max(bounded) > 1e-2  # the attack is a near thing


def test_frames_that_are_missing_are_counted() -> None:
    """Of the last two samples' squares only a sum is told if two frames are missing."""
    taps = np.zeros(SIZE)
    taps[:3] = [1.0, 0.5, 0.2]
    whole, short = (Spectrogram(12, taps, 1, 0, n) for n in (12, 10))
    assert min(section_floor(whole, 0), section_floor(whole, 1)) > 0.05
    assert section_floor(short, 0) == section_floor(short, 1) == 0.0
