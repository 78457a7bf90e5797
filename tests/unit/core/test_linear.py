"""Conjugate gradients: exactness, batches, warm starts, singular systems."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recover.core.errors import ParameterError
from recover.core.linear import cgls_start, cgls_step, conjugate_gradients, inner, ratio


def spd(n, rng, *, complex_=False):
    a = rng.standard_normal((n, n))
    if complex_:
        a = a + 1j * rng.standard_normal((n, n))
    return a @ a.conj().T + n * np.eye(n)


@given(n=st.integers(1, 12), seed=st.integers(0, 2**32 - 1), complex_=st.booleans())
def test_solves_in_at_most_n_steps_or_a_few(n, seed, complex_):
    rng = np.random.default_rng(seed)
    h = spd(n, rng, complex_=complex_)
    x = rng.standard_normal(n) + (1j * rng.standard_normal(n) if complex_ else 0)
    found = conjugate_gradients(lambda v: h @ v, h @ x, tol=1e-13)
    assert found.converged
    assert found.iterations <= 2 * n + 5
    np.testing.assert_allclose(found.x, x, atol=1e-10 * max(1, np.abs(x).max()))


def test_a_batch_gives_each_system_its_own_solution():
    rng = np.random.default_rng(0)
    h = spd(6, rng)
    x = rng.standard_normal((4, 2, 3)) * np.array([1.0, 1e-3, 1e3, 0.0])[:, None, None]

    def apply(v):
        return (v.reshape(4, 6) @ h).reshape(4, 2, 3)

    found = conjugate_gradients(apply, apply(x), ndim=2, tol=1e-13, max_iter=60)
    assert found.converged
    np.testing.assert_allclose(found.x, x, rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(found.x[3], 0.0)


def test_a_warm_start_saves_steps_and_an_exact_one_takes_none():
    rng = np.random.default_rng(1)
    h, x = spd(20, rng), rng.standard_normal(20)
    cold = conjugate_gradients(lambda v: h @ v, h @ x)
    warm = conjugate_gradients(lambda v: h @ v, h @ x, start=x + 1e-9)
    assert warm.iterations < cold.iterations
    assert conjugate_gradients(lambda v: h @ v, h @ x, start=x).iterations == 0


def test_a_singular_system_gets_the_solution_of_least_norm():
    rng = np.random.default_rng(2)
    a = rng.standard_normal((4, 9))
    b = a.T @ a @ rng.standard_normal(9)
    found = conjugate_gradients(lambda v: a.T @ (a @ v), b, tol=1e-13)
    np.testing.assert_allclose(found.x, np.linalg.pinv(a.T @ a) @ b, atol=1e-10)


def test_it_says_when_it_did_not_converge():
    rng = np.random.default_rng(3)
    h, b = spd(30, rng) + np.diag(np.logspace(0, 6, 30)), rng.standard_normal(30)
    found = conjugate_gradients(lambda v: h @ v, b, max_iter=3)
    assert not found.converged
    assert found.iterations == 3
    assert found.residual > 1e-12


def test_single_precision_stays_single():
    h = np.diag(np.arange(1.0, 6.0, dtype=np.float32))
    found = conjugate_gradients(lambda v: h @ v, np.ones(5, np.float32), tol=1e-6)
    assert found.x.dtype == np.float32
    np.testing.assert_allclose(found.x, 1 / np.arange(1.0, 6.0), rtol=1e-5)


def test_a_wrong_number_of_axes_is_refused():
    with pytest.raises(ParameterError, match="ndim must lie in"):
        conjugate_gradients(lambda v: v, np.ones(3), ndim=2)


def test_least_squares_steps_do_not_square_the_condition():
    rng = np.random.default_rng(4)
    u, _ = np.linalg.qr(rng.standard_normal((30, 8)))
    v, _ = np.linalg.qr(rng.standard_normal((8, 8)))
    a = u @ (np.logspace(0, -5, 8)[:, None] * v)
    x = rng.standard_normal(8)
    state = cgls_start(lambda c: a.T @ c, a @ x, np.zeros(8))
    for _ in range(60):
        state = cgls_step(lambda z: a @ z, lambda c: a.T @ c, state)
    assert np.linalg.norm(state.x - x) <= 1e-8 * np.linalg.norm(x)


def test_helpers():
    a, b = np.array([[1 + 2j, 3], [1, 1j]]), np.array([[1, 1j], [1j, 1j]])
    np.testing.assert_allclose(inner(a, b, 1), [[1.0], [1.0]])
    np.testing.assert_array_equal(ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])), [0.5, 0])
