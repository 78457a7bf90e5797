"""Whether a layer, or a stack of layers, is injective, and how stably."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.search.active import ActiveNeurons
from recover.certificates.search.clock import Clock
from recover.core.arrays import Array, as_generator, frozen
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.progress import Watch
from recover.layers.account import activity
from recover.layers.collide import colliding_pair
from recover.layers.fold import UNITS, certify_folded, fold
from recover.layers.network import AnyBiases, AnyWeights, Layer, as_layers
from recover.layers.pair import deep_pair, ratio_upper
from recover.layers.result import Injectivity, LayerAnalysis, NetworkAnalysis, active_phrase
from recover.layers.single import analyse_layer
from recover.layers.thin import fewest_at_depth

__all__ = ["analyse"]

PAIRS = 32  # for the upper end of a stack's kappa
SEARCH_SHARE = 0.15
SMALLEST_RADIUS = 1e-140  # the reciprocal is the largest; products stay normal numbers


def analyse(
    weights: AnyWeights,
    biases: AnyBiases,
    *,
    radius: float = 1.0,
    nonnegative: bool = False,
    budget: float = 60.0,
    critical: bool = True,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> NetworkAnalysis:
    """Decide whether ``relu(W x + b)``, or a stack of such layers, is injective on a ball.

    Parameters
    ----------
    weights : array [shape=(out, in)], Frame, or a list of these
        A convolution is given as its frame.
    biases : array [shape=(out,)] or None, or a list of these
        In the network's convention: b is added.  None is zero, and is said in the notes.
    radius : float > 0
        Of the ball of inputs; infinity for all of them.
    nonnegative : bool
        Only inputs with entries >= 0.
    budget : float
        Seconds.
    critical : bool
        Whether to enclose the critical bias of single layers too.
    rng : int or Generator
        For searches; what is proved does not depend on it.
    watch : callable, optional
        Told a `Progress` of the search that runs; returns True to stop it.

    Returns
    -------
    NetworkAnalysis
        A stack is injective if each layer is on a domain that holds its inputs, or if it is
        as one layer, with the hidden neurons that never change folded into the next.  It is
        not injective if its first layer is not, or if at some input a layer has fewer active
        neurons than the network has inputs (an open set is then mapped continuously into a
        space of lower dimension, which is never injective), or if two pieces of its image are
        found that meet.

    Raises
    ------
    ParameterError
        If weights, biases or numbers cannot be used.

    References
    ----------
    .. [1] M. Puthawala, K. Kothari, M. Lassas, I. Dokmanic and M. de Hoop, "Globally injective
       ReLU networks", arXiv 2006.08464.
    .. [2] D. Freeman and D. Haider, "Optimal lower Lipschitz bounds for ReLU layers,
       saturation, and phase retrieval", arXiv 2502.09898.
    """
    layers = as_layers(weights, biases)
    if not radius > 0.0:
        raise ParameterError(f"radius must be > 0, got {radius}; infinity means everywhere")
    if not SMALLEST_RADIUS <= radius <= 1.0 / SMALLEST_RADIUS and not math.isinf(radius):
        raise ParameterError(
            f"radius must be between {SMALLEST_RADIUS:g} and {1.0 / SMALLEST_RADIUS:g}, or "
            f"infinite, got {radius:g}; scale inputs and biases alike"
        )
    if not budget >= 0.0:
        raise ParameterError(f"budget must be >= 0 seconds, got {budget}")
    generator = as_generator(rng)
    clock = Clock.starting(budget, watch)
    notes = tuple(
        f"layer {k} has no biases: taken as zero"
        for k, layer in enumerate(layers, start=1)
        if not layer.bias_given
    )
    # a stream of its own: what is only described changes no search
    sampled = activity(layers, radius, nonnegative, generator.spawn(1)[0])
    if len(layers) == 1:
        only = analyse_layer(
            layers[0],
            radius,
            nonnegative,
            clock,
            generator,
            sampled_active=sampled[0],
            critical=critical,
        )
        return NetworkAnalysis(
            only.verdict, only.witness, only.kappa, only.min_active, (only,), only.reason, notes
        )
    found = _stack(layers, radius, nonnegative, clock, generator, sampled=sampled)
    return replace(found, notes=notes)


def _stack(
    layers: tuple[Layer, ...],
    radius: float,
    nonnegative: bool,
    clock: Clock,
    rng: np.random.Generator,
    *,
    sampled: list[Array],
) -> NetworkAnalysis:
    reaches = list(accumulate(layers, lambda r, layer: layer.reach(r), initial=radius))
    share = SEARCH_SHARE * clock.left / (len(layers) - 1)
    thin = [
        fewest_at_depth(layers[:k], radius, nonnegative, clock.within(share), rng)
        for k in range(2, len(layers) + 1)
    ]
    n, meeting = layers[0].inputs, None
    if min(found.count for found in thin) >= n and thin[-1].count < 2 * n:
        meeting = colliding_pair(layers, radius, nonnegative, clock.within(share), rng)
    analyses = []
    for k, layer in enumerate(layers):
        # the last share is for the stack as one layer
        limit = clock.within(clock.left / (len(layers) + 1 - k))
        # what can never be negative, and no longer than what the layers before can give
        found = analyse_layer(
            layer,
            max(reaches[k], 1e-300),
            nonnegative or k > 0,
            limit,
            rng,
            sampled_active=sampled[k],
            critical=False,
        )
        analyses.append(found if k == 0 else _of_inputs(found, thin[k - 1]))
    verdict, reason, pair = _joined(
        layers, analyses, thin, (radius, nonnegative), meeting, rng=rng
    )
    product = Enclosure.exactly(1.0)
    for found in analyses:
        product = product * Enclosure.exactly(found.kappa.lower)
    lower, folded = product.lower, None
    if verdict is not Injectivity.NOT_INJECTIVE:
        lower, folded = _folded(layers, (radius, nonnegative), product.lower, clock, rng)
        if folded is not None:
            verdict, reason = Injectivity.INJECTIVE, None
    kappa = _kappa(layers, lower, radius, nonnegative, rng)
    if verdict is Injectivity.NOT_INJECTIVE:
        kappa = Enclosure(0.0, 0.0)
    fewest = min((found.min_active for found in analyses), key=lambda found: found.count)
    return NetworkAnalysis(verdict, pair, kappa, fewest, tuple(analyses), reason, (), folded)


def _folded(
    layers: tuple[Layer, ...],
    domain: tuple[float, bool],
    product: float,
    clock: Clock,
    rng: np.random.Generator,
) -> tuple[float, Certificate | None]:
    """Return the better lower end of kappa, and the certificate if folding gives it."""
    best: tuple[float, Certificate | None] = (product, None)
    for left, units in zip(range(len(UNITS), 0, -1), UNITS, strict=True):
        one = fold(layers, *domain, units)
        if one is None or (one.free == 0 and best[1] is not None):
            break
        lower, certificate = certify_folded(one, clock.within(clock.left / left), rng)
        if lower > best[0]:
            best = (lower, certificate)
    return best


def _of_inputs(found: LayerAnalysis, thin: ActiveNeurons) -> LayerAnalysis:
    """Return a later layer's analysis with the count for inputs of the network."""
    lower = min(found.min_active.lower, thin.count)
    return replace(found, min_active=replace(thin, lower=lower))


def _joined(
    layers: tuple[Layer, ...],
    analyses: list[LayerAnalysis],
    thin: list[ActiveNeurons],
    domain: tuple[float, bool],
    meeting: tuple[Array, Array] | None,
    *,
    rng: np.random.Generator,
) -> tuple[Injectivity, str | None, tuple[Array, Array] | None]:
    """Return the whole's verdict with its reason, and a pair of inputs if not injective."""
    n = layers[0].inputs
    first = analyses[0]
    if first.verdict is Injectivity.NOT_INJECTIVE:
        return Injectivity.NOT_INJECTIVE, f"layer 1: {first.reason}", first.witness
    for depth, found in enumerate(thin, start=2):
        if found.count < n:
            pair = deep_pair(layers[:depth], found.witness, *domain, rng)
            reason = (
                f"at an input {active_phrase(found.count)} in layer {depth}, fewer than the "
                f"{n} inputs"
            )
            return Injectivity.NOT_INJECTIVE, reason, pair
    if meeting is not None:
        apart = float(np.linalg.norm(meeting[0] - meeting[1]))
        reason = f"two pieces of the image meet: inputs {apart:.3g} apart have the same output"
        return Injectivity.NOT_INJECTIVE, reason, meeting
    if all(found.verdict is Injectivity.INJECTIVE for found in analyses):
        return Injectivity.INJECTIVE, None, None
    open_layers = [
        str(k)
        for k, found in enumerate(analyses, start=1)
        if found.verdict is not Injectivity.INJECTIVE
    ]
    reason = (
        f"layer {', '.join(open_layers)} could not be shown to be injective on a domain that "
        "holds its inputs; what the layers before can give is only a part of it"
    )
    return Injectivity.UNDECIDED, reason, None


def _kappa(
    layers: tuple[Layer, ...],
    lower: float,
    radius: float,
    nonnegative: bool,
    rng: np.random.Generator,
) -> Enclosure:
    """Enclose the constant of a stack: what is proved, and pairs of inputs."""
    n = layers[0].inputs
    size = radius if math.isfinite(radius) else 1.0
    upper = math.inf
    for _ in range(PAIRS):
        x = rng.standard_normal(n)
        x = np.abs(x) if nonnegative else x
        x *= 0.9 * size * rng.random() / max(float(np.linalg.norm(x)), 1e-300)
        v = _weakest(layers, x)
        y = x + 0.01 * size * v
        y = np.maximum(y, 0.0) if nonnegative else y
        upper = min(upper, ratio_upper(layers, frozen(x), y))
    return Enclosure(min(lower, upper), upper)


def _weakest(layers: tuple[Layer, ...], x: Array) -> Array:
    """Return the direction that the network's derivative at x sees least."""
    jacobian, z = np.eye(x.size), x
    for layer in layers:
        t = layer.weights @ z + layer.bias
        jacobian = (t > 0.0)[:, None] * (layer.weights @ jacobian)
        z = np.maximum(t, 0.0)
    weakest: Array = np.linalg.eigh(jacobian.T @ jacobian)[1][:, 0]
    return weakest
