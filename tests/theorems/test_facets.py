"""Facet-wise reconstruction (Haider, Ehler and Balazs) beside the dual of the active set."""

import math

import numpy as np
import pytest

from recover.certificates.search.polytope import polytope_bias
from recover.core.errors import OutOfScopeError
from recover.core.hull import facets_around_origin, meets_orthant
from recover.frames.dense import Dense
from recover.frames.identity import Identity
from recover.models.domains import Ball
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation
from recover.solve import DualFrame, FacetDual, Status, estimate_amplification, solve


def frame_rows(n, m, seed, lengths=True):
    rng = np.random.default_rng(seed)
    rows = np.vstack([rng.standard_normal((m, n)), -rng.random((1, n))])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows * (0.5 + rng.random((len(rows), 1))) if lengths else rows


def directions(n, count, rng, nonnegative=False):
    x = rng.standard_normal((count, n))
    x = np.abs(x) if nonnegative else x
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_ball_every_signal_is_recovered_from_one_facet(n, nonnegative):
    rng = np.random.default_rng(n)
    rows = frame_rows(n, 6 * n, n)
    domain = Ball(2.0, nonnegative)
    bias = polytope_bias(rows, 2.0, nonnegative).bias
    model = ReLU(Dense(rows), bias)
    radii = 2.0 * rng.random((40, 1)) ** (1 / n)
    for x in radii * directions(n, 40, rng, nonnegative):
        problem = Problem(model, model(x), domain=domain)
        found = solve(problem, FacetDual())
        assert found.status is Status.DIRECT
        np.testing.assert_allclose(found.signal, x, atol=1e-9)
        compared = estimate_amplification(problem)
        assert len(compared.facets) >= 1
        assert compared.whole <= compared.each.min() * (1.0 + 1e-12)


@pytest.mark.parametrize("n", [2, 3])
def test_sphere_biases_are_larger_and_still_reach_every_signal(n):
    rng = np.random.default_rng(n)
    rows = frame_rows(n, 30 * n, n + 5)
    on_ball, on_sphere = polytope_bias(rows, 1.5), polytope_bias(rows, 1.5, sphere=True)
    assert (on_sphere.bias >= on_ball.bias - 1e-12).all()
    assert (on_sphere.bias > 0.0).any()
    model = ReLU(Dense(rows), on_sphere.bias)
    for x in 1.5 * directions(n, 200, rng):
        found = solve(Problem(model, model(x)), FacetDual())
        np.testing.assert_allclose(found.signal, x, atol=1e-9)


def test_simplex_has_its_published_bias_on_ball_and_sphere():
    angles = 2.0 * np.pi * np.arange(3) / 3
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert polytope_bias(rows).bias == pytest.approx(np.full(3, -0.5), abs=1e-8)
    assert polytope_bias(rows, sphere=True).bias == pytest.approx(np.full(3, -0.5), abs=1e-8)
    square = np.vstack([np.eye(2), -np.eye(2)])
    assert polytope_bias(square, sphere=True).bias == pytest.approx(np.zeros(4), abs=1e-8)
    octagon = np.stack([np.cos(np.pi * np.arange(8) / 4), np.sin(np.pi * np.arange(8) / 4)]).T
    least = polytope_bias(octagon, 2.0, sphere=True).bias
    assert least == pytest.approx(np.full(8, 2.0 * math.cos(math.pi / 4)), abs=1e-8)


@pytest.mark.parametrize("seed", range(20))
def test_noise_grows_at_most_as_said_and_the_whole_active_set_is_never_worse(seed):
    rng = np.random.default_rng(seed)
    rows = frame_rows(3, 20, seed)
    model = ReLU(Dense(rows), polytope_bias(rows).bias)
    x = 0.9 * directions(3, 1, rng)[0]
    clean = Problem(model, model(x))
    compared = estimate_amplification(clean)
    assert compared.whole <= compared.each.min() * (1.0 + 1e-12)
    size = 1e-6
    active = clean.y > 10.0 * size
    noise = np.where(active, rng.standard_normal(len(rows)), 0.0)
    noise *= size / np.linalg.norm(noise)
    noisy = Problem(model, clean.y + noise, noise=Noise(each=size))
    compared = estimate_amplification(noisy)
    for method, factor in ((FacetDual(), compared.each.min()), (DualFrame(), compared.whole)):
        error = np.linalg.norm(solve(noisy, method).signal - x)
        assert error <= factor * size * (1.0 + 1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_worst_noise_of_a_facet_attains_its_amplification(seed):
    rows = frame_rows(3, 12, seed)
    model = ReLU(Dense(rows), polytope_bias(rows).bias)
    x = 0.5 * directions(3, 1, np.random.default_rng(seed))[0]
    problem = Problem(model, model(x))
    compared = estimate_amplification(problem)
    facet = compared.facets[compared.each.argmin()]
    worst = np.linalg.svd(rows[facet])[0][:, -1]
    noisy = problem.y.copy()
    noisy[facet] += 1e-9 * worst
    error = np.linalg.norm(solve(Problem(model, noisy), FacetDual()).signal - x)
    assert error == pytest.approx(1e-9 * compared.each.min(), rel=1e-4)


def test_zero_rows_and_triangulated_facets_do_no_harm():
    corners = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    rows = np.vstack([np.zeros((1, 3)), corners.astype(float)])
    model = ReLU(Dense(rows), np.r_[0.0, np.full(8, -2.0)])
    x = np.array([0.1, 0.2, -0.3])
    found = solve(Problem(model, model(x)), FacetDual())
    np.testing.assert_allclose(found.signal, x, atol=1e-12)


def test_refusals_say_what_to_do():
    rng = np.random.default_rng(0)
    half = np.abs(rng.standard_normal((9, 3)))
    inactive = ReLU(Dense(frame_rows(3, 20, 0)), 5.0)
    cases = [
        (Saturation(Dense(frame_rows(3, 9, 0)), -1.0, 1.0), "for ReLU data"),
        (ReLU(Identity(4), 0.0), "explicit rows"),
        (ReLU(Dense(rng.standard_normal((40, 11))), -9.0), "2 to 10 dimensions"),
        (ReLU(Dense(np.ones((3, 1))), -9.0), "2 to 10 dimensions"),
        (ReLU(Dense(half), -9.0), "do not surround"),
        (ReLU(Dense(np.eye(3)[:2]), -9.0), "span no polytope"),
        (inactive, "no facet has all"),
    ]
    for model, words in cases:
        problem = Problem(model, model(np.zeros(model.frame.signal_shape)))
        assert words in (FacetDual().refuses(problem) or ""), words
    with pytest.raises(OutOfScopeError, match="no facet has all"):
        estimate_amplification(Problem(inactive, np.zeros(21)))


def test_hull_helpers():
    square = np.vstack([np.eye(2), -np.eye(2)])
    assert {tuple(sorted(f)) for f in facets_around_origin(square).tolist()} == {
        (0, 1), (1, 2), (2, 3), (0, 3),
    }  # fmt: skip
    assert meets_orthant(square[[0, 1]])
    assert not meets_orthant(square[[2, 3]])
