"""One layer on a ball, its non-negative part, or everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate
from recover.certificates.coherence import coherence_lower
from recover.certificates.search.active import ActiveNeurons, search_few_active
from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands
from recover.certificates.search.rational import rank_below
from recover.certificates.search.rays import fewest_positive, ray_count
from recover.core.arrays import Array, frozen
from recover.core.enclosure import Enclosure
from recover.core.rounding import binary_exponent
from recover.frames.dense import Dense
from recover.layers.account import singular_values
from recover.layers.critical import critical_of
from recover.layers.network import Layer
from recover.layers.pair import same_output_pair
from recover.layers.result import Injectivity, LayerAnalysis, active_phrase
from recover.models.domains import Ball, Everywhere
from recover.models.relu import ReLU
from recover.theory.finite import injectivity_failure_bound

__all__ = ["analyse_layer"]

MAX_RAYS = 200_000
MAX_DIMENSION = 12  # of exact enumeration and rational ranks
SEARCH_SHARE, CRITICAL_SHARE = 0.2, 0.3  # of the budget
ZERO = Enclosure(0.0, 0.0)


@dataclass(frozen=True, eq=False)
class _Found:
    verdict: Injectivity
    kappa: Enclosure
    reason: str | None
    point: Array | None = None
    certificate: Certificate | None = None


def analyse_layer(
    layer: Layer,
    radius: float,
    nonnegative: bool,
    clock: Clock,
    rng: np.random.Generator,
    *,
    sampled_active: Array,
    critical: bool,
) -> LayerAnalysis:
    """Decide whether one layer is injective on its domain, as far as the budget goes.

    Parameters
    ----------
    layer : Layer
        Weights and biases.
    radius : float, possibly infinite
        Of the ball of its inputs.
    nonnegative : bool
        Only inputs with entries >= 0.
    clock : Clock
        The budget.
    rng : Generator
        For searches.
    sampled_active : array of int
        What is said of its activity at random inputs.
    critical : bool
        Whether to enclose the critical bias too, in a share of the budget.
    """
    bands = _bands(layer, radius, nonnegative)
    start = clock.left
    active = _few_active(bands, clock.within(SEARCH_SHARE * start), rng)
    found = _decide(layer, bands, active, clock.within(0.8 * clock.left), rng)
    active = replace(active, lower=_least_active(bands, active, found))
    pair = None if found.point is None else same_output_pair(bands, found.point, rng)
    share = min(CRITICAL_SHARE * start, clock.left, max(start - clock.left, 3.0))
    return LayerAnalysis(
        verdict=found.verdict,
        inputs=layer.inputs,
        outputs=layer.outputs,
        radius=radius,
        nonnegative=nonnegative,
        kappa=found.kappa,
        min_active=active,
        witness=pair,
        critical_bias=critical_of(bands, clock.within(share), rng) if critical else None,
        random_failure=injectivity_failure_bound(layer.outputs, layer.inputs),
        reason=found.reason,
        certificate=found.certificate,
        singular_values=singular_values(layer),
        sampled_active=sampled_active,
    )


def _least_active(bands: Bands, active: ActiveNeurons, found: _Found) -> int:
    """Return a proved lower bound of the number of active neurons."""
    n, lower = bands.dimension, active.lower
    if found.verdict is Injectivity.INJECTIVE:
        lower = max(lower, n)
    scaled = _scaled(bands)[0]
    off = coherence_lower(scaled.rows, scaled.low, scaled.radius, scaled.nonnegative)[1]
    dead = int(np.count_nonzero(_never(bands)))
    return min(max(lower, bands.count - off - dead), active.count)


def _bands(layer: Layer, radius: float, nonnegative: bool) -> Bands:
    high = np.full(layer.outputs, np.inf)
    return Bands(layer.weights, 0.0 - layer.bias, high, radius, nonnegative)


def _scaled(bands: Bands) -> tuple[Bands, float]:
    """Return bands of order one on a ball, and the factor of their signals.

    On an unbounded domain: the cone if no threshold is positive, else a ball so large that
    thresholds are small.
    """
    e = binary_exponent(bands.rows)
    if bands.like_cone:
        cone = bands.as_cone()
        return replace(cone, rows=np.ldexp(bands.rows, -e)), 1.0
    f = binary_exponent(np.array([bands.radius]))
    if not math.isfinite(bands.radius):
        f = max(binary_exponent(bands.low) - e + 8, 0)
    return replace(
        bands,
        rows=np.ldexp(bands.rows, -e),
        low=np.ldexp(bands.low, -e - f),
        radius=math.ldexp(bands.radius, -f) if math.isfinite(bands.radius) else 1.0,
    ), math.ldexp(1.0, f)


def _few_active(bands: Bands, clock: Clock, rng: np.random.Generator) -> ActiveNeurons:
    """Return the fewest active neurons: exact without biases if small, else by search."""
    scaled, factor = _scaled(bands)
    central = not scaled.low.any() and not bands.nonnegative
    lower = 0
    point = np.zeros(bands.dimension)
    if central and bands.dimension <= MAX_DIMENSION and ray_count(bands.rows) <= MAX_RAYS:
        found = fewest_positive(scaled.rows)
        lower = found.lower
        size = max(float(np.linalg.norm(found.signal)), 1e-300)
        point = found.signal * (0.5 * scaled.radius / size)
        if _count(scaled, point) == lower:
            return ActiveNeurons(lower, lower, frozen(_outward(bands, point * factor)))
    searched = search_few_active(scaled, clock, rng, enough=lower)
    best = min((point, searched), key=lambda x: _count(scaled, x))
    best = _outward(bands, best * factor)
    return ActiveNeurons(_count(bands, best), lower, frozen(best))


def _count(bands: Bands, x: Array) -> int:
    off = bands.surely_saturated(x[None])[0] | _never(bands)
    return int(np.count_nonzero(~off))


def _never(bands: Bands) -> Array:
    """Tell which neurons have no weights and no positive bias: they are never active."""
    never: Array = ~bands.rows.any(axis=1) & (bands.low >= 0.0)
    return never


def _outward(bands: Bands, x: Array) -> Array:
    """Return a direction of an unbounded domain so far out that thresholds are passed."""
    if math.isfinite(bands.radius) or not bands.like_cone:
        return x
    counts = [_count(bands, x * 4.0**k) for k in range(24)]
    wanted = max(min(counts), bands.dimension - 1)  # near by, so that outputs stay small
    return x * 4.0 ** next(k for k, count in enumerate(counts) if count <= wanted)


def _decide(
    layer: Layer, bands: Bands, active: ActiveNeurons, clock: Clock, rng: np.random.Generator
) -> _Found:
    n = layer.inputs
    if layer.outputs < n:
        reason = f"{layer.outputs} neurons cannot tell apart {n} dimensions"
        return _Found(Injectivity.NOT_INJECTIVE, ZERO, reason, active.witness)
    if active.count < n:
        reason = f"at an input {active_phrase(active.count)}, fewer than the {n} dimensions"
        return _Found(Injectivity.NOT_INJECTIVE, ZERO, reason, active.witness)
    if not math.isfinite(bands.radius) and bands.nonnegative and not bands.like_cone:
        reason = "on unbounded non-negative inputs negative biases of a network are not "
        return _Found(
            Injectivity.UNDECIDED, Enclosure(0.0, math.inf), reason + "covered; give a radius"
        )
    return _searched(bands, active, clock, rng)


def _searched(
    bands: Bands, active: ActiveNeurons, clock: Clock, rng: np.random.Generator
) -> _Found:
    """Decide by the exact engine."""
    model = ReLU(Dense(bands.rows), bands.low)
    domain: Ball | Everywhere = Everywhere()
    if math.isfinite(bands.radius):
        domain = Ball(bands.radius, bands.nonnegative)
    elif bands.nonnegative:
        # far out no threshold matters and near in more rows are active
        model, domain = ReLU(Dense(bands.rows)), Ball(1.0, nonnegative=True)
    certificate = certify_apriori(model, domain, budget=clock.left, rng=rng, watch=clock.watch)
    kappa = certificate.kappa
    if kappa.lower > 0.0:
        return _Found(Injectivity.INJECTIVE, kappa, None, certificate=certificate)
    witness = certificate.evidence.arrays.get("witness")
    for point in (witness, active.witness):
        if point is not None and _dependent(bands, point):
            reason = "at an input the active neurons' weights are exactly dependent"
            if _count(bands, point) < bands.dimension:
                reason = "at an input fewer neurons are active than there are dimensions"
            return _Found(Injectivity.NOT_INJECTIVE, ZERO, reason, point, certificate)
    return _Found(Injectivity.UNDECIDED, kappa, certificate.reason, certificate=certificate)


def _dependent(bands: Bands, point: Array) -> bool:
    """Tell, without doubt, that the rows not off for sure do not span."""
    n = bands.dimension
    point = bands.inside(point[None])[0]
    kept = bands.rows[~bands.surely_saturated(point[None])[0]]
    kept = kept[kept.any(axis=1)]
    if len(kept) < n:
        return True
    sizes = np.linalg.svd(kept, compute_uv=False)
    if n > MAX_DIMENSION or sizes[-1] > 1e-10 * sizes[0]:
        return False
    return rank_below(kept, n)
