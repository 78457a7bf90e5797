"""The multigrid method against the general one, and its own optimality conditions."""

import numpy as np
import pytest

from recover.core.errors import OutOfScopeError, ParameterError
from recover.frames import CrossChannelGradient, FiniteDifference, Identity, Laplacian, Stack
from recover.models import Ball, Box, Problem, Saturation
from recover.priors import Quadratic
from recover.solve import Obstacle, Status, solve
from recover.solve.multigrid_obstacle import MultigridObstacle


def task(seed, shape=(3, 6, 7), dtype=np.float64):
    rng = np.random.default_rng(seed)
    channels = shape[0]
    x = 0.5 + rng.random(shape)
    x = (x + np.roll(x, 1, 1) + np.roll(x, 1, 2) + 0.3 * x.mean(axis=0)).astype(dtype)
    level = np.quantile(x, 0.75)
    parts = [Laplacian(shape, rng.uniform(0.1, 1.0, shape[1:])), FiniteDifference(shape)]
    if channels > 1:
        maps = (channels * (channels - 1), *shape[1:])
        parts.append(
            CrossChannelGradient(
                shape, rng.uniform(0.3, 2.0, maps), rng.uniform(0.5, 2.0, maps)
            )
        )
    operator = Stack(parts, rng.uniform(0.2, 1.0, len(parts)))
    model = Saturation(Identity(shape), None, level)
    return Problem(model, model(x), prior=Quadratic(operator, 0.0)), operator, x >= level


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(1, 9, 8), (3, 6, 7)])
def test_agrees_with_the_obstacle_method(seed, shape):
    problem, operator, hidden = task(seed, shape)
    fast = solve(problem, MultigridObstacle(tol=1e-10))
    slow = solve(problem, Obstacle())
    assert fast.status is Status.CONVERGED
    np.testing.assert_allclose(fast.signal, slow.signal, atol=1e-6)
    np.testing.assert_array_equal(fast.signal[~hidden], problem.y[~hidden])
    gradient = operator.synthesis(operator.analysis(fast.signal))
    level = problem.model.high.max()
    inside = hidden & (fast.signal > level)
    assert (fast.signal[hidden] >= level).all()
    assert np.abs(gradient[inside]).max() < 1e-7
    assert gradient[hidden & (fast.signal == level)].min(initial=0.0) > -1e-7


def test_without_a_problem_the_minimiser_is_the_same():
    problem, operator, hidden = task(7)
    level = float(problem.model.high.max())
    whole = solve(problem, MultigridObstacle(tol=1e-9)).signal
    known = np.where(hidden, 123.0, problem.y)  # what stands there does not matter
    found = MultigridObstacle(tol=1e-9).minimise(operator, known, hidden, level)
    np.testing.assert_allclose(found.signal, whole, atol=1e-7)
    array = MultigridObstacle(tol=1e-9).minimise(
        operator, whole, hidden, np.full(hidden.shape, level), warm=True
    )
    np.testing.assert_allclose(array.signal, whole, atol=1e-7)
    far = np.where(hidden, level + 0.5 * np.random.default_rng(1).random(hidden.shape), whole)
    for near in (False, True):
        guessed = MultigridObstacle(tol=1e-9).minimise(
            operator, far, hidden, level, warm=True, near=near
        )
        np.testing.assert_allclose(guessed.signal, whole, atol=1e-7)
    short = MultigridObstacle(tol=1e-9, max_iter=1).minimise(operator, known, hidden, level)
    assert short.status is Status.MAX_ITER


def test_single_precision_stays_single():
    problem, _operator, _hidden = task(2, dtype=np.float32)
    single = Problem(problem.model, problem.y.astype(np.float32), prior=problem.prior)
    found = solve(single, MultigridObstacle(tol=1e-4))
    assert found.signal.dtype == np.float32
    double = solve(problem, MultigridObstacle(tol=1e-9)).signal
    np.testing.assert_allclose(found.signal, double, atol=1e-3)


def test_refuses_what_it_cannot_do():
    problem, _operator, _hidden = task(1)
    ball = Problem(problem.model, problem.y, prior=problem.prior, domain=Ball(9.0))
    with pytest.raises(OutOfScopeError, match="interval domain"):
        solve(ball, MultigridObstacle())
    box = Problem(problem.model, problem.y, prior=problem.prior, domain=Box(-1.0, 0.01))
    with pytest.raises(ParameterError, match="leaves no value"):
        solve(box, MultigridObstacle())
