"""Dense, Identity, Masked, Stack, Premultiplied, and the canonical dual of each."""

import mpmath
import numpy as np
import pytest

from recover.core.errors import NotAFrameError, ParameterError
from recover.frames import (
    Dense,
    Fourier,
    Gabor,
    Identity,
    Masked,
    Premultiplied,
    Stack,
    Wavelet,
    canonical_dual,
)


def complex_rows(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def test_dense_rows_are_the_analysis():
    rng = np.random.default_rng(0)
    rows = complex_rows(rng, 6, 4)
    x = complex_rows(rng, 4)
    np.testing.assert_allclose(Dense(rows).analysis(x), rows @ x)
    real = Dense(rows, real_signal=True)
    c = complex_rows(rng, 6)
    np.testing.assert_allclose(real.synthesis(c), (rows.conj().T @ c).real)
    assert Dense(np.eye(2)).real_signal  # real rows always mean real signals
    assert Dense([[1, 2], [3, 4]]).rows.dtype == np.float64


def test_dense_roundoff_holds_against_fifty_digits():
    rng = np.random.default_rng(1)
    for rows, x in (
        (
            rng.standard_normal((7, 5)) * 10.0 ** rng.uniform(-8, 8, (7, 5)),
            rng.standard_normal(5),
        ),
        (complex_rows(rng, 7, 5), complex_rows(rng, 5)),
    ):
        frame = Dense(rows)
        found = frame.analysis(x)
        with mpmath.workdps(60):
            square = mpmath.mpf(0)
            for row, got in zip(rows, found, strict=True):
                exact = mpmath.fsum(
                    mpmath.mpmathify(complex(a)) * mpmath.mpmathify(complex(b))
                    for a, b in zip(row, x, strict=True)
                )
                square += abs(exact - mpmath.mpmathify(complex(got))) ** 2
            gap = float(mpmath.sqrt(square))
        assert gap <= frame.roundoff() * np.linalg.norm(x)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones(3), r"rows must have shape \(m, n\) with m, n >= 1, got \(3,\)"),
        (np.ones((0, 3)), "rows must have shape"),
        ([[np.nan]], "rows must be finite"),
        ([["a"]], "rows must hold numbers"),
    ],
)
def test_dense_refuses(rows, message):
    with pytest.raises(ParameterError, match=message):
        Dense(rows)


def test_masked_keeps_the_vectors_of_the_mask_in_order():
    rng = np.random.default_rng(2)
    gabor = Gabor.hann(30, 8, 2)
    keep = rng.random(gabor.coef_shape) < 0.6
    frame = Masked(gabor, keep)
    x = rng.standard_normal((3, 30))
    np.testing.assert_array_equal(frame.analysis(x), gabor.analysis(x)[:, keep])
    c = complex_rows(rng, 3, frame.coef_size)
    full = np.zeros((3, *gabor.coef_shape), dtype=complex)
    full[:, keep] = c
    np.testing.assert_array_equal(frame.synthesis(c), gabor.synthesis(full))
    with pytest.raises(ParameterError, match="keep must be a boolean array of shape"):
        Masked(gabor, keep.astype(float))
    with pytest.raises(ParameterError, match="keep must be a boolean array of shape"):
        Masked(gabor, keep[:-1])


def test_a_stack_is_the_weighted_union():
    rng = np.random.default_rng(3)
    parts = (Identity(6), Gabor.hann(6, 4, 1), Dense(rng.standard_normal((3, 6))))
    stack = Stack(parts, weights=(2.0, 0.5, 3.0))
    weighted = [w * part.matrix() for part, w in zip(parts, stack.weights, strict=True)]
    np.testing.assert_allclose(stack.matrix(), np.concatenate(weighted), atol=1e-15)
    assert not stack.real_coefs
    assert Stack(parts[::2]).real_coefs
    pieces = stack.split(stack.analysis(rng.standard_normal((2, 6))))
    assert [piece.shape[1:] for piece in pieces] == [part.coef_shape for part in parts]


def test_a_stack_of_two_orthonormal_bases_has_bound_two():
    # a root of a sum of squares of the bounds, 1.41, would be too small an upper bound
    lower, upper = Stack((Identity(8), Fourier(8, real_signal=True))).bounds()
    assert lower == pytest.approx(2.0, rel=1e-9)
    assert upper == pytest.approx(2.0, rel=1e-9)


@pytest.mark.parametrize(
    ("frames", "weights", "message"),
    [
        ((), None, "frames must hold at least one frame"),
        ((Identity(3), Identity(4)), None, "frames must have the same signals"),
        ((Identity(3), Fourier(3)), None, "real_signal=True"),
        ((Identity(3),), (1.0, 2.0), "weights must be 1 finite numbers > 0"),
        ((Identity(3),), (0.0,), "leave out a frame"),
        ((Identity(3),), (np.nan,), "weights must be 1 finite numbers"),
    ],
)
def test_a_stack_refuses(frames, weights, message):
    with pytest.raises(ParameterError, match=message):
        Stack(frames, weights)


def test_premultiplied_multiplies_first():
    rng = np.random.default_rng(4)
    factor = complex_rows(rng, 3, 4)
    frame = Premultiplied(Fourier((3, 4)), factor)
    x, c = complex_rows(rng, 3, 4), complex_rows(rng, 3, 4)
    np.testing.assert_allclose(frame.analysis(x), np.fft.fft2(factor * x, norm="ortho"))
    np.testing.assert_allclose(
        frame.synthesis(c), np.fft.ifft2(c, norm="ortho") * factor.conj()
    )
    lower, upper = frame.bounds()
    assert lower == pytest.approx((np.abs(factor) ** 2).min(), rel=1e-12)
    assert upper == pytest.approx((np.abs(factor) ** 2).max(), rel=1e-12)
    assert frame.bounds().how == "diagonal / diagonal"
    with pytest.raises(ParameterError, match="factor must be real"):
        Premultiplied(Identity(3), np.ones(3) * 1j)
    with pytest.raises(ParameterError, match=r"factor must broadcast to .* \(3,\), got \(4,\)"):
        Premultiplied(Identity(3), np.ones(4))


@pytest.mark.parametrize("real_signal", [True, False])
def test_the_dual_of_dense_rows_is_their_pseudo_inverse(real_signal):
    rng = np.random.default_rng(5)
    rows = complex_rows(rng, 9, 4)
    dual = canonical_dual(Dense(rows, real_signal))
    if not real_signal:
        np.testing.assert_allclose(dual.rows.conj().T, np.linalg.pinv(rows), atol=1e-14)
    x = rng.standard_normal((2, 4)) + (0 if real_signal else 1j)
    np.testing.assert_allclose(dual.synthesis(Dense(rows, real_signal).analysis(x)), x)
    keep = rng.random(9) < 0.8
    masked = Masked(Dense(rows, real_signal), keep)
    np.testing.assert_allclose(canonical_dual(masked).synthesis(masked.analysis(x)), x)


def test_duals_of_diagonal_and_tight_frames():
    rng = np.random.default_rng(6)
    x = rng.standard_normal(40)
    gabor = Gabor.hann(40, 8, 2)
    keep = np.ones(gabor.coef_shape, dtype=bool)
    keep[[3, 9]] = False
    tight = Stack((Wavelet("haar", 2, 40), Fourier(40, real_signal=True)), weights=(1.0, 2.0))
    cases = (
        Masked(gabor, keep),
        Premultiplied(Identity(40), np.linspace(1, 2, 40)),
        Stack((Identity(40), gabor)),
        Masked(Identity(40), np.ones(40, dtype=bool)),
    )
    for frame in cases:
        dual = canonical_dual(frame)
        np.testing.assert_allclose(dual.synthesis(frame.analysis(x)), x, atol=1e-14)
    with pytest.raises(ParameterError, match="closed-form dual, got Stack"):
        canonical_dual(tight)  # its bounds are known to 1e-11 only


def test_a_frame_with_nearly_equal_bounds_is_inverted_by_one_number():
    tight = Stack((Dense(np.eye(3)), Dense(np.eye(3)[::-1])), weights=(1.0, 3.0))
    x = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(
        canonical_dual(tight).synthesis(tight.analysis(x)), x, rtol=1e-12
    )


@pytest.mark.parametrize(
    "frame",
    [
        Dense(np.ones((5, 2))),
        Dense(np.ones((1, 2))),
        Masked(Identity(3), np.array([True, False, True])),
        Masked(Dense(np.eye(3)), np.array([True, False, True])),
    ],
)
def test_what_does_not_span_has_no_dual(frame):
    with pytest.raises(NotAFrameError):
        canonical_dual(frame)


def test_other_frames_point_to_the_iterative_methods():
    keep = np.ones(Gabor.hann(40, 8, 2).coef_shape, dtype=bool)
    keep[4, 2] = False
    with pytest.raises(ParameterError, match=r"invert it iteratively .*conjugate gradients"):
        canonical_dual(Masked(Gabor.hann(40, 8, 2), keep))
