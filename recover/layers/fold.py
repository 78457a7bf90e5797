"""A stack as one layer: neurons that never change are folded, the others become inputs.

On the domain some hidden neurons are always active, so linear in what they see, and some never
are.  Let c hold the network's input x and the outputs u of all other hidden neurons: the last
layer's ``W z + b`` is an affine function of c, so the stack is one layer on a set of such c,
and ``|F(x) - F(y)| >= kappa |c - c'| >= kappa |x - y|`` with the kappa of that layer on any
convex domain that holds the set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate
from recover.certificates.lipschitz import relu_lower
from recover.certificates.search.clock import Clock
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import gamma, norm_upper, up
from recover.frames.dense import Dense
from recover.layers.network import Layer
from recover.models.domains import Ball
from recover.models.relu import ReLU

__all__ = ["UNITS", "Folded", "certify_folded", "fold", "folded_lower"]

LARGEST = 600  # inputs of the folded layer
# of u, beside the size of x: in large ones u costs less in |c - c'|, but the ball holds more
UNITS = (1.0, 8.0)
SLACK = 1.0 + 1e-12  # more than all roundings of sums of positive numbers


@dataclass(frozen=True, eq=False)
class Folded:
    """A stack of layers as one.

    Parameters
    ----------
    model : ReLU
        Its rows are off by `error`, and its thresholds are raised by more than what rounding
        can do: where it has an active neuron the stack's last layer has it too.
    domain : Ball
        Holds all c.
    free : int
        Hidden neurons that are inputs of it.
    error : float
        Bound of the Frobenius norm of the rows' errors.
    """

    model: ReLU
    domain: Ball
    free: int
    error: float


@dataclass(frozen=True, eq=False)
class _Affine:
    """The values ``linear @ c + offset`` of a layer's inputs, with the bounds of their errors.

    `error` is of each value on the domain; `drift` of the Frobenius norm of `linear`; `tops`
    bounds the entries of u.
    """

    linear: Array
    offset: Array
    error: Array
    drift: float
    tops: Array


def fold(
    layers: tuple[Layer, ...], radius: float, nonnegative: bool, units: float = 1.0
) -> Folded | None:
    """Return a stack as one layer, or None where that says nothing.

    That is on unbounded domains, if no hidden neuron is always active, and where too many
    neurons would become inputs.

    Parameters
    ----------
    layers : tuple of Layer
        Two or more.
    radius, nonnegative : float, bool
        The domain of x.
    units : float
        A power of two; one of `UNITS`.
    """
    if not math.isfinite(radius):
        return None
    n = layers[0].inputs
    here = _Affine(np.eye(n), np.zeros(n), np.zeros(n), 0.0, np.zeros(0))
    positive = nonnegative  # what the layer sees
    for layer in layers[:-1]:
        here = _through(layer, here, (radius, nonnegative), positive)
        positive = True
        if not here.linear[:, :n].any() or n + here.tops.size > LARGEST:
            return None
    last = _into(layers[-1], here, radius)
    # u is measured from the middle of its range, unless what is left is a cone's part
    tops = here.tops
    middle, extent = (np.zeros(tops.size), tops) if nonnegative else (tops / 2.0, tops / 2.0)
    offset = last.offset + last.linear[:, n:] @ middle
    slip = gamma(tops.size + 8) * (np.abs(last.linear[:, n:]) @ middle + np.abs(last.offset))
    low = -offset + last.error + slip
    low = low + np.abs(low) * 1e-14
    scale = np.ones(n + tops.size)
    scale[n:] = units * np.exp2(np.ceil(np.log2(np.maximum(tops, 1e-300) / radius)))
    rows = last.linear * scale
    reach = norm_upper(np.append(extent / scale[n:], radius)) * SLACK
    drift = up(last.drift * float(scale.max()), 2)
    return Folded(ReLU(Dense(rows), low), Ball(reach, nonnegative), tops.size, drift)


def certify_folded(
    folded: Folded, clock: Clock, rng: np.random.Generator
) -> tuple[float, Certificate]:
    """Return a lower bound of the stack's kappa, and the certificate that it rests on."""
    certificate = certify_apriori(
        folded.model, folded.domain, budget=clock.left, rng=rng, watch=clock.watch
    )
    return folded_lower(folded, certificate), certificate


def folded_lower(folded: Folded, certificate: Certificate) -> float:
    """Return the bound of the stack's kappa that a certificate of the folded layer gives.

    Only its smallest eigenvalue A is used: the stack has every neuron active that the folded
    layer has, with rows that differ by `error`, so ``(sqrt(A) - error)^2`` bounds its own.
    """
    value = float(certificate.evidence.values["eigenvalue_lower"])
    root = Enclosure.exactly(max(value, 0.0)).sqrt() - folded.error
    if root.lower <= 0.0:
        return 0.0
    return relu_lower((Enclosure.exactly(root.lower) * root.lower).lower)


def _into(layer: Layer, here: _Affine, radius: float) -> _Affine:
    """Return ``W z + b`` as an affine function of c."""
    w = layer.weights
    n = here.linear.shape[1] - here.tops.size
    sizes = np.append(np.full(n, radius), here.tops)
    rounding = gamma(sum(here.linear.shape) + 16)
    moduli = np.abs(w) @ (np.abs(here.linear) @ sizes + np.abs(here.offset)) + np.abs(
        layer.bias
    )
    error = (np.abs(w) @ here.error + 4.0 * rounding * moduli) * SLACK
    size = norm_upper(w)
    drift = up(size * (here.drift + rounding * norm_upper(here.linear)), 4)
    return _Affine(w @ here.linear, w @ here.offset + layer.bias, error, drift, here.tops)


def _through(
    layer: Layer, here: _Affine, domain: tuple[float, bool], positive: bool
) -> _Affine:
    """Return the layer's outputs: those that are always active, and new entries of u."""
    t = _into(layer, here, domain[0])
    lowest, highest = _range(t, domain)
    # without negative weights on inputs that are none there is no rounding to allow for
    sure = positive & (layer.weights >= 0.0).all(axis=1) & (layer.bias >= 0.0)
    on = (lowest >= 0.0) | sure
    free = ~on & (highest > 0.0)
    fresh = np.zeros((len(t.offset), int(np.count_nonzero(free))))
    fresh[free] = np.eye(fresh.shape[1])
    return _Affine(
        np.hstack([np.where(on[:, None], t.linear, 0.0), fresh]),
        np.where(on, t.offset, 0.0),
        np.where(on, t.error, 0.0),
        t.drift,
        np.append(here.tops, highest[free]),
    )


def _range(t: _Affine, domain: tuple[float, bool]) -> tuple[Array, Array]:
    """Return bounds of the values on the domain, rounded outward."""
    radius, nonnegative = domain
    n = t.linear.shape[1] - t.tops.size
    seen, others = t.linear[:, :n], t.linear[:, n:]
    down = np.minimum(seen, 0.0) if nonnegative else seen
    rise = np.maximum(seen, 0.0) if nonnegative else seen
    fall = radius * np.sqrt((down**2).sum(axis=1)) + np.maximum(-others, 0.0) @ t.tops
    lift = radius * np.sqrt((rise**2).sum(axis=1)) + np.maximum(others, 0.0) @ t.tops
    slip = 1e-14 * np.abs(t.offset) + t.error
    return t.offset - fall * SLACK - slip, t.offset + lift * SLACK + slip
