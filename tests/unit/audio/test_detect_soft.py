"""Levels that coding has blurred: found with a band, and not where nothing was clipped."""

import io

import numpy as np
import pytest
import soundfile

from recover.audio import ChannelLevels, declip, detect_levels
from recover.audio.detect_soft import knee_width, soft_level
from recover.audio.levels import Kind, given_levels
from recover.audio.measurement import channel_problem
from recover.io import bundled
from recover.metrics import sdr, sdr_gain

RATE = 44100
LEVEL = 7358 / 32768  # of the bundled clipped recording, 10 dB


@pytest.fixture(scope="module")
def guitar():
    samples, _ = soundfile.read(bundled("audio/guitar_em9.flac"), dtype="float32")
    return samples


def coded(y, container, subtype, effort):
    buffer = io.BytesIO()
    soundfile.write(
        buffer, y, RATE, format=container, subtype=subtype, compression_level=effort
    )
    buffer.seek(0)
    return soundfile.read(buffer, dtype="float32")[0]


MP3 = ("MP3", "MPEG_LAYER_III", 0.0)
VORBIS = ("OGG", "VORBIS", 0.5)


def noise(seed=0, n=RATE):
    white = np.random.default_rng(seed).standard_normal(n + 200)
    return np.convolve(white, np.hanning(40), "valid")[:n]


def blurred(seed, spread):
    """Clipped noise with noise on top; the level is 1."""
    x = noise(seed)
    y = np.clip(x / np.quantile(np.abs(x), 0.8), -1.0, 1.0)
    return y + spread * np.random.default_rng(seed).standard_normal(len(y))


@pytest.mark.parametrize("coder", [MP3, VORBIS], ids=["mp3", "vorbis"])
def test_clipping_before_coding(guitar, coder):
    y = coded(np.clip(guitar, -LEVEL, LEVEL), *coder)
    (found,) = detect_levels(y)
    assert found.kind is Kind.SOFT
    assert found.high == pytest.approx(LEVEL, rel=0.01)
    assert found.low == pytest.approx(-LEVEL, rel=0.01)
    assert 0.01 * LEVEL < found.tolerance < 0.2 * LEVEL
    # nearly all that was clipped is in the band
    assert np.mean(found.mask(y)[np.abs(guitar) >= LEVEL]) > 0.97


@pytest.mark.parametrize("coder", [MP3, VORBIS], ids=["mp3", "vorbis"])
def test_coded_recordings_that_are_not_clipped(guitar, coder):
    (found,) = detect_levels(coded(guitar, *coder))
    assert found.kind is Kind.NONE
    assert not found.clipped


@pytest.mark.parametrize("spread", [0.005, 0.02, 0.04])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_level_and_tolerance_follow_the_noise(spread, sign):
    found = soft_level(sign * blurred(3, spread))
    assert found is not None
    assert found.level == pytest.approx(1.0, abs=0.01)
    assert found.tolerance == pytest.approx(4.0 * spread, rel=0.3, abs=0.015)
    assert 0.5 < found.confidence < 1.0


@pytest.mark.parametrize("offset", [-0.5, 0.0, 3.0])
def test_offset_and_asymmetry(offset):
    x = noise(1) / noise(1).std()
    y = np.clip(x, -0.9, 1.3) + 0.015 * np.random.default_rng(2).standard_normal(len(x))
    (found,) = detect_levels(y + offset)
    assert found.low == pytest.approx(offset - 0.9, abs=0.02)
    assert found.high == pytest.approx(offset + 1.3, abs=0.02)


@pytest.mark.parametrize("frequency", [50, 100, 441, 1000, 3000.3, 5512.5, 11025])
@pytest.mark.parametrize("spread", [0.0, 0.003, 0.02])
def test_tones_have_a_knee_but_are_not_clipped(frequency, spread):
    tone = np.sin(2 * np.pi * frequency * np.arange(RATE) / RATE)
    y = tone + spread * np.random.default_rng(0).standard_normal(RATE)
    assert soft_level(y) is None


def test_a_clipped_tone_is():
    tone = np.sin(2 * np.pi * 441 * np.arange(RATE) / RATE)
    y = np.clip(tone, -0.6, 0.6) + 0.01 * np.random.default_rng(0).standard_normal(RATE)
    assert soft_level(y).level == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("seed", range(6))
def test_noise_is_not_clipped(seed):
    rng = np.random.default_rng(seed)
    for y in (noise(seed), rng.laplace(size=RATE), rng.uniform(-1, 1, RATE)):
        assert soft_level(y) is None


@pytest.mark.parametrize("y", [np.zeros(100), np.ones(3), np.array([1.0]), -np.ones(50)])
def test_signals_without_a_top(y):
    assert soft_level(y) is None


def test_overshoots_at_full_scale_do_not_hide_the_level_below():
    y = np.clip(blurred(5, 0.04), -1.1, 1.1)
    (found,) = detect_levels(y)
    assert found.kind is Kind.SOFT
    assert found.high == pytest.approx(1.0, abs=0.01)


def test_exact_levels_stay_exact(guitar):
    for quantile in (0.7, 0.9, 0.99):
        level = np.quantile(np.abs(guitar), quantile)
        (found,) = detect_levels(np.clip(guitar, -level, level))
        assert (found.kind, found.tolerance) == (Kind.EXACT, 0.0)


def test_reliable_samples_stay_and_recovered_ones_lie_beyond_the_band(guitar):
    part = guitar[RATE : 2 * RATE]
    y = coded(np.clip(part, -LEVEL, LEVEL), *MP3)[: len(part)]
    result = declip(y, RATE, quality="fast", certify=False)
    (levels,) = result.levels
    assert np.array_equal(result.recovered, levels.mask(y))
    kept = ~result.recovered
    assert np.array_equal(result.samples[kept], y[kept])
    beyond = np.abs(result.samples[~kept]) >= levels.high - 2.001 * levels.tolerance
    assert beyond.all()
    assert sdr_gain(part, y, result.samples) > 8.0


def test_the_wider_tolerance_counts():
    y = np.linspace(-1.0, 1.0, 201)
    levels = given_levels(y, None, 0.9, blur=0.1)
    assert levels.kind is Kind.SOFT
    assert levels.band(0.02) == 0.1
    assert levels.band(0.3) == 0.3
    assert np.array_equal(levels.mask(y, 0.02), y >= 0.9 - 0.1)
    assert channel_problem(y, levels).noise.each == 0.1
    assert channel_problem(y, levels, 0.3).noise.each == 0.3


def test_accounts_of_older_results_are_read():
    old = {
        "low": None, "high": 0.5, "fraction": 0.1, "confidence": 1.0, "runs": 3, "longest": 5
    }  # fmt: skip
    levels = ChannelLevels(**old)
    assert (levels.tolerance, levels.kind) == (0.0, Kind.EXACT)


def limited(y, level, knee):
    """Bent from the level on, towards a height of (1 + knee) times it."""
    over = np.maximum(np.abs(y) - level, 0.0)
    bent = level + knee * level * np.tanh(over / (knee * level))
    return np.where(over > 0.0, np.sign(y) * bent, y)


@pytest.mark.parametrize("knee", [0.05, 0.1, 0.2])
def test_a_limiter_with_a_knee(guitar, knee):
    (found,) = detect_levels(limited(guitar, LEVEL, knee))
    assert found.kind is Kind.SOFT
    assert found.high == pytest.approx((1.0 + knee) * LEVEL, rel=0.01)
    assert 0.01 * LEVEL < found.tolerance < 0.1 * LEVEL


@pytest.mark.parametrize("bits", [8, 12, 16, 24])
@pytest.mark.parametrize("level", [0.5 * LEVEL, LEVEL, 2.0 * LEVEL])
def test_hard_clipping_has_no_knee(guitar, bits, level):
    scale = 2.0 ** (bits - 1)
    y = np.round(np.clip(guitar, -level, level) * scale) / scale
    assert detect_levels(y)[0].tolerance == 0.0


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95, 0.98])
def test_a_clipped_tone_has_no_knee(share):
    y = np.clip(np.sin(0.05 * np.arange(RATE)), -share, share)
    assert detect_levels(y)[0].high == pytest.approx(share)
    assert knee_width(y, share) == 0.0


def test_the_width_of_a_knee():
    arches = limited(noise(), 0.5 * float(noise().std()), 0.3)
    top = float(arches.max())
    width = knee_width(arches, 0.9999 * top)
    assert 0.01 * top < width < 0.1 * top
    assert knee_width(np.zeros(100), 1.0) == 0.0
    coarse = np.round(arches / top * 40) / 40  # steps as large as this tell nothing
    assert knee_width(coarse, 1.0) == 0.0


def test_a_band_below_the_top_recovers_more(guitar):
    x = guitar[RATE : 2 * RATE]
    y = limited(x, LEVEL, 0.1)
    (found,) = detect_levels(y)
    banded = declip(y, RATE, quality="fast", certify=False).samples
    plain = declip(y, RATE, low=found.low, high=found.high, quality="fast", certify=False)
    assert sdr(x, banded) > sdr(x, plain.samples) + 5.0
