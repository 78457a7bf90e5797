"""What certificates of magnitudes say in words, and how they name a complex signal."""

from __future__ import annotations

import math

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.scope import Scope
from recover.certificates.statements import assumptions_of, domain_data
from recover.core.arrays import Array, digest
from recover.core.errors import ParameterError
from recover.models.domains import Support
from recover.models.problem import Problem

__all__ = [
    "DELTA",
    "named_signal",
    "phase_assumptions",
    "phase_scope",
    "phase_signal",
]

DELTA = 1e-9  # probability that the random vectors of a certificate deceive it
EMBEDDED = 2**16  # complex entries of a signal that is kept in the evidence: 1 MB


def phase_scope(problem: Problem, radius: float) -> Scope:
    """Return the scope of a promise up to a global sign or phase; local unless infinite."""
    data: dict[str, object] = {"up_to": _lost(problem)}
    if isinstance(problem.domain, Support):
        data["domain"] = domain_data(problem.domain)
    if math.isinf(radius):
        return Scope("conditional" if "domain" in data else "global", data)
    return Scope("local", {"radius": radius, **data})


def phase_assumptions(
    problem: Problem, radius: float, *, drawn: bool, near: bool = False
) -> tuple[str, ...]:
    """Return everything that a promise about magnitudes rests on besides the data.

    Parameters
    ----------
    problem : Problem
    radius : float
        Of the scope; infinite if it is global.
    drawn : bool
        Whether eigenvalue bounds rest on random vectors.
    near : bool
        Whether only the stability near the recovered signal is promised, and no error bound.
    """
    lost = _lost(problem)
    sentences = [
        f"distances are up to a global {lost}, which magnitudes never tell",
        *assumptions_of(problem, domain=isinstance(problem.domain, Support)),
    ]
    if near and not math.isinf(radius):
        sentences.append(
            f"kappa compares the recovered signal with those within {radius:.6g} of it; of "
            "signals farther away nothing is said"
        )
    elif not math.isinf(radius):
        sentences.append(
            f"the true signal lies within {radius:.6g} of the recovered one, up to that "
            f"{lost}; of consistent signals farther away nothing is said"
        )
    if drawn:
        sentences.append(
            "the eigenvalue bounds hold with a probability of at least "
            f"1 - {DELTA:g} over the random vectors drawn to prove them"
        )
    return tuple(sentences)


def phase_signal(signal: Array) -> tuple[dict[str, str], dict[str, Array]]:
    """Return the evidence values and arrays that name a real or complex signal."""
    flat = _wide(signal)
    return {"signal_digest": digest([flat])}, (
        {"signal": flat} if flat.size <= EMBEDDED else {}
    )


def named_signal(certificate: Certificate, problem: Problem, given: Array | None) -> Array:
    """Return the recovered signal that the certificate speaks of.

    Raises
    ------
    ParameterError
        If it is neither in the evidence nor given, does not fit, or is not the one named.
    """
    kept = certificate.evidence.arrays.get("signal", given)
    if kept is None:
        raise ParameterError(
            "the evidence holds only the digest of the recovered signal; pass signal="
        )
    frame = problem.model.frame
    signal = frame.check_signal(_wide(np.asarray(kept)))
    if signal.shape != frame.signal_shape or not np.isfinite(signal).all():
        raise ParameterError(f"the signal must be finite of shape {frame.signal_shape}")
    if digest([signal]) != certificate.evidence.values["signal_digest"]:
        raise ParameterError("the recovered signal is not the one that the certificate names")
    if given is not None and not np.array_equal(_wide(np.asarray(given)), signal):
        raise ParameterError("the signal given is not the one that was certified")
    return signal


def _lost(problem: Problem) -> str:
    return "sign" if problem.model.frame.real_signal else "phase"


def _wide(signal: Array) -> Array:
    return np.ascontiguousarray(
        signal, dtype=np.complex128 if np.iscomplexobj(signal) else np.float64
    )
