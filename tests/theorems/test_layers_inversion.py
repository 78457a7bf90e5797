"""Inputs recovered from outputs: exact without noise, within the certificate with it."""

import math
from itertools import pairwise

import numpy as np
import pytest

import recover as rv

SIZES = {1: (5, 40), 2: (3, 24, 240), 3: (2, 12, 90, 700)}


def network(depth, seed):
    rng = np.random.default_rng(seed)
    sizes = SIZES[depth]
    weights = [rng.standard_normal((m, n)) / math.sqrt(n) for n, m in pairwise(sizes)]
    return weights, [rng.uniform(-0.2, 0.4, len(w)) for w in weights]


def output(weights, biases, x):
    for w, b in zip(weights, biases, strict=True):
        x = np.maximum(w @ x + b, 0.0)
    return x


def noisy_trials(depth, seeds):
    """Return the number of finite bounds; every one of them must hold."""
    finite = 0
    weights, biases = network(depth, 100 + depth)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        if seed % 25 == 0:
            weights, biases = network(depth, seed)
        x = rng.standard_normal(SIZES[depth][0]) * 10.0 ** rng.uniform(-1, 1)
        y = output(weights, biases, x)
        size = 10.0 ** rng.uniform(-8, -2) * np.linalg.norm(y)
        e = rng.standard_normal(y.size)
        if seed % 3 == 0:
            e = np.zeros(y.size)
            e[rng.integers(y.size)] = 1.0
        y = y + e * (size * (1.0 - 1e-12) / np.linalg.norm(e))
        found = rv.layers.invert(weights, biases, y, noise=size)
        assert np.linalg.norm(found.signal - x) <= found.error_bound
        if found.certificate.pointwise is not None:
            assert (np.abs(found.signal - x) <= found.certificate.pointwise).all()
        finite += math.isfinite(found.error_bound)
    return finite


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_outputs_are_inverted_exactly(depth):
    for seed in range(8):
        weights, biases = network(depth, seed)
        x = np.random.default_rng(1000 + seed).standard_normal(SIZES[depth][0])
        found = rv.layers.invert(weights, biases, output(weights, biases, x))
        assert np.linalg.norm(found.signal - x) <= 1e-10 * np.linalg.norm(x)
        assert found.error_bound <= 1e-8


@pytest.mark.parametrize(("depth", "count"), [(1, 200), (2, 60), (3, 12)])
def test_noise_stays_within_the_certificate(depth, count):
    assert noisy_trials(depth, range(count)) >= 0.9 * count


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "count"), [(1, 2000), (2, 2000), (3, 2000)])
def test_noise_stays_within_the_certificate_in_many_trials(depth, count):
    assert noisy_trials(depth, range(5000, 5000 + count)) >= 0.9 * count


def test_injective_layers_found_by_the_analysis_are_inverted():
    rng = np.random.default_rng(2)
    done = 0
    while done < 10:
        weights = rng.standard_normal((16, 2))
        if rv.layers.analyse(weights, None, budget=4.0, critical=False).verdict != "injective":
            continue
        done += 1
        x = rng.standard_normal(2)
        found = rv.layers.invert(weights, None, np.maximum(weights @ x, 0.0))
        assert np.linalg.norm(found.signal - x) <= 1e-10 * np.linalg.norm(x)
        assert math.isfinite(found.error_bound)


def test_domain_helps_where_too_few_neurons_fire():
    rng = np.random.default_rng(3)
    weights = rng.standard_normal((6, 4))
    x = np.abs(rng.standard_normal(4))
    y = np.maximum(weights @ x, 0.0)
    assert np.count_nonzero(y) < 4
    alone = rv.layers.invert(weights, None, y)
    boxed = rv.layers.invert(weights, None, y, domain=rv.Box(np.zeros(4), np.full(4, 3.0)))
    # the neurons that are off bound the input, the box bounds it more
    assert np.linalg.norm(alone.signal - x) <= alone.error_bound
    assert np.linalg.norm(boxed.signal - x) <= boxed.error_bound < alone.error_bound


def test_parts_verify_and_the_whole_follows():
    weights, biases = network(2, 5)
    x = np.random.default_rng(6).standard_normal(3)
    y = output(weights, biases, x)
    found = rv.layers.invert(weights, biases, y, noise=1e-6)
    parts = dict(found.certificate.parts)
    assert list(parts) == ["layer 1", "layer 2"]
    assert found.error_bound == parts["layer 1"].error_bound
    last = rv.Problem(
        rv.ReLU(rv.frames.Dense(weights[1]), -biases[1]),
        y,
        noise=1e-6,
        domain=rv.Box(np.zeros(24), np.full(24, math.inf)),
    )
    assert rv.verify(parts["layer 2"], last).accepted
    assert any(text.startswith("layer 2: ") for text in found.certificate.assumptions)


def test_a_layer_without_a_bound_leaves_the_network_without_one():
    weights, biases = network(2, 7)
    weights[1] = weights[1][:10]
    biases[1] = biases[1][:10]
    x = np.random.default_rng(8).standard_normal(3)
    found = rv.layers.invert(weights, biases, output(weights, biases, x))
    assert math.isinf(found.error_bound)
    assert "layer 2 has no bound" in found.certificate.reason
