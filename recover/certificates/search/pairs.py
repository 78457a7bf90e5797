"""Pairs of signals that a measurement tells apart badly: upper bounds of kappa."""

from __future__ import annotations

import numpy as np

from recover.certificates.lipschitz import clip_ratio_upper
from recover.certificates.search.bracket import Bracket
from recover.certificates.search.measure import Bands
from recover.core.arrays import Array

__all__ = ["clip_pair"]

ROUNDS = 80
WORK = 4_000_000  # numbers in the largest array of a round


def clip_pair(
    bands: Bands, bracket: Bracket, rng: np.random.Generator
) -> tuple[Array, Array, float]:
    """Return two signals of the domain, and their ratio rounded up.

    Starts from the pairs ``x +- s v`` around the witness of the smallest eigenvalue, along the
    direction v that is seen least there, from opposite pairs along the bottom eigenvectors of
    the whole frame, and from random ones; then improves the best by random steps that shrink.

    Parameters
    ----------
    bands : Bands
        What is measured.
    bracket : Bracket
        From `bracket_cells` on the same bands.
    rng : Generator
        For the steps.
    """
    x, y = _starts(bands, bracket, rng)
    ratios = _ratios(bands, x, y)
    count = int(np.clip(WORK // (2 * bands.count), 20, 200))
    kept = np.argsort(ratios)[: max(1, count // 20)]
    x, y, ratios = x[kept], y[kept], ratios[kept]
    for round_ in range(ROUNDS):
        which = rng.integers(len(x), size=count)
        scale = 0.5 ** (round_ / 5.0 + rng.random((count, 1)) * 6.0)
        apart = np.sqrt(((x[which] - y[which]) ** 2).sum(axis=1, keepdims=True))
        first, second = scale * apart * rng.standard_normal((2, count, x.shape[1]))
        # both ends together, one end, both on their own; or closer together at the same norms
        kind = rng.integers(4, size=(count, 1))
        second = np.where(kind == 0, first, np.where(kind == 1, 0.0, second))
        moved, other = x[which] + first, y[which] + second
        near_x, near_y = _closer(x[which], y[which], rng.random((count, 1)))
        moved = bands.inside(np.where(kind == 3, near_x, moved))
        other = bands.inside(np.where(kind == 3, near_y, other))
        x, y = np.vstack([x, moved]), np.vstack([y, other])
        ratios = np.append(ratios, _ratios(bands, moved, other))
        kept = np.argsort(ratios, kind="stable")[: max(1, count // 20)]
        x, y, ratios = x[kept], y[kept], ratios[kept]
    proved = [
        clip_ratio_upper(bands.rows, bands.low, bands.high, a, b)
        for a, b in zip(x, y, strict=True)
    ]
    best = int(np.argmin(proved))
    return x[best], y[best], proved[best]


def _starts(bands: Bands, bracket: Bracket, rng: np.random.Generator) -> tuple[Array, Array]:
    reach = bands.radius if np.isfinite(bands.radius) else 1.0
    sizes = reach * 0.5 ** np.arange(0.0, 24.0)[:, None]
    bottom = np.linalg.eigh(bands.rows.T @ bands.rows)[1][:, : min(3, bands.dimension)].T
    pairs = [(bands.inside(sizes[:8] * v), bands.inside(-sizes[:8] * v)) for v in bottom]
    if not np.isfinite(bands.radius):
        # where everything is clipped, far signals look alike
        pairs.extend((10.0**k * bottom, 2.0 * 10.0**k * bottom) for k in (3, 6, 9))
    directions = np.vstack([bottom, *bracket.vectors])
    count = int(np.clip(WORK // (2 * bands.count), 20, 2000))
    steps = directions[rng.integers(len(directions), size=count)]
    steps = reach * 0.5 ** (8.0 * rng.random((count, 1))) * steps
    centres = rng.standard_normal((count, bands.dimension))
    centres *= reach / np.sqrt((centres**2).sum(axis=1, keepdims=True))
    pairs.append((bands.inside(centres + steps), bands.inside(centres - steps)))
    # and pairs of no particular direction, as where several directions are seen equally badly
    free = rng.spawn(1)[0].standard_normal((2, count, bands.dimension)) * reach
    pairs.append((bands.inside(free[0]), bands.inside(free[1])))
    if bracket.witness is not None and bracket.vectors:
        v = bracket.vectors[0]
        # far enough out a direction does what the search saw on the unit ball
        far = 10.0 ** np.arange(0.0, 9.0) if not np.isfinite(bands.radius) else np.ones(1)
        for factor in far:
            point = factor * bracket.witness
            step = factor * sizes * v
            pairs.append((bands.inside(point + step), bands.inside(point - step)))
            here = np.repeat(point[None], len(step), axis=0)
            pairs.append((bands.inside(here), bands.inside(here + step)))
            pairs.append((bands.inside(here), bands.inside(here - step)))
    return np.vstack([a for a, _ in pairs]), np.vstack([b for _, b in pairs])


def _closer(x: Array, y: Array, share: Array) -> tuple[Array, Array]:
    """Shrink pairs towards their middles by `share`, and restore the norms."""
    middle, half = (x + y) / 2.0, (y - x) / 2.0
    ends = []
    for old, new in ((x, middle - share * half), (y, middle + share * half)):
        size = np.sqrt((new**2).sum(axis=1, keepdims=True))
        norm = np.sqrt((old**2).sum(axis=1, keepdims=True))
        ends.append(new * (norm / np.where(size > 0.0, size, 1.0)))
    return ends[0], ends[1]


def _ratios(bands: Bands, x: Array, y: Array) -> Array:
    """Estimate the ratios of pairs (B, n); infinity where they are too close to tell."""
    step = np.sqrt(((x - y) ** 2).sum(axis=1))
    change = np.clip(x @ bands.rows.T, bands.low, bands.high) - np.clip(
        y @ bands.rows.T, bands.low, bands.high
    )
    size = np.sqrt((change**2).sum(axis=1))
    # where rounding would show, the pair is of no use
    floor = 1e-9 * (1.0 + np.sqrt((x**2).sum(axis=1)))
    ratios: Array = np.where(step > floor, size / np.where(step > 0.0, step, 1.0), np.inf)
    return ratios
