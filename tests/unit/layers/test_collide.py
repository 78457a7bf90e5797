"""Pairs of inputs where pieces of a network's image meet, checked with 60 digits."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest

import recover as rv
from recover.certificates.search.clock import Clock
from recover.layers.collide import colliding_pair
from recover.layers.network import as_layers, evaluate


def network(sizes, seed, bias):
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((m, n)) / np.sqrt(n) for n, m in pairwise(sizes)]
    return weights, [np.full(len(w), bias) for w in weights]


def outputs(weights, biases, x):
    """Evaluate at an mpmath vector; return the output and the smallest distance to 0."""
    margin = mpmath.inf
    for w, b in zip(weights, biases, strict=True):
        t = mpmath.matrix(w.tolist()) * x + mpmath.matrix(b.tolist())
        margin = min([margin, *(abs(v) for v in t)])
        x = t.apply(lambda v: v if v > 0 else mpmath.mpf(0))
    return x, margin


def slope(weights, biases, x):
    jacobian = mpmath.eye(x.rows)
    for w, b in zip(weights, biases, strict=True):
        t = mpmath.matrix(w.tolist()) * x + mpmath.matrix(b.tolist())
        jacobian = mpmath.matrix(w.tolist()) * jacobian
        for i in range(t.rows):
            for j in range(jacobian.cols):
                jacobian[i, j] = jacobian[i, j] if t[i] > 0 else mpmath.mpf(0)
        x = t.apply(lambda v: v if v > 0 else mpmath.mpf(0))
    return jacobian


def polished(weights, biases, pair):
    """Return the largest difference of outputs after a step of least length with 60 digits."""
    with mpmath.workdps(60):
        x, y = (mpmath.matrix(point.tolist()) for point in pair)
        n = x.rows
        for _ in range(2):
            fx, _ = outputs(weights, biases, x)
            fy, _ = outputs(weights, biases, y)
            active = [i for i in range(fx.rows) if fx[i] > 0]
            jx, jy = slope(weights, biases, x), slope(weights, biases, y)
            m = mpmath.matrix(len(active), 2 * n)
            gap = mpmath.matrix(len(active), 1)
            for row, i in enumerate(active):
                gap[row] = fx[i] - fy[i]
                for j in range(n):
                    m[row, j], m[row, n + j] = jx[i, j], -jy[i, j]
            step = m.T * mpmath.lu_solve(m * m.T, gap)
            x, y = x - step[:n], y - step[n:]
        fx, margin_x = outputs(weights, biases, x)
        fy, margin_y = outputs(weights, biases, y)
        difference = max(abs(v) for v in fx - fy)
        return difference, min(margin_x, margin_y), mpmath.norm(x - y)


@pytest.mark.parametrize(
    ("sizes", "seed", "bias"),
    [((2, 10, 6), 1, 0.0), ((2, 14, 10), 2, 0.0), ((3, 24, 8), 0, 0.3), ((4, 24, 9), 3, 0.3),
     ((4, 20, 16, 12), 4, 0.3)],
)  # fmt: skip
def test_an_exact_pair_lies_next_to_the_computed_one(sizes, seed, bias):
    weights, biases = network(sizes, seed, bias)
    layers = as_layers(weights, biases)
    found = None
    for attempt in range(4):
        found = colliding_pair(
            layers, 1.0, False, Clock.starting(20.0), np.random.default_rng(attempt)
        )
        if found is not None:
            break
    assert found is not None
    x, y = found
    assert max(np.linalg.norm(x), np.linalg.norm(y)) < 1.0
    assert np.abs(evaluate(layers, x) - evaluate(layers, y)).max() <= 1e-12
    difference, margin, apart = polished(weights, biases, found)
    assert difference < mpmath.mpf(10) ** -45
    assert margin > mpmath.mpf(10) ** -14
    assert apart > 0.04


def test_it_decides_a_stack_that_keeps_enough_neurons_active():
    weights, biases = network((3, 24, 8), 0, 0.3)
    found = rv.layers.analyse(weights, biases, budget=8.0)
    assert found.verdict == "not injective"
    assert "two pieces of the image meet" in found.reason
    assert found.min_active.count >= 3
    x, y = found.witness
    assert np.linalg.norm(x - y) > 0.04


def test_injective_networks_have_none():
    doubled = np.vstack([np.eye(2), -np.eye(2)])
    for weights in ([doubled, np.eye(4)], [doubled, np.vstack([np.eye(4), np.ones((1, 4))])]):
        layers = as_layers(weights, None)
        clock = Clock.starting(3.0)
        assert colliding_pair(layers, 1.0, False, clock, np.random.default_rng(0)) is None
