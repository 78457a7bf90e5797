"""The frame algorithms on non-linear data against the naive one on the fixed rows."""

import itertools
import math

import numpy as np
import pytest

from recover.frames import Dense
from recover.models import Problem, ReLU, Saturation
from recover.solve import FrameAlgorithm, ReLUFrameAlgorithm, SaturatedFrameAlgorithm


def steps_to(problem, method, x, target, most):
    state = method.init(problem, None, np.random.default_rng(0))
    for step in range(most):
        if np.linalg.norm(method.signal(problem, state) - x) <= target * np.linalg.norm(x):
            return step
        state = method.step(problem, state)
    raise AssertionError(f"{most} steps were not enough")


def parseval(m, n, rng):
    q, _ = np.linalg.qr(rng.standard_normal((m, n)))
    return q


def smallest(rows):
    return float(np.linalg.eigvalsh(rows.T @ rows)[0])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n", "m"), [(10, 40), (20, 60)])
def test_the_push_of_inactive_rows_costs_no_steps(n, m, seed):
    rng = np.random.default_rng(seed)
    rows, x = parseval(m, n, rng), rng.standard_normal(n)
    model = ReLU(Dense(rows))
    problem = Problem(model, model(x))
    if smallest(rows[rows @ x > 0]) < 1e-2:
        pytest.skip("the active rows hardly determine the signal")
    pushed = steps_to(problem, ReLUFrameAlgorithm(relaxation=1.0), x, 1e-8, 5000)
    naive = steps_to(problem, FrameAlgorithm(relaxation=1.0), x, 1e-8, 5000)
    # locally both are the same iteration; on the way there the push may turn the error a little
    assert pushed <= 1.01 * naive + 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n", "m", "level"), [(10, 40, 0.5), (50, 200, 0.7)])
def test_saturated_frame_algorithm_on_a_parseval_frame(n, m, level, seed):
    rng = np.random.default_rng(seed)
    rows, x = parseval(m, n, rng), rng.standard_normal(n)
    peak = level * np.abs(rows @ x).max()
    model = Saturation(Dense(rows), -peak, peak)
    problem = Problem(model, model(x))
    free = np.abs(rows @ x) < peak
    a = smallest(rows[free])
    if a < 1e-2:
        pytest.skip("the unsaturated rows hardly determine the signal")
    method = SaturatedFrameAlgorithm()
    most = int(60 / -math.log1p(-a)) + 200
    state = method.init(problem, None, np.random.default_rng(0))
    e = [np.linalg.norm(x)]
    for _ in range(most):
        state = method.step(problem, state)
        e.append(np.linalg.norm(method.signal(problem, state) - x))
        if e[-1] < 1e-10 * e[0]:
            break
    # the error never grows (the step is the gradient of a convex function), and once it is so
    # small that no unsaturated coefficient is clipped each step gains 1 - A_I at least
    assert all(b <= a_ * (1 + 1e-12) for a_, b in itertools.pairwise(e))
    margin = peak - np.abs(rows @ x)[free].max()
    late = [(p, q) for p, q in itertools.pairwise(e) if 1e-8 * e[0] < p <= margin]
    assert late
    assert all(q <= (1 - a) * p * (1 + 1e-7) for p, q in late)
    saturated = steps_to(problem, method, x, 1e-8, most)
    naive = steps_to(problem, FrameAlgorithm(relaxation=1.0), x, 1e-8, most)
    assert saturated <= naive


def test_without_enough_unsaturated_rows_it_finds_a_consistent_point():
    rng = np.random.default_rng(4)
    rows, x = parseval(24, 10, rng), rng.standard_normal(10)
    peak = np.sort(np.abs(rows @ x))[7]  # 7 unsaturated rows of the 10 that are needed
    model = Saturation(Dense(rows), -peak, peak)
    problem = Problem(model, model(x))
    method = SaturatedFrameAlgorithm()
    state = method.init(problem, None, rng)
    for _ in range(3000):
        state = method.step(problem, state)
    found = method.signal(problem, state)
    assert np.linalg.norm(model(found) - problem.y) <= 1e-3 * np.linalg.norm(problem.y)
    assert np.linalg.norm(found - x) >= 1e-2 * np.linalg.norm(x)
