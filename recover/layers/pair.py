"""Two inputs of a layer, or of a network, with the same output."""

from __future__ import annotations

import math

import numpy as np

from recover.certificates.search.measure import Bands
from recover.core.arrays import Array, frozen
from recover.layers.network import Layer, evaluate, preactivations

__all__ = ["deep_pair", "ratio_upper", "same_output_pair"]

DIRECTIONS = 24  # combinations of unseen directions that are tried
SMALL = 400_000  # entries of the programs that look for a roomier point
CUTS = 6
NEARBY = 60  # points about a thin one that are tried
SHRINK = 0.95  # of the longest pair: no threshold is touched


def same_output_pair(
    bands: Bands, point: Array, rng: np.random.Generator
) -> tuple[Array, Array] | None:
    """Return two far-apart signals of the domain that a ReLU layer does not tell apart.

    Parameters
    ----------
    bands : Bands
        The layer and the domain, in its own units.
    point : array [shape=(n,)]
        Where the rows that are not off for sure do not span.
    rng : Generator
        For combinations of directions.

    Returns
    -------
    (array, array) or None
        On a line on which no active row changes (up to rounding) and no other row turns on;
        None if the cell leaves no room in floating point.
    """
    off = bands.surely_saturated(point[None])[0]
    unseen = _kernel(bands.rows[~off])
    if len(unseen) == 0:
        return None
    mixed = rng.standard_normal((DIRECTIONS, len(unseen))) @ unseen
    directions = np.vstack([unseen, mixed])
    directions /= np.sqrt((directions**2).sum(axis=1))[:, None]
    best, length = None, 0.0
    for centre in _centres(bands, point, off):
        low, high = _range(bands, centre, directions, off)
        k = int((high - low).argmax())
        if math.isfinite(high[k] - low[k]) and high[k] - low[k] > length:
            middle, half = (low[k] + high[k]) / 2.0, SHRINK * (high[k] - low[k]) / 2.0
            ends = [centre + s * directions[k] for s in (middle - half, middle + half)]
            if all(_still(bands, end, off) for end in ends):
                best, length = (frozen(ends[0]), frozen(ends[1])), high[k] - low[k]
        if length > 0.1 * (bands.radius if math.isfinite(bands.radius) else 1.0):
            break
    return best


def _still(bands: Bands, x: Array, off: Array) -> bool:
    inside = not bands.nonnegative or bool((x >= 0.0).all())
    inside = inside and float(np.linalg.norm(x)) <= bands.radius
    return inside and bool(bands.surely_saturated(x[None])[0][off].all())


def _kernel(rows: Array) -> Array:
    """Return an orthonormal basis of the signals that the rows do not see, as rows."""
    n = rows.shape[1]
    if len(rows) == 0:
        return np.eye(n)
    _, sizes, right = np.linalg.svd(rows, full_matrices=True)
    rank = int(np.count_nonzero(sizes > 1e-12 * max(float(sizes[0]), 1e-300)))
    unseen: Array = right[rank:]
    return unseen


def _centres(bands: Bands, point: Array, off: Array) -> list[Array]:
    """Return the point, and one with more room around it."""
    if not math.isfinite(bands.radius):
        return [*_near_origin(bands, off, float(np.linalg.norm(point))), point]
    limit = bands.radius
    centres = [point, (1.0 - 1e-3) * point]
    if bands.nonnegative:
        centres.append((1.0 - 1e-3) * point + 1e-4 * limit / math.sqrt(point.size))
    centres = [c for c in centres if bool(bands.surely_saturated(c[None])[0][off].all())]
    roomy = _roomy(bands, off, limit)
    return centres if roomy is None else [*centres, roomy]


def _near_origin(bands: Bands, off: Array, farthest: float) -> list[Array]:
    """Return a roomy point of an unbounded domain near the origin, where rounding is small."""
    limit = 1.0
    while limit < 4.0 * farthest:
        roomy = _roomy(bands, off, limit)
        if roomy is not None:
            return [roomy]
        limit *= 4.0
    return []


def _roomy(bands: Bands, off: Array, limit: float) -> Array | None:
    """Return the centre of a large ball on which the rows stay off, by cutting planes."""
    from scipy.optimize import linprog

    n = bands.dimension
    rows = bands.rows[off]
    if len(rows) == 0 or rows.size > SMALL:
        return None
    sizes = np.sqrt((rows**2).sum(axis=1))
    a = np.hstack([rows, sizes[:, None]])
    b = bands.low[off]
    cost = np.append(np.zeros(n), -1.0)
    floor = 0.0 if bands.nonnegative else -limit
    bounds = [(floor, limit)] * n + [(0.0, limit)]
    x = np.zeros(n)
    for _ in range(CUTS):
        solved = linprog(cost, A_ub=a, b_ub=b, bounds=bounds, method="highs")
        if solved.status != 0:
            return None
        solution: Array = np.asarray(solved.x)
        x, room = solution[:n], float(solution[n])
        size = float(np.linalg.norm(x))
        if size + room <= limit * (1.0 + 1e-3) or size == 0.0:
            break
        a, b = np.vstack([a, np.append(x / size, 1.0)]), np.append(b, limit)
    size = float(np.linalg.norm(x))
    x = x * min(1.0, (1.0 - 1e-9) * limit / max(size, 1e-300))
    return x if _still(bands, x, off) else None


def _range(bands: Bands, centre: Array, directions: Array, off: Array) -> tuple[Array, Array]:
    """Return the ends s of ``centre + s v`` within the domain with the rows still off."""
    rows = bands.rows[off]
    room = bands.low[off] - rows @ centre
    slopes = directions @ rows.T
    if bands.nonnegative:
        room = np.append(room, centre)
        slopes = np.hstack([slopes, -directions])
    room = np.maximum(room, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = room / np.abs(slopes)
    high = np.where(slopes > 0.0, steps, np.inf).min(axis=1, initial=np.inf)
    low = -np.where(slopes < 0.0, steps, np.inf).min(axis=1, initial=np.inf)
    size = float(np.linalg.norm(centre))
    limit = bands.radius if math.isfinite(bands.radius) else 2.0 * size + 1.0
    along = directions @ centre
    root = np.sqrt(np.maximum(along**2 + limit**2 - size**2, 0.0))
    return np.maximum(low, -along - root), np.minimum(high, -along + root)


def deep_pair(
    layers: tuple[Layer, ...],
    point: Array,
    radius: float,
    nonnegative: bool,
    rng: np.random.Generator,
) -> tuple[Array, Array] | None:
    """Return two inputs with the same output near a point where the last layer is thin.

    Few of its neurons are active in all of a neighbourhood of the point, but this may lie where
    pieces of the network meet: others, ever nearer to it, are tried until one has a piece
    around it.
    """
    limit = radius if math.isfinite(radius) else 2.0 * float(np.linalg.norm(point)) + 1.0
    found = _pair_around(layers, point, limit, nonnegative)
    for k in range(NEARBY):
        if found is not None:
            break
        away = rng.standard_normal(point.size)
        away *= limit * 0.5 ** (k // 2 + 1) / float(np.linalg.norm(away))
        near = np.maximum(point + away, 0.0) if nonnegative else point + away
        near *= min(1.0, limit * (1.0 - 1e-9) / max(float(np.linalg.norm(near)), 1e-300))
        found = _pair_around(layers, near, limit, nonnegative)
    return found


def _pair_around(
    layers: tuple[Layer, ...], point: Array, limit: float, nonnegative: bool
) -> tuple[Array, Array] | None:
    """Return the longest pair about a point on which no pattern of activity changes."""
    here, _ = preactivations(layers, point)
    patterns = [t > 0.0 for t in here]
    jacobian = np.eye(point.size)
    for layer, active in zip(layers, patterns, strict=True):
        jacobian = active[:, None] * (layer.weights @ jacobian)
    best, length = None, 0.0
    for v in _kernel(jacobian):
        step = limit
        while step > 1e-9 * limit and 2.0 * step > length:
            step /= 2.0
            ends = [point - step * v, point + step * v]
            if nonnegative and min(float(end.min()) for end in ends) < 0.0:
                continue
            if max(float(np.linalg.norm(end)) for end in ends) > limit:
                continue
            if all(_same_patterns(layers, end, patterns) for end in ends):
                best, length = (frozen(ends[0]), frozen(ends[1])), 2.0 * step
                break
    return best


def _same_patterns(layers: tuple[Layer, ...], x: Array, patterns: list[Array]) -> bool:
    values, _ = preactivations(layers, x)
    return all(
        np.array_equal(t > 0.0, active) for t, active in zip(values, patterns, strict=True)
    )


def ratio_upper(layers: tuple[Layer, ...], x: Array, y: Array) -> float:
    """Return an upper bound of ``|F(x) - F(y)| / |x - y|`` for a network, infinity if x = y."""
    apart = float(np.linalg.norm(y - x)) * (1.0 - 1e-13)
    if not apart > 0.0:
        return math.inf
    errors = [float(np.linalg.norm(preactivations(layers, p)[1][-1])) for p in (x, y)]
    change = float(np.linalg.norm(evaluate(layers, x) - evaluate(layers, y)))
    return (change * (1.0 + 1e-13) + sum(errors) * (1.0 + 1e-12)) / apart * (1.0 + 1e-14)
