"""Streaming: fixed latency, the same output for all block sizes, reliable samples untouched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recover.audio import Declipper
from recover.core.errors import ParameterError
from recover.metrics import sdr_gain

RATE = 2000
LEVEL = 0.6


def signal(n=3000, channels=1, dtype=np.float32):
    t = np.arange(n) / RATE
    x = np.stack(
        [
            0.7 * np.sin(2 * np.pi * (90 + 40 * k) * t) + 0.3 * np.sin(500 * t)
            for k in range(channels)
        ],
        axis=1,
    )
    return x.astype(dtype)


def stream(y, sizes, latency=0.25, channels=1):
    declipper = Declipper(RATE, channels, low=-LEVEL, high=LEVEL, latency=latency)
    out, pushed, returned = [], 0, 0
    for size in sizes:
        block = y[pushed : pushed + size]
        out.append(declipper.push(block))
        pushed += len(block)
        returned += len(out[-1])
        assert returned == max(pushed - declipper.latency, 0)
    out.append(declipper.push(y[pushed:]))
    out.append(declipper.flush())
    return np.concatenate(out)


@pytest.fixture(scope="module")
def reference():
    y = np.clip(signal(channels=2), -LEVEL, LEVEL)
    return y, stream(y, [], channels=2)


@given(st.lists(st.integers(0, 1100), max_size=12))
@settings(max_examples=5, deadline=None)
def test_blocks_of_any_size_give_the_same(reference, sizes):
    y, whole = reference
    assert np.array_equal(stream(y, sizes, channels=2), whole)


def test_reliable_samples_are_exact_and_recovered_ones_beyond(reference):
    y, x = reference
    assert x.shape == y.shape
    assert x.dtype == y.dtype
    reliable = np.abs(y) < np.float32(LEVEL)
    assert np.array_equal(x[reliable], y[reliable])
    assert (np.abs(x) >= np.abs(y)).all()
    assert (np.sign(x) == np.sign(y)).all()
    for k in range(2):
        assert sdr_gain(signal(channels=2)[:, k], y[:, k], x[:, k]) > 8.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("latency", [0.004, 0.0155, 0.4])
@pytest.mark.parametrize("n", [1, 7, 900])
def test_length_and_shape(dtype, latency, n):
    y = np.clip(signal(n, dtype=dtype)[:, 0], -LEVEL, LEVEL)
    x = stream(y, [3, 0, 200], latency)
    assert x.shape == y.shape
    assert x.dtype == dtype
    reliable = np.abs(y) < dtype(LEVEL)
    assert np.array_equal(x[reliable], y[reliable])
    assert (np.abs(x) >= np.abs(y)).all()


def test_one_sided_and_open_levels():
    y = np.clip(signal(1000)[:, 0], -LEVEL, None)
    declipper = Declipper(RATE, low=-LEVEL, high=None, latency=0.2)
    x = np.concatenate([declipper.push(y), declipper.flush()])
    assert np.array_equal(x[y > -LEVEL], y[y > -LEVEL])
    assert (x <= y).all()
    assert (x < y).any()
    untouched = Declipper(RATE, low=None, high=None, latency=0.1)
    assert np.array_equal(np.concatenate([untouched.push(y), untouched.flush()]), y)


def test_after_a_flush_the_stream_begins_anew():
    y = np.clip(signal(1500)[:, 0], -LEVEL, LEVEL)
    declipper = Declipper(RATE, low=-LEVEL, high=LEVEL, latency=0.1)
    runs = [np.concatenate([declipper.push(y), declipper.flush()]) for _ in range(2)]
    assert np.array_equal(*runs)
    assert declipper.flush().shape == (0,)


def test_nothing_but_clipped_samples():
    y = np.full(900, LEVEL)
    declipper = Declipper(RATE, low=-LEVEL, high=LEVEL, latency=0.1)
    x = np.concatenate([declipper.push(y), declipper.flush()])
    assert x.shape == y.shape
    assert np.isfinite(x).all()
    assert (x >= LEVEL).all()


def test_integers_come_back_as_floating():
    y = np.clip(np.round(1000 * signal(800)[:, 0]), -600, 600).astype(np.int16)
    declipper = Declipper(RATE, low=-600, high=600, latency=0.1)
    x = np.concatenate([declipper.push(y), declipper.flush()])
    assert x.dtype == np.float64
    assert np.array_equal(x[np.abs(y) < 600], y[np.abs(y) < 600])


def test_a_bad_block_leaves_the_stream_as_it_was():
    y = np.clip(signal(1000)[:, 0], -LEVEL, LEVEL)
    declipper = Declipper(RATE, low=-LEVEL, high=LEVEL, latency=0.1)
    first = declipper.push(y[:500])
    for bad, message in (
        (np.array([np.nan]), "finite"),
        (np.zeros((4, 2), dtype=np.float32), r"shape \(n, 1\) or \(n,\), got \(4, 2\)"),
        (np.zeros(3), "blocks have dtype float32, got float64"),
    ):
        with pytest.raises(ParameterError, match=message):
            declipper.push(bad)
    x = np.concatenate([first, declipper.push(y[500:]), declipper.flush()])
    assert np.array_equal(x, stream(y, [], 0.1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0}, "rate must be positive"),
        ({"channels": 0}, "channels must be >= 1"),
        ({"latency": 0.001}, "latency must be at least 8 samples"),
        ({"latency": np.inf}, "latency must be at least"),
        ({"low": 0.9}, "low must be below high"),
        ({"low": [-1.0, -1.0]}, "one level or one per channel"),
        ({"quality": "best"}, "quality must be one of"),
    ],
)
def test_bad_parameters(change, message):
    with pytest.raises(ParameterError, match=message):
        Declipper(**{"rate": RATE, "low": -LEVEL, "high": LEVEL, "latency": 0.1, **change})
