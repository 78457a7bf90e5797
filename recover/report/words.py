"""A certificate in plain words."""

from __future__ import annotations

import math

from recover.certificates.certificate import Certificate

__all__ = ["certificate_paragraphs", "number"]

_SCOPES = {
    "global": "every signal that is consistent with the data",
    "ball": "every signal in the stated ball that is consistent with the data",
    "local": "every consistent signal no farther away than the distance below",
    "conditional": "every signal that satisfies the assumptions below",
}


def number(value: float, digits: int = 4) -> str:
    """Return a number for reading: four significant digits, infinity as a word."""
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    return f"{value:.{digits}g}"


def certificate_paragraphs(certificate: Certificate) -> list[str]:
    """Return what the certificate promises, and does not, as a list of paragraphs."""
    lines = [_promise(certificate)]
    if certificate.reason is not None:
        lines.append(f"Reason: {certificate.reason.rstrip('.')}.")
    kappa = certificate.kappa
    if kappa.lower > 0.0:
        lines.append(
            f"The data determine the signal with kappa between {number(kappa.lower)} "
            f"and {number(kappa.upper)}: noise grows by a factor of at most "
            f"{number(certificate.amplification.upper)}."
        )
    if not certificate.finite and kappa.lower == 0.0 and math.isinf(kappa.upper):
        return lines  # nothing that could rest on anything
    if certificate.assumptions:
        lines.append("It rests on: " + " ".join(_sentence(a) for a in certificate.assumptions))
    else:
        lines.append("It rests on the data alone.")
    lines.append(f"How firmly: {certificate.rigor}.")
    return lines


def _promise(certificate: Certificate) -> str:
    whom = _SCOPES[certificate.scope.kind]
    if certificate.finite:
        return (
            f"Promise: {whom} lies within {number(certificate.error_bound)} of the recovered "
            "signal (Euclidean distance, in signal units)."
        )
    return (
        "No bound on the error is promised from the data alone: what was recovered is an "
        "estimate, not a certainty."
    )


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:].rstrip(".") + "."
