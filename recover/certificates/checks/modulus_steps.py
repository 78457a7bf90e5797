"""The check of the steps of a local bound: their numbers, and that they join."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.phase.bands import BANDS, bands_fit, sigma_bands
from recover.certificates.phase.dense import (
    Turned,
    dense_fits,
    sigma_dense,
    turned_rows,
    weight_dense,
)
from recover.certificates.phase.free import (
    FILTER,
    SYMMETRIC,
    free_fits,
    sigma_free,
    weight_free,
)
from recover.certificates.phase.rows import Magnitudes
from recover.certificates.phase.stage import Stage, stage_faults
from recover.certificates.phase.statements import DELTA
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rounding import up
from recover.frames.bounds import subframe_lower

__all__ = ["check_steps", "is_drawn", "number_faults", "steps_of"]

exactly = Enclosure.exactly
MAX_STEPS = 8
CHANCE = DELTA / 4.0  # of each of two numbers of two steps


class _Claim(NamedTuple):
    """A step of a certificate, with its rows where they are needed."""

    certificate: Certificate
    magnitudes: Magnitudes
    step: Stage
    k: int
    turned: Turned | None


def steps_of(certificate: Certificate) -> list[Stage]:
    """Return the steps of the evidence; raises `ParameterError` if they are damaged."""
    array = certificate.evidence.arrays["steps"]
    fits = array.ndim == 2 and array.shape[1] == 5 and 1 <= array.shape[0] <= MAX_STEPS
    if not fits or array.dtype != np.float64 or not np.isfinite(array).all():
        raise ParameterError(
            f"the steps must be finite float64 of shape (1 to {MAX_STEPS}, 5), "
            f"got {array.dtype} of shape {array.shape}"
        )
    return [Stage(*(float(number) for number in row)) for row in array]


def is_drawn(certificate: Certificate) -> bool:
    """Return whether some step rests on random vectors."""
    values = certificate.evidence.values
    return any(name.startswith(("near:", "weight_near:")) for name in values)


def check_steps(
    certificate: Certificate, magnitudes: Magnitudes, steps: list[Stage]
) -> Iterator[str]:
    """Yield the faults of the steps.

    Random vectors are the verifier's own: a certificate that was made to suit some seed gains
    nothing.
    """
    for k, (before, step) in enumerate(itertools.pairwise(steps)):
        if not before.low <= step.high:
            yield f"step {k + 1} does not begin where step {k} ends"
    rng = np.random.default_rng()
    for k, step in enumerate(steps):
        if not (step.threshold > 0.0 and step.sigma > 0.0 and step.weight >= 0.0):
            yield f"the numbers of step {k} have the wrong sign"
            return
        tau = magnitudes.deviation(magnitudes.kept(step.threshold))
        fault = stage_faults(step, tau)
        if fault is not None:
            yield f"step {k}: {fault}"
        yield from number_faults(certificate, magnitudes, step, k, rng)


def number_faults(
    certificate: Certificate,
    magnitudes: Magnitudes,
    step: Stage,
    k: int,
    rng: np.random.Generator,
) -> Iterator[str]:
    """Yield a fault if one of the numbers of step k cannot be proved."""
    if not magnitudes.kept(step.threshold).any():
        yield f"step {k} has no coefficients"
        return
    turned = None
    if certificate.evidence.values[f"route:{k}"] == "dense" and dense_fits(magnitudes):
        turned = turned_rows(magnitudes, step.threshold)
    claim = _Claim(certificate, magnitudes, step, k, turned)
    if not _sigma_proved(claim, rng):
        yield f"step {k}: the singular value {step.sigma:.17g} could not be proved again"
    elif not _weight_proved(claim, rng):
        yield f"step {k}: the weight {step.weight:.17g} could not be proved again"


def _sigma_proved(claim: _Claim, rng: np.random.Generator) -> bool:
    certificate, magnitudes, step, k, turned = claim
    values, keep = certificate.evidence.values, magnitudes.kept(step.threshold)
    route = str(values[f"route:{k}"])
    if route == "frame" and magnitudes.frame.real_coefs:
        square, inner = up(step.sigma * step.sigma), str(values[f"inner:{k}"])
        return subframe_lower(magnitudes.frame, keep, at=square, route=inner).value >= square
    if turned is not None:
        inner = str(values[f"inner:{k}"])
        return sigma_dense(turned, at=step.sigma, route=inner)[0] >= step.sigma
    if route == BANDS and bands_fit(magnitudes):
        return sigma_bands(magnitudes, keep, at=step.sigma) >= step.sigma
    if route not in (FILTER, SYMMETRIC) or not free_fits(magnitudes):
        return False
    near = _positive(certificate, f"near:{k}")
    found = sigma_free(
        magnitudes, keep, CHANCE, rng, loss=0.0, near=near, at=step.sigma, route=route
    )
    return found.value >= step.sigma


def _weight_proved(claim: _Claim, rng: np.random.Generator) -> bool:
    certificate, magnitudes, step, k, turned = claim
    route = str(certificate.evidence.values[f"weight_route:{k}"])
    if route == "real":
        return magnitudes.frame.real_coefs
    if route == "spread":
        rest = exactly(magnitudes.upper) - exactly(step.sigma) * step.sigma
        root = Enclosure(0.0, max(rest.upper, 0.0)).sqrt().upper
        return (exactly(root) / exactly(step.threshold)).upper <= step.weight
    if route != "weighted":
        return False
    if turned is not None:
        return weight_dense(turned, step.threshold, at=step.weight) <= step.weight
    if not free_fits(magnitudes):
        return False
    near, keep = _positive(certificate, f"weight_near:{k}"), magnitudes.kept(step.threshold)
    found = weight_free(magnitudes, keep, CHANCE, rng, near=near, at=step.weight)
    return found.value <= step.weight


def _positive(certificate: Certificate, name: str) -> float:
    value = certificate.evidence.values[name]
    if isinstance(value, bool | str) or not 0.0 < value < math.inf:
        raise ParameterError(f"evidence value {name!r} must be > 0 and finite, got {value!r}")
    return float(value)
