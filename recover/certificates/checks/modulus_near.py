"""The check of a local stability for magnitudes that comes without an error bound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.magnitudes import (
    MagnitudesCheck,
    phase_heading,
    support_faults,
)
from recover.certificates.checks.modulus import witness_faults
from recover.certificates.checks.modulus_steps import is_drawn, number_faults, steps_of
from recover.certificates.phase.rows import Magnitudes, magnitudes_of
from recover.certificates.phase.stage import kappa_at
from recover.certificates.phase.statements import DELTA, named_signal
from recover.certificates.reasons import Why, Withheld
from recover.core.arrays import Array
from recover.core.rigor import PROVED, probabilistic
from recover.models.problem import Problem

__all__ = ["NearModulusCheck"]


@dataclass(frozen=True)
class NearModulusCheck(MagnitudesCheck):
    """Proves the numbers of the step again, and that no error bound is claimed."""

    @property
    def kind(self) -> str:
        return "modulus_near"

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
    if certificate.error_bound != math.inf:
        yield f"an error bound {certificate.error_bound:g} is claimed without any evidence"
    withheld = Withheld.restored(certificate.evidence.values)
    fitting = (Why.DEVIATION, Why.PHASES_OPEN)
    if withheld.why not in fitting or withheld.sentence != certificate.reason:
        yield "the reason is not the one that the evidence names"
    steps = steps_of(certificate) if "steps" in certificate.evidence.arrays else []
    radius, drawn = steps[0].high if steps else math.inf, is_drawn(certificate)
    rigor = probabilistic(DELTA) if drawn else PROVED
    heading = tuple(phase_heading(certificate, problem, rigor, radius, drawn=drawn, near=True))
    yield from heading
    if heading:
        return  # numbers take long to prove
    yield from _lower_faults(certificate, magnitudes)
    yield from witness_faults(certificate, magnitudes)


def _lower_faults(certificate: Certificate, magnitudes: Magnitudes) -> Iterator[str]:
    """Prove the lower end of kappa again."""
    steps = steps_of(certificate) if "steps" in certificate.evidence.arrays else []
    proved = 0.0
    if len(steps) > 1:
        yield "there is more than one step"
        return
    if steps:
        step = steps[0]
        if not (step.threshold > 0.0 and step.sigma > 0.0 and step.weight >= 0.0):
            yield "the numbers of the step have the wrong sign"
            return
        if not 0.0 < step.high < step.threshold:
            yield f"the radius {step.high:g} is not below the threshold {step.threshold:g}"
            return
        yield from number_faults(certificate, magnitudes, step, 0, np.random.default_rng())
        proved = max(kappa_at(step.threshold, step.sigma, step.weight, step.high), 0.0)
    kappa = certificate.kappa.lower
    if not kappa <= proved:
        yield f"kappa's lower end {kappa:.17g} is claimed, but only {proved:.17g} proved"
