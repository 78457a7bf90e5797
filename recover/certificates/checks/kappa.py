"""The check of kappa for the rows that the data fix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from recover.certificates.certificate import Certificate
from recover.certificates.checks.common import number_of, reason_faults, tightness
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED, Rigor
from recover.frames.bounds import subframe_lower
from recover.models.problem import Problem

__all__ = ["CheckedKappa", "checked_kappa", "kappa_faults"]


class CheckedKappa(NamedTuple):
    """The smallest singular value of the fixed rows that was proved again (0 if none)."""

    s: float
    rigor: Rigor


def checked_kappa(certificate: Certificate, problem: Problem) -> CheckedKappa:
    """Prove the eigenvalue of the evidence again, with one factorisation.

    Raises
    ------
    ParameterError
        If it cannot be proved.
    """
    if "eigenvalue" not in certificate.evidence.values:
        return CheckedKappa(0.0, PROVED)
    eigenvalue = number_of(certificate, "eigenvalue")
    if eigenvalue <= 0.0:
        raise ParameterError(f"the eigenvalue must be positive, got {eigenvalue}")
    route = str(certificate.evidence.values["route"])
    fixed = problem.knowledge.fixed
    found = subframe_lower(problem.model.frame, fixed, at=eigenvalue, route=route)
    if not found.value >= eigenvalue:
        raise ParameterError(
            f"the smallest eigenvalue {eigenvalue:.17g} could not be proved again"
        )
    return CheckedKappa(Enclosure.exactly(eigenvalue).sqrt().lower, found.rigor)


def kappa_faults(certificate: Certificate, problem: Problem, s: float) -> Iterator[str]:
    """Yield the faults of the enclosure of kappa and of the reason that goes with it."""
    frame, knowledge = problem.model.frame, problem.knowledge
    kappa = certificate.kappa
    if knowledge.fixed_count < frame.signal_size:
        if kappa.lower != 0.0:
            yield "kappa is claimed to be positive with fewer fixed coefficients than unknowns"
        if certificate.reason is not None:
            yield f"the reason {certificate.reason!r} does not belong to this certificate"
        return
    yield from tightness(certificate, frame, knowledge.fixed, s)
    yield from reason_faults(certificate)
