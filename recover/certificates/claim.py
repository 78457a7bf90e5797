"""What an a priori certificate claims, derived again from the model."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recover.certificates.idle import reached_levels
from recover.certificates.replay.cells import Sides
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.rounding import binary_exponent, scale, up
from recover.frames.structure import HasRows
from recover.models.base import Model
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

__all__ = ["Claim", "claim_of", "reached_part", "scaled_levels", "sides_of", "useful_part"]


class Claim(NamedTuple):
    """A model on a domain: rows and signals scaled by powers of two, the exponents negated."""

    rows: Array
    low: Array
    high: Array
    radius: float
    nonnegative: bool
    row_exponent: int
    radius_exponent: int


def claim_of(model: Model, radius: float, nonnegative: bool) -> Claim:
    """Return rows and bands of a model on a ball (or everywhere), scaled to order one."""
    if not isinstance(model.frame, HasRows):
        raise TypeError("the frame does not hold its rows")
    rows = np.asarray(model.frame.rows)
    low = np.full(len(rows), -np.inf)
    high = np.full(len(rows), np.inf)
    if isinstance(model, ReLU):
        low = model.bias.reshape(-1)
    elif isinstance(model, Saturation):
        low, high = model.low.reshape(-1), model.high.reshape(-1)
    e = binary_exponent(rows)
    f = binary_exponent(np.array([radius])) if math.isfinite(radius) else 0
    return Claim(
        scale(rows, -e),
        scaled_levels(low, -e - f),
        scaled_levels(high, -e - f),
        math.ldexp(radius, -f),
        nonnegative,
        e,
        f,
    )


def scaled_levels(levels: Array, exponent: int) -> Array:
    """Return ``levels * 2**exponent`` where that is exact.

    Raises
    ------
    ParameterError
        If a finite level overflows, or loses digits below the smallest numbers.
    """
    with np.errstate(over="ignore", under="ignore"):
        scaled: Array = np.ldexp(levels, exponent)
        wrong = (np.ldexp(scaled, -exponent) != levels) & np.isfinite(levels)
    if wrong.any():
        raise ParameterError(
            f"the level {float(levels[wrong][0]):g} is out of all proportion to rows and "
            "radius; give levels nearer to their product"
        )
    return scaled


def useful_part(claim: Claim) -> Claim:
    """On an unbounded domain leave out rows with two levels; make the rest ReLU-like."""
    if math.isfinite(claim.radius):
        return claim
    both = np.isfinite(claim.low) & np.isfinite(claim.high)
    above = np.isfinite(claim.high) & ~both
    signs = np.where(both, 0.0, np.where(above, -1.0, 1.0))
    low = np.where(both, -np.inf, np.where(above, -claim.high, claim.low))
    return claim._replace(
        rows=signs[:, None] * claim.rows, low=low, high=np.full(len(low), np.inf)
    )


def reached_part(claim: Claim) -> Claim:
    """On a ball leave out levels that no signal goes beyond."""
    low, high = reached_levels(claim.rows, claim.low, claim.high, claim.radius)
    return claim._replace(low=low, high=high)


def sides_of(claim: Claim) -> list[Sides]:
    """Return the half-spaces of each arrangement that the record's trees speak of."""
    one_sided = not np.isfinite(claim.high).any()
    zero = one_sided and not claim.low.any()
    rows = claim.rows
    if math.isfinite(claim.radius) and not zero:
        upper = np.flatnonzero(np.isfinite(claim.high))
        lower = np.flatnonzero(np.isfinite(claim.low))
        faces = np.eye(rows.shape[1])[: rows.shape[1] if claim.nonnegative else 0]
        floors = np.zeros(len(faces))
        if upper.size + lower.size + len(faces) == 0:
            # no row ever leaves its band: one half-space that always holds
            faces, floors = np.zeros((1, rows.shape[1])), np.full(1, -1.0)
        symmetric = not claim.nonnegative and bool((claim.low == -claim.high).all())
        return [
            Sides(
                np.concatenate([rows[upper], -rows[lower], faces]),
                np.concatenate([claim.high[upper], -claim.low[lower], floors]),
                np.concatenate([upper, lower, np.full(len(faces), -1)]),
                claim.radius,
                symmetric,
            )
        ]
    if not one_sided:
        raise ValueError("two-sided levels need a ball")
    if zero or bool((claim.low <= 0.0).all()):
        return _charts(rows, claim.low, np.full(rows.shape[1], claim.nonnegative))
    levels = np.where(np.isfinite(claim.low), claim.low, 0.0)
    positive = np.append(np.full(rows.shape[1], claim.nonnegative), True)
    return _charts(np.concatenate([rows, -levels[:, None]], axis=1), claim.low, positive)


def _charts(rows: Array, low: Array, positive: Array) -> list[Sides]:
    """Cover a cone: entry k is the largest in modulus and scaled to 1 or -1."""
    owners = np.flatnonzero(np.isfinite(low))
    rows = rows[owners]
    charts = []
    n = rows.shape[1]
    for k in range(n):
        for sign in (1.0,) if positive[k] else (1.0, -1.0):
            rest = [j for j in range(n) if j != k]
            g = -rows[:, rest] if rest else np.zeros((len(rows), 1))
            p = g.shape[1]
            floor = np.where(positive[rest], 0.0, -1.0) if rest else np.array([-1.0])
            charts.append(
                Sides(
                    np.concatenate([g, np.eye(p), -np.eye(p)]),
                    np.concatenate([sign * rows[:, k], floor, np.full(p, -1.0)]),
                    np.concatenate([owners, np.full(2 * p, -1)]),
                    up(math.sqrt(p)),
                    symmetric=False,
                )
            )
    return charts
