"""Two-sigma bands of gaps: against dense algebra, and calibrated on what they suppose."""

import numpy as np
import pytest
from scipy.linalg import toeplitz

from recover.audio.autoregressive import (
    ORDER,
    Neighbourhood,
    _inverse,
    gap_bands,
    prediction_filter,
)

POLES = np.array(
    [0.97 * np.exp(0.3j), 0.97 * np.exp(-0.3j), 0.9 * np.exp(1.1j), 0.9 * np.exp(-1.1j)]
)
TRUE = np.real(np.poly(POLES))


def process(seed, n=6000, level=1.0):
    """An autoregressive signal of order 4."""
    rng = np.random.default_rng(seed)
    e = level * rng.standard_normal(n + 500)
    x = np.zeros(n + 500)
    for k in range(4, len(x)):
        x[k] = e[k] - TRUE[1:] @ x[k - 4 : k][::-1]
    return x[500:]


def spaced(n, length, every=200):
    mask = np.zeros(n, dtype=bool)
    for start in range(300, n - 300, every):
        mask[start : start + length] = True
    return mask


def interpolated(x, mask):
    """The gaps filled by the true model's least squares, all of them at once."""
    n = len(x)
    rows = np.zeros((n - 4, n))
    for k in range(n - 4):
        rows[k, k : k + 5] = TRUE[::-1]
    out = np.where(mask, 0.0, x)
    solution = np.linalg.lstsq(rows[:, mask], -rows @ out, rcond=None)[0]
    out[mask] = solution
    return out


def test_the_filter_is_found():
    taps = prediction_filter(process(0, 20000))
    assert taps[:5] == pytest.approx(TRUE, abs=0.08)
    assert len(taps) == ORDER + 1


def test_filter_of_silence_and_of_a_tone():
    assert prediction_filter(np.zeros(500)).tolist() == [1.0] + [0.0] * ORDER
    tone = np.sin(0.2 * np.arange(2000))
    rows = np.convolve(tone, prediction_filter(tone), "valid")
    assert np.abs(rows).max() < 0.05


@pytest.mark.parametrize("length", [1, 4, 12, 30])
def test_coverage_where_the_hypothesis_holds(length):
    held = []
    for seed in range(4):
        x = process(seed, 3000)
        mask = spaced(3000, length)
        r = interpolated(x, mask)
        found = gap_bands(r, mask)
        assert found.isolated.all()
        held += [
            np.linalg.norm((x - r)[a:b]) <= band
            for a, b, band in zip(found.starts, found.stops, found.bands, strict=True)
        ]
    assert len(held) > 40
    assert 0.88 <= np.mean(held) <= 1.0


def test_bands_follow_the_size_of_the_signal():
    x, mask = process(1, 2000), spaced(2000, 10)
    one, ten = gap_bands(x, mask).bands, gap_bands(10.0 * x, mask).bands
    assert ten == pytest.approx(10.0 * one)


def test_a_displaced_gap_widens_its_band():
    x, mask = process(2, 2000), spaced(2000, 10)
    moved = x.copy()
    moved[300:310] += 50.0
    before, after = gap_bands(x, mask).bands[0], gap_bands(moved, mask).bands[0]
    assert after > 5.0 * before


@pytest.mark.parametrize("seed", range(3))
def test_banded_inverse(seed):
    rng = np.random.default_rng(seed)
    taps = np.r_[1.0, 0.1 * rng.standard_normal(ORDER)]
    products = np.correlate(taps, taps, "full")[ORDER:]
    unknown = np.sort(rng.choice(300, 80, replace=False))
    whole = toeplitz(np.r_[products, np.zeros(300 - len(products))])
    dense = np.linalg.inv(whole[np.ix_(unknown, unknown)])
    assert _inverse(products, unknown) == pytest.approx(dense, abs=1e-10)


def test_what_cannot_be_stated_is_infinite():
    x = process(3, 2000)
    mask = np.zeros(2000, dtype=bool)
    mask[500:1000] = True  # longer than is treated
    mask[1500:1503] = True
    found = gap_bands(x, mask)
    assert found.bands[0] == np.inf
    assert np.isfinite(found.bands[1])
    every = np.arange(2000) % 20 < 2  # no clean row anywhere
    assert np.isinf(gap_bands(x, every).bands).all()
    assert not gap_bands(x, every).isolated.any()


def test_no_gap():
    found = gap_bands(process(4, 300), np.zeros(300, dtype=bool))
    assert found.bands.size == found.starts.size == 0


def test_gaps_at_the_ends():
    x, mask = process(5, 1000), np.zeros(1000, dtype=bool)
    mask[:3] = mask[-3:] = True
    assert np.isfinite(gap_bands(x, mask).bands).all()


def test_an_onset_counts_by_its_louder_side():
    """A gap between a quiet and a loud part has the level of the loud one."""
    x = process(3, 3000)
    x[:1500] *= 0.01
    mask = np.zeros(3000, dtype=bool)
    mask[1500:1510] = True
    _, variance = Neighbourhood(x, mask).model(1500, 1510)
    loud, quiet = Neighbourhood(process(3, 3000), mask).model(1500, 1510), 1e-4
    assert 0.5 * loud[1] < variance < 2.0 * loud[1]
    mask[1510:] = True  # nothing is known of the loud part
    assert Neighbourhood(x, mask).model(1500, 1510)[1] < 10.0 * quiet
    mask[:] = True
    assert Neighbourhood(x, mask).model(1500, 1510) is None
