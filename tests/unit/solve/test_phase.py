"""Alternating projections and relaxed reflections on phaseless and on convex data."""

import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.frames import Dense
from recover.models import Modulus, Problem, ReLU, Support
from recover.solve import (
    AlternatingProjections,
    RelaxedReflections,
    Status,
    choose,
    dual,
    solve,
    spectral,
    spectral_start,
)


def gaussian(n, ratio, seed, *, real):
    rng = np.random.default_rng(seed)
    rows, x = rng.standard_normal((ratio * n, n)), rng.standard_normal(n)
    if not real:
        rows = rows + 1j * rng.standard_normal(rows.shape)
        x = x + 1j * rng.standard_normal(n)
    model = Modulus(Dense(rows))
    return Problem(model, model(x)), x


def success(method, n, ratio, *, real, trials=20):
    solved = 0
    for seed in range(trials):
        problem, x = gaussian(n, ratio, seed, real=real)
        found = solve(problem, method, rng=seed)
        solved += problem.model.distance(found.signal, x) <= 1e-6 * np.linalg.norm(x)
    return solved / trials


@pytest.mark.parametrize("real", [True, False])
def test_relaxed_reflections_solve_random_instances(real):
    assert success(RelaxedReflections(), 16, 6, real=real) == 1.0
    assert success(RelaxedReflections(), 16, 4, real=real) >= 0.95


@pytest.mark.parametrize("real", [True, False])
def test_alternating_projections_solve_most_from_a_spectral_start(real):
    assert success(AlternatingProjections(), 16, 6, real=real) >= 0.8


def test_the_default_method_for_phaseless_data():
    problem, x = gaussian(12, 4, 3, real=False)
    assert isinstance(choose(problem), RelaxedReflections)
    found = solve(problem, choose(problem))
    assert problem.model.distance(found.signal, x) <= 1e-8 * np.linalg.norm(x)


@pytest.mark.parametrize("real", [True, False])
def test_a_spectral_start_points_at_the_signal(real):
    angles = []
    for seed in range(10):
        problem, x = gaussian(20, 8, seed, real=real)
        z = spectral_start(problem, np.random.default_rng(0))
        angles.append(abs(np.vdot(z, x)) / (np.linalg.norm(z) * np.linalg.norm(x)))
        assert 0.7 <= np.linalg.norm(z) / np.linalg.norm(x) <= 1.3
    assert np.median(angles) >= 0.8


def test_the_iteration_agrees_with_the_eigenvector(monkeypatch):
    problem, _ = gaussian(12, 8, 1, real=False)
    direct = spectral_start(problem, np.random.default_rng(0))
    monkeypatch.setattr(spectral, "_DENSE", 0)
    monkeypatch.setattr(spectral, "_SETTLED_ROWS", 1e-8)
    iterated = spectral_start(problem, np.random.default_rng(0))
    assert problem.model.distance(iterated, direct) <= 1e-5 * np.linalg.norm(direct)


def test_a_large_frame_s_range_is_projected_on_by_iteration(monkeypatch):
    problem, _ = gaussian(10, 6, 2, real=False)
    direct = solve(problem, AlternatingProjections(max_iter=40, tol=0.0)).signal
    monkeypatch.setattr(dual, "fits_dense", lambda frame: False)
    iterated = solve(problem, AlternatingProjections(max_iter=40, tol=0.0)).signal
    np.testing.assert_allclose(iterated, direct, atol=1e-8)


def test_complex_rows_of_a_real_signal():
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((40, 10)) + 1j * rng.standard_normal((40, 10))
    model, x = Modulus(Dense(rows, real_signal=True)), rng.standard_normal(10)
    found = solve(Problem(model, model(x)), RelaxedReflections())
    assert found.signal.dtype == np.float64
    assert model.distance(found.signal, x) <= 1e-8 * np.linalg.norm(x)


@pytest.mark.parametrize("tight", [True, False])
@pytest.mark.parametrize("method", [AlternatingProjections(), RelaxedReflections()])
def test_a_support_lets_fewer_rows_do(method, tight):
    solved = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        mask = np.arange(24) < 6
        rows = rng.standard_normal((36, 24)) + 1j * rng.standard_normal((36, 24))
        x = np.where(mask, rng.random(24) + 0.1, 0.0).astype(complex)
        model = Modulus(Dense(np.linalg.qr(rows)[0] if tight else rows))
        problem = Problem(model, model(x), domain=Support(mask, nonnegative=True))
        found = solve(problem, method).signal
        assert problem.domain.contains(found)
        solved += model.distance(found, x) <= 1e-6 * np.linalg.norm(x)
    assert solved >= 9


def test_with_noise_the_best_iterate_is_returned():
    problem, x = gaussian(10, 6, 7, real=True)
    rng = np.random.default_rng(0)
    y = np.abs(problem.y + 0.05 * rng.standard_normal(problem.y.shape))
    noisy = Problem(problem.model, y, noise=1.0)
    found = solve(noisy, RelaxedReflections(max_iter=400))
    assert found.status is Status.MAX_ITER
    assert problem.model.distance(found.signal, x) <= 0.1 * np.linalg.norm(x)


def test_convex_data_are_solved_too():
    rng = np.random.default_rng(8)
    model, x = ReLU(Dense(rng.standard_normal((50, 6)))), rng.standard_normal(6)
    problem = Problem(model, model(x))
    for method in (AlternatingProjections(), RelaxedReflections()):
        found = solve(problem, method).signal
        assert np.linalg.norm(found - x) <= 1e-7 * np.linalg.norm(x)


@pytest.mark.parametrize("beta", [0.0, 2.0, -1.0, np.nan])
def test_a_wrong_beta_is_refused(beta):
    with pytest.raises(ParameterError, match="beta"):
        RelaxedReflections(beta=beta)
