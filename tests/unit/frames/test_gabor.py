"""The Gabor frame against its definition, for every parity, hop, length and boundary."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy.signal import ShortTimeFFT

import recover.frames.gabor_grid
from recover.core.errors import NotAFrameError, ParameterError
from recover.frames import Boundary, Gabor
from recover.frames.bounds import real_matrix

BOUNDARIES = list(Boundary)


def direct(frame):
    """Return the rows by the formula of the class, one entry after the other."""
    window, m = frame.window, frame.channels
    period = frame.frames * frame.hop
    rows = np.zeros((*frame.coef_shape, frame.length), dtype=complex)
    for n, start in enumerate(frame.starts):
        for k in range(frame.coef_shape[1]):
            alone = not frame.real_signal or k == 0 or 2 * k == m
            for l, value in enumerate(window):
                t = start + l
                if frame.boundary is Boundary.CIRCULAR:
                    t %= period
                if 0 <= t < frame.length:
                    phase = np.exp(-2j * np.pi * k * l / m)
                    rows[n, k, t] += (1.0 if alone else np.sqrt(2)) * value * phase / np.sqrt(m)
    return rows.reshape(-1, frame.length)


def exact_diagonal(frame):
    """Return the frame operator's diagonal (painless case) as rational numbers."""
    total = [Fraction(0)] * frame.length
    period = frame.frames * frame.hop
    for start in frame.starts.tolist():
        for l, value in enumerate(frame.window.tolist()):
            t = (start + l) % period if frame.boundary is Boundary.CIRCULAR else start + l
            if 0 <= t < frame.length:
                total[t] += Fraction(value) ** 2
    return total


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("real_signal", [True, False])
@pytest.mark.parametrize("hop", [1, 2, 3, 5])
@pytest.mark.parametrize(("size", "channels"), [(5, 5), (5, 8), (6, 6), (6, 7)])
def test_agrees_with_its_definition(boundary, real_signal, hop, size, channels):
    rng = np.random.default_rng(size * hop)
    window = rng.standard_normal(size)
    for length in (1, 2, size - 1, size, 11, 12, 13, 20):
        frame = Gabor(length, window, hop, channels, boundary=boundary, real_signal=real_signal)
        rows = direct(frame)
        np.testing.assert_allclose(frame.matrix(), rows, atol=1e-13)
        c = rng.standard_normal(frame.coef_shape) + 1j * rng.standard_normal(frame.coef_shape)
        expected = c.reshape(-1) @ rows.conj()
        expected = expected.real if real_signal else expected
        np.testing.assert_allclose(frame.synthesis(c), expected, atol=1e-12)
        lower, upper = frame.bounds()
        real_rows = real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))[0]
        values = np.linalg.svd(real_rows, compute_uv=False) ** 2
        assert lower == pytest.approx(values.min(), rel=1e-12)
        assert upper == pytest.approx(values.max(), rel=1e-12)
        exact = exact_diagonal(frame)
        assert Fraction(lower) <= min(exact)
        assert Fraction(upper) >= max(exact)


def test_the_bounds_are_outside_for_many_terms():
    for seed in range(60):
        window = np.random.default_rng(seed).standard_normal(150)
        frame = Gabor(150, window, 2)
        sums = [sum(Fraction(v) ** 2 for v in window[r::2].tolist()) for r in range(2)]
        lower, upper = frame.bounds()
        assert Fraction(lower) <= min(sums)
        assert max(sums) <= Fraction(upper)


def test_every_sample_is_met_by_every_window_it_could_be():
    for length in range(1, 40):
        for hop in range(1, 8):
            frame = Gabor(length, np.ones(7), hop, boundary=Boundary.ZERO_PADDED)
            starts = frame.starts
            assert starts[0] <= 0
            assert starts[-1] <= length - 1  # no frame lies beyond the signal
            assert starts[0] + 7 > 0
            assert starts[-1] + hop > length - 1  # nor is one missing
            assert starts[0] - hop + 7 <= 0


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(("length", "size", "hop"), [(100, 16, 4), (101, 16, 5), (33, 12, 6)])
def test_the_tight_frame_is_a_parseval_frame(boundary, length, size, hop):
    frame = Gabor.hann(length, size, hop, boundary=boundary, tight=True)
    lower, upper = frame.bounds()
    assert 1.0 - 4e-15 <= lower <= 1.0 <= upper <= 1.0 + 4e-15
    x = np.random.default_rng(0).standard_normal(length)
    np.testing.assert_allclose(frame.synthesis(frame.analysis(x)), x, atol=1e-14)
    assert np.linalg.norm(frame.analysis(x)) == pytest.approx(np.linalg.norm(x), rel=1e-14)


def test_hann_with_quarter_hop_has_the_published_bound():
    # sum of squared Hann windows at a quarter hop: 3/8 * 4
    lower, upper = Gabor.hann(4096, 1024, 256).bounds()
    assert lower == pytest.approx(1.5, rel=1e-14)
    assert upper == pytest.approx(1.5, rel=1e-14)


def test_whole_bins_agree_with_short_time_fft_of_scipy():
    rng = np.random.default_rng(1)
    length, size, hop = 300, 32, 8
    window = rng.standard_normal(size)
    x = rng.standard_normal(length)
    frame = Gabor(length, window, hop, boundary=Boundary.ZERO_PADDED)
    peer = ShortTimeFFT(window, hop, 1.0, phase_shift=None)
    spectrum = peer.stft(x).T  # (frames, bins), frame p starts at p hop - size // 2
    weights = np.full(size // 2 + 1, np.sqrt(2.0 / size))
    weights[[0, -1]] = np.sqrt(1.0 / size)
    ours = frame.analysis(x)
    compared = 0
    for n, start in enumerate(frame.starts):
        p, rest = divmod(start + size // 2, hop)
        row = p - peer.p_min
        if rest == 0 and 0 <= row < spectrum.shape[0]:
            np.testing.assert_allclose(ours[n], spectrum[row] * weights, atol=1e-12)
            compared += 1
    assert compared >= 35


def test_float32_stays_single_within_its_precision():
    frame = Gabor.hann(1000, 64, 16)
    x = np.random.default_rng(2).standard_normal(1000)
    c = frame.analysis(x.astype(np.float32))
    assert c.dtype == np.complex64
    np.testing.assert_allclose(c, frame.analysis(x), atol=2e-6)
    back = frame.synthesis(c)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, 1.5 * x, atol=2e-5)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("real_signal", [True, False])
@pytest.mark.parametrize("chunk", [1, 60, 100, 7 * 24])
def test_work_in_runs_of_frames_changes_nothing(monkeypatch, boundary, real_signal, chunk):
    rng = np.random.default_rng(3)
    frame = Gabor(
        50, rng.standard_normal(10), 4, 12, boundary=boundary, real_signal=real_signal
    )
    x, c = rng.standard_normal((2, 50)), rng.standard_normal((2, *frame.coef_shape))
    y, z = frame.analysis(x), frame.synthesis(c)
    monkeypatch.setattr(recover.frames.gabor_grid, "CHUNK", chunk)
    assert len(frame.grid.chunks(24)) >= 2
    np.testing.assert_allclose(frame.analysis(x), y, atol=1e-14)
    np.testing.assert_allclose(frame.synthesis(c), z, atol=1e-14)


def test_an_empty_batch_stays_empty():
    frame = Gabor.hann(20, 8, 2)
    assert frame.analysis(np.zeros((0, 20))).shape == (0, *frame.coef_shape)
    assert frame.synthesis(np.zeros((0, *frame.coef_shape))).shape == (0, 20)


def test_integers_become_double():
    frame = Gabor.hann(20, 8, 2)
    ints = np.arange(20)
    np.testing.assert_array_equal(frame.analysis(ints), frame.analysis(ints.astype(float)))


def test_dual_window_reconstructs_where_a_short_signal_leaves_windows_idle():
    # length below the hop: residues that no sample has may have no window at all
    frame = Gabor(2, [1.0, 2.0], 3, boundary=Boundary.ZERO_PADDED)
    x = np.array([0.3, -0.7])
    np.testing.assert_allclose(
        frame.canonical_dual().synthesis(frame.analysis(x)), x, atol=1e-15
    )
    tight = Gabor(2, [1.0, 2.0], 3, boundary=Boundary.ZERO_PADDED, tight=True)
    np.testing.assert_allclose(tight.synthesis(tight.analysis(x)), x, atol=1e-15)


@pytest.mark.parametrize("real_signal", [True, False])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_roundoff_holds_against_fifty_digits(real_signal, boundary):
    rng = np.random.default_rng(3)
    window = rng.standard_normal(6)
    frame = Gabor(13, window, 4, 9, boundary=boundary, real_signal=real_signal)
    m, period = frame.channels, frame.frames * frame.hop
    for scale in (1.0, 1e-150, 1e150):
        x = scale * rng.standard_normal(13)
        found = frame.analysis(x)
        with mpmath.workdps(50):
            square = mpmath.mpf(0)
            for n, start in enumerate(frame.starts):
                for k in range(found.shape[1]):
                    alone = not real_signal or k == 0 or 2 * k == m
                    total = mpmath.mpc(0)
                    for l in range(6):
                        t = int(start) + l
                        t = t % period if boundary is Boundary.CIRCULAR else t
                        if 0 <= t < 13:
                            phase = mpmath.expjpi(mpmath.mpf(-2 * k * l) / m)
                            total += mpmath.mpf(window[l]) * mpmath.mpf(x[t]) * phase
                    total *= mpmath.sqrt(mpmath.mpf(1 if alone else 2) / m)
                    got = mpmath.mpc(found[n, k].real, found[n, k].imag)
                    square += abs(total - got) ** 2
            gap = float(mpmath.sqrt(square) / mpmath.mpf(scale))
        assert 0.0 < gap <= frame.roundoff() * np.linalg.norm(x / scale)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, np.ones(4), 2), ParameterError, "length must be >= 1 sample, got 0"),
        ((9, np.ones(4), 0), ParameterError, "hop must be >= 1 sample, got 0"),
        (
            (9, np.ones(4), 2, 3),
            ParameterError,
            "channels must be >= the window's size 4, got 3",
        ),
        ((9, np.ones((2, 2)), 2), ParameterError, "window must be a real vector"),
        ((9, np.ones(0), 2), ParameterError, "window must be a real vector"),
        ((9, np.ones(4) * 1j, 2), ParameterError, "window must be a real vector"),
        ((9, [1.0, np.nan], 1), ParameterError, "window must be finite"),
        ((9, np.ones(4), 5), NotAFrameError, "hop 5 with a window of 4 samples leaves 1 of 5"),
        ((9, np.zeros(4), 2), NotAFrameError, "take a smaller hop"),
        ((9, [0.0, 1.0], 2), NotAFrameError, "leaves 1 of 2"),
    ],
)
def test_refuses_what_is_no_frame(arguments, error, message):
    with pytest.raises(error, match=message):
        Gabor(*arguments)


def test_refuses_a_hann_window_of_one_sample():
    with pytest.raises(ParameterError, match="size of a Hann window"):
        Gabor.hann(9, 1, 1)
