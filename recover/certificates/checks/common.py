"""What all checks of recovered signals have in common."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.reasons import NO_WITNESS, Withheld, local_only
from recover.certificates.roundoff import underflow
from recover.certificates.scope import Scope
from recover.certificates.statements import assumptions_of, scope_of
from recover.core.arrays import Array, digest
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rigor import Rigor
from recover.core.rounding import U, norm_lower, norm_upper
from recover.frames.base import Frame
from recover.models.problem import Problem

__all__ = [
    "array_faults",
    "array_of",
    "certified_signal",
    "farthest",
    "heading",
    "number_of",
    "stated_faults",
    "tightness",
    "upper_bound_fault",
]


def heading(
    certificate: Certificate,
    problem: Problem,
    rigor: Rigor,
    *,
    domain: bool = False,
    prior: bool = False,
) -> Iterator[str]:
    """Yield the faults of what is not a number: subject, noise, scope, assumptions, rigor."""
    scope = scope_of(problem, domain=domain, prior=prior)
    assumptions = assumptions_of(problem, domain=domain, prior=prior)
    yield from stated_faults(certificate, problem, scope, assumptions, rigor)


def stated_faults(
    certificate: Certificate,
    problem: Problem,
    scope: Scope,
    assumptions: tuple[str, ...],
    rigor: Rigor,
) -> Iterator[str]:
    """Yield where subject, noise, scope, assumptions or rigor are not those that are due."""
    if certificate.subject != problem.digest:
        yield (
            "the certificate speaks of another frame, model or data: its subject is "
            f"{certificate.subject[:16]}, this one is {problem.digest[:16]}"
        )
    if dict(certificate.noise) != problem.noise.to_json():
        yield f"the noise is stated as {dict(certificate.noise)}, not {problem.noise.to_json()}"
    if certificate.scope.to_json() != scope.to_json():
        yield f"the scope is stated as {certificate.scope.to_json()}, not {scope.to_json()}"
    if certificate.assumptions != assumptions:
        yield "the assumptions are not those that the proof rests on"
    if certificate.rigor != rigor:
        yield f"the rigor is stated as {certificate.rigor}, not {rigor}"
    centre = certificate.centre
    if centre is not None and centre.shape != problem.model.frame.signal_shape:
        yield "the centre has another shape than the signal"
    if certificate.parts is not None:
        yield "parts were added to a certificate that has none"


def farthest(x: Array, low: Array, high: Array) -> Array:
    """Return bounds of how far numbers between two ends are from `x`, entry by entry."""
    away: Array = np.maximum(np.maximum(high - x, x - low), 0.0)
    return away * (1.0 + 4.0 * U)  # a difference is rounded once, and so is this product


def array_faults(certificate: Certificate) -> Iterator[str]:
    """Yield a fault if there are arrays, for a certificate that has none."""
    if certificate.pointwise is not None or certificate.centre is not None:
        yield "arrays were added to a certificate that has none"


def certified_signal(certificate: Certificate, problem: Problem, given: Array | None) -> Array:
    """Return the recovered signal that the certificate speaks of.

    Raises
    ------
    ParameterError
        If it is neither in the evidence nor given, or is not the one named by the digest.
    """
    signal = certificate.evidence.arrays.get("signal", given)
    if signal is None:
        raise ParameterError(
            "the evidence holds only the digest of the recovered signal; pass signal="
        )
    if any(np.iscomplexobj(each) for each in (signal, given) if each is not None):
        raise ParameterError("the signal must be real, got complex values")
    flat = np.ascontiguousarray(signal, dtype=np.float64)
    if flat.shape != problem.model.frame.signal_shape:
        raise ParameterError(
            f"the signal has shape {flat.shape}, not {problem.model.frame.signal_shape}"
        )
    if digest([flat]) != certificate.evidence.values["signal_digest"]:
        raise ParameterError("the recovered signal is not the one that the certificate names")
    if given is not None and not np.array_equal(given, flat):
        raise ParameterError("the signal given is not the one that was certified")
    return flat


def number_of(certificate: Certificate, name: str) -> float:
    """Return a finite number of the evidence; raises `ParameterError` if there is none."""
    value = certificate.evidence.values[name]
    if isinstance(value, bool | str) or not math.isfinite(value):
        raise ParameterError(f"evidence value {name!r} must be a finite number, got {value!r}")
    return float(value)


def array_of(certificate: Certificate, name: str, shape: tuple[int, ...]) -> Array:
    """Return a float64 array of the evidence; raises `ParameterError` if it does not fit."""
    array = certificate.evidence.arrays[name]
    if array.shape != shape or array.dtype != np.float64 or not np.isfinite(array).all():
        raise ParameterError(
            f"evidence array {name!r} must be finite float64 of shape {shape}, "
            f"got {array.dtype} of shape {array.shape}"
        )
    return array


def upper_bound_fault(name: str, claimed: float, proved: float) -> Iterator[str]:
    """Yield a fault unless an upper bound is claimed at or above what is proved."""
    if not claimed >= proved:
        yield f"{name} {claimed:.17g} is claimed, but only {proved:.17g} is proved"


def tightness(certificate: Certificate, frame: Frame, keep: Array, s: float) -> Iterator[str]:
    """Yield the faults of kappa: its lower end against s, its upper end against the witness."""
    kappa = certificate.kappa
    if not kappa.lower <= s:
        yield f"kappa's lower end {kappa.lower:.17g} is claimed, but only {s:.17g} is proved"
    if "witness" not in certificate.evidence.arrays:
        if kappa.upper != math.inf:
            yield f"kappa's upper end {kappa.upper:.17g} is claimed without a witness"
        return
    witness = array_of(certificate, "witness", frame.signal_shape)
    size = Enclosure(norm_lower(witness), norm_upper(witness))
    image = norm_upper(np.where(keep, frame.analysis(witness), 0.0))
    error = Enclosure.exactly(frame.roundoff()) * size.upper + underflow(frame)
    proved = ((error + image) / size).upper
    yield from upper_bound_fault("kappa's upper end", kappa.upper, proved)


def witness_faults(
    certificate: Certificate, operator: Frame, entries: Array, s: float
) -> Iterator[str]:
    """Yield the faults of kappa for an operator on some entries, and of its reason.

    Parameters
    ----------
    certificate : Certificate
    operator : Frame
    entries : array of bool [shape=(signal_size,)]
        Where the witness may differ from zero.
    s : float
        Proved lower bound of the smallest singular value.
    """
    yield from tightness(certificate, operator, np.array(True), s)
    witness = certificate.evidence.arrays.get("witness")
    if witness is not None and witness.ravel()[~entries].any():
        yield "the witness leaves the entries that it may use"
    yield from reason_faults(certificate)


def reason_faults(certificate: Certificate) -> Iterator[str]:
    """Yield a fault unless the reason is the one that goes with kappa's upper end.

    A local bound for magnitudes may say besides why there is none for all signals.
    """
    expected = NO_WITNESS if certificate.kappa.upper == math.inf else None
    if certificate.evidence.kind == "modulus" and "why" in certificate.evidence.values:
        expected = local_only(expected, Withheld.restored(certificate.evidence.values))
    if certificate.reason != expected:
        yield f"the reason is stated as {certificate.reason!r}, not {expected!r}"
