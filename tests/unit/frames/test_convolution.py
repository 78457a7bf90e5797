"""Circular filter banks against their definition."""

import itertools

import mpmath
import numpy as np
import pytest

from recover.core.errors import NotAFrameError, ParameterError
from recover.frames import Convolution, canonical_dual
from recover.frames.bounds import real_matrix, subframe_lower
from recover.frames.convolution_bands import convolution_bands
from recover.frames.filterbank import FilterBank


def direct(frame):
    rows = np.zeros((*frame.coef_shape, *frame.shape))
    for f, kernel in enumerate(frame.filters):
        for t in itertools.product(*(range(n) for n in frame.shape)):
            for s in itertools.product(*(range(k) for k in kernel.shape)):
                place = tuple((a - b) % n for a, b, n in zip(t, s, frame.shape, strict=True))
                rows[(f, *t, *place)] += kernel[s]
    return rows.reshape(frame.coef_size, frame.signal_size)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize(
    ("shape", "kernel"),
    [(1, (1,)), (6, (3,)), (7, (7,)), ((4, 5), (2, 3)), ((3, 2, 4), (1, 2, 2))],
)
def test_agrees_with_its_definition(real, shape, kernel):
    rng = np.random.default_rng(0)
    frame = Convolution(rng.standard_normal((3, *kernel)), shape, real_signal=real)
    rows = direct(frame)
    np.testing.assert_allclose(frame.matrix(), rows, atol=1e-13)
    x = rng.standard_normal(frame.signal_shape)
    c = rng.standard_normal(frame.coef_shape)
    if not real:
        x = x + 1j * rng.standard_normal(x.shape)
        c = c + 1j * rng.standard_normal(c.shape)
    np.testing.assert_allclose(frame.analysis(x).reshape(-1), rows @ x.reshape(-1), atol=1e-12)
    np.testing.assert_allclose(
        frame.synthesis(c).reshape(-1), rows.T @ c.reshape(-1), atol=1e-12
    )
    values = np.linalg.svd(rows, compute_uv=False) ** 2
    lower, upper = frame.bounds()
    assert values[-1] * (1 - 1e-9) <= lower <= values[-1] * (1 + 1e-14)
    assert values[0] * (1 - 1e-14) <= upper <= values[0] * (1 + 1e-9)


def test_one_filter_of_length_one_is_a_multiple_of_the_identity():
    frame = Convolution([[2.0]], 9)
    lower, upper = frame.bounds()
    assert lower == pytest.approx(4.0, rel=1e-12)
    assert upper == pytest.approx(4.0, rel=1e-12)


def test_a_difference_filter_alone_is_no_frame():
    frame = Convolution([[1.0, -1.0]], 8)
    assert frame.bounds().lower == 0.0
    with pytest.raises(NotAFrameError, match="common zero"):
        canonical_dual(frame)
    with_mean = Convolution([[1.0, -1.0], [1.0, 1.0]], 8)
    assert with_mean.bounds().lower == pytest.approx(4.0, rel=1e-12)
    x = np.random.default_rng(1).standard_normal(8)
    dual = canonical_dual(with_mean)
    np.testing.assert_allclose(dual.synthesis(with_mean.analysis(x)), x, atol=1e-14)


@pytest.mark.usefixtures("always_bands")
@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("length", [9, 16, 31])
def test_bands_are_the_frame_operator(from_bands, real, length):
    rng = np.random.default_rng(length)
    frame = Convolution(rng.standard_normal((2, 5)), length, real_signal=real)
    keep = rng.random(frame.coef_shape) < 0.8
    found = frame.subframe_bands(keep)
    rows = frame.matrix()[keep.reshape(-1)]
    exact = rows.conj().T @ rows
    assert found.folded
    assert np.linalg.norm(from_bands(found) - exact, 2) <= found.slack + 1e-13
    assert found.slack <= 1e-12
    assert (
        Convolution(np.ones((1, 2, 2)), (8, 8)).subframe_bands(np.ones((1, 8, 8), bool)) is None
    )


@pytest.mark.usefixtures("always_bands")
def test_slacks_cover_filters_that_are_off(from_bands):
    rng = np.random.default_rng(9)
    filters, off = rng.standard_normal((2, 5)), 1e-3 * rng.standard_normal((2, 5))
    keep = rng.random((2, 30)) < 0.8
    rows = Convolution(filters, 30).matrix()[keep.reshape(-1)]
    found = convolution_bands(list(filters + off), np.abs(off).sum(axis=1), keep)
    gap = np.linalg.norm(from_bands(found) - rows.T @ rows, 2)
    assert 1e-4 < gap <= found.slack
    tight = convolution_bands(list(filters), np.zeros(2), keep)
    assert 0.0 < tight.slack < 1e-12
    exact, drift = np.fft.rfft(filters, 30), np.fft.rfft(off, 30)
    bank = FilterBank((30,), exact + drift, np.abs(drift).max(axis=1), True)
    known = bank.symbol(np.array([True, True]))
    gap = np.abs(known.entries - np.square(np.abs(exact)).sum(axis=0)).max()
    assert 1e-4 < gap <= known.slack
    x = rng.standard_normal(30)
    gap = np.linalg.norm(bank.analysis(x) - Convolution(filters, 30).analysis(x))
    assert 1e-4 < gap <= bank.roundoff() * np.linalg.norm(x)


def test_a_long_masked_bank_is_proved_by_bands():
    rng = np.random.default_rng(2)
    frame = Convolution(rng.standard_normal((3, 8)), 5000)
    keep = rng.random(frame.coef_shape) < 0.9
    bound = subframe_lower(frame, keep)
    assert bound.route == "banded"
    again = subframe_lower(frame, keep, at=bound.value, route="banded")
    assert again.value == bound.value
    whole = subframe_lower(frame)
    assert whole.route == "symbol"
    assert 0.0 < bound.value < whole.value


def test_whole_filters_are_known_by_their_symbol():
    rng = np.random.default_rng(3)
    frame = Convolution(rng.standard_normal((3, 4)), 12)
    keep = np.ones(frame.coef_shape, dtype=bool)
    keep[1] = False
    bound = subframe_lower(frame, keep)
    rows = real_matrix(frame, keep)[0]
    exact = np.linalg.svd(rows, compute_uv=False)[-1] ** 2
    assert bound.route == "symbol"
    assert exact * (1 - 1e-9) <= bound.value <= exact


def test_roundoff_holds_against_fifty_digits():
    rng = np.random.default_rng(4)
    frame = Convolution(rng.standard_normal((2, 5)), 13)
    x = rng.standard_normal(13)
    found = frame.analysis(x)
    with mpmath.workdps(50):
        square = mpmath.mpf(0)
        for f in range(2):
            for t in range(13):
                exact = mpmath.fsum(
                    mpmath.mpf(frame.filters[f, s]) * mpmath.mpf(x[(t - s) % 13])
                    for s in range(5)
                )
                square += (exact - mpmath.mpf(found[f, t])) ** 2
        gap = float(mpmath.sqrt(square))
    assert 0.0 < gap <= frame.roundoff() * np.linalg.norm(x)


@pytest.mark.parametrize(
    ("filters", "shape", "message"),
    [
        (np.ones(3), 8, r"filters must be real with shape \(filters, ...\) and rank 2"),
        (np.ones((1, 3)) * 1j, 8, "filters must be real"),
        (np.ones((0, 3)), 8, "filters must be real"),
        (np.ones((1, 9)), 8, r"filters must be no larger than the signal \(8,\), got \(9,\)"),
        ([[np.inf]], 8, "filters must be finite"),
        ([[1.0]], 0, "shape must hold sizes >= 1"),
    ],
)
def test_refuses(filters, shape, message):
    with pytest.raises(ParameterError, match=message):
        Convolution(filters, shape)
