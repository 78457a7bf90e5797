"""The check of the bound for spectrograms with hop 1."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.common import number_of, reason_faults, upper_bound_fault
from recover.certificates.checks.magnitudes import (
    MagnitudesCheck,
    phase_heading,
    support_faults,
)
from recover.certificates.checks.modulus import kappa_faults
from recover.certificates.checks.modulus_steps import check_steps, is_drawn, steps_of
from recover.certificates.phase.chain import chain_lower, edge_weights
from recover.certificates.phase.lags import (
    distance_bound,
    enough_channels,
    floors_of,
    is_closed,
    lags_of,
    window_size,
)
from recover.certificates.phase.rows import Magnitudes, magnitudes_of
from recover.certificates.phase.section import section_fits, section_floor
from recover.certificates.phase.statements import DELTA, named_signal
from recover.core.arrays import Array
from recover.core.rigor import PROVED, probabilistic
from recover.frames.gabor import Gabor
from recover.frames.spectrogram import Spectrogram
from recover.models.problem import Problem

__all__ = ["SpectrogramLagsCheck"]


@dataclass(frozen=True)
class SpectrogramLagsCheck(MagnitudesCheck):
    """Proves the Laplacian's eigenvalue again, and the steps if there are any."""

    @property
    def kind(self) -> str:
        return "modulus lags"

    def faults_of(
        self, certificate: Certificate, problem: Problem, given: Array | None
    ) -> Iterator[str]:
        frame = problem.model.frame
        if not isinstance(frame, Gabor | Spectrogram) or frame.hop != 1:
            return iter(["the certificate is of a spectrogram with hop 1"])
        if not enough_channels(frame) or window_size(frame) < 2:
            return iter(["the window needs more channels, or is longer than the signal"])
        magnitudes = magnitudes_of(problem, named_signal(certificate, problem, given))
        return _faults(certificate, problem, frame, magnitudes)


def _faults(
    certificate: Certificate,
    problem: Problem,
    frame: Gabor | Spectrogram,
    magnitudes: Magnitudes,
) -> Iterator[str]:
    drawn = is_drawn(certificate)
    rigor = problem.noise_bound.rigor & (probabilistic(DELTA) if drawn else PROVED)
    heading = tuple(phase_heading(certificate, problem, rigor, math.inf, drawn=drawn))
    yield from heading
    if heading:
        return  # numbers take long to prove
    outside = tuple(support_faults(magnitudes))
    yield from outside
    if outside:
        return
    floors = _floors(certificate, frame)
    if floors is None or min(floors) <= 0.0:
        yield "how strongly the frames tell the products of samples could not be proved again"
        return
    lags = lags_of(magnitudes, frame, floors=floors)
    tau = number_of(certificate, "tau")
    if not lags.tau[0] <= tau:
        yield f"the change of squared moduli {tau:.17g} is claimed, not {lags.tau[0]:.17g}"
        return
    eigenvalue, pin = number_of(certificate, "eigenvalue"), number_of(certificate, "pin")
    sizes = np.abs(magnitudes.signal)
    weights = edge_weights(sizes, tau, closed=is_closed(frame))
    route = str(certificate.evidence.values["chain_route"])
    proved = 0.0
    if pin == int(pin):
        proved = chain_lower(sizes, weights, route, int(pin), at=eigenvalue)
    if not proved >= eigenvalue > 0.0:
        yield f"the second eigenvalue {eigenvalue:.17g} could not be proved again"
        return
    distance = number_of(certificate, "distance")
    lowest = distance_bound(magnitudes.signal, lags, eigenvalue)
    yield from upper_bound_fault("the distance of all signals", distance, lowest)
    if "steps" not in certificate.evidence.arrays:
        yield from upper_bound_fault("error bound", certificate.error_bound, distance)
        if certificate.kappa.lower != 0.0 or certificate.kappa.upper != math.inf:
            yield f"kappa is claimed as {certificate.kappa}, of which nothing is proved"
        yield from reason_faults(certificate)
        return
    steps = steps_of(certificate)
    if not distance <= steps[0].high:
        yield f"the steps begin at {steps[0].high:.6g}, closer than {distance:.6g}"
    yield from check_steps(certificate, magnitudes, steps)
    yield from upper_bound_fault("error bound", certificate.error_bound, steps[-1].low)
    yield from kappa_faults(certificate, magnitudes, steps[-1])


def _floors(certificate: Certificate, frame: Gabor | Spectrogram) -> tuple[float, float] | None:
    """Return how strongly the products are told: of a Spectrogram as claimed."""
    if isinstance(frame, Gabor):
        return floors_of(frame)
    if not section_fits(frame):
        return None
    first, second = number_of(certificate, "floor:0"), number_of(certificate, "floor:1")
    return section_floor(frame, 0, at=first), section_floor(frame, 1, at=second)
