"""Inputs of a network at which a later layer has few active neurons."""

from __future__ import annotations

import math

import numpy as np

from recover.certificates.search.active import ActiveNeurons
from recover.certificates.search.clock import Clock
from recover.core.arrays import Array, frozen
from recover.core.progress import Progress
from recover.layers.network import Layer, preactivations

__all__ = ["fewest_at_depth"]

STARTS, RESTARTS, PATIENCE = 16, 6, 80


def fewest_at_depth(
    layers: tuple[Layer, ...],
    radius: float,
    nonnegative: bool,
    clock: Clock,
    rng: np.random.Generator,
) -> ActiveNeurons:
    """Search the input at which the last of these layers has the fewest active neurons.

    Gradient steps on the squared hinge of all its neurons but those that are to stay active,
    as for a single layer, through the layers before.

    Parameters
    ----------
    layers : tuple of Layer
        From the first on; the last is counted.
    radius, nonnegative : float, bool
        The domain of the network's inputs.
    clock : Clock
        Ends the search.
    rng : Generator
        For the starts.

    Returns
    -------
    ActiveNeurons
        The count holds whatever the rounding: neurons that may be active count as active.
    """
    n = layers[0].inputs
    size = radius if math.isfinite(radius) else 1.0
    best = np.zeros(n)
    fewest = _surely(layers, best)
    step = 1.0 / max(math.prod(layer.norm**2 for layer in layers), 1e-300)
    for restart in range(RESTARTS):
        x = rng.standard_normal((STARTS, n))
        x *= size * rng.random((STARTS, 1)) / np.sqrt((x**2).sum(axis=1, keepdims=True))
        x = np.abs(x) if nonnegative else x
        velocity, stale = np.zeros_like(x), 0
        while stale < PATIENCE:
            if fewest == 0 or clock.stops(Progress(restart, RESTARTS, float(fewest))):
                return ActiveNeurons(fewest, 0, frozen(best))
            values = _forward(layers, x)
            counts = (values[-1] > 0.0).sum(axis=1)
            stale += 1
            k = int(counts.argmin())
            if counts[k] < fewest and (count := _surely(layers, x[k])) < fewest:
                fewest, best, stale = count, x[k].copy(), 0
            velocity = 0.9 * velocity - step * _gradient(layers, values, fewest - 1)
            x = x + velocity
            x = np.maximum(x, 0.0) if nonnegative else x
            norms = np.sqrt((x**2).sum(axis=1, keepdims=True))
            limit = size * (1.0 - 1e-13)
            x = x * np.where(norms > limit, limit / np.where(norms > 0.0, norms, 1.0), 1.0)
    return ActiveNeurons(fewest, 0, frozen(best))


def _forward(layers: tuple[Layer, ...], x: Array) -> list[Array]:
    values, z = [], x
    for layer in layers:
        values.append(z @ layer.weights.T + layer.bias)
        z = np.maximum(values[-1], 0.0)
    return values


def _gradient(layers: tuple[Layer, ...], values: list[Array], spared: int) -> Array:
    last = values[-1]
    gap = 0.05 * np.abs(last).mean(axis=1, keepdims=True)
    pull = np.maximum(last + gap, 0.0)
    if spared > 0:
        largest = np.argpartition(pull, -spared, axis=1)[:, -spared:]
        np.put_along_axis(pull, largest, 0.0, axis=1)
    gradient: Array = pull @ layers[-1].weights
    for layer, t in zip(layers[-2::-1], values[-2::-1], strict=True):
        gradient = ((t > 0.0) * gradient) @ layer.weights
    return gradient


def _surely(layers: tuple[Layer, ...], x: Array) -> int:
    """Count the neurons of the last layer that are not off for sure."""
    values, errors = preactivations(layers, x)
    return int(np.count_nonzero(values[-1] + errors[-1] >= 0.0))
