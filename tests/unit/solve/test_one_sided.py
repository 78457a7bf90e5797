"""One-sided least squares, judged by its optimality conditions and not by another solver."""

import numpy as np
import pytest
from scipy.optimize import nnls

from recover.core.errors import ParameterError
from recover.frames import Dense, Identity
from recover.models import (
    Ball,
    Box,
    Everywhere,
    Modulus,
    Noise,
    Problem,
    ReLU,
    Saturation,
    Support,
)
from recover.solve import DualFrame, OneSidedLeastSquares, Status, choose, solve

TOL = 1e-6


def noisy(seed, kind, noise=0.3, n=8, m=30, domain=None):
    """Data whose noise is larger than promised, so that fit and bounds disagree."""
    rng = np.random.default_rng(seed)
    frame = Dense(rng.standard_normal((m, n)))
    x = rng.standard_normal(n)
    if domain is not None:
        x = domain.project(x)
    model = ReLU(frame, -0.3) if kind == "relu" else Saturation(frame, -1.5, 2.0)
    y = model.apply(frame.analysis(x) + noise * rng.standard_normal(m))
    return Problem(model, y, domain=domain)


def check_kkt(problem, x, tol=TOL):
    """Primal feasibility, and stationarity with multipliers of the right sign.

    The multipliers are found here, by non-negative least squares over the normals of the
    constraints that are active at x: complementarity holds by construction.
    """
    known, rows = problem.knowledge, problem.model.frame.matrix()
    size = np.linalg.norm(problem.y)
    t = rows @ x
    loose = ~known.fixed
    assert (t[loose] >= known.lower[loose] - tol * size).all()
    assert (t[loose] <= known.upper[loose] + tol * size).all()
    assert problem.domain.contains(x)
    fixed = known.fixed
    gradient = rows[fixed].T @ (t[fixed] - known.value[fixed])
    normals = [rows[i] for i in np.flatnonzero(loose & (t <= known.lower + 10 * tol * size))]
    normals += [-rows[i] for i in np.flatnonzero(loose & (t >= known.upper - 10 * tol * size))]
    domain = problem.domain
    if isinstance(domain, Ball):
        if np.linalg.norm(x) >= domain.radius * (1 - 1e-9):
            normals.append(-x)
    else:
        low, high = domain.interval(x.shape)
        normals += [np.eye(x.size)[i] for i in np.flatnonzero(x <= low)]
        normals += [-np.eye(x.size)[i] for i in np.flatnonzero(x >= high)]
    if isinstance(domain, Ball) and domain.nonnegative:
        normals += [np.eye(x.size)[i] for i in np.flatnonzero(x <= 0)]
    scale = np.linalg.norm(rows[fixed].T @ known.value[fixed])
    if not normals:
        assert np.linalg.norm(gradient) <= tol * scale
        return 0
    multipliers, gap = nnls(np.array(normals).T, gradient)
    assert gap <= 10 * tol * scale
    return int((multipliers > tol * multipliers.max(initial=0)).sum())


DOMAINS = {
    "everywhere": Everywhere(),
    "ball": Ball(1.5),
    "non-negative ball": Ball(4.0, nonnegative=True),
    "box": Box(-0.7, 0.5),
    "support": Support(np.arange(8) % 3 > 0),
    "non-negative support": Support(np.arange(8) % 3 > 0, nonnegative=True),
}


@pytest.mark.parametrize("kind", ["relu", "saturation"])
@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS.keys())
@pytest.mark.parametrize("seed", range(4))
def test_hard_constraints_meet_the_optimality_conditions(kind, domain, seed):
    problem = noisy(seed, kind, domain=domain)
    found = solve(problem, OneSidedLeastSquares())
    assert found.status is Status.CONVERGED
    check_kkt(problem, found.signal)


def test_the_constraints_bind_in_these_instances():
    active = [
        check_kkt(p, solve(p, OneSidedLeastSquares()).signal)
        for p in (noisy(seed, "relu") for seed in range(6))
    ]
    assert sum(a > 0 for a in active) >= 4


@pytest.mark.parametrize("seed", range(4))
def test_soft_bounds_are_stationary_for_the_penalised_sum(seed):
    problem = noisy(seed, "saturation")
    weight = 2.5
    found = solve(problem, OneSidedLeastSquares(hard=False, weight=weight))
    assert found.status is Status.CONVERGED
    known, rows = problem.knowledge, problem.model.frame.matrix()
    t = rows @ found.signal
    pull = np.where(
        known.fixed,
        t - known.value,
        weight * (t - np.clip(t, known.lower, known.upper)),
    )
    assert np.linalg.norm(rows.T @ pull) <= 1e-8 * np.linalg.norm(rows.T @ problem.y)


@pytest.mark.parametrize("kind", ["relu", "saturation"])
def test_undetermined_signals_get_a_consistent_one(kind):
    rng = np.random.default_rng(5)
    frame = Dense(rng.standard_normal((14, 9)))
    model = ReLU(frame, 0.5) if kind == "relu" else Saturation(frame, -0.8, 0.8)
    x = rng.standard_normal(9)
    problem = Problem(model, model(x))
    assert problem.knowledge.fixed_count < 9
    assert DualFrame().refuses(problem) is not None
    assert isinstance(choose(problem), OneSidedLeastSquares)
    found = solve(problem, choose(problem)).signal
    assert np.linalg.norm(model(found) - problem.y) <= 1e-7 * np.linalg.norm(problem.y)


def test_a_support_can_determine_what_the_rows_do_not():
    rng = np.random.default_rng(6)
    mask = np.arange(12) < 4
    model = Saturation(Dense(rng.standard_normal((20, 12))), -1.0, 1.0)
    x = np.where(mask, rng.standard_normal(12), 0.0)
    problem = Problem(model, model(x), domain=Support(mask))
    assert 4 <= problem.knowledge.fixed_count < 12
    found = solve(problem, choose(problem)).signal
    np.testing.assert_allclose(found, x, atol=1e-6)


def test_the_noise_promise_widens_the_bounds():
    rng = np.random.default_rng(8)
    frame = Dense(rng.standard_normal((40, 6)))
    model, x, eps = Saturation(frame, -1.0, 1.0), rng.standard_normal(6), 0.02
    y = model(x) + rng.uniform(-eps, eps, 40)
    problem = Problem(model, y, noise=Noise(each=eps))
    found = solve(problem, OneSidedLeastSquares()).signal
    check_kkt(problem, found)
    assert np.linalg.norm(found - x) <= 0.1 * np.linalg.norm(x)


def test_samples_of_an_identity_frame():
    model = Saturation(Identity(5), -1.0, 1.0)
    problem = Problem(model, np.array([0.2, 1.0, -1.0, 0.5, 1.0]))
    found = solve(problem, OneSidedLeastSquares(), start=np.array([0.0, 3.0, 0.0, 9.0, 0.4]))
    np.testing.assert_allclose(found.signal, [0.2, 3.0, -1.0, 0.5, 1.0], atol=1e-8)


def test_what_it_refuses():
    frame = Dense(np.eye(3))
    reason = OneSidedLeastSquares().refuses(Problem(Modulus(frame), np.ones(3)))
    assert "AlternatingProjections" in reason
    for weight in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ParameterError, match="weight"):
            OneSidedLeastSquares(weight=weight)
