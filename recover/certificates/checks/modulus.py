"""The check of the local bound for magnitudes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.common import reason_faults, upper_bound_fault
from recover.certificates.checks.magnitudes import (
    MagnitudesCheck,
    phase_heading,
    support_faults,
)
from recover.certificates.checks.modulus_steps import (
    check_steps,
    is_drawn,
    steps_of,
)
from recover.certificates.phase.rows import Magnitudes, magnitudes_of
from recover.certificates.phase.stage import Stage, kappa_at
from recover.certificates.phase.statements import DELTA, named_signal
from recover.certificates.phase.witness import witness_ratio
from recover.core.arrays import Array
from recover.core.rigor import PROVED, probabilistic
from recover.models.problem import Problem

__all__ = ["LocalModulusCheck", "kappa_faults", "witness_faults"]


@dataclass(frozen=True)
class LocalModulusCheck(MagnitudesCheck):
    """Proves the numbers of each step again, and that the steps join."""

    @property
    def kind(self) -> str:
        return "modulus"

    def faults_of(
        self, certificate: Certificate, problem: Problem, given: Array | None
    ) -> Iterator[str]:
        return _faults(certificate, problem, given)


def _faults(certificate: Certificate, problem: Problem, given: Array | None) -> Iterator[str]:
    magnitudes = magnitudes_of(problem, named_signal(certificate, problem, given))
    outside = tuple(support_faults(magnitudes))
    yield from outside
    if outside:
        return
    steps = steps_of(certificate)
    drawn = is_drawn(certificate)
    rigor = problem.noise_bound.rigor & (probabilistic(DELTA) if drawn else PROVED)
    heading = tuple(phase_heading(certificate, problem, rigor, steps[0].high, drawn=drawn))
    yield from heading
    if heading:
        return  # numbers take long to prove
    yield from check_steps(certificate, magnitudes, steps)
    yield from upper_bound_fault("error bound", certificate.error_bound, steps[-1].low)
    yield from kappa_faults(certificate, magnitudes, steps[-1])


def kappa_faults(
    certificate: Certificate, magnitudes: Magnitudes, last: Stage
) -> Iterator[str]:
    """Yield the faults of the enclosure of kappa and of the reason that goes with it."""
    kappa = certificate.kappa
    proved = max(kappa_at(last.threshold, last.sigma, last.weight, last.low), 0.0)
    if not kappa.lower <= proved:
        yield f"kappa's lower end {kappa.lower:.17g} is claimed, but only {proved:.17g} proved"
    yield from reason_faults(certificate)
    yield from witness_faults(certificate, magnitudes)


def witness_faults(certificate: Certificate, magnitudes: Magnitudes) -> Iterator[str]:
    """Yield the faults of kappa's upper end."""
    kappa = certificate.kappa
    witness = certificate.evidence.arrays.get("witness")
    if witness is None:
        if kappa.upper != math.inf:
            yield f"kappa's upper end {kappa.upper:.17g} is claimed without a witness"
        return
    frame = magnitudes.frame
    if witness.shape != frame.signal_shape or not np.isfinite(witness).all():
        yield f"the witness must be finite of shape {frame.signal_shape}"
        return
    allowed = np.zeros(frame.signal_size, dtype=bool)
    allowed[magnitudes.columns] = True
    if witness.ravel()[~allowed].any():
        yield "the witness leaves the support"
    yield from upper_bound_fault(
        "kappa's upper end", kappa.upper, witness_ratio(magnitudes, frame.check_signal(witness))
    )
