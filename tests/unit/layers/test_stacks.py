"""Stacks of layers: what is proved of the whole."""

import math

import numpy as np
import pytest

import recover as rv

DOUBLED = np.vstack([np.eye(2), -np.eye(2)])


def network(weights, biases, x):
    for w, b in zip(weights, biases, strict=True):
        x = np.maximum(x @ w.T + (0.0 if b is None else b), 0.0)
    return x


def test_injective_stack():
    # the second layer is injective on non-negative inputs without being so on all
    weights, biases = [DOUBLED, np.eye(4)], [None, None]
    found = rv.layers.analyse(weights, biases)
    assert found.verdict == "injective"
    assert [layer.verdict for layer in found.layers] == ["injective", "injective"]
    assert [layer.nonnegative for layer in found.layers] == [False, True]
    assert found.kappa.lower == pytest.approx(0.5, abs=1e-6)
    assert len(found.notes) == 2
    x = np.random.default_rng(0).standard_normal((4000, 2, 2)) * 0.3
    out = network(weights, biases, x)
    ratio = np.linalg.norm(out[:, 0] - out[:, 1], axis=1)
    ratio /= np.linalg.norm(x[:, 0] - x[:, 1], axis=1)
    assert found.kappa.lower <= ratio.min()
    assert found.kappa.upper <= 1.0 + 1e-9


def test_first_layer_decides():
    weights, biases = [np.eye(2), np.eye(2)], [None, np.ones(2)]
    found = rv.layers.analyse(weights, biases)
    assert found.verdict == "not injective"
    assert found.reason.startswith("layer 1: ")
    out = network(weights, biases, np.array(found.witness))
    assert np.abs(out[0] - out[1]).max() <= 1e-12
    assert found.kappa == rv.Enclosure(0.0, 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_thin_later_layer_decides(seed):
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((24, 3)), rng.standard_normal((5, 24))]
    biases = [np.full(24, 0.5), -rng.random(5)]
    found = rv.layers.analyse(weights, biases, budget=10.0)
    assert found.verdict == "not injective"
    x, y = found.witness
    assert np.linalg.norm(x - y) > 1e-6
    assert max(np.linalg.norm(x), np.linalg.norm(y)) <= 1.0
    out = network(weights, biases, np.array([x, y]))
    assert np.abs(out[0] - out[1]).max() <= 1e-12


def test_three_layers():
    rng = np.random.default_rng(1)
    weights = [DOUBLED, np.vstack([np.eye(4), rng.standard_normal((2, 4))]), np.eye(6)]
    found = rv.layers.analyse(weights, None, budget=20.0)
    assert found.verdict == "injective"
    assert 0.0 < found.kappa.lower <= found.kappa.upper
    assert len(found.layers) == 3


def test_what_is_not_known_stays_open():
    # the second layer is not injective on all non-negative inputs, only on those that occur
    weights = [
        DOUBLED,
        np.array([[1.0, 0, -1, 0], [-1, 0, 1, 0], [0, 1, 0, -1], [0, -1, 0, 1]]),
    ]
    found = rv.layers.analyse(weights, None, budget=10.0)
    assert found.verdict == "undecided"
    assert "layer 2" in found.reason
    assert found.kappa.lower == 0.0 < found.kappa.upper < math.inf


def test_json_is_plain_data():
    import json

    found = rv.layers.analyse([DOUBLED, np.eye(4)], None, radius=2.0)
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert data["verdict"] == "injective"
    assert data["layers"][1]["nonnegative"] is True
    assert data["layers"][0]["kappa"]["lower"] > 0.0
    everywhere = rv.layers.analyse(DOUBLED, None, radius=math.inf).to_json()
    assert json.loads(json.dumps(everywhere, allow_nan=False))["layers"][0]["radius"] == "inf"


def test_unbounded_nonnegative_inputs_with_positive_biases_are_refused():
    found = rv.layers.analyse(np.eye(2), [-1.0, -1.0], radius=math.inf, nonnegative=True)
    assert found.verdict == "not injective"  # both neurons are off near 0
    weights = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    half = rv.layers.analyse(weights, [1.0, 1.0, -1.0], radius=math.inf, nonnegative=True)
    assert half.verdict == "undecided"
    assert "give a radius" in half.reason


@pytest.mark.parametrize("nonnegative", [False, True])
def test_two_inputs_are_found_where_a_network_is_thin_at_a_corner(nonnegative):
    """At 0, where the search begins, all neurons are at their thresholds."""
    weights = [DOUBLED, np.ones((1, 4))]
    found = rv.layers.analyse(weights, None, nonnegative=nonnegative, budget=2.0)
    assert found.verdict == "not injective"
    x, y = found.witness
    assert np.linalg.norm(x - y) >= 1e-3
    assert max(np.linalg.norm(x), np.linalg.norm(y)) <= 1.0
    assert not nonnegative or min(x.min(), y.min()) >= 0.0
    first, second = (np.ones(4) @ np.maximum(DOUBLED @ z, 0.0) for z in (x, y))
    assert first == pytest.approx(second, abs=1e-15)
