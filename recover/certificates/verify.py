"""Verification: a certificate is proved again from its evidence; nothing else is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import recover.certificates.checks as package
from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.reading import reading_faults
from recover.core.arrays import Array
from recover.core.discovery import concrete_classes
from recover.core.errors import RecoverError, require_type
from recover.models.base import Model
from recover.models.problem import Problem

__all__ = ["Verdict", "verify"]

WHOLE = "parts"  # of a certificate that is put together from those of other measurements

# what reading evidence that was written by somebody else may raise
_DAMAGE = (RecoverError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


@dataclass(frozen=True)
class Verdict:
    """Whether a certificate was proved again.

    Parameters
    ----------
    accepted : bool
        True only if every claim was.
    reasons : tuple of str
        What could not be proved, a sentence each; empty if accepted.
    """

    accepted: bool
    reasons: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.accepted


def verify(
    certificate: Certificate,
    subject: Model | Problem | Sequence[Problem],
    signal: Array | Sequence[Array | None] | None = None,
) -> Verdict:
    """Prove a certificate again from its evidence alone.

    Scope, assumptions, noise and subject are derived again from `subject`, and every number
    again from the evidence; nothing of the certificate is taken on trust, and no code of the
    proofs, of a search or of a solver is used.

    Parameters
    ----------
    certificate : Certificate
        As issued, or as read from JSON.
    subject : Model or Problem, or a sequence of Problem
        The model of an a priori certificate, the problem of an a posteriori one, or the
        problems of the parts, in order.
    signal : array [shape=frame.signal_shape], optional
        The recovered signal, needed where the evidence holds only its digest (above 1 MB); a
        sequence for parts.

    Returns
    -------
    Verdict

    Raises
    ------
    ParameterError
        If `certificate` is no `Certificate`.
    """
    require_type("certificate", certificate, Certificate, "then comes what it speaks of")
    if certificate.parts is not None and certificate.evidence.kind == WHOLE:
        from recover.certificates.parts import part_faults

        try:
            faults = part_faults(certificate, subject, signal, verify)
        except (*_DAMAGE, RecursionError) as error:
            return _refused(f"the parts are damaged or do not fit: {error}")
        return Verdict(not faults, faults)
    if not isinstance(subject, Model | Problem):
        return _refused("a certificate of one measurement has one subject, not several")
    if signal is not None and not isinstance(signal, np.ndarray):
        return _refused("a certificate without parts has one signal, not several")
    check = _checks().get(certificate.evidence.kind)
    if check is None:
        return _refused(f"there is no check for evidence of kind {certificate.evidence.kind!r}")
    try:
        # evidence of somebody else's may hold anything; what is not finite proves nothing
        with np.errstate(all="ignore"):
            faults = check.faults(certificate, subject, signal)
        if isinstance(subject, Problem):
            faults = (*faults, *reading_faults(subject))
    except _DAMAGE as error:
        return _refused(f"the evidence is damaged or does not fit: {error}")
    return Verdict(not faults, faults)


def _checks() -> dict[str, Check]:
    classes = concrete_classes(package, Check)
    return {check.kind: check for check in (each() for each in classes.values())}


def _refused(reason: str) -> Verdict:
    return Verdict(False, (reason,))
