"""The check of the steps of a local bound: their numbers, and that they join."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.phase_dense import (
    dense_fits,
    sigma_dense,
    turned_rows,
    weight_dense,
)
from recover.certificates.phase_free import (
    FILTER,
    SYMMETRIC,
    free_fits,
    sigma_free,
    symmetric_fits,
    weight_free,
)
from recover.certificates.phase_rows import Magnitudes
from recover.certificates.phase_stage import Stage, stage_faults
from recover.certificates.phase_statements import DELTA
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rounding import up
from recover.frames.bounds import subframe_lower

__all__ = ["check_steps", "is_drawn", "steps_of"]

exactly = Enclosure.exactly
MAX_STEPS = 8


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
    rng = np.random.default_rng()
    for k, step in enumerate(steps):
        if not (step.threshold > 0.0 and step.sigma > 0.0 and step.weight >= 0.0):
            yield f"the numbers of step {k} have the wrong sign"
            return
        tau = magnitudes.deviation(magnitudes.kept(step.threshold))
        fault = stage_faults(step, tau)
        if fault is not None:
            yield f"step {k}: {fault}"
        if k > 0 and not steps[k - 1].low <= step.high:
            yield f"step {k} does not begin where step {k - 1} ends"
        yield from _number_faults(certificate, magnitudes, step, k, rng)


def _number_faults(
    certificate: Certificate,
    magnitudes: Magnitudes,
    step: Stage,
    k: int,
    rng: np.random.Generator,
) -> Iterator[str]:
    values = certificate.evidence.values
    route, weight_route = str(values[f"route:{k}"]), str(values[f"weight_route:{k}"])
    keep = magnitudes.kept(step.threshold)
    if not keep.any():
        yield f"step {k} has no coefficients"
        return
    real = magnitudes.frame.real_coefs
    turned = None
    proved = False
    if route == "frame" and real:
        square = up(up(step.sigma * step.sigma), 2)
        found = subframe_lower(
            magnitudes.frame, keep, at=square, route=str(values[f"inner:{k}"])
        )
        proved = found.value >= square
    elif route == "dense" and dense_fits(magnitudes):
        turned = turned_rows(magnitudes, step.threshold)
        inner = str(values[f"inner:{k}"])
        proved = sigma_dense(turned, at=step.sigma, route=inner)[0] >= step.sigma
    elif route in (FILTER, SYMMETRIC) and free_fits(magnitudes):
        near = _positive(certificate, f"near:{k}")
        if (route == SYMMETRIC) == symmetric_fits(magnitudes, keep):
            bound = sigma_free(
                magnitudes, keep, DELTA / 4.0, rng, loss=0.0, near=near, at=step.sigma
            )
            proved = bound.value >= step.sigma
    if not proved:
        yield f"step {k}: the singular value {step.sigma:.17g} could not be proved again"
    if weight_route == "real" and real:
        weight = 0.0
    elif weight_route == "spread":
        rest = exactly(magnitudes.frame.bounds().upper) - exactly(step.sigma) * step.sigma
        root = Enclosure(0.0, max(rest.upper, 0.0)).sqrt().upper
        weight = (exactly(root) / exactly(step.threshold)).upper
    elif weight_route == "weighted" and turned is not None:
        weight = weight_dense(turned, step.threshold, at=step.weight)
    elif weight_route == "weighted" and free_fits(magnitudes):
        near = _positive(certificate, f"weight_near:{k}")
        weight = weight_free(
            magnitudes, keep, DELTA / 4.0, rng, near=near, at=step.weight
        ).value
    else:
        weight = math.inf
    if not weight <= step.weight:
        yield f"step {k}: the weight {step.weight:.17g} could not be proved again"


def _positive(certificate: Certificate, name: str) -> float:
    value = certificate.evidence.values[name]
    if isinstance(value, bool | str) or not 0.0 < value < math.inf:
        raise ParameterError(f"evidence value {name!r} must be > 0 and finite, got {value!r}")
    return float(value)
