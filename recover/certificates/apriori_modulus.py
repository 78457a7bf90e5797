"""The lower Lipschitz constant of magnitudes: exact for real frames, open for complex ones.

Distances are up to a global phase (a sign for real signals).  As magnitudes scale with the
signal, the constant is the same on every ball and everywhere.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from recover.certificates import lipschitz, moments
from recover.certificates.found import OPEN, Found, search_reason, tree_arrays
from recover.certificates.search.bracket import Bracket, bracket_splits
from recover.certificates.search.clock import Clock
from recover.certificates.search.orthogonal import orthogonal_pair
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import binary_exponent, scale

__all__ = ["magnitudes_of_complex_rows", "magnitudes_of_real_rows", "modulus_reason"]

_NO_FORMULA = (
    "no finite formula is known for the constant of complex rows: the lower end is a moment "
    "bound, the upper end a pair of signals, and the true value lies between"
)
CLOSED = 1e-9  # relative gap at which a moment bound and a pair of signals are said to agree


def magnitudes_of_real_rows(rows: Array, clock: Clock, rng: np.random.Generator) -> Found:
    """Return the bracket of ``kappa^2 = min_S (A_S + A_(S^c))``, and that of sigma.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
    clock : Clock
    rng : Generator
    """
    e = binary_exponent(rows)
    scaled = np.ldexp(rows, -e)
    cheap = moments.modulus_lower(scaled)
    spent = clock.left
    clock = clock.scaled(2 * e)
    found = bracket_splits(scaled, clock, rng)
    spent -= clock.left
    n = rows.shape[1]
    u, v = found.vectors if found.vectors else (np.eye(n)[0], np.eye(n)[-1])
    ratio = lipschitz.modulus_ratio_upper(scaled, u, v)
    found = replace(found, lower=max(found.lower, min(cheap, found.upper)))
    kappa = min(lipschitz.root_lower(found.lower), ratio)
    # sigma costs at most as much as kappa did
    other = bracket_splits(scaled, clock.within(spent + 0.05), rng, larger=True)
    values, arrays = _complement(found, other, e)
    found = replace(
        found,
        lower=math.ldexp(found.lower, 2 * e),
        upper=math.ldexp(found.upper, 2 * e),
        claim=math.ldexp(found.claim, 2 * e),
    )
    ends = Enclosure(math.ldexp(kappa, e), math.ldexp(ratio, e))
    return Found("splits", found, math.ldexp(cheap, 2 * e), ends, (u, v), values, arrays)


def _complement(
    found: Bracket, other: Bracket, e: int
) -> tuple[dict[str, float | bool], dict[str, Array]]:
    """Return sigma of the strong complement property, and the published inequalities."""
    # sigma^2 >= A / 2, and sigma^2 <= A as one of two eigenvalues is at most their sum
    use_split = found.upper < other.upper
    upper = found.upper if use_split else other.upper
    claim = other.claim if other.trees else 0.0
    square = max(claim, found.lower / 2.0 * (1.0 - 1e-15))
    sigma = Enclosure(
        math.ldexp(lipschitz.root_lower(min(square, upper)), e),
        math.ldexp(Enclosure.exactly(upper).sqrt().upper, e),
    )
    split = found.witness if use_split else other.witness
    arrays = {} if split is None else {"sigma_split": split}
    if other.trees and claim > 0.0:
        record = tree_arrays(other.trees, ())
        arrays |= {f"sigma_{name}": array for name, array in record.items()}
    published = lipschitz.published_values(
        Enclosure(math.ldexp(found.lower, 2 * e), math.ldexp(found.upper, 2 * e)), sigma
    )
    values: dict[str, float | bool] = {
        "sigma_tree_value": math.ldexp(claim, 2 * e),
        **published,
    }
    return values, arrays


def magnitudes_of_complex_rows(
    rows: Array, real_signal: bool, clock: Clock, rng: np.random.Generator
) -> Found:
    """Return a lower bound by moments, and a pair of orthogonal signals.

    Parameters
    ----------
    rows : array [shape=(m, n), complex]
    real_signal : bool
        Whether signals are real.
    clock : Clock
    rng : Generator
    """
    e = binary_exponent(rows)
    scaled = scale(rows, -e)
    cheap = moments.modulus_lower(scaled, real_signal)
    x, y, ratio, count = orthogonal_pair(scaled, real_signal, clock.scaled(2 * e), rng)
    upper = (Enclosure.exactly(ratio) * ratio).upper
    lower = min(cheap, upper)
    ends = Enclosure(
        math.ldexp(min(lipschitz.root_lower(lower), ratio), e), math.ldexp(ratio, e)
    )
    bracket = Bracket(
        lower=math.ldexp(lower, 2 * e),
        upper=math.ldexp(upper, 2 * e),
        closed=upper - lower <= CLOSED * upper,
        nodes=count,
        unresolved=0,
        claim=0.0,
        trees=None,
        conflicts=(),
        witness=None,
        vectors=(),
    )
    return Found("moments", bracket, math.ldexp(cheap, 2 * e), ends, (x, y))


def modulus_reason(rows: Array, found: Found) -> str | None:
    """Return why a side is trivial or open."""
    m, n = rows.shape
    if m < 2 * n - 1 and found.bracket.lower == 0.0:
        return f"{m} rows are fewer than 2 n - 1 = {2 * n - 1}: signs cannot be told apart"
    if np.iscomplexobj(rows):
        return None if found.bracket.closed else _NO_FORMULA
    reason = search_reason(found)
    if reason == OPEN and found.bracket.lower == 0.0:
        # a side with fewer than n rows has eigenvalue 0, whatever the order of decisions
        cases = math.comb(2 * n - 1, n)
        return (
            f"{OPEN}; no value above 0 was proved, as a case closes only once one side of the "
            f"split holds {n} rows: at least {cases} cases"
        )
    return reason
