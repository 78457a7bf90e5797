"""The direct and the conjugate-gradient inversions, and what they refuse."""

import numpy as np
import pytest

from recover.core.errors import OutOfScopeError, ParameterError
from recover.frames import Dense, Identity, Masked
from recover.models import Ball, Modulus, Noise, Problem, ReLU, Saturation
from recover.priors import Subspace
from recover.solve import (
    Chebyshev,
    ConjugateGradient,
    DualFrame,
    FrameAlgorithm,
    ReLUFrameAlgorithm,
    SaturatedFrameAlgorithm,
    Status,
    SubspaceLeastSquares,
    fixed,
    solve,
)


def relu_problem(n, m, seed, **known):
    rng = np.random.default_rng(seed)
    model = ReLU(Dense(rng.standard_normal((m, n))), -0.2)
    x = rng.standard_normal(n)
    return Problem(model, model(x), **known), x


@pytest.mark.parametrize(("n", "m"), [(1, 4), (5, 30), (60, 300), (200, 1000)])
def test_dual_frame_inverts_exact_data(n, m):
    problem, x = relu_problem(n, m, n)
    found = solve(problem, DualFrame())
    assert found.status is Status.DIRECT
    assert np.linalg.norm(found.signal - x) <= 1e-10 * np.linalg.norm(x)


def test_dual_frame_is_accurate_where_normal_equations_are_not():
    rng = np.random.default_rng(0)
    u, _ = np.linalg.qr(rng.standard_normal((40, 12)))
    v, _ = np.linalg.qr(rng.standard_normal((12, 12)))
    rows = u @ (np.logspace(0, -6, 12)[:, None] * v)
    x = rng.standard_normal(12)
    problem = Problem(Saturation(Dense(rows), None, None), rows @ x)
    direct = solve(problem, DualFrame()).signal
    assert np.linalg.norm(direct - x) <= 1e-10 * np.linalg.norm(x) / 1e-1
    normal = np.linalg.solve(rows.T @ rows, rows.T @ problem.y)
    assert np.linalg.norm(normal - x) > 1e-6 * np.linalg.norm(x)


def test_dual_frame_is_the_least_squares_point_of_noisy_data():
    problem, _ = relu_problem(8, 60, 3, noise=Noise(each=0.01))
    rng = np.random.default_rng(1)
    noisy = problem.y + rng.uniform(-0.01, 0.01, 60)
    problem = Problem(problem.model, noisy, noise=Noise(each=0.01))
    known = problem.knowledge
    rows = problem.model.frame.matrix()[known.fixed]
    best, *_ = np.linalg.lstsq(rows, known.value[known.fixed], rcond=None)
    for method in (DualFrame(), ConjugateGradient(), FrameAlgorithm(), Chebyshev()):
        np.testing.assert_allclose(solve(problem, method).signal, best, atol=1e-10)


def test_large_frames_take_conjugate_gradients(monkeypatch):
    problem, x = relu_problem(30, 200, 5)
    monkeypatch.setattr(fixed, "DENSE_SIGNAL", 10)
    found = solve(problem, DualFrame())
    assert found.status is Status.CONVERGED
    assert np.linalg.norm(found.signal - x) <= 1e-10 * np.linalg.norm(x)
    warm = solve(problem, DualFrame(), start=x * (1 + 1e-9))
    assert warm.residuals.size < found.residuals.size
    assert np.linalg.norm(warm.signal - x) <= 1e-10 * np.linalg.norm(x)


def test_dual_frame_projects_on_the_domain():
    rng = np.random.default_rng(3)
    rows, x = rng.standard_normal((12, 4)), np.array([1.0, 0.0, 0.0, 2.0])
    noise = Noise(each=0.1)
    y = rows @ x + rng.uniform(-0.1, 0.1, 12)
    model = Saturation(Dense(rows), None, None)
    free = solve(Problem(model, y, noise=noise), DualFrame()).signal
    domain = Ball(5.0, nonnegative=True)
    kept = solve(Problem(model, y, noise=noise, domain=domain), DualFrame()).signal
    assert (free < 0).any()
    assert (kept >= 0).all()
    assert np.linalg.norm(kept - x) < np.linalg.norm(free - x)


def test_complex_rows_of_a_real_signal_count_twice():
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((3, 5)) + 1j * rng.standard_normal((3, 5))
    silent = Problem(Modulus(Dense(rows, real_signal=True)), np.zeros(3))
    assert DualFrame().refuses(silent) is None
    np.testing.assert_array_equal(solve(silent, DualFrame()).signal, np.zeros(5))
    assert DualFrame().refuses(Problem(Modulus(Dense(rows)), np.zeros(3))) is not None


@pytest.mark.parametrize(
    "method", [DualFrame(), ConjugateGradient(), FrameAlgorithm(), Chebyshev()]
)
def test_refusals_name_how_many_rows_are_fixed_and_needed(method):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20, 6))
    few = Saturation(Dense(rows), -0.01, 0.01)
    problem = Problem(few, few(np.ones(6)))
    have = problem.knowledge.fixed_count
    assert f"fix {have} rows, 6 are needed" in method.refuses(problem)
    rows[:, 5] = rows[:, 4]
    dependent = Problem(Saturation(Dense(rows), None, None), rows @ np.ones(6))
    assert "20 rows, of which 5 are independent and 6 are needed" in method.refuses(dependent)
    with pytest.raises(OutOfScopeError, match="of which 5"):
        solve(dependent, method)


def test_bounds_that_cannot_be_proved_are_refused_unless_given():
    rng = np.random.default_rng(0)
    u, _ = np.linalg.qr(rng.standard_normal((30, 6)))
    rows = u * np.logspace(0, -9, 6)  # condition 1e18 of the frame operator
    problem = Problem(Saturation(Dense(rows), None, None), rows @ np.ones(6))
    for method in (FrameAlgorithm(), Chebyshev()):
        reason = method.refuses(problem)
        if reason is not None:
            assert "ConjugateGradient" in reason
            assert "could be proved" in reason
    assert Chebyshev(spectrum=(1e-18, 1.0)).refuses(problem) is None
    assert FrameAlgorithm(relaxation=1.0).refuses(problem) is None


@pytest.mark.parametrize("spectrum", [(0.0, 1.0), (2.0, 1.0), (1.0, np.inf), (-1.0, 1.0)])
def test_a_wrong_spectrum_is_refused(spectrum):
    for cls in (FrameAlgorithm, Chebyshev):
        with pytest.raises(ParameterError, match="spectrum"):
            cls(spectrum=spectrum)


@pytest.mark.parametrize("relaxation", [0.0, -1.0, np.inf, np.nan])
def test_a_wrong_relaxation_is_refused(relaxation):
    for cls in (FrameAlgorithm, ReLUFrameAlgorithm, SaturatedFrameAlgorithm):
        with pytest.raises(ParameterError, match="relaxation"):
            cls(relaxation=relaxation)


def test_subspace_least_squares_finds_the_coefficients():
    rng = np.random.default_rng(7)
    basis = Dense(rng.standard_normal((4, 40)))
    x = basis.synthesis(rng.standard_normal(4))
    clip = Saturation(Identity(40), -1.0, 1.0)
    problem = Problem(clip, clip(x), prior=Subspace(basis))
    assert 4 <= problem.knowledge.fixed_count < 40
    found = solve(problem, SubspaceLeastSquares())
    assert found.status is Status.DIRECT
    assert np.linalg.norm(found.signal - x) <= 1e-12 * np.linalg.norm(x)


def test_subspace_least_squares_by_iteration_agrees(monkeypatch):
    rng = np.random.default_rng(7)
    basis = Dense(rng.standard_normal((4, 40)))
    clip = Saturation(Identity(40), -1.0, 1.0)
    x = basis.synthesis(rng.standard_normal(4)) + 0.01 * rng.standard_normal(40)
    problem = Problem(clip, clip(x), prior=Subspace(basis))
    direct = solve(problem, SubspaceLeastSquares()).signal
    monkeypatch.setattr(fixed, "DENSE_SIGNAL", 10)
    iterated = solve(problem, SubspaceLeastSquares())
    assert iterated.status is Status.CONVERGED
    np.testing.assert_allclose(iterated.signal, direct, atol=1e-10)


def test_a_subspace_that_the_data_miss_is_refused():
    basis = Masked(Identity(6), np.array([True, True, True, False, False, False]))
    clip = Saturation(Identity(6), -1.0, 1.0)
    x = np.array([5.0, 0.5, 0.2, 0.0, 0.0, 0.0])
    problem = Problem(clip, clip(x), prior=Subspace(basis))
    reason = SubspaceLeastSquares().refuses(problem)
    assert "fix determine 2 of the subspace's 3 dimensions" in reason
    assert "Subspace prior" in SubspaceLeastSquares().refuses(Problem(clip, clip(x)))
