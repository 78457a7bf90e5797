"""The check of an island of a spectrogram."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.common import (
    array_faults,
    certified_signal,
    number_of,
    stated_faults,
)
from recover.certificates.checks.magnitudes import MagnitudesCheck
from recover.certificates.island import (
    KAPPA_SHARE,
    Island,
    island_of,
    radius_of,
    sigma_island,
)
from recover.certificates.island_statements import (
    IslandClaim,
    beyond_of,
    deviation_of,
    island_assumptions,
    island_reason,
    island_scope,
    island_withheld,
)
from recover.certificates.phase.statements import DELTA
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.rigor import probabilistic
from recover.core.rounding import down
from recover.frames.spectrogram import Spectrogram
from recover.models.problem import Problem

__all__ = ["SpectrogramIslandCheck"]

MAX_STEPS = 3000


@dataclass(frozen=True)
class SpectrogramIslandCheck(MagnitudesCheck):
    """Proves the island's least singular value again, with random vectors of its own."""

    @property
    def kind(self) -> str:
        return "spectrogram island"

    def faults_of(
        self, certificate: Certificate, problem: Problem, given: Array | None
    ) -> Iterator[str]:
        frame = problem.model.frame
        if not isinstance(frame, Spectrogram):
            name = type(frame).__name__
            return iter([f"the certificate is of a Spectrogram, not of {name}"])
        return _faults(certificate, problem, frame, given)


def _faults(
    certificate: Certificate, problem: Problem, frame: Spectrogram, given: Array | None
) -> Iterator[str]:
    signal = certified_signal(certificate, problem, given)
    sigma = number_of(certificate, "sigma")
    if not sigma > 0.0:
        yield "the singular value must be > 0"
        return
    first, mask = _mask(certificate, frame)
    island = island_of(frame, signal, first, mask)
    claim = IslandClaim.of(island, first, mask, _radius(certificate))
    radius = radius_of(island, sigma)
    if not 0.0 < claim.radius <= radius:
        yield f"the radius {claim.radius:.17g} is claimed, but only {radius:.17g} is proved"
    heading = tuple(_heading(certificate, problem, island, claim))
    yield from heading
    if heading:
        return  # the number takes long to prove
    if certificate.kappa.upper != math.inf or certificate.error_bound != math.inf:
        yield "an error bound or kappa's upper end is claimed without any evidence"
    if not certificate.kappa.lower <= down(KAPPA_SHARE * sigma):
        yield f"kappa's lower end {certificate.kappa.lower:.6g} does not follow from sigma"
    rng = np.random.default_rng()
    # a little more is aimed at: what is reached was rounded down
    aim = sigma * (1.0 + 2.0**-40)
    found = sigma_island(island, DELTA / 2.0, rng, steps=MAX_STEPS, loss=0.0, at=aim)
    if not found.sigma >= sigma:
        yield f"the singular value {sigma:.6g} could not be proved again"


def _heading(
    certificate: Certificate, problem: Problem, island: Island, claim: IslandClaim
) -> Iterator[str]:
    assumptions = island_assumptions(problem, claim)
    rigor = problem.noise_bound.rigor & probabilistic(DELTA)
    yield from stated_faults(certificate, problem, island_scope(claim), assumptions, rigor)
    yield from array_faults(certificate)
    deviation = number_of(certificate, "number:deviation")
    carried = number_of(certificate, "number:carried")
    true = deviation_of(problem, island, claim)
    if not math.isclose(deviation, true, rel_tol=1e-6, abs_tol=4.0 * island.error):
        yield f"the deviation is stated as {deviation:.6g}, not {true:.6g}"
    if not carried <= certificate.kappa.lower * claim.radius:
        yield f"the deviation that could be carried is stated as {carried:.6g}"
    withheld = island_withheld(claim, deviation, carried)
    beyond = beyond_of(certificate.evidence.values)
    if certificate.reason != island_reason(withheld, beyond):
        yield "the reason is not the one that the evidence names"


def _radius(certificate: Certificate) -> float:
    radius = certificate.scope.to_json().get("radius")
    if not isinstance(radius, float) or not math.isfinite(radius):
        raise ParameterError(f"the radius must be a finite number, got {radius!r}")
    return radius


def _mask(certificate: Certificate, frame: Spectrogram) -> tuple[int, Array]:
    """Return the island's first frame and its mask."""
    frames = certificate.scope.to_json().get("frames")
    if not isinstance(frames, list) or [type(n) for n in frames] != [int, int]:
        raise ParameterError(f"the frames must be two integers, got {frames!r}")
    first, last = frames
    if not 0 <= first <= last < frame.frames:
        raise ParameterError(f"frames {first} to {last} are not frames of the spectrogram")
    shape = (last - first + 1, frame.coef_shape[1])
    packed = certificate.evidence.arrays["mask"]
    size = math.prod(shape)
    if packed.dtype != np.uint8 or packed.shape != (-(-size // 8),):
        raise ParameterError(f"the mask must be {-(-size // 8)} bytes, got {packed.shape}")
    mask = np.unpackbits(packed, count=size).reshape(shape) != 0
    if not (mask[0].any() and mask[-1].any()):
        raise ParameterError("the mask must begin and end with a coefficient")
    return first, mask
