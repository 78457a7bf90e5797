"""Declipping whole recordings: what is kept, recovered, said and refused."""

import dataclasses
import json
import math

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import recover as rv
from recover.audio import AudioResult, channel_problems, declip, detect_levels
from recover.audio.measurement import channel_problem
from recover.audio.restore import restore
from recover.audio.settings import (
    Quality,
    choose_frames,
    effort_for,
    neighbourhood_of,
    wants_trial,
)
from recover.core.errors import ParameterError
from recover.frames import Identity
from recover.io import FileError, bundled
from recover.metrics import sdr, sdr_gain
from recover.solve.base import Status
from recover.solve.social import SocialSparsity

RATE = 8000


def music(n=6000, seed=0, rate=RATE):
    rng = np.random.default_rng(seed)
    t = np.arange(n) / rate
    phases = rng.random(4) * 6
    partials = zip([1, 0.7, 0.4, 0.3], [220, 331, 495, 740], phases, [1, 2, 0, 3], strict=True)
    parts = [a * np.sin(2 * np.pi * f * t + p) * np.exp(-t * d) for a, f, p, d in partials]
    return np.sum(parts, axis=0)


def check_consistent(y, low, high, result):
    """Reliable samples bit for bit, recovered ones at or beyond the level."""
    reliable = (y > low) & (y < high)
    assert result.samples.dtype == y.dtype
    assert np.array_equal(result.samples[reliable], y[reliable])
    assert (result.samples[y >= high] >= y.dtype.type(high)).all()
    assert (result.samples[y <= low] <= y.dtype.type(low)).all()
    assert np.array_equal(result.recovered, ~reliable)


@pytest.fixture(scope="module")
def guitar():
    clean, rate = soundfile.read(bundled("audio/guitar_em9.flac"), dtype="float32")
    clipped, _ = soundfile.read(bundled("audio/guitar_em9_clipped.flac"), dtype="float32")
    part = slice(rate, rate + rate // 2)
    return clean[part], clipped[part], rate


def test_a_real_recording_is_recovered(guitar):
    clean, clipped, rate = guitar
    result = declip(clipped, rate)
    level = 7358 / 32768
    assert (result.levels[0].low, result.levels[0].high) == (-level, level)
    check_consistent(clipped, -level, level, result)
    assert sdr_gain(clean, clipped, result.samples) > 14.0
    assert result.status is Status.COMPLETED
    assert result.stretches[0].method == "SocialSparsity"
    estimate = result.stretches[0].estimated_input_sdr
    assert abs(estimate - sdr(clean, clipped)) < 1.5


def test_fast_is_not_much_worse(guitar):
    clean, clipped, rate = guitar
    fast = declip(clipped, rate, quality="fast", certify=False)
    assert fast.stretches[0].iterations == 70
    assert sdr_gain(clean, clipped, fast.samples) > 12.0


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(3, 500),
    low=st.floats(-1.5, -0.05),
    high=st.floats(0.05, 1.5),
    channels=st.integers(1, 3),
    dtype=st.sampled_from([np.float32, np.float64]),
    rate=st.sampled_from([8000, 44100, 192000]),
)
@settings(max_examples=40, deadline=None)
def test_consistency_for_any_levels(seed, n, low, high, channels, dtype, rate):
    x = np.random.default_rng(seed).standard_normal((n, channels)).astype(dtype)
    x[0] = 0.0  # never everything clipped
    result = declip(x, rate, low=low, high=high, quality="fast", certify=False)
    check_consistent(x, dtype(low), dtype(high), result)


def test_channels_are_recovered_apart_and_a_good_one_is_left_alone():
    x = np.stack([music(seed=0), music(seed=1)], axis=1)
    y = x.copy()
    y[:, 1] = np.clip(x[:, 1], -0.8, 0.9)
    result = declip(y, RATE)
    assert np.array_equal(result.samples[:, 0], x[:, 0])
    assert sdr_gain(x[:, 1], y[:, 1], result.samples[:, 1]) > 10.0
    assert [s.channel for s in result.stretches] == [1]
    alone = declip(y[:, 1], RATE)
    assert np.array_equal(alone.samples, result.samples[:, 1])
    labels = [label for label, _ in result.certificate.parts]
    assert labels == ["channel 1", "channel 2"]
    assert result.certificate.parts[0][1].error_bound == 0.0


def test_only_what_is_near_clipping_is_touched():
    x = np.concatenate([music(), 0.2 * music(30000), music()])
    result = declip(np.clip(x, -0.8, 0.8), RATE, quality="fast", certify=False)
    assert len(result.stretches) == 2
    work = sum(s.stop - s.start for s in result.stretches)
    assert work < 0.6 * len(x)


def test_long_signals_are_cut_and_joined_without_a_seam():
    x = np.tile(music(8000), 16)
    y = np.clip(x, -0.9, 0.9)
    result = declip(y, 2000, quality="fast", certify=False)  # 64 s
    assert len(result.stretches) > 5
    check_consistent(y, -0.9, 0.9, result)
    error = np.abs(result.samples - x)
    seams = [s.start for s in result.stretches[1:]]
    at_seams = max(error[a : a + 2000].max() for a in seams)
    assert at_seams <= 1.05 * error.max()
    assert sdr_gain(x, y, result.samples) > 12.0


@pytest.mark.parametrize(
    ("samples", "note"),
    [
        (np.zeros(1000), "silent"),
        (music(), "no clipping was found"),
        (np.array([0.25]), "no clipping"),
        (np.zeros((5, 2), dtype=np.int16), "silent"),
    ],
)
def test_nothing_to_do(samples, note):
    result = declip(samples, RATE)
    assert np.array_equal(result.samples, samples)
    assert note in result.note
    assert result.status is Status.DIRECT
    assert not result.recovered.any()
    assert result.error_bound == 0.0
    assert result.stretches == ()


def test_levels_that_do_not_occur():
    result = declip(music(), RATE, high=50.0, low=-50.0)
    assert np.array_equal(result.samples, music())
    assert result.note == "no sample is at the given levels; nothing was changed"


def test_one_given_level_and_one_detected():
    y = np.clip(music(), -0.8, 0.9)
    result = declip(y, RATE, high=0.7)
    assert (result.levels[0].low, result.levels[0].high) == (-0.8, 0.7)
    check_consistent(y, -0.8, 0.7, result)
    only_high = declip(y, RATE, low=-math.inf)
    assert only_high.levels[0].low is None
    assert np.array_equal(only_high.samples[y < 0.9], y[y < 0.9])


def test_tolerance_widens_and_bounds():
    x = music()
    jitter = 0.01 * np.random.default_rng(0).random(len(x))
    y = np.clip(x, -0.9, 0.9)
    y = np.where(np.abs(y) >= 0.9, y * (1 - jitter), y)
    result = declip(y, RATE, low=-0.9, high=0.9, tolerance=0.01)
    touched = np.abs(y) >= 0.89
    assert np.array_equal(result.recovered, touched)
    assert np.array_equal(result.samples[~touched], y[~touched])
    assert (np.abs(result.samples[touched]) >= np.abs(y[touched]) - 0.01 - 1e-12).all()
    assert sdr_gain(x, y, result.samples) > 8.0


def test_integers_keep_their_unit():
    y = np.clip(1000 * music(), -900, 800).astype(np.int16)
    result = declip(y, RATE)
    assert result.samples.dtype == np.float64
    assert (result.levels[0].low, result.levels[0].high) == (-900, 800)
    reliable = ~result.recovered
    assert np.array_equal(result.samples[reliable], y[reliable])


def test_input_is_not_written_to_and_results_are_repeatable():
    y = np.clip(music(), -0.9, 0.9)
    y.setflags(write=False)
    one, two = declip(y, RATE), declip(y, RATE)
    assert np.array_equal(one.samples, two.samples)
    assert one.certificate.to_json() == two.certificate.to_json()


@pytest.mark.parametrize("method", ["AnalysisSPADE", "SocialSparsity"])
def test_a_method_may_be_named_or_given(method):
    y = np.clip(music(), -0.9, 0.9)
    named = declip(y, RATE, method=method, certify=False)
    assert named.stretches[0].method == method
    check_consistent(y, -0.9, 0.9, named)


def test_a_given_method_keeps_its_parameters():
    y = np.clip(music(), -0.9, 0.9)
    given_method = SocialSparsity(Identity(3), max_iter=7, neighbourhood=(1,))
    assert declip(y, RATE, method=given_method).stretches[0].iterations == 7


def test_watch_counts_to_the_end_and_stops():
    y = np.clip(music(), -0.9, 0.9)
    seen = []
    declip(np.stack([y, y], 1), RATE, quality="fast", watch=seen.append)
    steps = [p.step for p in seen]
    assert steps == sorted(steps)
    assert steps[-1] == seen[-1].total == 200
    stopped = declip(np.stack([y, y], 1), RATE, watch=lambda p: p.step >= 20)
    assert stopped.status is Status.STOPPED
    check_consistent(np.stack([y, y], 1), -0.9, 0.9, stopped)
    assert len(stopped.stretches) == 1


# --- the certificate -------------------------------------------------------------------------
def test_certificate_says_that_the_data_alone_promise_nothing_and_verifies():
    y = np.clip(np.stack([music(), music(seed=3)], 1), -0.8, 0.9)
    result = declip(y, RATE)
    cert = result.certificate
    assert (cert.kappa.lower, cert.kappa.upper) == (0.0, 0.0)
    assert cert.error_bound == math.inf
    assert cert.scope.kind == "global"
    assert "samples are clipped" in cert.reason
    problems = channel_problems(y, result.levels)
    assert rv.verify(cert, problems).accepted
    assert not rv.verify(cert, channel_problems(0.5 * y, declip(0.5 * y, RATE).levels)).accepted
    forged = dataclasses.replace(cert, error_bound=1.0)
    assert not rv.verify(forged, problems).accepted


def test_certificate_of_one_channel_has_no_parts():
    y = np.clip(music(), -0.9, 0.9)
    result = declip(y, RATE)
    assert result.certificate.parts is None
    assert rv.verify(result.certificate, channel_problems(y, result.levels)[0]).accepted


def test_not_asked():
    assert declip(np.clip(music(), -0.9, 0.9), RATE, certify=False).certificate.reason == (
        "not asked"
    )


# --- settings --------------------------------------------------------------------------------
def test_the_window_follows_the_content_and_the_rate():
    n = 40000
    tone = np.sin(0.05 * np.arange(n))
    clicks = np.zeros(n)
    clicks[np.random.default_rng(0).integers(0, n, 40)] = 1.0
    assert choose_frames(tone, 44100)[0].window.size == 18432
    assert choose_frames(clicks, 44100)[0].window.size == 1152
    assert choose_frames(tone, 8000)[0].window.size == 4608  # 0.42 s is 3344 samples
    assert choose_frames(tone[:100], 44100)[0].window.size <= 100
    assert choose_frames(tone[:3], 44100)[0].window.size == 9
    assert neighbourhood_of(choose_frames(tone, 44100)[0], 44100) == (4, 3)
    assert neighbourhood_of(choose_frames(clicks, 44100)[0], 44100) == (5, 3)


@pytest.mark.parametrize("quality", [Quality.AUTO, Quality.QUALITY])
def test_more_effort_for_more_loss(quality):
    efforts = [effort_for(quality, s) for s in (15.0, 7.0, 4.0, 1.0, -20.0)]
    assert [e.max_iter for e in efforts] == sorted(e.max_iter for e in efforts)
    assert [e.overshoot for e in efforts] == sorted(e.overshoot for e in efforts)
    assert effort_for(quality, math.inf) == efforts[0] == effort_for(quality)
    assert efforts[-1] == effort_for(Quality.EXTREME)
    assert wants_trial(quality, 0.3)
    assert not wants_trial(quality, 0.01)


def test_fast_makes_no_trial():
    assert effort_for(Quality.FAST, -20.0) == effort_for(Quality.FAST)
    assert not wants_trial(Quality.FAST, 0.6)


@pytest.mark.parametrize("quality", list(Quality))
def test_every_quality_runs(quality):
    y = np.clip(music(1500), -0.9, 0.9)
    result = declip(y, RATE, quality=quality.name.lower(), certify=False)
    check_consistent(y, -0.9, 0.9, result)


# --- saving ----------------------------------------------------------------------------------
def test_save_and_load(tmp_path):
    y = np.clip(np.stack([music(), 0.1 * music()], 1), -0.8, 0.9).astype(np.float32)
    result = declip(y, RATE)
    result.save(tmp_path / "r.npz")
    back = AudioResult.load(tmp_path / "r.npz")
    assert np.array_equal(back.samples, result.samples)
    assert back.samples.dtype == np.float32
    assert np.array_equal(back.recovered, result.recovered)
    for name in ("rate", "levels", "status", "stretches", "note", "fraction", "error_bound"):
        assert getattr(back, name) == getattr(result, name)
    assert back.certificate.to_json() == result.certificate.to_json()
    assert np.array_equal(back.residuals, result.residuals)
    assert np.array_equal(back.signal, result.signal)


@pytest.mark.parametrize("damage", ["missing", "text", "other"])
def test_load_refuses(tmp_path, damage):
    path = tmp_path / "r.npz"
    if damage == "text":
        path.write_text("no")
    if damage == "other":
        np.savez(path, a=np.zeros(3))
    with pytest.raises(FileError, match=r"r\.npz"):
        AudioResult.load(path)


# --- refusals --------------------------------------------------------------------------------
Y = np.clip(music(500), -0.9, 0.9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: declip([], RATE), "must not be empty"),
        (lambda: declip([0.0, np.inf], RATE), "must be finite"),
        (lambda: declip(Y, 0), "finite, got 0"),
        (lambda: declip(Y, math.nan), "rate must be positive and finite"),
        (lambda: declip(Y, RATE, tolerance=-1.0), "tolerance must be"),
        (lambda: declip(Y, RATE, quality="best"), "quality must be one of auto"),
        (lambda: declip(Y, RATE, method="magic"), "method must be one of"),
        (lambda: declip(Y, RATE, low=0.5, high=-0.5), "low must be below high"),
        (lambda: declip(Y, RATE, high=[0.9, 0.9]), "one per channel"),
        (lambda: declip(Y, RATE, high=-5.0, low=-9.0), "every sample of channel 1"),
        (lambda: channel_problems(Y, ()), "one entry per channel"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refusals(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


def test_json_of_stretches_round_trips():
    account = declip(Y, RATE, certify=False).stretches[0]
    silent = dataclasses.replace(account, estimated_input_sdr=math.inf)
    for each in (account, silent):
        text = json.dumps(each.to_json(), allow_nan=False)
        assert type(each).from_json(json.loads(text)) == each


def test_the_second_window_is_averaged_in_and_stays_consistent():
    t = np.arange(4000) / 8000
    y = np.clip(np.sin(2 * np.pi * 200 * t) + 0.5 * np.sin(2 * np.pi * 330 * t), -0.8, 0.8)
    for dtype in (np.float32, np.float64):
        data = y.astype(dtype)
        problem = channel_problem(data, detect_levels(data)[0])
        piece = restore(
            problem,
            8000,
            quality=Quality.FAST,
            method=None,
            rng=np.random.default_rng(0),
            watch=lambda _: False,
        )
        mean = (2.0 * piece.first.astype(np.float64) + piece.second) / 3.0
        assert np.allclose(piece.signal, mean, atol=1e-6)
        assert not np.array_equal(piece.first, piece.second)
        reliable = np.abs(data) < data.max()
        assert np.array_equal(piece.signal[reliable], data[reliable])
        assert (np.abs(piece.signal) >= np.abs(data)).all()
        assert piece.signal.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_typed_level_that_just_misses_the_samples_is_the_level(dtype):
    x = np.sin(np.arange(6000) / 20.0)
    # the samples stop at the float32 nearest to .9, which is below the float64 of that name
    y = np.clip(x.astype(np.float32), -0.9, 0.9).astype(dtype)
    assert float(y.max()) < 0.9
    result = rv.audio.declip(y, 44100, low=-0.9, high=0.9, quality="fast")
    assert result.levels[0].high == float(y.max())
    assert result.recovered.sum() == np.count_nonzero(np.abs(y) == y.max())
    assert result.error_bound == np.inf
    # a level that is really elsewhere stays where it was put
    assert rv.audio.declip(y, 44100, low=-2.0, high=0.95).error_bound == 0.0


def test_a_seed_is_no_negative_number():
    with pytest.raises(ParameterError, match="seed >= 0 or a generator, got -1"):
        declip(np.zeros(100), 8000, rng=-1)


def test_the_level_of_one_channel_may_be_found_and_that_of_another_given():
    rng = np.random.default_rng(0)
    wave = np.sin(np.arange(4000) / 20.0)[:, None] + 0.1 * rng.standard_normal((4000, 2))
    clipped = np.clip(wave, [-0.7, -0.5], [0.7, 0.5])
    found = rv.audio.declip(clipped, 8000, high=[None, 0.5], certify=False)
    assert [level.high for level in found.levels] == [0.7, 0.5]
    assert [level.low for level in found.levels] == [-0.7, -0.5]


@pytest.mark.parametrize("levels", ["loud", ["a", 1.0], [[1.0], 2.0]])
def test_levels_that_are_no_numbers_are_named(levels):
    with pytest.raises(ParameterError, match="high must be one level or one per channel, each"):
        rv.audio.declip(np.zeros((100, 2)), 8000, high=levels)
