"""What the checks of recoveries from magnitudes have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.common import array_faults, stated_faults
from recover.certificates.phase.rows import Magnitudes
from recover.certificates.phase.statements import phase_assumptions, phase_scope
from recover.core.arrays import Array
from recover.core.rigor import Rigor
from recover.models.base import Model
from recover.models.modulus import Modulus
from recover.models.problem import Problem

__all__ = ["MagnitudesCheck", "phase_heading", "support_faults"]


class MagnitudesCheck(Check):
    """Re-proves certificates that speak of a signal recovered from magnitudes."""

    def faults(
        self, certificate: Certificate, subject: Model | Problem, signal: Array | None, /
    ) -> tuple[str, ...]:
        if not isinstance(subject, Problem) or not isinstance(subject.model, Modulus):
            return ("the certificate is of a recovery from magnitudes, not of this subject",)
        return tuple(self.faults_of(certificate, subject, signal))

    @abstractmethod
    def faults_of(
        self, certificate: Certificate, problem: Problem, given: Array | None, /
    ) -> Iterator[str]:
        """Yield what could not be proved again of a problem whose model is `Modulus`."""


def phase_heading(
    certificate: Certificate,
    problem: Problem,
    rigor: Rigor,
    radius: float,
    *,
    drawn: bool,
    near: bool = False,
) -> Iterator[str]:
    """Yield the faults of what is not a number: subject, noise, scope, assumptions, rigor."""
    assumptions = phase_assumptions(problem, radius, drawn=drawn, near=near)
    yield from stated_faults(
        certificate, problem, phase_scope(problem, radius), assumptions, rigor
    )
    yield from array_faults(certificate)


def support_faults(magnitudes: Magnitudes) -> Iterator[str]:
    """Yield a fault if the signal is zero, or not zero where it must be."""
    signal = magnitudes.signal
    if np.delete(signal, magnitudes.columns).any() or not signal.any():
        yield "the recovered signal is zero or leaves its support"
