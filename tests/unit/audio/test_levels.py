"""Clip-level detection: exact, asymmetric, offset, coarse clipping; no false alarms."""

import math

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from recover.audio import declip, detect_levels
from recover.audio.levels import clipped_mask, given_levels, runs_of
from recover.core.errors import ParameterError
from recover.io import bundled

RATE = 44100


@pytest.fixture(scope="module")
def guitar():
    samples, _ = soundfile.read(bundled("audio/guitar_em9.flac"), dtype="float32")
    return samples


def noise(n=RATE, seed=0):
    """Low-passed noise with a Gaussian amplitude distribution."""
    white = np.random.default_rng(seed).standard_normal(n + 200)
    return np.convolve(white, np.hanning(40), "valid")[:n]


@pytest.mark.parametrize("quantile", [0.7, 0.9, 0.99, 0.998])
def test_exact_levels_of_a_recording(guitar, quantile):
    level = np.float32(np.round(np.quantile(np.abs(guitar), quantile) * 32768) / 32768)
    (found,) = detect_levels(np.clip(guitar, -level, level))
    assert (found.low, found.high) == (-level, level)
    assert found.fraction == np.mean(np.abs(guitar) >= level)
    assert found.confidence > 0.5


@given(
    low=st.floats(0.3, 0.8),
    high=st.floats(0.3, 0.8),
    gain=st.floats(1e-6, 1e6),
    offset=st.floats(-2.0, 2.0),
)
@settings(max_examples=40, deadline=None)
def test_asymmetric_scaled_and_offset(low, high, gain, offset):
    x = noise()
    x /= np.abs(x).max()
    y = gain * (np.clip(x, -low, high) + offset)
    (found,) = detect_levels(y)
    assert found.low == y.min()
    assert found.high == y.max()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_every_sample_type(dtype):
    x = noise() / np.abs(noise()).max()
    scale = {np.uint8: 120, np.int16: 30000, np.int32: 2e9}.get(dtype, 1.0)
    y = np.clip(x, -0.4, 0.5) * scale
    y = (y + 128).astype(dtype) if dtype is np.uint8 else y.astype(dtype)
    (found,) = detect_levels(y)
    assert (found.low, found.high) == (y.min(), y.max())


def test_one_side_only():
    (found,) = detect_levels(np.minimum(noise(), 1.5 * noise().std()))
    assert found.low is None
    assert found.high == 1.5 * noise().std()


def test_channels_are_separate(guitar):
    level = np.quantile(np.abs(guitar), 0.9)
    left, right = detect_levels(np.stack([guitar, np.clip(guitar, -level, level)], axis=1))
    assert (left.low, left.high, left.fraction, left.clipped) == (None, None, 0.0, False)
    assert right.high == np.float32(level)
    assert right.clipped


@pytest.mark.parametrize("frequency", [50, 100, 441, 1000, 3000.3, 5512.5, 11025])
@pytest.mark.parametrize("steps", [127, 32767, None])
def test_tones_are_not_clipped(frequency, steps):
    tone = 0.99 * np.sin(2 * np.pi * frequency * np.arange(RATE) / RATE)
    y = tone if steps is None else np.round(tone * steps)
    (found,) = detect_levels(y)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("steps", [100, 20000, None])
def test_noise_is_not_clipped(seed, steps):
    y = noise(seed=seed)
    y = y / np.abs(y).max()
    (found,) = detect_levels(y if steps is None else np.round(y * steps))
    assert not found.clipped


@pytest.mark.parametrize(
    "y",
    [np.zeros(1000), np.full(1000, 0.3), np.array([0.5]), np.r_[np.zeros(900), 1 + noise(100)]],
    ids=["silence", "constant", "one sample", "gated"],
)
def test_flat_signals_are_not_clipped(y):
    (found,) = detect_levels(y)
    assert (found.low, found.high, found.runs, found.longest) == (None, None, 0, 0)


def test_a_square_wave_is_clipped_all_over():
    y = np.where(np.arange(2000) % 100 < 50, 0.9, -0.7)
    (found,) = detect_levels(y)
    assert (found.low, found.high, found.fraction) == (-0.7, 0.9, 1.0)


def test_runs():
    y = np.array([0.0, 1.0, 1.0, 0.5, 1.0, -1.0, -1.0, -1.0, 0.2])
    found = given_levels(y, -1.0, 1.0)
    assert (found.runs, found.longest, found.fraction) == (2, 4, 6 / 9)
    starts, stops = runs_of(y == 1.0)
    assert (starts.tolist(), stops.tolist()) == ([1, 4], [3, 5])


def test_tolerance_widens_the_mask():
    y = np.array([0.95, 1.0, -0.96, -1.0, 0.0])
    assert clipped_mask(y, -1.0, 1.0, 0.0).tolist() == [False, True, False, True, False]
    assert clipped_mask(y, -1.0, 1.0, 0.05).tolist() == [True, True, True, True, False]


def test_infinite_levels_mean_not_clipped():
    found = given_levels(np.array([0.0, 1.0]), -math.inf, 1.0)
    assert (found.low, found.high) == (None, 1.0)


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [(0.5, -0.5, "low must be below high, got low=0.5"), (math.nan, 1.0, "must be a number")],
)
def test_bad_levels(low, high, message):
    with pytest.raises(ParameterError, match=message):
        given_levels(np.zeros(3), low, high)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((0, 2)), "must not be empty"),
        (np.zeros((2, 2, 2)), r"shape \(n,\) or \(n, channels\)"),
        (np.zeros(4, dtype=complex), "must be real"),
        (np.array([0.0, np.nan]), "must be finite"),
        (np.array(["a"]), "must hold numbers"),
    ],
)
def test_bad_samples(samples, message):
    with pytest.raises(ParameterError, match=message):
        detect_levels(samples)


@pytest.mark.parametrize("share", [0.2, 0.49, 0.51, 0.8])
def test_an_uneven_square_wave_is_clipped_all_over_too(share):
    y = np.where(np.arange(6000) % 60 < 60 * share, 0.9, -0.7)
    (found,) = detect_levels(y)
    assert (found.low, found.high, found.fraction) == (-0.7, 0.9, 1.0)
    with pytest.raises(ParameterError, match="nothing is known of the signal"):
        declip(y, RATE)


def test_most_samples_at_one_level_do_not_hide_it():
    y = np.clip(30.0 * noise(20000) + 10.0, -0.7, 0.9)
    assert np.median(y) == 0.9
    (found,) = detect_levels(y)
    assert (found.low, found.high) == (-0.7, 0.9)
    rectified = np.maximum(noise(20000) - 0.5, 0.0)
    assert not detect_levels(rectified)[0].clipped


def test_clicks_and_pulses_are_not_clipped():
    clicks, pulse = np.zeros(6000), np.zeros(6000)
    clicks[::500] = 1.0
    pulse[1000:1400] = 1.0
    for y in (clicks, pulse, -clicks):
        assert not detect_levels(y)[0].clipped
