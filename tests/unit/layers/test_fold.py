"""Stacks as one layer: neurons that never change are folded into the next."""

import math
from itertools import pairwise

import numpy as np
import pytest

import recover as rv
from recover.certificates.search.clock import Clock
from recover.layers.fold import UNITS, certify_folded, fold, folded_lower
from recover.layers.network import as_layers, evaluate, preactivations


def network(sizes, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((m, n)) / math.sqrt(n) for n, m in pairwise(sizes)]
    return weights, [rng.uniform(-0.2, 0.6, len(w)) for w in weights]


def pairs(rng, n, radius, nonnegative):
    x = rng.standard_normal((6000, 2, n))
    x *= radius * rng.random((6000, 2, 1)) / np.linalg.norm(x, axis=2)[:, :, None]
    x[:3000, 1] = x[:3000, 0] * 0.99 + 1e-3 * radius * rng.standard_normal((3000, n)) / n
    x = np.abs(x) if nonnegative else x
    return x / np.maximum(1.0, np.linalg.norm(x, axis=2, keepdims=True) / radius)


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize(
    ("sizes", "radius"),
    [((3, 24, 16), 0.05), ((2, 10, 8), 0.1), ((4, 12, 10, 9), 0.02), ((3, 9, 8, 8), 0.08)],
)
@pytest.mark.parametrize("nonnegative", [False, True])
def test_what_folding_proves_holds_on_pairs(sizes, radius, nonnegative, units):
    for seed in range(2):
        layers = as_layers(*network(sizes, seed))
        one = fold(layers, radius, nonnegative, units)
        if one is None:
            continue
        lower, certificate = certify_folded(one, Clock.starting(1.0), np.random.default_rng(0))
        x = pairs(np.random.default_rng(seed), sizes[0], radius, nonnegative)
        out = evaluate(layers, x.reshape(-1, sizes[0])).reshape(*x.shape[:2], -1)
        ratios = np.linalg.norm(out[:, 0] - out[:, 1], axis=1)
        ratios /= np.linalg.norm(x[:, 0] - x[:, 1], axis=1)
        assert lower <= ratios.min()
        assert lower == folded_lower(one, certificate)
        assert rv.verify(certificate, one.model).accepted


def test_a_linear_part_is_folded_exactly():
    # all hidden neurons are active on the ball: the stack is relu(W2 (W1 x + b1) + b2)
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((20, 3)), rng.standard_normal((12, 20)) / 5.0
    bias = np.linalg.norm(first, axis=1) * 1.01
    offset = np.full(12, 2.0) - second @ bias
    found = rv.layers.analyse([first, second], [bias, offset], budget=6.0)
    single = rv.layers.analyse(second @ first, offset + second @ bias, budget=6.0)
    assert found.layers[1].verdict == "not injective"  # on its own: 12 neurons on 20 inputs
    assert found.verdict == single.verdict == "injective"
    assert found.folded is not None
    eigenvalue = single.layers[0].certificate.evidence.values["eigenvalue_lower"]
    assert found.kappa.lower == pytest.approx(math.sqrt(eigenvalue / 2.0), rel=1e-6)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_the_folded_layer_is_the_stack(nonnegative):
    layers = as_layers(*network((3, 12, 10, 9), 4))
    one = fold(layers, 0.1, nonnegative)
    n = 3
    for x in pairs(np.random.default_rng(1), n, 0.1, nonnegative)[:300, 0]:
        values, _ = preactivations(layers, x)
        rows, low = one.model.frame.rows, one.model.bias
        # the last layer is an affine function of x and of some hidden outputs
        hidden = np.concatenate([np.maximum(t, 0.0) for t in values[:-1]])
        assert rows.shape[1] == n + one.free
        assert one.free <= hidden.size
        if one.free == 0:
            assert np.allclose(rows @ x - low, values[-1], atol=1e-10)


def test_nothing_is_folded_where_it_cannot_help():
    layers = as_layers(*network((3, 24, 16), 0))
    assert fold(layers, math.inf, False) is None
    silent = as_layers([np.eye(3), np.eye(3)], None)  # no neuron is always active
    assert fold(silent, 1.0, False) is None
    found = rv.layers.analyse([np.eye(3), np.eye(3)], None, nonnegative=True)
    assert found.verdict == "injective"
    assert found.kappa.lower == pytest.approx(0.5, abs=1e-6)  # two layers of sqrt(1/2)
