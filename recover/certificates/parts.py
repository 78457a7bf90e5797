"""Certificates of channels, segments or regions, put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.scope import Scope
from recover.core.arrays import digest
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED, Rigor
from recover.core.rounding import norm_upper

if TYPE_CHECKING:
    from recover.certificates.verify import Verdict

__all__ = ["combine", "part_faults"]

_STRICTEST = ("global", "ball", "local", "conditional")


def combine(parts: Sequence[tuple[str, Certificate]]) -> Certificate:
    """Return one certificate for independent parts of a signal.

    The parts' errors are entries of one error vector: the bound is the Euclidean norm of the
    parts' bounds, infinite if one of them is.  Kappa is that of the block-diagonal whole: the
    smallest.  The assumptions are all of them together, and failure probabilities add up.

    Parameters
    ----------
    parts : sequence of (label, Certificate)
        Of disjoint parts of the signal that share no measurement.

    Raises
    ------
    ParameterError
        If there is no part or two labels are equal.
    """
    labels = [label for label, _ in parts]
    if not labels or len(set(labels)) < len(labels):
        raise ParameterError(f"parts need labels, each once, got {labels}")
    certificates = [certificate for _, certificate in parts]
    open_parts = [label for label, part in parts if not part.finite]
    rigor: Rigor = PROVED
    for certificate in certificates:
        rigor = rigor & certificate.rigor
    reason = None
    if open_parts:
        first = dict(parts)[open_parts[0]]
        reason = (
            f"no bound for {len(open_parts)} of {len(labels)} parts; "
            f"{open_parts[0]}: {first.reason}"
        )
    return Certificate(
        kappa=Enclosure(
            min(part.kappa.lower for part in certificates),
            min(part.kappa.upper for part in certificates),
        ),
        error_bound=math.inf
        if open_parts
        else norm_upper([c.error_bound for c in certificates]),
        scope=_joint_scope(certificates),
        assumptions=tuple(dict.fromkeys(a for part in certificates for a in part.assumptions)),
        rigor=rigor,
        evidence=Evidence("parts"),
        reason=reason,
        subject=digest([part.subject for part in certificates]),
        noise={"parts": [dict(part.noise) for part in certificates]},
        parts=tuple(parts),
    )


def part_faults(
    certificate: Certificate,
    subject: Any,
    signal: Any,
    verify: Callable[..., Verdict],
) -> tuple[str, ...]:
    """Return what of a certificate with parts could not be proved again."""
    parts = certificate.parts or ()
    if not isinstance(subject, Sequence) or len(subject) != len(parts):
        return (f"the certificate has {len(parts)} parts; pass the problem of each, in order",)
    signals = [None] * len(parts) if signal is None else list(signal)
    if len(signals) != len(parts):
        return (
            f"the certificate has {len(parts)} parts, but {len(signals)} signals were given",
        )
    faults: list[str] = []
    for (label, part), problem, own in zip(parts, subject, signals, strict=True):
        faults += [f"{label}: {reason}" for reason in verify(part, problem, own).reasons]
    try:
        whole = combine(parts)
    except ParameterError as error:
        return (*faults, str(error))
    claimed, proved = certificate.to_data(), whole.to_data()
    faults += [
        f"{name} of the whole is not what follows from its parts"
        for name in sorted(proved)
        if claimed[name] != proved[name] and name != "parts"
    ]
    return tuple(faults)


def _joint_scope(certificates: Sequence[Certificate]) -> Scope:
    """Return the scope that all parts share, or the narrowest kind with all of them listed."""
    data = [part.scope.to_json() for part in certificates]
    if all(each == data[0] for each in data):
        return certificates[0].scope
    kinds = [part.scope.kind for part in certificates]
    order = {kind: i for i, kind in enumerate(_STRICTEST)}
    return Scope(max(kinds, key=lambda kind: order.get(kind, len(order))), {"parts": data})
