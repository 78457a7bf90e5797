"""The Fourier frame against its definition."""

import itertools

import mpmath
import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.frames import Fourier, Masked, canonical_dual
from recover.frames.bounds import real_matrix, subframe_lower, subframe_upper


def direct(frame):
    sizes = frame.padded_shape
    rows = []
    for k in itertools.product(*(range(n) for n in frame.coef_shape)):
        last = sizes[-1]
        alone = not frame.one_sided or k[-1] == 0 or 2 * k[-1] == last
        grid = np.zeros(frame.shape)
        for axis, t in enumerate(np.indices(frame.shape)):
            grid = grid + k[axis] * t / sizes[axis]
        rows.append((1.0 if alone else np.sqrt(2)) * np.exp(-2j * np.pi * grid).reshape(-1))
    return np.array(rows) / np.sqrt(np.prod(sizes))


@pytest.mark.parametrize(
    ("shape", "oversample"),
    [(1, 1), (4, 1), (5, 1), (4, 3), ((3, 4), 1), ((3, 5), 2), ((2, 3, 2), (2, 1, 3))],
)
@pytest.mark.parametrize(("real", "one_sided"), [(False, False), (True, False), (True, True)])
def test_agrees_with_its_definition(shape, oversample, real, one_sided):
    frame = Fourier(shape, oversample, real, one_sided)
    rows = direct(frame)
    np.testing.assert_allclose(frame.matrix(), rows, atol=1e-14)
    rng = np.random.default_rng(0)
    c = rng.standard_normal(frame.coef_shape) + 1j * rng.standard_normal(frame.coef_shape)
    expected = c.reshape(-1) @ rows.conj()
    expected = expected.real if real else expected
    np.testing.assert_allclose(frame.synthesis(c).reshape(-1), expected, atol=1e-14)
    values = np.linalg.svd(
        real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))[0], compute_uv=False
    )
    np.testing.assert_allclose(values, 1.0, atol=1e-14)
    assert tuple(frame.bounds()) == (1.0, 1.0)
    assert canonical_dual(frame) is frame


@pytest.mark.parametrize("real", [False, True])
def test_agrees_with_numpy_without_oversampling(real):
    frame = Fourier((6, 8), real_signal=real)
    x = np.random.default_rng(1).standard_normal((6, 8))
    np.testing.assert_allclose(frame.analysis(x), np.fft.fft2(x) / np.sqrt(48), atol=1e-14)


@pytest.mark.parametrize("shape", [7, 8, (4, 5), (5, 4)])
@pytest.mark.parametrize(("real", "one_sided"), [(False, False), (True, False), (True, True)])
def test_eigenvalues_of_a_mask_are_known_without_oversampling(shape, real, one_sided):
    rng = np.random.default_rng(2)
    frame = Fourier(shape, 1, real, one_sided)
    keep = rng.random(frame.coef_shape) < 0.8
    rows = real_matrix(frame, keep)[0]
    exact = np.linalg.eigvalsh(rows.conj().T @ rows)
    found = frame.subframe_symbol(keep)
    assert found.slack == 0.0
    if not one_sided:  # a one-sided transform lists most eigenvalues once
        np.testing.assert_allclose(np.sort(found.entries.reshape(-1)), exact, atol=1e-14)
    assert set(np.round(exact, 12)) == set(found.entries.reshape(-1))
    assert found.entries.min() == pytest.approx(exact[0], abs=1e-14)
    assert found.entries.max() == pytest.approx(exact[-1], abs=1e-14)
    assert subframe_upper(frame, keep).value >= exact[-1] - 1e-15


def test_half_the_bins_of_a_real_signal_leave_half_the_energy():
    frame = Fourier(6, real_signal=True)
    keep = np.array([True, True, True, True, False, False])
    bound = subframe_lower(frame, keep)
    assert bound.value == 0.5
    assert bound.route == "symbol"
    assert subframe_lower(Fourier(6), keep).value == 0.0


def test_an_oversampled_mask_is_proved_densely():
    rng = np.random.default_rng(3)
    frame = Fourier((4, 4), 2)
    keep = rng.random(frame.coef_shape) < 0.8
    rows = frame.matrix()[keep.reshape(-1)]
    exact = np.linalg.eigvalsh(rows.conj().T @ rows)[0]
    bound = subframe_lower(Masked(frame, keep))
    assert bound.route == "cholesky"
    assert exact * (1 - 1e-9) <= bound.value <= exact


def test_roundoff_holds_against_fifty_digits():
    rng = np.random.default_rng(4)
    for n, factor in ((12, 1), (7, 2), (13, 1)):
        frame = Fourier(n, factor, real_signal=True, one_sided=True)
        x = rng.standard_normal(n)
        found, size = frame.analysis(x), frame.padded_shape[0]
        with mpmath.workdps(50):
            square = mpmath.mpf(0)
            for k, got in enumerate(found):
                total = mpmath.fsum(
                    mpmath.mpf(x[t]) * mpmath.expjpi(mpmath.mpf(-2 * k * t) / size)
                    for t in range(n)
                )
                weight = 1 if k == 0 or 2 * k == size else 2
                total *= mpmath.sqrt(mpmath.mpf(weight) / size)
                square += abs(total - mpmath.mpc(got.real, got.imag)) ** 2
            gap = float(mpmath.sqrt(square))
        assert 0.0 < gap <= frame.roundoff() * np.linalg.norm(x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "shape must hold sizes >= 1, got 0"),
        (((),), "shape must hold sizes >= 1"),
        ((2.5,), "shape must be an integer or a tuple of them, got 2.5"),
        ((4, 0), "oversample must hold sizes >= 1"),
        (((4, 4), (1, 2, 3)), "oversample must hold one factor for each of the 2 axes"),
        ((4, 1, False, True), "one_sided must be False for complex signals"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ParameterError, match=message):
        Fourier(*arguments)
