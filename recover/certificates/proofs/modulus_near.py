"""What is promised of magnitudes whose deviation no local bound can carry, or of open phases.

The inequality of a step (see `recover.certificates.phase.stage`) compares the recovered signal
with any other near it, whatever the data are:

``| |Phi(x_hat + h)| - |Phi x_hat| | >= kappa(r) |h|``  for ``|h| <= r``, h at right angles to
the lost direction.  With noise that is larger than ``r kappa(r)`` no error bound follows from
it, but it is the local amplification of noise.  Where not even that is proved a witness still
tells how large the amplification is at least.
"""

from __future__ import annotations

import math

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.phase.dense import dense_fits
from recover.certificates.phase.free import free_fits
from recover.certificates.phase.rows import Magnitudes
from recover.certificates.phase.stage import kappa_at, reach
from recover.certificates.phase.statements import (
    DELTA,
    EMBEDDED,
    phase_assumptions,
    phase_scope,
    phase_signal,
)
from recover.certificates.phase.witness import find_witness, search_witness, witness_ratio
from recover.certificates.proofs.base import Case, stated
from recover.certificates.proofs.modulus_steps import QUICK_DRAWN, Numbers
from recover.certificates.reasons import Withheld
from recover.core.arrays import Array, digest
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED, probabilistic

__all__ = ["add_witness", "near_certificate", "seeded"]

WITNESS_UNKNOWNS = 600


def seeded(magnitudes: Magnitudes) -> np.random.Generator:
    """Return a generator whose seed is no secret and no choice.

    The same input gives the same certificate; a verifier draws its own vectors.
    """
    return np.random.default_rng(
        int(digest([magnitudes.problem.digest, magnitudes.signal])[:16], 16)
    )


def near_certificate(
    case: Case, magnitudes: Magnitudes, numbers: Numbers | None, why: Withheld
) -> Certificate | None:
    """Return the stability near the recovered signal, without an error bound.

    Parameters
    ----------
    case : Case
    magnitudes : Magnitudes
    numbers : Numbers or None
        Proved; None if the least singular value was not proved to be positive.
    why : Withheld
        Why there is no error bound.

    Returns
    -------
    Certificate or None
        None if nothing is known of kappa.
    """
    problem = case.problem
    values: dict[str, float | int | str | bool] = dict(why.values())
    arrays: dict[str, Array] = {}
    radius, lower, drawn = math.inf, 0.0, False
    if numbers is not None:
        radius = reach(*numbers[:3])
        lower = max(kappa_at(*numbers[:3], radius), 0.0)
        arrays["steps"] = np.array([[*numbers[:3], 0.0, radius]])
        values |= {f"{name}:0": value for name, value in numbers.values.items()}
        drawn = "near" in numbers.values or "weight_near" in numbers.values
    upper = max(add_witness(magnitudes, arrays, patient=numbers is None), lower)
    if lower == 0.0 and upper == math.inf:
        return None
    named, kept = phase_signal(magnitudes.signal)
    return Certificate(
        kappa=Enclosure(lower, upper),
        error_bound=math.inf,
        scope=phase_scope(problem, radius),
        assumptions=phase_assumptions(problem, radius, drawn=drawn, near=True),
        rigor=probabilistic(DELTA) if drawn else PROVED,
        evidence=Evidence("modulus_near", {**named, **values}, {**kept, **arrays}),
        reason=why.sentence,
        subject=problem.digest,
        noise=problem.noise.to_json(),
    )


def add_witness(
    magnitudes: Magnitudes, arrays: dict[str, Array], *, patient: bool = False
) -> float:
    """Return kappa's upper end, and add the witness to the arrays; infinity without one.

    Parameters
    ----------
    magnitudes : Magnitudes
    arrays : dict
        Of the evidence.
    patient : bool
        Whether to search where that may take as long as the proof.
    """
    positive = magnitudes.ratio[magnitudes.ratio > 0.0]
    if positive.size == 0:
        return math.inf
    if dense_fits(magnitudes, WITNESS_UNKNOWNS):
        witness = find_witness(magnitudes, float(positive.min()))
    else:
        small = patient or magnitudes.frame.coef_size <= QUICK_DRAWN
        if not (small and free_fits(magnitudes) and magnitudes.signal.size <= EMBEDDED):
            return math.inf
        witness = search_witness(magnitudes, seeded(magnitudes))
    upper = witness_ratio(magnitudes, witness)
    if not math.isfinite(upper):
        return math.inf
    arrays["witness"] = witness
    return stated(upper)
