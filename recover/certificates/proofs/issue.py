"""Filling in a certificate from what a proof has found."""

from __future__ import annotations

import math

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.proofs.base import Case, signal_evidence, stated
from recover.certificates.proofs.kappa import Kappa
from recover.certificates.reasons import NO_WITNESS
from recover.certificates.statements import assumptions_of, scope_of
from recover.core.arrays import Array

__all__ = ["issue"]


def issue(
    case: Case,
    kind: str,
    kappa: Kappa,
    bound: float,
    *,
    domain: bool = False,
    prior: bool = False,
    values: dict[str, float | str] | None = None,
    arrays: dict[str, Array] | None = None,
    pointwise: Array | None = None,
    centre: Array | None = None,
) -> Certificate:
    """Return the certificate of a proved bound.

    Parameters
    ----------
    case : Case
    kind : str
        The kind of evidence, which names the check.
    kappa : Kappa
        With its evidence.
    bound : float
        The proved error bound, before the little that is added for other libraries.
    domain, prior : bool
        What the proof rests on.
    values, arrays : dict, optional
        Further evidence.
    pointwise, centre : array, optional
        As in `Certificate`.
    """
    problem = case.problem
    named, kept = signal_evidence(case.signal)
    return Certificate(
        kappa=kappa.enclosure,
        error_bound=stated(bound),
        scope=scope_of(problem, domain=domain, prior=prior),
        assumptions=assumptions_of(problem, domain=domain, prior=prior),
        rigor=problem.noise_bound.rigor & kappa.rigor,
        evidence=Evidence(
            kind,
            {**named, **kappa.values, **(values or {})},
            {**kept, **kappa.arrays, **(arrays or {})},
        ),
        reason=NO_WITNESS if kappa.enclosure.upper == math.inf else None,
        subject=problem.digest,
        noise=problem.noise.to_json(),
        pointwise=pointwise,
        centre=centre,
    )
