"""Results of layers and capacities in notebooks: a table that is safe, and a plot."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import recover as rv
from recover.layers.account import activity, singular_values
from recover.layers.network import as_layers

W = np.vstack([np.eye(3), -np.eye(3)])


@pytest.fixture(scope="module")
def stack():
    return rv.layers.analyse([W, np.eye(6)], None, budget=3.0)


def test_tables(stack):
    text = stack._repr_html_()
    assert text.count("<table>") == 3
    assert "injective" in text
    assert "layer 1 has no biases: taken as zero" in text
    single = rv.layers.analyse(W, None, budget=2.0)
    assert single._repr_html_().count("<table>") == 1
    assert "kappa: [0.707107, 0.707107]" in repr(single)
    assert "critical frame bias" in repr(single.layers[0])


def test_plots(stack):
    axes = Figure().subplots()
    assert stack.plot(axes) is axes
    assert axes.get_ylabel() == "active neurons"
    assert {"neurons", "fewest found"} <= {text.get_text() for text in axes.get_legend().texts}
    chain = rv.theory.deep_injectivity_capacity(3)
    assert list(chain.plot(Figure().subplots()).lines[0].get_ydata()) == list(chain.values)
    import matplotlib.pyplot as plt

    assert isinstance(chain.plot(), Axes)
    plt.close("all")


def test_capacities():
    assert "neurons per input: 7.44863872629" in repr(rv.theory.injectivity_capacity("partial"))
    text = rv.theory.injectivity_capacity("lifted", 3)._repr_html_()
    assert "heuristic" in text
    assert "6.70039194" in text
    assert "proved" in rv.theory.deep_injectivity_capacity(2)._repr_html_()


def test_spectra_and_activity_are_those_of_the_weights():
    rng = np.random.default_rng(0)
    for shape in ((9, 4), (3, 5)):
        (layer,) = as_layers(rng.standard_normal(shape), None)
        values = singular_values(layer)
        expected = np.zeros(shape[1])
        expected[: min(shape)] = np.linalg.svd(layer.weights, compute_uv=False)
        assert np.allclose(values, expected, atol=1e-7)
    layers = as_layers([W, np.eye(6)], None)
    for nonnegative in (False, True):
        counts = activity(layers, 2.0, nonnegative, np.random.default_rng(1))
        assert all((c == 3).all() for c in counts)  # each entry is on one side
        assert [c.size for c in counts] == [1000, 1000]
    wide = activity(as_layers(np.ones((2, 3)), [-5.0, 5.0]), 1.0, False, rng)
    assert (wide[0] == 1).all()
