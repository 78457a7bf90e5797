"""Error estimates: what they are made of, what they say, and that they see worse recoveries."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
import soundfile
from scipy.fft import idct

from recover.audio import (
    Conditioning,
    ErrorEstimate,
    declip,
    estimate_again,
    estimate_error,
)
from recover.audio.autoregressive import GapBands
from recover.audio.estimate_calibration import CALIBRATION
from recover.audio.estimate_conditioning import amplification, label_of
from recover.audio.estimate_density import Piece, Sparsity, sparsity_of
from recover.audio.estimate_features import (
    Features,
    Views,
    as_measured,
    features_of,
    scale_of,
    segments_of,
    spread_of,
)
from recover.audio.estimate_result import decibels
from recover.audio.levels import given_levels
from recover.audio.segments import cosine_support
from recover.core.errors import ParameterError
from recover.frames import Gabor
from recover.io import bundled


@pytest.fixture(scope="module")
def guitar():
    """One second of the bundled recording, clipped, recovered and estimated."""
    x, rate = soundfile.read(bundled("audio/guitar_em9.flac"), dtype="float32")
    x = x[rate : 2 * rate]
    level = float(np.float32(0.2))
    y = np.clip(x, -level, level)
    result = declip(y, rate, quality="fast", certify=False)
    return x, y, result, estimate_error(y, result)


def test_every_clipped_segment_has_an_estimate(guitar):
    _, _, result, estimate = guitar
    clipped = [result.recovered[s.start : s.stop].sum() for s in estimate.segments]
    assert [s.clipped for s in estimate.segments] == clipped
    assert sum(clipped) == result.recovered.sum()
    for s in estimate.segments:
        assert 0.0 < s.expected < s.upper < math.inf
        assert s.kappa >= 1.0
        assert s.upper_db - s.expected_db == pytest.approx(CALIBRATION.margin)


def test_upper_errors_hold_here(guitar):
    x, _, result, estimate = guitar
    error = np.square((x - result.samples).astype(np.float64))
    held = [error[s.start : s.stop].sum() <= s.upper**2 for s in estimate.segments]
    assert np.mean(held) >= 0.9
    # and say something: most are below what was restored
    assert np.mean([s.upper_db < 0.0 for s in estimate.segments]) > 0.8


def test_a_worse_recovery_is_seen(guitar):
    _, y, result, estimate = guitar
    bad = np.where(result.recovered, y + 0.3 * (result.samples - y), y).astype(np.float32)
    worse = estimate_error(y, dataclasses.replace(result, samples=bad))
    rise = [
        20 * math.log10(b.expected / a.expected)
        for a, b in zip(estimate.segments, worse.segments, strict=True)
    ]
    assert np.median(rise) > 3.0


def test_the_result_alone_gives_the_same_estimate(guitar):
    _, _, result, estimate = guitar
    again = estimate_again(result)
    assert again.segments == estimate.segments


def test_round_trip_through_json(guitar):
    _, _, _, estimate = guitar
    data = json.loads(json.dumps(estimate.to_json(), allow_nan=False))
    assert data["kind"] == "estimate"
    assert ErrorEstimate.from_json(data).segments == estimate.segments
    assert "meant to hold for 95 %" in data["basis"]
    assert data["hypothesis"] == estimate.hypothesis


def test_words(guitar):
    _, _, result, estimate = guitar
    assert "not a bound" in estimate.sentence
    assert "nothing was recovered" in ErrorEstimate(result.rate, (), ()).sentence


def test_channels_and_stopping(guitar):
    _, y, _, _ = guitar
    part = np.stack([np.zeros(8000, np.float32), y[:8000], y[4000:12000]], axis=1)
    result = declip(part, 44100, quality="fast", certify=False)
    estimate = estimate_error(part, result)
    assert {s.channel for s in estimate.segments} == {1, 2}
    assert len(estimate.gaps) == 3
    stopped = estimate_error(part, result, watch=lambda progress: progress.step == 3)
    assert {s.channel for s in stopped.segments} == {1}


def test_shapes_must_match(guitar):
    _, y, result, _ = guitar
    with pytest.raises(ParameterError, match="must have the result's shape"):
        estimate_error(y[:-1], result)


def test_calibration_is_the_recorded_one():
    recorded = json.loads(bundled("golden/audio_calibration.json").read_text())
    for field in dataclasses.fields(CALIBRATION):
        value = getattr(CALIBRATION, field.name)
        assert recorded[field.name] == (list(value) if isinstance(value, tuple) else value)
    assert len(recorded["recordings"]) == CALIBRATION.files
    assert min(recorded["recordings"].values()) == CALIBRATION.worst_coverage
    assert np.mean(list(recorded["recordings"].values())) == pytest.approx(
        CALIBRATION.coverage, abs=1e-3
    )


def test_prediction_is_linear_but_for_a_product():
    zero = CALIBRATION.expected(Features(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    assert zero == CALIBRATION.coefficients[0]
    some = Features(-20.0, -10.0, -30.0, 0.5, -1.0, 6.0, -3.0, -2.0, -15.0)
    c = CALIBRATION.coefficients
    assert CALIBRATION.expected(some) == pytest.approx(
        c[0] - 20 * c[1] - 10 * c[2] - 30 * c[3] + 0.5 * c[4] - c[5] + 6 * c[6]
        - 3 * c[7] - 2 * c[8] - 15 * c[9] + 90 * c[10]
    )  # fmt: skip
    assert CALIBRATION.upper(some) == CALIBRATION.expected(some) + CALIBRATION.margin


ONE_FRAME = Sparsity(
    (Piece(250, 10, np.array([32.0]), np.array([2.0]), np.array([4.0]), 0, 64),)
)


def test_features_of_a_known_segment():
    mask = np.zeros(64, dtype=bool)
    mask[10:14] = mask[30:40] = True
    x = np.zeros(64)
    x[20] = 1.0
    views = Views(x + 0.1 * mask, x + 0.01, ONE_FRAME)
    whole, spread = slice(0, 64), np.full(64, 0.01)

    def found(x, views, scale):
        return features_of(whole, x, mask, views=views, spread=spread, scale=scale, rate=1000.0)

    some = found(x, views, 14 * 0.25)
    assert some.disagreement == pytest.approx(10 * math.log10(0.01 / 0.25))
    assert some.reclipping == pytest.approx(10 * math.log10(0.0001 / 0.25))
    assert some.gap == pytest.approx(1.0)  # ten samples at 1 kHz
    assert some.flatness == pytest.approx(0.0, abs=1e-9)  # an impulse
    assert some.fraction == pytest.approx(math.log10(14 / 64))
    assert some.kappa == 80.0  # an impulse needs all cosines, and these hide everything
    assert some.window == pytest.approx(-2.0)  # a quarter of a second
    assert some.density == pytest.approx(-1.0)  # one coefficient of ten
    assert some.spread == pytest.approx(10 * math.log10(0.64 / 3.5))
    tone = idct(np.eye(64)[5], norm="ortho")
    kappa = amplification(cosine_support(tone)[0], mask)
    again = found(tone, views, 1.0)
    assert again.kappa == pytest.approx(20.0 * math.log10(kappa))
    same = found(x, Views(x, x, ONE_FRAME), 1.0)
    assert same.disagreement == -120.0


def test_density_around_a_segment():
    ones, spike = Gabor.hann(96, 24, 8), np.zeros(96)
    pieces = Sparsity((sparsity_of(spike, ones, 0), sparsity_of(spike, ones, 500)))
    assert pieces.at(10, 20) == (24, 1.0)  # nothing there
    spike[48] = 1.0
    piece = sparsity_of(spike, ones, 0)
    moduli = np.abs(ones.analysis(spike))
    near = np.abs(ones.starts + 12.0 - 49.0) <= 12.0
    expected = moduli[near].sum() ** 2 / (np.square(moduli[near]).sum() * moduli[near].size)
    # the first of the pieces holds the segment, the second is far away
    both = Sparsity((piece, sparsity_of(np.zeros(96), ones, 500)))
    assert both.at(46, 52)[1] == pytest.approx(expected)
    assert both.at(600, 610)[1] == 1.0
    assert both.at(200, 210)[1] > 0.0  # between them: the last frame of the nearer one


def test_tones_are_sparser_than_noise():
    frame, axis = Gabor.hann(4096, 512, 128), np.arange(4096)
    noise = np.random.default_rng(0).standard_normal(4096)
    tone = Sparsity((sparsity_of(np.sin(0.3 * axis), frame, 0),))
    hiss = Sparsity((sparsity_of(noise, frame, 0),))
    assert tone.at(2000, 2100)[1] < 0.1
    assert hiss.at(2000, 2100)[1] > 0.5


def test_spread_is_the_band_or_what_was_restored():
    y, x = np.array([0.0, 1.0, 1.0, 0.0, 1.0]), np.array([0.0, 2.0, 3.0, 0.0, 1.5])
    starts, stops = np.array([1, 4]), np.array([3, 5])
    bands = GapBands(starts, stops, np.array([2.0, np.inf]), np.array([True, True]))
    assert spread_of(y, x, bands).tolist() == [0.0, 2.0, 2.0, 0.0, 0.25]


def test_scale_with_unequal_levels():
    y = np.array([-1.0, -0.2, 0.3, 3.0, 3.0])
    levels = given_levels(y, -1.0, 3.0)
    mask = levels.mask(y)
    assert scale_of(y, mask, levels).tolist() == [4.0, 0.0, 0.0, 4.0, 4.0]
    above = given_levels(y, None, 3.0)
    assert scale_of(y, above.mask(y), above).tolist() == pytest.approx(
        [0.0, 0.0, 0.0, 2.7**2, 2.7**2]
    )


@pytest.mark.parametrize("length", [1, 100, 2047, 2048, 3071, 3072, 10000])
def test_segments_cover_everything_once(length):
    parts = segments_of(length, 44100)
    assert parts[0][0] == 0
    assert parts[-1][1] == length
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    assert all(1 <= stop - start <= 3072 for start, stop in parts)


def test_as_measured():
    x = np.array([0.1, 0.9, -0.8, 0.5])
    levels = given_levels(x, -0.5, 0.5)
    measured = as_measured(x, np.array([False, True, True, False]), levels)
    assert measured.tolist() == [0.1, 0.5, -0.5, 0.5]


@pytest.mark.parametrize("seed", range(5))
def test_amplification_against_the_singular_values(seed):
    rng = np.random.default_rng(seed)
    n = 48
    support = np.sort(rng.choice(n, rng.integers(1, 20), replace=False))
    mask = rng.random(n) < 0.3
    basis = idct(np.eye(n), norm="ortho", axis=0)[:, support]
    smallest = np.linalg.svd(basis[~mask], compute_uv=False)[-1]
    assert amplification(support, mask) == pytest.approx(1.0 / smallest, rel=1e-6)


def test_amplification_at_the_ends():
    mask = np.zeros(16, dtype=bool)
    assert amplification(np.arange(4), mask) == 1.0
    mask[:] = True
    assert amplification(np.arange(4), mask) == math.inf
    assert amplification(np.array([], dtype=int), mask) == 1.0


@pytest.mark.parametrize(
    ("kappa", "label"),
    [
        (1.0, Conditioning.WELL),
        (2.0, Conditioning.WELL),
        (2.1, Conditioning.MODERATE),
        (10.0, Conditioning.MODERATE),
        (10.1, Conditioning.OPEN),
        (math.inf, Conditioning.OPEN),
    ],
)
def test_labels(kappa, label):
    assert label_of(kappa) is label


def test_decibels():
    assert decibels(1.0, 10.0) == pytest.approx(-20.0)
    assert decibels(math.inf, 1.0) == math.inf
    assert decibels(1.0, 0.0) == math.inf
    assert decibels(0.0, 1.0) == -math.inf
