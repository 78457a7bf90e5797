"""Least-distance programmes and the consistent signal of least |T x|, by their conditions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from recover.core.errors import OutOfScopeError
from recover.core.least_distance import least_distance
from recover.frames import Dense, Identity
from recover.models import Ball, Box, Everywhere, Modulus, Problem, ReLU, Saturation, Support
from recover.priors import Quadratic
from recover.solve import ConsistentLeastSquares, Obstacle, Status, choose, solve


@given(n=st.integers(1, 6), p=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
def test_the_shortest_vector_meets_its_conditions(n, p, seed):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((p, n)) * 10.0 ** rng.uniform(-3, 3, (p, 1))
    inside = rng.standard_normal(n)
    bounds = rows @ inside - np.linalg.norm(rows, axis=1) * rng.random(p)
    w, m = least_distance(rows, bounds)
    scale = np.linalg.norm(rows, axis=1) * (1 + np.linalg.norm(inside))
    slack = (rows @ w - bounds) / scale
    assert (slack >= -1e-9).all()
    assert (m >= 0).all()
    np.testing.assert_allclose(w, rows.T @ m, atol=1e-9 * (1 + np.linalg.norm(w)))
    assert (m * scale * slack).max() <= 1e-8 * (1 + np.linalg.norm(w)) ** 2
    assert np.linalg.norm(w) <= np.linalg.norm(inside) * (1 + 1e-9)


def test_contradictory_half_spaces_have_no_vector():
    rows = np.array([[1.0, 0.0], [-1.0, 0.0]])
    assert least_distance(rows, np.array([1.0, -0.5])) is None
    assert least_distance(rows, np.array([1.0, -1.0 - 1e-3])) is not None
    assert least_distance(np.zeros((1, 2)), np.array([1.0])) is None
    w, m = least_distance(rows, np.array([-1.0, 0.0]))
    np.testing.assert_array_equal(w, 0.0)
    np.testing.assert_array_equal(m, 0.0)


def check_kkt(problem, x, goal, tol=1e-8):
    """Feasibility, and stationarity of goal(x) = |M x - d|^2 with multipliers found here."""
    known, rows = problem.knowledge, problem.model.frame.matrix()
    m, d = goal
    t = rows @ x
    fixed = known.fixed
    np.testing.assert_allclose(t[fixed], known.value[fixed], atol=tol * 10)
    assert (t >= known.lower - tol).all() or fixed.all()
    assert (t <= known.upper + tol).all() or fixed.all()
    low, high = problem.domain.interval(x.shape)
    assert (x >= low - tol).all()
    assert (x <= high + tol).all()
    eye = np.eye(x.size)
    normals = [rows[i] * s for i in np.flatnonzero(fixed) for s in (1, -1)]
    normals += [rows[i] for i in np.flatnonzero(~fixed & (t <= known.lower + tol))]
    normals += [-rows[i] for i in np.flatnonzero(~fixed & (t >= known.upper - tol))]
    normals += [eye[i] for i in np.flatnonzero(x <= low + tol)]
    normals += [-eye[i] for i in np.flatnonzero(x >= high - tol)]
    gradient = m.T @ (m @ x - d)
    if not normals:
        assert np.linalg.norm(gradient) <= tol * 10
        return
    _, gap = nnls(np.array(normals).T, gradient)
    assert gap <= 1e-7 * (1 + np.linalg.norm(gradient))


DOMAINS = [Everywhere(), Box(-2.0, 2.0), Support(np.arange(9) != 4)]


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("kind", ["relu", "saturation"])
@pytest.mark.parametrize("seed", range(4))
def test_the_smoothest_consistent_signal_meets_its_conditions(kind, domain, seed):
    rng = np.random.default_rng(seed)
    frame = Dense(rng.standard_normal((14, 9)))
    model = ReLU(frame, 0.5) if kind == "relu" else Saturation(frame, -0.8, 0.8)
    x = domain.project(rng.standard_normal(9))
    t = np.diff(np.eye(9), axis=0, prepend=np.zeros((1, 9)))
    problem = Problem(model, model(x), prior=Quadratic(Dense(t), 50.0), domain=domain)
    found = solve(problem, ConsistentLeastSquares())
    assert found.status is Status.DIRECT
    check_kkt(problem, found.signal, (t, np.zeros(9)))
    assert np.linalg.norm(t @ found.signal) <= np.linalg.norm(t @ x) * (1 + 1e-9)
    if problem.knowledge.fixed_count < 9:
        assert isinstance(choose(problem), ConsistentLeastSquares)


def test_without_a_prior_it_is_the_consistent_signal_nearest_to_the_start():
    rng = np.random.default_rng(1)
    frame = Dense(rng.standard_normal((12, 9)))
    model = Saturation(frame, -0.8, 0.8)
    x = rng.standard_normal(9)
    problem = Problem(model, model(x))
    for start in (np.zeros(9), x + 0.1, x):
        found = solve(problem, ConsistentLeastSquares(), start=start).signal
        check_kkt(problem, found, (np.eye(9), start))
        assert np.linalg.norm(found - start) <= np.linalg.norm(x - start) + 1e-9


def test_it_agrees_with_the_obstacle_method_on_samples():
    rng = np.random.default_rng(2)
    model = Saturation(Identity(40), -0.7, 0.7)
    t = np.diff(np.eye(40), n=2, axis=0)
    x = np.cumsum(rng.standard_normal(40)) / 4
    problem = Problem(model, model(x), prior=Quadratic(Dense(t), 50.0))
    one = solve(problem, Obstacle(tol=1e-12)).signal
    two = solve(problem, ConsistentLeastSquares()).signal
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_contradictory_data_are_refused_with_the_cure():
    frame = Dense(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    model = Saturation(frame, -1.0, 1.0)
    for problem in (
        Problem(model, np.array([0.2, 1.0, 0.3])),
        Problem(model, np.array([1.0, -1.0, 0.3])),
    ):
        with pytest.raises(OutOfScopeError, match="use OneSidedLeastSquares"):
            solve(problem, ConsistentLeastSquares())


def test_what_it_refuses():
    method = ConsistentLeastSquares()
    frame = Dense(np.eye(3)[:2])
    assert "intervals" in method.refuses(Problem(Modulus(frame), np.ones(2)))
    clip = Saturation(frame, -1.0, 1.0)
    y = np.array([1.0, 0.5])
    assert "Ball" in method.refuses(Problem(clip, y, domain=Ball(1.0)))
    flat = Quadratic(Dense(np.array([[1.0, 0.0, 0.0]])), 1.0)
    assert "leave 1 directions open" in method.refuses(Problem(clip, y, prior=flat))
    large = Saturation(Identity(401), -1.0, 1.0)
    assert "too large" in method.refuses(Problem(large, np.zeros(401)))
