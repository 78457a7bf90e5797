"""The undecimated wavelet frame against PyWavelets and against direct convolution."""

import mpmath
import numpy as np
import pytest
import pywt

from recover.core.errors import ParameterError
from recover.frames import Wavelet, canonical_dual
from recover.frames.bounds import subframe_lower

NAMES = ["haar", "db3", "db4", "sym5", "coif1", "bior2.2", "bior3.1", "rbio1.3", "dmey"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_agrees_with_pywavelets_in_one_dimension(name, levels):
    x = np.random.default_rng(0).standard_normal(64)
    # PyWavelets refuses norm=True for wavelets that are not orthogonal: scale by hand
    bands = pywt.swt(x, name, level=levels, trim_approx=True, norm=False)
    depth = np.array([levels, *range(levels, 0, -1)])
    expected = np.array(bands) / np.sqrt(2.0) ** depth[:, None]
    found = Wavelet(name, levels, 64).analysis(x)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("name", ["haar", "db2", "bior2.2"])
def test_agrees_with_pywavelets_in_two_dimensions(name):
    x = np.random.default_rng(1).standard_normal((16, 24))
    approx, *details = pywt.swtn(x, name, level=2, trim_approx=True, norm=False)
    expected = [approx / 4.0]
    for scale, level in zip((4.0, 2.0), details, strict=True):
        expected += [level[key] / scale for key in ("ad", "da", "dd")]
    found = Wavelet(name, 2, (16, 24)).analysis(x)
    np.testing.assert_allclose(found, np.array(expected), atol=1e-12)


@pytest.mark.parametrize("name", ["haar", "db4", "sym5", "coif2"])
@pytest.mark.parametrize("shape", [16, 17, 100, (12, 9)])
def test_an_orthogonal_wavelet_gives_a_parseval_frame(name, shape):
    frame = Wavelet(name, 3, shape)
    lower, upper = frame.bounds()
    assert 1.0 - 1e-9 <= lower <= 1.0 <= upper <= 1.0 + 1e-9
    x = np.random.default_rng(2).standard_normal(frame.signal_shape)
    # the filters of PyWavelets are orthogonal to 1e-11 or so
    np.testing.assert_allclose(frame.synthesis(frame.analysis(x)), x, atol=1e-9)


def test_lengths_need_not_be_multiples_of_a_power_of_two():
    frame = Wavelet("db3", 3, 11)
    low, high = frame.low, frame.high
    x = np.random.default_rng(3).standard_normal(11)
    expected, smooth = [], x
    for level in range(3):
        step = 2**level
        shift = low.size // 2 * step
        places = (np.arange(11)[:, None] + shift - step * np.arange(low.size)) % 11
        expected.insert(0, (smooth[places] * high).sum(axis=1))
        smooth = (smooth[places] * low).sum(axis=1)
    expected.insert(0, smooth)
    np.testing.assert_allclose(frame.analysis(x), np.array(expected), atol=1e-13)


@pytest.mark.parametrize("name", ["bior2.2", "rbio1.3", "bior3.1"])
def test_a_biorthogonal_wavelet_is_a_frame_with_a_dual(name):
    frame = Wavelet(name, 2, 20)
    lower, upper = frame.bounds()
    values = np.linalg.svd(frame.matrix(), compute_uv=False) ** 2
    assert lower == pytest.approx(values[-1], rel=1e-9)
    assert upper == pytest.approx(values[0], rel=1e-9)
    x = np.random.default_rng(4).standard_normal((2, 20))
    dual = canonical_dual(frame)
    np.testing.assert_allclose(dual.synthesis(frame.analysis(x)), x, atol=1e-12 * upper / lower)


@pytest.mark.usefixtures("always_bands")
@pytest.mark.parametrize("name", ["haar", "db2", "bior2.2"])
def test_bands_are_the_frame_operator(from_bands, name):
    rng = np.random.default_rng(5)
    for length, levels in ((61, 2), (100, 3)):
        frame = Wavelet(name, levels, length)
        keep = rng.random(frame.coef_shape) < 0.8
        found = frame.subframe_bands(keep)
        rows = frame.matrix()[keep.reshape(-1)]
        assert np.linalg.norm(from_bands(found) - rows.T @ rows, 2) <= found.slack + 1e-14
        assert found.slack <= 1e-11
    square = Wavelet(name, 2, (8, 8))
    assert square.subframe_bands(np.ones(square.coef_shape, dtype=bool)) is None


def test_a_long_masked_transform_is_proved_by_bands():
    rng = np.random.default_rng(6)
    frame = Wavelet("haar", 3, 4000)
    keep = rng.random(frame.coef_shape) < 0.95
    bound = subframe_lower(frame, keep)
    assert bound.route == "banded"
    assert 0.0 < bound.value < 1.0


def test_roundoff_holds_against_fifty_digits():
    frame = Wavelet("db2", 2, 13)
    x = np.random.default_rng(7).standard_normal(13)
    found = frame.analysis(x)
    with mpmath.workdps(50):
        low = [mpmath.mpf(v) for v in frame.low.tolist()]
        high = [mpmath.mpf(v) for v in frame.high.tolist()]
        smooth, bands = [mpmath.mpf(v) for v in x.tolist()], []
        for level in range(2):
            step = 2**level

            def convolve(taps, signal, step=step):
                return [
                    mpmath.fsum(
                        v * signal[(t + 2 * step - i * step) % 13] for i, v in enumerate(taps)
                    )
                    for t in range(13)
                ]

            bands.insert(0, convolve(high, smooth))
            smooth = convolve(low, smooth)
        bands.insert(0, smooth)
        square = mpmath.fsum(
            (mpmath.mpf(float(found[b, t])) - bands[b][t]) ** 2
            for b in range(3)
            for t in range(13)
        )
        gap = float(mpmath.sqrt(square))
    assert 0.0 < gap <= frame.roundoff() * np.linalg.norm(x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("db4", 0, 16), "levels must be >= 1 with .* <= 16, the smallest size, got 0"),
        (("db4", 5, 16), "got 5"),
        (("db4", 2, (16, 3)), "<= 3, the smallest size"),
        (("morl", 1, 16), "name must be a discrete wavelet of PyWavelets, got 'morl'"),
        (("db4", 1, 0), "shape must hold sizes"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ParameterError, match=message):
        Wavelet(*arguments)
