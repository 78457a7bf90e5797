"""Two inputs far apart that a network maps to the same output: folds that no layer shows alone.

A network may keep as many active neurons as inputs everywhere and still not be injective: two
pieces of its image, of dimension n each, can meet where the output has fewer than 2 n entries
that are not zero.
"""

from __future__ import annotations

import math

import numpy as np

from recover.certificates.search.clock import Clock
from recover.core.arrays import Array, frozen
from recover.core.eigen import eigmin_lower, gram_of
from recover.core.enclosure import Enclosure
from recover.core.progress import Progress
from recover.core.rounding import gamma, norm_upper, up
from recover.layers.network import Layer, preactivations

__all__ = ["colliding_pair"]

STARTS, STEPS = 400, 40
APART = 0.05  # of the radius: inputs that come closer than this are given up
INSIDE = 1.0 - 1e-6  # of the ball: room for the exact pair near the computed one
LARGEST = 200  # inputs of the network


def colliding_pair(
    layers: tuple[Layer, ...],
    radius: float,
    nonnegative: bool,
    clock: Clock,
    rng: np.random.Generator,
) -> tuple[Array, Array] | None:
    """Return two inputs next to which two with exactly the same output are proved to lie.

    By Newton steps of least length on ``F(x) - F(y) = 0`` from random pairs.

    Parameters
    ----------
    layers : tuple of Layer
        The network.
    radius, nonnegative : float, bool
        Its domain.
    clock : Clock
        Ends the search.
    rng : Generator
        For the starts.

    Returns
    -------
    (array, array) or None
        Their own outputs agree up to rounding.  None if none was found.
    """
    n = layers[0].inputs
    if n > LARGEST:
        return None
    size = radius if math.isfinite(radius) else 1.0
    for start in range(STARTS):
        if clock.stops(Progress(start, STARTS, 0.0)):
            break
        pair = rng.standard_normal((2, n))
        pair *= size * rng.random((2, 1)) ** (1.0 / n) / np.sqrt((pair**2).sum(1))[:, None]
        pair = np.abs(pair) if nonnegative else pair
        for _ in range(STEPS):
            values, jacobian = _linearised(layers, pair)
            gap = values[0] - values[1]
            step = np.linalg.lstsq(jacobian, -gap, rcond=1e-10)[0].reshape(2, n)
            pair = _inside(pair + step, size, nonnegative)
            if float(np.linalg.norm(pair[0] - pair[1])) < APART * size:
                break
            if float(np.linalg.norm(step)) <= 1e-14 * size:
                if _proved(layers, pair, nonnegative):
                    return frozen(pair[0]), frozen(pair[1])
                break
    return None


def _inside(pair: Array, size: float, nonnegative: bool) -> Array:
    pair = np.maximum(pair, 0.0) if nonnegative else pair
    norms = np.sqrt((pair**2).sum(axis=1, keepdims=True))
    moved: Array = pair * np.minimum(1.0, size * INSIDE / np.maximum(norms, 1e-300))
    return moved


def _linearised(layers: tuple[Layer, ...], pair: Array) -> tuple[list[Array], Array]:
    """Return the outputs of both inputs, and the derivative ``[F'(x), -F'(y)]``."""
    outputs, parts = [], []
    for sign, x in zip((1.0, -1.0), pair, strict=True):
        z, slope = x, sign * np.eye(x.size)
        for layer in layers:
            t = layer.weights @ z + layer.bias
            slope = (t > 0.0)[:, None] * (layer.weights @ slope)
            z = np.maximum(t, 0.0)
        outputs.append(z)
        parts.append(slope)
    return outputs, np.hstack(parts)


def _proved(layers: tuple[Layer, ...], pair: Array, nonnegative: bool) -> bool:
    """Tell, without doubt, that two different inputs near these have the same output.

    Around the pair the network is affine as long as no neuron changes.  If the same outputs S
    are active at both, all is decided by ``M (x, y) = c``, one equation for each of S; with
    full row rank there is a solution at a distance of at most the residual over the smallest
    singular value of M.  No neuron changes on the way, and the domain is not left, if that
    times the layers' norms is below what every neuron is away from its threshold.
    """
    values, errors = zip(*(preactivations(layers, x) for x in pair), strict=True)
    active = values[0][-1] > 0.0
    if not np.array_equal(active, values[1][-1] > 0.0) or active.sum() > pair.size:
        return False
    residual = norm_upper(np.abs(values[0][-1] - values[1][-1])[active])
    residual = up(residual + norm_upper(errors[0][-1]) + norm_upper(errors[1][-1]), 4)
    _, jacobian = _linearised(layers, pair)
    size = math.prod(norm_upper(layer.weights) for layer in layers)
    depth = sum(layer.inputs for layer in layers)
    drift = 4.0 * gamma(depth + 16) * size  # of the product of the weights, and of its squares
    if active.any():
        gram, slack = gram_of(jacobian[active].T)
        smallest = Enclosure.exactly(
            max(eigmin_lower(gram, gram_slack=slack).value, 0.0)
        ).sqrt()
        least = smallest.lower - drift
        if least <= 0.0:
            return False
        distance = up(residual / least, 4)
    else:
        distance = 0.0
    apart = float(np.linalg.norm(pair[0] - pair[1]))
    if nonnegative and float(pair.min()) <= distance:
        return False
    limit = max(1e-9 * apart, 2.0 * distance)  # INSIDE leaves more than this of the ball
    if distance > 1e-9 * apart:
        return False
    for ts, es in zip(values, errors, strict=True):
        reach = limit
        for layer, t, error in zip(layers, ts, es, strict=True):
            reach = up(reach * layer.norm, 4)
            if float((np.abs(t) - error).min()) <= reach:
                return False
    return True
