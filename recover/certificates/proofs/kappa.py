"""The enclosure of kappa of the rows that the data fix, with its evidence."""

from __future__ import annotations

import math
from typing import NamedTuple

from recover.certificates.proofs.base import Case, stated
from recover.certificates.proofs.witness import bottom_vector, seen
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED, Rigor

__all__ = ["Kappa", "kappa_of"]


class Kappa(NamedTuple):
    """An enclosure of kappa and its evidence."""

    enclosure: Enclosure
    rigor: Rigor
    values: dict[str, float | str]
    arrays: dict[str, Array]


def kappa_of(case: Case) -> Kappa:
    """Return the enclosure of the square root of the fixed rows' smallest eigenvalue.

    Exactly zero where fewer coefficients are fixed than there are unknowns.
    """
    frame, fixed = case.problem.model.frame, case.knowledge.fixed
    if case.knowledge.fixed_count < frame.signal_size:
        return Kappa(Enclosure(0.0, 0.0), PROVED, {}, {})
    found = case.eigenvalue
    s = Enclosure.exactly(found.value).sqrt().lower
    values: dict[str, float | str] = {}
    if s > 0.0:
        values = {"eigenvalue": found.value, "route": found.route}
    witness = bottom_vector(frame, fixed)
    if witness is None:
        return Kappa(Enclosure(s, math.inf), found.rigor, values, {})
    upper = max(stated(seen(frame, fixed, witness)), s)
    return Kappa(Enclosure(s, upper), found.rigor, values, {"witness": witness})
