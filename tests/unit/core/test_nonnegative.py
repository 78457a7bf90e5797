"""Non-negative least squares: by enumeration, without columns, and the only call of scipy's."""

import itertools
from pathlib import Path

import numpy as np
import pytest

import recover
from recover.core.least_distance import least_distance
from recover.core.nonnegative import nonnegative_least_squares


@pytest.mark.parametrize("seed", range(6))
def test_against_all_supports(seed):
    rng = np.random.default_rng(seed)
    matrix, goal = rng.standard_normal((4, 3)), rng.standard_normal(4)
    best = np.linalg.norm(goal)
    for size in (1, 2, 3):
        for support in itertools.combinations(range(3), size):
            part = matrix[:, support]
            x = np.linalg.lstsq(part, goal)[0]
            if (x >= 0.0).all():
                best = min(best, np.linalg.norm(part @ x - goal))
    solution, left = nonnegative_least_squares(matrix, goal)
    assert (solution >= 0.0).all()
    assert left == pytest.approx(best, rel=1e-12)
    assert np.linalg.norm(matrix @ solution - goal) == pytest.approx(left, rel=1e-12)


def test_without_columns_the_goal_is_what_is_left():
    solution, left = nonnegative_least_squares(np.empty((3, 0)), np.array([2.0, 1.0, 2.0]))
    assert solution.shape == (0,)
    assert left == 3.0


def test_least_distance_without_inequalities_or_entries():
    w, multipliers = least_distance(np.empty((0, 3)), np.empty(0))
    assert w.tolist() == [0.0, 0.0, 0.0]
    assert multipliers.shape == (0,)
    assert least_distance(np.empty((2, 0)), np.array([1.0, -1.0])) is None
    w, _ = least_distance(np.empty((2, 0)), np.array([0.0, -1.0]))
    assert w.shape == (0,)


def test_nothing_else_calls_scipy():
    # on a matrix without columns its function ends the whole process
    package = Path(recover.__file__).parent
    callers = [p.name for p in package.rglob("*.py") if "import nnls" in p.read_text()]
    assert callers == ["nonnegative.py"]
