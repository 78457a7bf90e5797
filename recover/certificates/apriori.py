"""Certificates of a frame and a model before any data: the lower Lipschitz constant."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from recover.certificates import lipschitz
from recover.certificates.apriori_modulus import (
    magnitudes_of_complex_rows,
    magnitudes_of_real_rows,
    modulus_reason,
)
from recover.certificates.certificate import Certificate
from recover.certificates.cheap import cheap_lower
from recover.certificates.claim import scaled_levels
from recover.certificates.found import KAPPA_OPEN, Found, evidence_of, search_reason
from recover.certificates.replay.chords import record_arrays
from recover.certificates.scope import Scope
from recover.certificates.search.bracket import Bracket, bracket_cells
from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands
from recover.certificates.search.narrow import Ends, Narrowed, narrow
from recover.certificates.search.pairs import clip_pair
from recover.certificates.search.sight import sight, too_large
from recover.core.arrays import Array, as_generator, digest
from recover.core.enclosure import Enclosure
from recover.core.errors import OutOfScopeError, ParameterError
from recover.core.progress import Watch
from recover.core.rigor import PROVED
from recover.core.rounding import binary_exponent
from recover.frames.structure import HasRows
from recover.models.base import Model
from recover.models.domains import Ball, Domain, Everywhere
from recover.models.modulus import Modulus
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

__all__ = ["certify_apriori"]

LARGEST_EXPONENT = 480  # of two, of rows: their squares stay normal numbers
LARGEST_RADIUS = 1000  # exponent of two: signals of that size keep their digits
UNSEARCHED = (
    " are too many for the exact search; the lower end is what their norms and inner products "
    "prove"
)


def certify_apriori(
    model: Model,
    scope: Domain,
    *,
    budget: float = 60.0,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> Certificate:
    """Enclose the lower Lipschitz constant of a model on a ball, or everywhere.

    Parameters
    ----------
    model : ReLU, Saturation or Modulus
        With a frame that holds its rows exactly, such as `Dense`.
    scope : Ball or Everywhere
        The signals spoken of.
    budget : float >= 0
        Seconds; 0 asks for the bounds that cost next to nothing.
    rng : int or Generator
        For the searches that find witnesses.
    watch : callable, optional
        Told the progress; return True to stop with what is proved.

    Returns
    -------
    Certificate
        `kappa.lower` is proved by the evidence's tree (complex rows: by a moment bound, open
        in general), `kappa.upper` by its pair of signals.

    Raises
    ------
    OutOfScopeError
        If the model or the domain is not one of those above.
    ParameterError
        If `budget` is negative or NaN, or if rows, levels or radius are too large or too small
        for their products to be floating-point numbers.
    """
    if not budget >= 0.0:
        raise ParameterError(f"budget must be >= 0 seconds, got {budget}; 0 is the cheapest")
    clock = Clock.starting(budget, watch)
    generator = as_generator(rng)
    _require_range(_rows(model), scope)
    if isinstance(model, Modulus):
        found, reason = _modulus(model, scope, clock, generator)
    else:
        bands = _bands(model, _rows(model), scope)
        found = _clipped(bands, clock, generator)
        reason = _clipped_reason(bands, found)
    return Certificate(
        kappa=found.kappa,
        error_bound=math.inf,
        scope=_scope(scope),
        assumptions=(),
        rigor=PROVED,
        evidence=evidence_of(found),
        reason=reason,
        subject=digest(model.identity_parts()),
    )


def _rows(model: Model) -> Array:
    frame = model.frame
    if not isinstance(frame, HasRows):
        raise OutOfScopeError(
            f"a priori certificates need the exact rows, which {type(frame).__name__} does not "
            "hold; certify Dense(frame.matrix()), which is off by rounding only"
        )
    return np.asarray(frame.rows)


def _require_range(rows: Array, scope: Domain) -> None:
    """Raise where squares of the rows overflow or vanish, or signals lose their digits."""
    if abs(binary_exponent(rows)) > LARGEST_EXPONENT:
        raise ParameterError(
            f"the rows' entries are of size {float(np.abs(rows).max()):.3g}, and their squares "
            "leave the range of floating point; scale rows and levels alike: kappa scales too"
        )
    radius = scope.radius if isinstance(scope, Ball) else 1.0
    if abs(binary_exponent(np.array([radius]))) > LARGEST_RADIUS:
        raise ParameterError(
            f"signals of norm {radius:g} are hardly floating-point numbers; scale radius and "
            "levels alike: kappa stays the same"
        )


def _bands(model: Model, rows: Array, scope: Domain) -> Bands:
    if isinstance(model, ReLU):
        low, high = model.bias.reshape(-1), np.full(len(rows), np.inf)
    elif isinstance(model, Saturation):
        low, high = model.low.reshape(-1), model.high.reshape(-1)
    else:
        raise OutOfScopeError(f"no a priori certificate is known for {type(model).__name__}")
    if isinstance(scope, Ball):
        return Bands(rows, low, high, float(scope.radius), scope.nonnegative)
    if isinstance(scope, Everywhere):
        return Bands(rows, low, high, math.inf)
    raise OutOfScopeError(
        f"a priori certificates speak of Ball or Everywhere, got {type(scope).__name__}; "
        "use a ball that holds the domain"
    )


def _scope(scope: Domain) -> Scope:
    data = scope.to_json()
    return Scope(str(data.pop("kind")), data)


def _clipped(bands: Bands, clock: Clock, rng: np.random.Generator) -> Found:
    e = binary_exponent(bands.rows)
    f = binary_exponent(np.array([bands.radius])) if math.isfinite(bands.radius) else 0
    scaled = replace(
        bands,
        rows=np.ldexp(bands.rows, -e),
        low=scaled_levels(bands.low, -e - f),
        high=scaled_levels(bands.high, -e - f),
        radius=math.ldexp(bands.radius, -f),
    )
    searched = scaled.useful()
    cheap = cheap_lower(
        searched.rows, searched.low, searched.high, searched.radius, searched.nonnegative
    )
    searched = searched.reached()
    if too_large(searched):
        found, (x, y), ratio = sight(searched, clock, rng)
        clock = clock.within(0.0)
    else:
        found = bracket_cells(searched, clock.scaled(2 * e), rng)
        x, y, ratio = clip_pair(scaled, found, rng)
    lower = max(found.lower, min(cheap, found.upper))
    kappa = lipschitz.saturation_lower(
        lower, searched.rows, searched.low, searched.high, searched.radius
    )
    found = replace(found, lower=lower)
    ratio = min(ratio, lipschitz.root_upper(found.upper))
    ends = Ends(min(kappa, ratio), (x, y), ratio)
    tried = found.closed or found.unresolved > 0
    share = clock.within(clock.left / 2.0 if tried else 0.0).scaled(e)
    return _restored(found, cheap, narrow(searched, ends, share), (e, f))


def _restored(
    found: Bracket, cheap: float, narrowed: Narrowed, exponents: tuple[int, int]
) -> Found:
    """Return what was found of scaled rows and signals in the model's own units."""
    e, f = exponents
    ends, record = narrowed.ends, narrowed.record
    found = replace(
        found,
        lower=math.ldexp(found.lower, 2 * e),
        upper=math.ldexp(found.upper, 2 * e),
        claim=math.ldexp(found.claim, 2 * e),
    )
    x, y = ends.pair
    return Found(
        "cells",
        found,
        math.ldexp(cheap, 2 * e),
        Enclosure(math.ldexp(ends.lower, e), math.ldexp(ends.ratio, e)),
        (np.ldexp(x, f), np.ldexp(y, f)),
        {
            "pair_value": math.ldexp(narrowed.value, 2 * e),
            "pair_nodes": narrowed.nodes,
            "kappa_closed": ends.closed,
        },
        {} if record is None else record_arrays(record),
    )


def _modulus(
    model: Modulus, scope: Domain, clock: Clock, rng: np.random.Generator
) -> tuple[Found, str | None]:
    rows = _rows(model)
    if not isinstance(scope, Everywhere) and not (
        isinstance(scope, Ball) and not scope.nonnegative
    ):
        raise OutOfScopeError(
            "the constant of modulus is known on balls and everywhere only, got "
            f"{scope}; use Everywhere()"
        )
    if np.iscomplexobj(rows):
        found = magnitudes_of_complex_rows(rows, model.frame.real_signal, clock, rng)
    else:
        found = magnitudes_of_real_rows(rows, clock, rng)
    return found, modulus_reason(rows, found)


def _clipped_reason(bands: Bands, found: Found) -> str | None:
    both = np.isfinite(bands.low) & np.isfinite(bands.high)
    if not math.isfinite(bands.radius) and both.all():
        return "far out every row is clipped on an unbounded domain; give a Ball"
    if found.bracket.upper == 0.0 or found.kappa.upper == 0.0:
        if len(bands.rows) < bands.dimension:
            return f"{len(bands.rows)} rows cannot span R^{bands.dimension}"
        if not np.isfinite(bands.high).any() and (bands.low > 0.0).all():
            return "with positive biases no row is active near the origin"
        return (
            "some signal of the domain keeps fewer rows in their bands than are needed to span"
        )
    if too_large(bands):
        return f"{len(bands.rows)} rows of R^{bands.dimension}{UNSEARCHED}"
    reason = search_reason(found)
    if reason is None and not found.values["kappa_closed"]:
        return KAPPA_OPEN
    return reason
