"""Projected Newton steps and multigrid against brute force and the optimality conditions."""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from recover.core.bounded_newton import (
    BoundedQuadratic,
    free_state,
    newton_start,
    newton_step,
    unbounded_start,
)
from recover.core.multigrid import build_multigrid


def brute_force(a, b, lower):
    """Minimise over every choice of which variables are held at their bound."""
    best, found = np.inf, None
    for held in itertools.product((False, True), repeat=len(b)):
        x = np.where(held, lower, 0.0)
        free = ~np.array(held)
        if free.any():
            rest = b[free] - a[np.ix_(free, ~free)] @ x[~free]
            x[free] = np.linalg.solve(a[np.ix_(free, free)], rest)
        if (x >= lower - 1e-12).all():
            value = 0.5 * x @ a @ x - b @ x
            if value < best:
                best, found = value, x
    return found


def solved(task, start, steps=60):
    state = newton_start(task, start)
    for _ in range(steps):
        state = newton_step(task, state, 0.1 * state.violation, 50)
    return state


@pytest.mark.parametrize("seed", range(12))
def test_finds_the_minimiser_of_small_tasks(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    rows = rng.standard_normal((n + 3, n))
    a, b, lower = rows.T @ rows, 3.0 * rng.standard_normal(n), rng.standard_normal(n)
    infinite = np.full(n, np.inf)
    task = BoundedQuadratic(csr_array(a), b, lower, infinite, lambda r: r / np.diag(a))
    wanted = brute_force(a, b, lower)
    found = solved(task, rng.standard_normal(n))
    np.testing.assert_allclose(found.x, wanted, atol=1e-8)
    turned = BoundedQuadratic(csr_array(a), -b, -infinite, -lower, task.precondition)
    np.testing.assert_allclose(solved(turned, np.zeros(n)).x, -wanted, atol=1e-8)


def test_every_step_is_feasible_and_lowers_the_energy():
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((40, 30))
    a, b = csr_array(rows.T @ rows), rng.standard_normal(30) * 5.0
    lower, upper = np.full(30, -0.2), np.full(30, 0.3)
    task = BoundedQuadratic(a, b, lower, upper, lambda r: r)
    state = newton_start(task, rng.standard_normal(30))
    energy = np.inf
    for _ in range(30):
        now = 0.5 * state.x @ (a @ state.x) - b @ state.x
        assert now <= energy + 1e-12
        assert (state.x >= lower).all()
        assert (state.x <= upper).all()
        energy, state = now, newton_step(task, state, 0.1 * state.violation, 20)
    gradient = a @ state.x - b
    held = (state.x == lower) | (state.x == upper)
    np.testing.assert_allclose(gradient[~held], 0.0, atol=1e-8)
    assert (gradient[state.x == lower] >= 0.0).all()
    assert (gradient[state.x == upper] <= 0.0).all()


def laplacian(rows, columns, planes):
    """A connected five-point matrix with coupled planes."""
    places = np.array(list(itertools.product(range(rows), range(columns), range(planes))))
    n = len(places)
    a = np.zeros((n, n))
    for i, (r, c, p) in enumerate(places):
        for j, (s, d, q) in enumerate(places):
            if abs(r - s) + abs(c - d) == 1:
                a[i, j] = -1.0 if p == q else 0.45
        a[i, i] = 4.0 + 0.2 * p
    a += np.eye(n) * max(0.01 - np.linalg.eigvalsh(a).min(), 0.0)
    return csr_array(a), places[:, [2, 0, 1]].T


@pytest.mark.parametrize("shape", [(20, 21, 1), (12, 13, 3), (1, 400, 1)])
def test_multigrid_is_symmetric_positive_and_near_the_inverse(shape):
    matrix, places = laplacian(*shape)
    cycle = build_multigrid(matrix, places)
    n = matrix.shape[0]
    dense = np.column_stack([cycle(unit) for unit in np.eye(n)])
    np.testing.assert_allclose(dense, dense.T, atol=1e-10 * np.abs(dense).max())
    values = np.linalg.eigvals(dense @ matrix.toarray()).real
    assert values.min() > 0.1
    assert values.max() < 1.2


@pytest.mark.parametrize("by_pixel", [True, False])
def test_the_smoother_inverts_the_blocks_of_pixels_in_any_order_of_the_unknowns(by_pixel):
    matrix, places = laplacian(14, 13, 3)
    kept = np.random.default_rng(8).random(matrix.shape[0]) < 0.8  # some pixels lack planes
    order = np.flatnonzero(kept)
    if not by_pixel:
        order = order[np.lexsort(places[::-1, order])]  # plane by plane
    plain, where = matrix.toarray()[np.ix_(order, order)], places[:, order]
    smoother = build_multigrid(csr_array(plain), where).levels[0].smoother.toarray()
    same = (where[1:, :, None] == where[1:, None, :]).all(axis=0)
    inverse = np.linalg.inv(np.where(same, plain, 0.0))
    factor = smoother[0, 0] / inverse[0, 0]
    assert 0.0 < factor < 2.0
    np.testing.assert_allclose(smoother, factor * inverse, atol=1e-3 * factor * inverse.max())


def test_the_unbounded_start_ignores_the_bounds_and_then_obeys_them():
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((12, 9))
    a, b = csr_array(rows.T @ rows), rng.standard_normal(9)
    task = BoundedQuadratic(a, b, np.zeros(9), np.full(9, np.inf), lambda r: r)
    state = unbounded_start(task, free_state(task, np.zeros(9)), 1e-12, 100)
    free = np.linalg.solve(a.toarray(), b)
    np.testing.assert_allclose(state.x, np.maximum(free, 0.0), atol=1e-8)
