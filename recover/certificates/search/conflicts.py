"""Sides that contradict one another exactly: antipodal, repeated and dependent rows.

Open half-spaces ``<y, a_j> > l_j`` have no common point if ``sum_j c_j a_j = 0`` and
``sum_j c_j l_j >= 0`` for some ``c >= 0``, not all zero (add the inequalities up).
Floating-point numbers are rational, so this is decided exactly, in fractions; what cannot be
decided so is left open.  A reachable cell is an open set, so a node
whose sides hold such a set has no cell.  Likewise ``sum_j c_j l_j >= R |sum_j c_j a_j|`` leaves
nothing in the open ball of radius R: the half-spaces touch the sphere at most.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from recover.certificates.search.arrangement import Arrangement
from recover.core.arrays import Array

__all__ = ["contradiction", "opposite_pairs"]

SIMPLE = 1000  # largest denominator of multipliers that are guessed from rounded ones


def opposite_pairs(arrangement: Arrangement) -> list[Array]:
    """Return the pairs of sides with exactly opposite normals that exclude each other."""
    normals, levels = arrangement.normals, arrangement.levels
    first: dict[bytes, list[int]] = {}
    for side, normal in enumerate(normals):
        first.setdefault((normal + 0.0).tobytes(), []).append(side)
    # y.a > l and -y.a > -l; where the levels leave a gap the region is found empty anyway
    return [
        np.array([side, other])
        for side, normal in enumerate(normals)
        if normal.any()
        for other in first.get((0.0 - normal).tobytes(), [])
        if side < other and levels[side] + levels[other] == 0.0
    ]


def contradiction(arrangement: Arrangement, sides: Array, weights: Array) -> Array | None:
    """Return sides that exclude one another exactly, among those with large weights.

    Parameters
    ----------
    sides, weights : array [shape=(K,)]
        Sides (-1 in unused places) and the multipliers that suggest the contradiction.

    Returns
    -------
    array of int or None
        A set of sides with a proof in exact arithmetic, or None.
    """
    largest = float(weights.max(initial=0.0))
    order = np.argsort(-weights)
    chosen = [int(sides[k]) for k in order if sides[k] >= 0 and weights[k] > 1e-7 * largest]
    if len(chosen) < 2:
        return None
    normals = [_exact(arrangement.normals[h]) for h in chosen]
    levels = _exact(arrangement.levels[chosen])
    multipliers = _null_vector(normals)
    if multipliers is None:
        kept = [float(weights[k]) for k in order if sides[k] >= 0][: len(chosen)]
        simple = [Fraction(w / largest).limit_denominator(SIMPLE) for w in kept]
        touches = _outside(normals, levels, simple, Fraction(arrangement.radius))
        return np.array(sorted(chosen)) if touches and all(c > 0 for c in simple) else None
    if all(c <= 0 for c in multipliers):
        multipliers = [-c for c in multipliers]
    if any(c < 0 for c in multipliers):
        return None
    total = sum((c * level for c, level in zip(multipliers, levels, strict=True)), Fraction(0))
    if total < 0:
        return None
    return np.array(sorted(h for c, h in zip(multipliers, chosen, strict=True) if c > 0))


def _outside(
    normals: list[list[Fraction]], levels: list[Fraction], c: list[Fraction], radius: Fraction
) -> bool:
    """Tell whether ``c . l >= R |sum c_j a_j|``: the open half-spaces miss the open ball."""
    total = sum((a * b for a, b in zip(c, levels, strict=True)), Fraction(0))
    vector = [
        sum(a * b for a, b in zip(c, column, strict=True))
        for column in zip(*normals, strict=True)
    ]
    return total > 0 and total**2 >= radius**2 * sum(v * v for v in vector)


def _exact(vector: Array) -> list[Fraction]:
    return [Fraction(float(v)) for v in vector]


def _null_vector(vectors: list[list[Fraction]]) -> list[Fraction] | None:
    """Return the first combination of the vectors that vanishes, None if there is none."""
    count = len(vectors)
    basis: list[tuple[int, list[Fraction], list[Fraction]]] = []
    for k, vector in enumerate(vectors):
        row, combination = list(vector), [Fraction(int(i == k)) for i in range(count)]
        for pivot, reduced, made in basis:
            factor = row[pivot] / reduced[pivot]
            if factor:
                row = [a - factor * b for a, b in zip(row, reduced, strict=True)]
                combination = [a - factor * b for a, b in zip(combination, made, strict=True)]
        lead = next((i for i, a in enumerate(row) if a), None)
        if lead is None:
            return combination
        basis.append((lead, row, combination))
    return None
