"""The certificate of a problem of which nothing is promised."""

from __future__ import annotations

import math

from recover.certificates.certificate import Certificate, unbounded
from recover.certificates.reasons import Withheld
from recover.certificates.statements import assumptions_of, scope_of
from recover.core.enclosure import Enclosure
from recover.models.problem import Problem

__all__ = ["withheld_certificate"]


def withheld_certificate(
    problem: Problem, withheld: Withheld, *, kappa_zero: bool = False
) -> Certificate:
    """Return the infinite certificate of a problem, with its reason.

    Parameters
    ----------
    problem : Problem
        What was measured.
    withheld : Withheld
        Why nothing is promised.
    kappa_zero : bool
        Whether the data are known to leave a direction open.
    """
    return unbounded(
        withheld.sentence,
        scope_of(problem),
        problem.digest,
        problem.noise.to_json(),
        assumptions_of(problem),
        kappa=Enclosure(0.0, 0.0 if kappa_zero else math.inf),
        values=withheld.values(),
    )
