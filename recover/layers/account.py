"""What describes layers without proving anything: spectra, and activity at random inputs."""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array, frozen
from recover.layers.network import Layer

__all__ = ["activity", "singular_values"]

SAMPLES = 1000  # inputs; fewer for large networks
WORK = 2_000_000_000  # products of entries that they may cost


def singular_values(layer: Layer) -> Array:
    """Return the singular values of the weights, largest first, in floating point.

    There are as many as inputs; those that fewer neurons than inputs leave over are zero.
    """
    w = layer.weights
    if layer.outputs < layer.inputs:
        lowest = np.zeros(layer.inputs - layer.outputs)
        return frozen(np.append(_roots(w @ w.T), lowest))
    return frozen(_roots(w.T @ w))


def _roots(gram: Array) -> Array:
    roots: Array = np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0))
    return roots


def activity(
    layers: tuple[Layer, ...], radius: float, nonnegative: bool, rng: np.random.Generator
) -> list[Array]:
    """Return how many neurons of each layer are active at random inputs, fewest first.

    Parameters
    ----------
    layers : tuple of Layer
        From the first on.
    radius, nonnegative : float, bool
        Inputs are uniform in this ball, or its non-negative part; in the unit ball if the
        radius is infinite.
    rng : Generator
        For the inputs.

    Returns
    -------
    list of array of int [shape=(samples,)]
    """
    cost = sum(layer.weights.size for layer in layers)
    count = int(np.clip(WORK // cost, 50, SAMPLES))
    n = layers[0].inputs
    x = rng.standard_normal((count, n))
    sizes = np.sqrt((x**2).sum(axis=1, keepdims=True))
    x *= (
        (radius if math.isfinite(radius) else 1.0) * rng.random((count, 1)) ** (1.0 / n) / sizes
    )
    z = np.abs(x) if nonnegative else x
    counts = []
    for layer in layers:
        z = np.maximum(z @ layer.weights.T + layer.bias, 0.0)
        counts.append(frozen(np.sort(np.count_nonzero(z, axis=1))))
    return counts
