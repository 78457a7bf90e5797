"""Verification of a priori certificates of magnitudes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from recover.certificates import lipschitz, moments
from recover.certificates.claim import Claim
from recover.certificates.evidence import Evidence
from recover.certificates.replay.cover import cover_splits
from recover.certificates.replay.record import (
    REPLAYED,
    most_nodes,
    number,
    pieces_of,
    rayleigh_upper,
    shifted,
)
from recover.certificates.replay.splits import replay_splits
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure

__all__ = ["modulus_faults"]

ROUNDING = 1.0 + 1e-12  # what another eigenvector routine may show more


def modulus_faults(
    evidence: Evidence, kappa: Enclosure, claim: Claim, real_signal: bool
) -> Iterator[str]:
    """Yield what of a certificate of magnitudes could not be proved again.

    Parameters
    ----------
    evidence : Evidence
    kappa : Enclosure
        As claimed.
    claim : Claim
        Derived from the model and the scope.
    real_signal : bool
        Whether signals are real.
    """
    if claim.nonnegative:
        yield "modulus is certified on balls and everywhere only"
    two = 2 * claim.row_exponent
    value = number(evidence, "eigenvalue_lower", -two)
    tree = number(evidence, "tree_value", -two)
    real = not np.iscomplexobj(claim.rows)
    if tree > 0.0 and real:
        if evidence.values[REPLAYED] is True:
            yield from cover_splits(claim.rows, tree, most_nodes(evidence))
        else:
            (pieces,) = pieces_of(evidence)
            yield from replay_splits(claim.rows, pieces, tree)
    proved = max(tree, 0.0) if real else 0.0
    if value > proved and value > moments.modulus_lower(claim.rows, real_signal):
        yield "the eigenvalue's lower end is above everything that the evidence proves"
    if shifted(kappa.lower, -claim.row_exponent) > lipschitz.root_lower(value):
        yield f"kappa's lower end {kappa.lower:g} is not what the eigenvalue gives"
    first, second = evidence.arrays["first"], evidence.arrays["second"]
    if real_signal and (np.iscomplexobj(first) or np.iscomplexobj(second)):
        yield "the pair of signals is complex, but signals are real"
    show = lipschitz.modulus_ratio_upper if real else lipschitz.pair_ratio_upper
    ratio = show(claim.rows, first, second)
    if ratio > shifted(kappa.upper, -claim.row_exponent):
        yield f"kappa's upper end {kappa.upper:g} is below what the pair of signals shows"
    if real:
        yield from _split_faults(evidence, claim)
        yield from _complement_faults(evidence, claim)
    elif ratio * ratio > number(evidence, "eigenvalue_upper", -two) * ROUNDING:
        yield "the eigenvalue's upper end is below what the pair of signals shows"


def _sides(rows: Array, split: Array | None) -> tuple[float, float]:
    keep = np.ones(len(rows), dtype=bool) if split is None else split.astype(bool)
    return rayleigh_upper(rows[keep]), rayleigh_upper(rows[~keep])


def _split_faults(evidence: Evidence, claim: Claim) -> Iterator[str]:
    upper = number(evidence, "eigenvalue_upper", -2 * claim.row_exponent)
    if sum(_sides(claim.rows, evidence.arrays.get("witness"))) > upper * ROUNDING:
        yield "the eigenvalue's upper end is below what its split shows"


def _complement_faults(evidence: Evidence, claim: Claim) -> Iterator[str]:
    """Prove sigma of the strong complement property, and what the sources derive from it."""
    ends = [
        Enclosure(number(evidence, f"{name}_lower"), number(evidence, f"{name}_upper"))
        for name in ("eigenvalue", "sigma")
    ]
    sigma = ends[1]
    for name, value in lipschitz.published_values(*ends).items():
        if number(evidence, name) != value:
            yield f"{name} does not follow from the eigenvalue and sigma"
    two = 2 * claim.row_exponent
    proved = shifted(ends[0].lower, -two) / 2.0
    tree = number(evidence, "sigma_tree_value", -two)
    if tree > 0.0:
        (pieces,) = pieces_of(evidence, "sigma_")
        yield from replay_splits(claim.rows, pieces, tree, larger=True)
        proved = max(proved, tree)
    if shifted(sigma.lower, -claim.row_exponent) > lipschitz.root_lower(proved):
        yield f"sigma's lower end {sigma.lower:g} is above everything that the evidence proves"
    shown = max(_sides(claim.rows, evidence.arrays.get("sigma_split")))
    if math.sqrt(shown) > shifted(sigma.upper, -claim.row_exponent) * ROUNDING:
        yield f"sigma's upper end {sigma.upper:g} is below what its split shows"
