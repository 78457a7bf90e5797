"""What the layers accept, what they refuse, and their error bounds."""

import math
from fractions import Fraction

import numpy as np
import pytest

import recover as rv
from recover.certificates.search.clock import Clock
from recover.layers.network import as_layers, evaluate, preactivations
from recover.layers.pair import ratio_upper
from recover.layers.thin import fewest_at_depth

W = np.random.default_rng(0).standard_normal((9, 3))


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        (np.where(W > 1.0, np.nan, W), None, "weights of layer 1 must be finite"),
        (W, np.full(9, np.inf), "biases of layer 1 must be finite"),
        (W, np.zeros(3), r"biases of layer 1 must be real of shape \(9,\)"),
        (np.ones(3), None, "real matrix"),
        (1j * W, None, "complex128"),
        ([W, np.ones((4, 8))], None, "layer 2 takes 8 values but layer 1 gives 9"),
        ([W, np.ones((4, 9))], [np.zeros(9)], "a list of 2"),
        ([W, np.ones((4, 9))], np.zeros(9), "a list of 2"),
        ([], None, "no layer"),
        ([[1.0, 2.0], [3.0]], None, "ragged"),
        (np.ones((2, 3, 4, 5)), None, "convolution"),
        (rv.frames.Fourier(8), None, "real rows"),
        (np.array([["a"]]), None, "must hold numbers"),
    ],
)
def test_bad_weights(weights, biases, message):
    for call in (
        lambda: rv.layers.analyse(weights, biases),
        lambda: rv.layers.invert(weights, biases, np.zeros(9)),
    ):
        with pytest.raises(rv.ParameterError, match=message):
            call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": 0.0}, "radius must be > 0"),
        ({"radius": math.nan}, "radius must be > 0"),
        ({"budget": -1.0}, "budget must be >= 0"),
    ],
)
def test_bad_numbers(options, message):
    with pytest.raises(rv.ParameterError, match=message):
        rv.layers.analyse(W, None, **options)


@pytest.mark.parametrize(
    ("output", "options", "message"),
    [
        (np.zeros(8), {}, r"output must have shape \(9,\)"),
        (np.full(9, np.nan), {}, "output must be finite"),
        (np.full(9, -1.0), {}, "must be >= 0"),
        (np.zeros(9), {"noise": -1.0}, "noise bounds must be >= 0"),
        (np.zeros(9), {"domain": 3.0}, "must be a Domain"),
    ],
)
def test_bad_output(output, options, message):
    with pytest.raises(rv.ParameterError, match=message):
        rv.layers.invert(W, None, output, **options)


def test_one_matrix_in_every_form():
    single = as_layers(W, None)
    for weights, biases in ((W.tolist(), None), ([W], [None]), (W[None], [None]), (W, 0.0)):
        layers = as_layers(weights, biases)
        assert len(layers) == 1
        assert np.array_equal(layers[0].weights, single[0].weights)
    assert not single[0].bias_given
    assert as_layers(W, 0.0)[0].bias_given
    assert np.array_equal(
        as_layers(W.astype(np.float32), None)[0].weights, W.astype(np.float32)
    )


def test_network_convention():
    (layer,) = as_layers(W, np.arange(9.0))
    x = np.array([1.0, -2.0, 0.5])
    expected = np.maximum(W @ x + np.arange(9.0), 0.0)
    assert np.allclose(evaluate((layer,), x), expected, rtol=1e-14)
    assert np.allclose(layer.model(x), expected, rtol=1e-14)


def test_a_convolution_is_given_as_its_frame():
    rng = np.random.default_rng(1)
    frame = rv.frames.Convolution.sample(rng)
    size = frame.signal_size
    (layer,) = as_layers(frame, 0.5)
    assert layer.weights.shape == (frame.coef_size, size)
    x = rng.standard_normal(frame.signal_shape)
    y = rv.ReLU(frame, -0.5)(x)
    found = rv.layers.invert(frame, 0.5, y, domain=rv.Ball(20.0))
    assert found.signal.shape == frame.signal_shape
    assert np.linalg.norm(found.signal - x) <= found.error_bound


def test_error_bounds_of_preactivations_hold():
    rng = np.random.default_rng(2)
    layers = as_layers([W, rng.standard_normal((6, 9))], [rng.standard_normal(9), None])
    x = rng.standard_normal(3)
    values, errors = preactivations(layers, x)
    z = [Fraction(float(v)) for v in x]
    for layer, t, error in zip(layers, values, errors, strict=True):
        exact = [
            sum(Fraction(float(a)) * b for a, b in zip(row, z, strict=True))
            + Fraction(float(c))
            for row, c in zip(layer.weights, layer.bias, strict=True)
        ]
        off = [abs(Fraction(float(a)) - b) for a, b in zip(t, exact, strict=True)]
        assert all(o <= Fraction(float(e)) for o, e in zip(off, error, strict=True))
        z = [max(v, Fraction(0)) for v in exact]


def test_reach_bounds_the_outputs():
    layers = as_layers(W, np.linspace(-1.0, 1.0, 9))
    x = np.random.default_rng(3).standard_normal((5000, 3))
    x *= 2.0 / np.linalg.norm(x, axis=1)[:, None]
    assert np.linalg.norm(evaluate(layers, x), axis=1).max() <= layers[0].reach(2.0)
    assert layers[0].norm == pytest.approx(np.linalg.norm(W, 2), rel=1e-9)
    assert layers[0].norm >= np.linalg.norm(W, 2) * (1.0 - 1e-14)


def test_ratio_of_equal_inputs_says_nothing():
    layers = as_layers(W, None)
    assert ratio_upper(layers, np.ones(3), np.ones(3)) == math.inf
    x, y = np.ones(3), np.array([1.0, 1.0, 2.0])
    exact = np.linalg.norm(evaluate(layers, x) - evaluate(layers, y))
    assert exact <= ratio_upper(layers, x, y) <= exact * (1.0 + 1e-9)


def test_a_thin_later_layer_is_found():
    layers = as_layers([np.vstack([np.eye(2), -np.eye(2)]), -np.ones((3, 4))], [None, None])
    found = fewest_at_depth(layers, 1.0, False, Clock.starting(2.0), np.random.default_rng(0))
    assert found.count == 0
