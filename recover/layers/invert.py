"""From the output of a ReLU layer, or of a stack, back to its input, with a certificate."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from recover.certificates.certificate import Certificate, unbounded
from recover.certificates.scope import Scope
from recover.certificates.statements import domain_data
from recover.core.arrays import Array, as_numeric, digest
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rigor import Rigor
from recover.layers.network import AnyBiases, AnyWeights, Layer, as_layers
from recover.models.domains import Ball, Box, Domain
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.pipeline import Recovery, recover

__all__ = ["invert", "layer_problem"]


def invert(
    weights: AnyWeights,
    biases: AnyBiases,
    output: npt.ArrayLike,
    *,
    noise: Noise | float = 0.0,
    domain: Domain | None = None,
) -> Recovery:
    """Recover the input of ``relu(W x + b)``, or of a stack of such layers.

    The layers are inverted from the last to the first.  What is proved about a layer's input
    is the noise of the layer before: its l2 bound, and the bounds of its entries where there
    are any.  Inputs of later layers are known to be non-negative; where too few neurons are
    active to fix them, that and the inequalities of the inactive ones are used.

    Parameters
    ----------
    weights, biases
        As for `analyse`.
    output : array [shape=(out,)]
        Of the last layer.
    noise : Noise or float
        Of `output`; a number bounds its l2 norm.
    domain : Domain, optional
        Where the input is known to lie.

    Returns
    -------
    Recovery
        Of the first layer's input.  The certificate of a stack speaks of the whole network, and
        its parts ("layer 1", ...) of each layer on its own, given the bound of the one after;
        `recover.verify` takes a part with `layer_problem`.

    Raises
    ------
    ParameterError
        If shapes do not fit, or values are not finite.
    """
    layers = as_layers(weights, biases)
    data = as_numeric("output", output)
    if data.shape not in {(layers[-1].outputs,), layers[-1].frame.coef_shape}:
        raise ParameterError(
            f"output must have shape ({layers[-1].outputs},), got {data.shape}"
        )
    promise = noise if isinstance(noise, Noise) else Noise(l2=float(noise))
    domains = _domains(layers, domain)
    result = recover(layer_problem(layers[-1], data, promise, domains[-1]))
    if len(layers) == 1:
        return result
    parts = [(f"layer {len(layers)}", result.certificate)]
    for k in range(len(layers) - 1, 0, -1):
        after, certificate = parts[-1]
        bound = _noise_of(certificate) if certificate.finite else Noise(l2=0.0)
        problem = layer_problem(layers[k - 1], result.signal, bound, domains[k - 1])
        result = recover(problem, certify=certificate.finite)
        if not certificate.finite:
            reason = f"nothing is promised about this layer's output: {after} has no bound"
            silent = unbounded(reason, Scope("global"), problem.digest, {})
            result = replace(result, certificate=silent)
        parts.append((f"layer {k}", result.certificate))
    whole = _whole(layers, data, parts[::-1], promise, domain)
    return replace(result, certificate=whole)


def layer_problem(layer: Layer, output: Array, noise: Noise, domain: Domain | None) -> Problem:
    """Return the problem of inverting one layer.

    Entries of `output` that rounding or noise has carried below zero are refused as in any
    measurement unless the noise allows them.
    """
    return Problem(
        layer.model, output.reshape(layer.frame.coef_shape), noise=noise, domain=domain
    )


def _domains(layers: tuple[Layer, ...], domain: Domain | None) -> list[Domain | None]:
    """Return where the inputs of each layer lie: those of later ones are outputs."""
    if domain is not None and not isinstance(domain, Domain):
        raise ParameterError(
            f"domain must be a Domain such as Ball(1.0), got {type(domain).__name__}"
        )
    radius = domain.radius if isinstance(domain, Ball) else math.inf
    reaches = list(accumulate(layers, lambda r, layer: layer.reach(r), initial=radius))
    hidden = [
        Box(np.zeros(layer.frame.signal_shape), np.full(layer.frame.signal_shape, reach))
        for layer, reach in zip(layers[1:], reaches[1:-1], strict=True)
    ]
    return [domain, *hidden]


def _noise_of(certificate: Certificate) -> Noise:
    """Return the promise about a layer's input as noise of the layer before."""
    if certificate.pointwise is None:
        return Noise(l2=certificate.error_bound)
    return Noise(l2=certificate.error_bound, each=certificate.pointwise.reshape(-1))


def _whole(
    layers: tuple[Layer, ...],
    data: Array,
    parts: list[tuple[str, Certificate]],
    noise: Noise,
    domain: Domain | None,
) -> Certificate:
    """Return the certificate of the network from those of its layers, first layer first.

    The true input of layer k is consistent with the recovered output of layer k up to the
    bound of layer k + 1, so the bound of layer 1 holds for the network's input.  The product
    of the layers' kappas bounds the network's from below only.
    """
    first = parts[0][1]
    lower = Enclosure.exactly(1.0)
    rigor: Rigor = first.rigor
    for _, part in parts:
        lower = lower * Enclosure.exactly(part.kappa.lower)
        rigor = rigor & part.rigor
    scope = first.scope
    if domain is not None and any(part.scope.kind != "global" for _, part in parts):
        data_of_domain = domain_data(domain)
        scope = Scope(str(data_of_domain.pop("kind")), data_of_domain)
    identity = [item for layer in layers for item in layer.model.identity_parts()]
    sentences = dict.fromkeys(
        f"{label}: {text}" for label, part in parts for text in part.assumptions
    )
    return replace(
        first,
        kappa=Enclosure(lower.lower, math.inf),
        scope=scope,
        assumptions=tuple(sentences),
        rigor=rigor,
        subject=digest([*identity, data]),
        noise=noise.to_json(),
        parts=tuple(parts),
    )
