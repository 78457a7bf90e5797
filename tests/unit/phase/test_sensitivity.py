"""The sensitivity map against the pseudo-inverse, draws of noise, and closed forms."""

import numpy as np
import pytest

import recover as rv
from recover.core.errors import ParameterError


def jacobian(frame, x, mask=None):
    """The derivative of the magnitudes by finite differences, real and imaginary parts."""
    step = 1e-6
    directions = [1.0] if frame.real_signal else [1.0, 1j]
    columns = []
    for unit in directions:
        for k in range(frame.signal_size):
            h = np.zeros(frame.signal_size, dtype=x.dtype)
            h[k] = step * unit
            h = h.reshape(frame.signal_shape)
            change = np.abs(frame.analysis(x + h)) - np.abs(frame.analysis(x - h))
            columns.append(change.reshape(-1) / (2 * step))
    return np.array(columns).T


def expected(frame, x):
    """Square roots of the diagonal of the pseudo-inverse of J^T J."""
    j = jacobian(frame, x)
    squares = np.diagonal(np.linalg.pinv(j.T @ j, rcond=1e-7))
    if not frame.real_signal:
        squares = squares[: frame.signal_size] + squares[frame.signal_size :]
    return np.sqrt(squares).reshape(frame.signal_shape)


def frames():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30, 6))
    yield rv.frames.Dense(rows)
    yield rv.frames.Dense(rows + 1j * rng.standard_normal((30, 6)))
    yield rv.frames.Dense(rows + 1j * rng.standard_normal((30, 6)), real_signal=True)
    yield rv.frames.CodedDiffraction.octanary((3, 3), 6, rng)


@pytest.mark.parametrize("frame", list(frames()), ids=["real", "complex", "realified", "coded"])
def test_is_the_root_of_the_diagonal_of_the_pseudo_inverse(frame):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(frame.signal_shape)
    if not frame.real_signal:
        x = x + 1j * rng.standard_normal(frame.signal_shape)
    problem = rv.Problem(rv.Modulus(frame), np.abs(frame.analysis(x)))
    found = rv.phase.sensitivity(problem, x)
    assert found.exact
    np.testing.assert_allclose(found.deviations, expected(frame, x), rtol=1e-4)
    assert found.total == pytest.approx(np.linalg.norm(found.deviations))


def test_the_estimate_is_near_the_exact_map(monkeypatch):
    rng = np.random.default_rng(2)
    frame = rv.frames.CodedDiffraction.octanary((8, 8), 5, rng)
    x = rng.standard_normal((8, 8)) + 1j * rng.standard_normal((8, 8))
    problem = rv.Problem(rv.Modulus(frame), np.abs(frame.analysis(x)))
    exact = rv.phase.sensitivity(problem, x)
    import sys

    home = sys.modules["recover.phase.sensitivity"]
    monkeypatch.setattr(home, "DENSE_UNKNOWNS", 0)
    monkeypatch.setattr(home, "dense_serves", lambda problem: False)
    drawn = rv.phase.sensitivity(problem, x, probes=200, rng=1)
    assert exact.exact
    assert not drawn.exact
    assert drawn.total == pytest.approx(exact.total, rel=0.1)
    ratio = drawn.deviations / exact.deviations
    assert np.abs(np.log(ratio)).max() <= 0.35  # seven standard errors of 1 / sqrt(4 probes)


def test_a_dark_entry_is_not_determined():
    rows = np.random.default_rng(3).standard_normal((20, 4))
    rows[:, 2] = 0.0
    frame, x = rv.frames.Dense(rows), np.ones(4)
    problem = rv.Problem(rv.Modulus(frame), np.abs(rows @ x))
    found = rv.phase.sensitivity(problem, x).deviations
    assert np.isinf(found[2])
    assert np.isfinite(found[[0, 1, 3]]).all()


def test_outside_the_support_nothing_moves():
    frame = rv.frames.Fourier((8,), 2, real_signal=True, one_sided=True)
    mask = np.arange(8) < 5
    x = np.where(mask, np.array([3.0, 1, 2, 1.5, 0.7, 0, 0, 0]), 0.0)
    problem = rv.Problem(rv.Modulus(frame), np.abs(frame.analysis(x)), domain=rv.Support(mask))
    found = rv.phase.sensitivity(problem, x)
    assert not found.deviations[5:].any()
    j = jacobian(frame, x)[:, :5]
    np.testing.assert_allclose(
        found.deviations[:5], np.sqrt(np.diagonal(np.linalg.inv(j.T @ j))), rtol=1e-4
    )


def test_wrong_arguments():
    frame = rv.frames.Dense(np.eye(3))
    problem = rv.Problem(rv.Modulus(frame), np.ones(3))
    with pytest.raises(ParameterError, match="signal must have shape"):
        rv.phase.sensitivity(problem, np.ones(4))
    with pytest.raises(ParameterError, match="probes"):
        rv.phase.sensitivity(problem, np.ones(3), probes=0)


@pytest.mark.parametrize("decibels", [20, 40])
@pytest.mark.parametrize("kind", ["real", "complex", "coded"])
def test_the_error_of_noisy_data_is_what_the_map_says(decibels, kind):
    ratios = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        if kind == "coded":
            frame = rv.frames.CodedDiffraction.octanary((10, 10), 5, rng)
        else:
            rows = rng.standard_normal((200, 40))
            turned = rows + 1j * rng.standard_normal(rows.shape)
            frame = rv.frames.Dense(rows if kind == "real" else turned)
        x = rng.standard_normal(frame.signal_shape)
        if kind != "real":
            x = x + 1j * rng.standard_normal(frame.signal_shape)
        exact = np.abs(frame.analysis(x))
        sigma = np.sqrt(np.mean(exact**2)) * 10 ** (-decibels / 20)
        y = np.maximum(exact + sigma * rng.standard_normal(exact.shape), 0.0)
        noise = rv.Noise.gaussian(sigma)
        found = rv.phase.retrieve(y, frame, noise=noise, certify=False, rng=seed)
        assert found.status is rv.Status.CONVERGED
        problem = rv.Problem(rv.Modulus(frame), y)
        expected_error = sigma * rv.phase.sensitivity(problem, x).total
        ratios.append(problem.model.distance(found.signal, x) / expected_error)
    assert max(ratios) <= 1.5
    assert 0.7 <= np.mean(ratios) <= 1.25


def test_photon_counts_by_their_roots():
    ratios = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        frame = rv.frames.CodedDiffraction.octanary((8, 8), 6, rng)
        x = 10.0 * (1.0 + rng.random((8, 8))) * np.exp(1j * rng.random((8, 8)))
        y = np.sqrt(rng.poisson(np.abs(frame.analysis(x)) ** 2))
        found = rv.phase.retrieve(y, frame, noise=rv.Noise.gaussian(0.5), rng=seed)
        assert found.status is rv.Status.CONVERGED
        problem = rv.Problem(rv.Modulus(frame), y)
        expected_error = 0.5 * rv.phase.sensitivity(problem, x).total
        ratios.append(problem.model.distance(found.signal, x) / expected_error)
        assert found.sensitivity is not None
        assert found.sensitivity_exact
    assert max(ratios) <= 1.5


def test_poisson_noise_ends_at_the_discrepancy():
    rng = np.random.default_rng(9)
    rows = rng.standard_normal((160, 30))
    x, counts = rng.standard_normal(30), 400.0
    frame = rv.frames.Dense(rows)
    y = rng.poisson(np.abs(rows @ x) * counts) / counts
    found = rv.phase.retrieve(y, frame, noise=rv.Noise.poisson(counts), certify=False)
    assert found.status is rv.Status.CONVERGED
    assert rv.Modulus(frame).distance(found.signal, x) <= 0.05 * np.linalg.norm(x)


def test_only_magnitudes_have_such_a_map():
    problem = rv.Problem(rv.ReLU(rv.frames.Dense(np.eye(3))), np.ones(3))
    with pytest.raises(ParameterError, match="must be one of magnitudes, got ReLU"):
        rv.phase.sensitivity(problem, np.ones(3))
