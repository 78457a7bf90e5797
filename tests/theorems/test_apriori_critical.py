"""Critical biases and levels against closed forms, the polytope's against the exact ones."""

import math

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.search.critical import critical_bias, critical_level
from recover.certificates.search.polytope import polytope_bias
from recover.core.errors import NotAFrameError, OutOfScopeError, ParameterError
from recover.frames.dense import Dense
from recover.models.domains import Ball
from recover.models.relu import ReLU


def simplex(n):
    centred = np.eye(n + 1) - 1.0 / (n + 1)
    rows = centred @ np.linalg.svd(centred)[0][:, :n]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def unit_rows(n, m, seed):
    rows = np.random.default_rng(seed).standard_normal((m, n))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(("n", "radius", "size"), [(2, 1.0, 1.0), (3, 1.0, 1.0), (3, 2.0, 3.0)])
def test_critical_bias_of_simplices(n, radius, size):
    found = critical_bias(size * simplex(n), radius)
    truth = -math.sqrt((n - 1) / (2 * n)) * radius * size
    assert found.lower <= truth + 1e-15
    assert found.upper >= truth - 1e-15
    assert found.width <= 1e-7 * size * radius


@pytest.mark.parametrize("n", [2, 3])
def test_critical_level_of_simplices(n):
    found = critical_level(simplex(n))
    truth = math.sqrt((n + 1) / (2 * n))
    assert found.lower <= truth + 1e-15
    assert found.upper >= truth - 1e-15
    assert found.width <= 1e-7


def test_a_frame_and_its_negative_need_no_bias():
    rows = np.random.default_rng(0).standard_normal((4, 3))
    assert critical_bias(np.vstack([rows, -rows])) == critical_bias(np.vstack([rows, -rows]))
    assert critical_bias(np.vstack([rows, -rows])).upper == 0.0
    assert critical_bias(np.vstack([rows, -rows])).lower == 0.0


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_polytope_bias_is_admissible_and_conservative(seed, nonnegative):
    rows = unit_rows(3, 14, seed) * np.random.default_rng(seed).uniform(0.5, 2.0, (14, 1))
    estimate = polytope_bias(rows, 1.5, nonnegative)
    cert = certify_apriori(
        ReLU(Dense(rows), estimate.bias), Ball(1.5, nonnegative), budget=20.0
    )
    assert cert.kappa.lower > 0.0
    exact = critical_bias(rows, 1.5, nonnegative)
    assert estimate.bias.min() <= exact.upper


def test_polytope_bias_of_simplices_is_exact_in_the_plane():
    # rows of norm 2 on the unit ball: the true maximum is -1
    found = polytope_bias(2.0 * simplex(2))
    np.testing.assert_allclose(found.bias, -1.0, atol=1e-7)


def test_errors():
    with pytest.raises(ParameterError, match="radius"):
        critical_bias(np.eye(2), -1.0)
    with pytest.raises(ParameterError, match="real"):
        critical_level(np.eye(2) * 1j)
    with pytest.raises(NotAFrameError, match="span"):
        critical_bias(np.eye(3)[:2])
    with pytest.raises(OutOfScopeError, match="polytope"):
        polytope_bias(np.eye(2) + 1.0)
    with pytest.raises(OutOfScopeError, match="surround"):
        polytope_bias(np.vstack([np.eye(2), [[0.5, 0.6]]]))
    with pytest.raises(ParameterError, match="zero"):
        polytope_bias(np.vstack([simplex(2), [[0.0, 0.0]]]))
    with pytest.raises(ParameterError, match="n >= 2"):
        polytope_bias(np.ones((3, 1)))
    with pytest.raises(ParameterError, match="radius"):
        polytope_bias(simplex(2), 0.0)
