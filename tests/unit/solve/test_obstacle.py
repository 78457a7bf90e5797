"""The obstacle method and its steps, judged by optimality conditions and small exact cases."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from recover.core.errors import ParameterError
from recover.core.obstacle import obstacle_start, obstacle_step
from recover.frames import Dense, Identity, Masked
from recover.models import Ball, Box, Modulus, Problem, ReLU, Saturation
from recover.priors import Quadratic
from recover.solve import Obstacle, Status, choose, solve


def differences(n, order):
    d = np.eye(n)
    for _ in range(order):
        d = np.diff(d, axis=0)
    return d


def clipped_wave(n, order, level=0.6):
    x = np.sin(np.arange(n) * 0.37) + 0.3 * np.sin(np.arange(n) * 0.11 + 1)
    model = Saturation(Identity(n), -level, level)
    prior = Quadratic(Dense(differences(n, order)), 10.0)
    return Problem(model, model(x), prior=prior), x


def check_kkt(problem, v, tol=1e-7):
    t = problem.prior.operator.matrix()
    known = problem.knowledge
    y, lower, upper = problem.y, known.lower, known.upper
    np.testing.assert_array_equal(v[known.fixed], y[known.fixed])
    loose = ~known.fixed
    assert (v[loose] >= lower[loose]).all()
    assert (v[loose] <= upper[loose]).all()
    gradient = t.T @ (t @ v)
    scale = np.linalg.norm(t.T @ (t @ y))
    free = loose & (v > lower) & (v < upper)
    assert np.abs(gradient[free]).max(initial=0.0) <= tol * scale
    assert gradient[loose & (v == lower)].min(initial=0.0) >= -tol * scale
    assert gradient[loose & (v == upper)].max(initial=0.0) <= tol * scale
    return int((loose & ((v == lower) | (v == upper))).sum())


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("n", [20, 100])
def test_the_smoothest_declipping_meets_the_optimality_conditions(n, order):
    problem, x = clipped_wave(n, order)
    assert isinstance(choose(problem), Obstacle)
    found = solve(problem, Obstacle())
    assert found.status is Status.CONVERGED
    check_kkt(problem, found.signal)
    if order == 2:
        assert np.linalg.norm(found.signal - x) < np.linalg.norm(problem.y - x)


@pytest.mark.parametrize("seed", range(20))
def test_it_agrees_with_a_bounded_least_squares_solver(seed):
    rng = np.random.default_rng(seed)
    n = 12
    t = rng.standard_normal((15, n))
    model = Saturation(Identity(n), -0.5, 0.7)
    y = model(rng.standard_normal(n))
    problem = Problem(model, y, prior=Quadratic(Dense(t), 100.0))
    v = solve(problem, Obstacle()).signal
    check_kkt(problem, v)
    fixed = problem.knowledge.fixed
    if fixed.all():
        return
    loose = ~fixed
    bounds = problem.knowledge.lower[loose], problem.knowledge.upper[loose]
    exact = lsq_linear(t[:, loose], -t[:, fixed] @ y[fixed], bounds, method="bvls", tol=1e-14)
    np.testing.assert_allclose(v[loose], exact.x, atol=1e-7)


def test_bounds_bind_in_some_and_not_in_all():
    counts = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        model = Saturation(Identity(12), -0.5, 0.7)
        prior = Quadratic(Dense(rng.standard_normal((15, 12))), 100.0)
        problem = Problem(model, model(rng.standard_normal(12)), prior=prior)
        loose = int((~problem.knowledge.fixed).sum())
        counts.append((check_kkt(problem, solve(problem, Obstacle()).signal), loose))
    assert any(0 < active < loose for active, loose in counts)


def test_samples_that_were_not_measured_are_interpolated():
    keep = np.array([True, True, False, False, True, True])
    frame = Masked(Identity(6), keep)
    model = Saturation(frame, None, None)
    line = 0.5 * np.arange(6.0) - 1.0
    prior = Quadratic(Dense(differences(6, 2)), 1.0)
    problem = Problem(model, line[keep], prior=prior)
    np.testing.assert_allclose(solve(problem, Obstacle()).signal, line, atol=1e-9)


def test_a_rectified_sample_is_bounded_from_above():
    model = ReLU(Identity(5))
    prior = Quadratic(Dense(differences(5, 2)), 9.0)
    problem = Problem(model, np.array([2.0, 1.0, 0.0, 0.0, 0.0]), prior=prior)
    np.testing.assert_allclose(solve(problem, Obstacle()).signal, [2, 1, 0, -1, -2], atol=1e-8)


def test_a_box_holds_too():
    problem, _ = clipped_wave(30, 2)
    boxed = Problem(problem.model, problem.y, prior=problem.prior, domain=Box(-0.8, 0.8))
    free, kept = solve(problem, Obstacle()).signal, solve(boxed, Obstacle()).signal
    assert np.abs(free).max() > 0.8
    assert np.abs(kept).max() <= 0.8


def test_single_precision_obeys_the_levels_exactly():
    problem, _ = clipped_wave(50, 2, level=0.6)
    single = Problem(
        Saturation(Identity(50), np.float32(-0.6), np.float32(0.6)),
        np.clip(problem.y.astype(np.float32), np.float32(-0.6), np.float32(0.6)),
        prior=problem.prior,
    )
    found = solve(single, Obstacle())
    assert found.signal.dtype == np.float32
    fixed = single.knowledge.fixed
    np.testing.assert_array_equal(found.signal[fixed], single.y[fixed])
    assert (np.abs(found.signal[~fixed]) >= np.float32(0.6)).all()


def test_the_start_is_made_feasible_and_leads_to_the_same_point():
    problem, _ = clipped_wave(40, 2)
    cold = solve(problem, Obstacle())
    warm = solve(problem, Obstacle(), start=cold.signal + 0.001)
    np.testing.assert_allclose(warm.signal, cold.signal, atol=1e-6)
    assert warm.residuals.size < cold.residuals.size
    short = solve(problem, Obstacle(max_iter=1), start=np.zeros(40))
    assert np.linalg.norm(problem.model(short.signal) - problem.y) == 0.0


@example(seed=1442)  # ends in directions whose products underflow
@given(seed=st.integers(0, 2**32 - 1))
def test_steps_stay_feasible_and_never_raise_the_objective(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    t = rng.standard_normal((n, n))
    h, b = t.T @ t, rng.standard_normal(n)
    lower = np.where(rng.random(n) < 0.6, -rng.random(n), -np.inf)
    upper = np.where(rng.random(n) < 0.6, rng.random(n), np.inf)
    step = 1.9 / np.linalg.eigvalsh(h)[-1]

    def apply(v):
        return h @ v

    def value(v):
        return 0.5 * v @ h @ v - b @ v

    state = obstacle_start(apply, b, rng.standard_normal(n), lower, upper)
    for _ in range(60):
        following = obstacle_step(apply, b, state, (lower, upper), step)
        assert (following.x >= lower).all()
        assert (following.x <= upper).all()
        assert value(following.x) <= value(state.x) + 1e-9 * (1 + abs(value(state.x)))
        np.testing.assert_allclose(following.gradient, h @ following.x - b, atol=1e-7)
        state = following


def test_a_pinned_variable_does_not_hold_up_convergence():
    h, b = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([4.0, 1.0])
    lower, upper = np.array([0.5, -9.0]), np.array([0.5, 9.0])
    state = obstacle_start(lambda v: h @ v, b, np.zeros(2), lower, upper)
    for _ in range(3):
        state = obstacle_step(lambda v: h @ v, b, state, (lower, upper), 0.5)
    assert state.violation <= 1e-15
    np.testing.assert_allclose(state.x, [0.5, 0.25])


def test_what_it_refuses():
    prior = Quadratic(Dense(differences(4, 1)), 1.0)
    clip = Saturation(Identity(4), -1.0, 1.0)
    y = np.array([1.0, 0.5, 0.2, -1.0])
    method = Obstacle()
    assert "Quadratic prior" in method.refuses(Problem(clip, y))
    assert "intervals" in method.refuses(Problem(Modulus(Identity(4)), abs(y), prior=prior))
    dense = Saturation(Dense(np.eye(4)), -1.0, 1.0)
    assert "coordinate samples" in method.refuses(Problem(dense, y, prior=prior))
    ball = Problem(clip, y, prior=prior, domain=Ball(3.0))
    assert "Ball" in method.refuses(ball)
    nothing = Quadratic(Dense(np.zeros((2, 4))), 1.0)
    assert "upper bound" in method.refuses(Problem(clip, y, prior=nothing))
    narrow = Problem(clip, y, prior=prior, domain=Box(-0.9, 0.9))
    with pytest.raises(ParameterError, match="domain leaves no value for sample 0"):
        solve(narrow, method)
