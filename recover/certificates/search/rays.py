"""The fewest rows that are positive at a signal: exact, over the rays of the arrangement.

Every cell of a central arrangement of hyperplanes that span has a ray in its closure: a line on
which n - 1 independent rows vanish.  Around a ray the other rows keep their signs, and the rows
that vanish on it form an arrangement of one dimension less, whose minimum is found in the same
way; n - 1 independent rows can take any signs.  So repeated, antipodal and dependent rows are
no exception.  Signs are decided in floating point with an error bound, and in rational numbers
where that does not decide.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from recover.certificates.search.rational import Echelon, rational
from recover.core.arrays import Array
from recover.core.rounding import U

__all__ = ["Hyperplanes", "Minimum", "fewest_positive", "ray_count"]

WORK = 4_000_000  # numbers in the largest array of a batch
MAX_EXACT = 20_000  # rays that are treated in rational numbers


@dataclass(frozen=True, eq=False)
class Hyperplanes:
    """Distinct hyperplanes, and how many rows are positive on either side.

    Parameters
    ----------
    normals : array [shape=(k, n), real]
        One of the rows of each hyperplane, none zero.
    above, below : array of int [shape=(k,)]
        Number of rows that are positive where ``<x, normal> > 0``, and where it is ``< 0``.
    """

    normals: Array
    above: Array
    below: Array

    @staticmethod
    def of(rows: Array) -> Hyperplanes:
        """Group rows that are equal up to sign; zero rows are never positive."""
        index: dict[bytes, int] = {}
        normals: list[Array] = []
        counts: list[list[int]] = []
        for row in rows[np.any(rows != 0.0, axis=1)] + 0.0:
            lead = float(row[np.flatnonzero(row)[0]])
            normal = row if lead > 0.0 else 0.0 - row
            place = index.setdefault(normal.tobytes(), len(normals))
            if place == len(normals):
                normals.append(normal)
                counts.append([0, 0])
            counts[place][int(lead < 0.0)] += 1
        table = np.array(counts, dtype=np.int64).reshape(-1, 2)
        matrix = np.array(normals).reshape(-1, rows.shape[1])
        return Hyperplanes(matrix, table[:, 0], table[:, 1])

    def take(self, which: Array) -> Hyperplanes:
        """Return some of the hyperplanes."""
        return Hyperplanes(self.normals[which], self.above[which], self.below[which])

    def columns(self, which: Array) -> Hyperplanes:
        """Return the hyperplanes on the signals with these entries only."""
        return Hyperplanes(self.normals[:, which], self.above, self.below)


@dataclass(frozen=True, eq=False)
class Minimum:
    """The fewest positive rows.

    Parameters
    ----------
    lower : int
        No signal off all hyperplanes has fewer (proved).
    count : int
        What `signal` should have; equal to `lower` unless too many rays are degenerate.
    signal : array [shape=(n,)]
        In floating point: its count is to be checked by evaluation.
    """

    lower: int
    count: int
    signal: Array


@dataclass(eq=False)
class _Budget:
    """Rays that may still be treated in rational numbers."""

    left: int = MAX_EXACT


def ray_count(rows: Array) -> int:
    """Return the number of sets of hyperplanes that `fewest_positive` has to look at."""
    planes = Hyperplanes.of(rows)
    return math.comb(len(planes.normals), max(rows.shape[1] - 1, 0))


def fewest_positive(rows: Array) -> Minimum:
    """Return the fewest positive entries of ``rows @ x`` over x off all hyperplanes.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        Of any norm; they need neither span nor be distinct.
    """
    return _minimum(Hyperplanes.of(rows), _Budget())


def _minimum(planes: Hyperplanes, budget: _Budget) -> Minimum:
    n = planes.normals.shape[1]
    if len(planes.normals) == 0:
        return Minimum(0, 0, np.ones(n))
    echelon = Echelon(n)
    for normal in planes.normals:
        echelon.add(rational(normal))
        if len(echelon.pivots) == n:
            break
    if len(echelon.pivots) < n:
        # along the common kernel nothing changes: entries at the pivots are enough
        kept = np.array(sorted(echelon.pivots))
        inner = _minimum(planes.columns(kept), budget)
        signal = np.zeros(n)
        signal[kept] = inner.signal
        return Minimum(inner.lower, inner.count, signal)
    if n == 1:
        positive = planes.normals[:, 0] > 0.0
        up = int(np.where(positive, planes.above, planes.below).sum())
        down = int((planes.above + planes.below).sum()) - up
        return Minimum(min(up, down), min(up, down), np.array([1.0 if up <= down else -1.0]))
    return _over_rays(planes, budget)


def _over_rays(planes: Hyperplanes, budget: _Budget) -> Minimum:
    """Return the minimum over the rays; doubtful rays are settled in rational numbers."""
    best, doubtful = _sure_rays(planes)
    lower = best.count
    seen: set[bytes] = set()
    for floor, chosen in sorted(doubtful, key=lambda item: item[0]):
        if floor >= best.count:
            break
        if budget.left <= 0:
            lower = min(lower, floor)
            break
        budget.left -= 1
        found = _exact_ray(planes, np.array(chosen), budget, seen)
        if found is None:
            continue
        lower = min(lower, found.lower)
        if found.count < best.count:
            best = found
    return Minimum(min(lower, best.count), best.count, best.signal)


def _sure_rays(planes: Hyperplanes) -> tuple[Minimum, list[tuple[int, tuple[int, ...]]]]:
    """Return the minimum over the rays whose signs are sure, and the others.

    For rows of norm 1 the smallest singular value of n - 1 rows is at least their volume over
    ``sqrt(e)`` (the others have squares that add up to at most n - 1), so a computed null
    vector is off by at most the rounding over the volume.
    """
    n = planes.normals.shape[1]
    k = len(planes.normals)
    unit = planes.normals / np.sqrt((planes.normals**2).sum(axis=1))[:, None]
    total = planes.above + planes.below
    excess = planes.above - planes.below
    best, chosen, sign = int(total.sum()) + 1, np.empty(0, dtype=int), 1.0
    doubtful: list[tuple[int, tuple[int, ...]]] = []
    for prefix in _batches(k, n - 2, max(1, WORK // (k * k))):
        plane, volume = _null_planes(unit[prefix])
        t = plane @ unit.T  # (B, 2, k)
        size = np.sqrt((t**2).sum(axis=1))
        cross = t[:, 0, :, None] * t[:, 1, None, :] - t[:, 1, :, None] * t[:, 0, None, :]
        spread = np.maximum(volume[:, None] * size, 1e-300)
        doubt = 64.0 * n * n * U * size / spread
        signs = np.sign(cross) * (np.abs(cross) > doubt[:, :, None])
        zero = signs == 0.0
        change = signs @ excess
        floor = total.sum() - zero @ np.abs(excess)
        last = prefix.max(axis=1, initial=-1)
        later = np.arange(k)[None, :] > last[:, None]
        sure = later & (zero.sum(axis=2) == n - 1)
        counts = np.stack([floor + change, floor - change]) / 2.0
        for b, i in np.argwhere(later & ~sure):
            lowest = int(counts[:, b, i].min())
            if lowest < best:
                doubtful.append((lowest, (*prefix[b].tolist(), int(i))))
        counts[:, ~sure] = np.inf
        place = np.unravel_index(int(counts.argmin()), counts.shape)
        if counts[place] < best:
            best = int(counts[place])
            chosen = np.append(prefix[place[1]], place[2])
            sign = 1.0 if place[0] == 0 else -1.0
    if chosen.size == 0:
        return Minimum(0, best, np.ones(n)), doubtful
    ray = sign * _float_ray(unit[chosen])
    free = np.where(excess[chosen] > 0, -1.0, 1.0)
    step = np.linalg.lstsq(unit[chosen], free, rcond=None)[0]
    others = np.delete(np.arange(k), chosen)
    signal = _near_ray(ray, step, unit[others])
    return Minimum(best, best, signal), doubtful


def _batches(k: int, size: int, most: int) -> Iterator[Array]:
    """Yield the sets of `size` of k numbers as arrays of at most `most` of them."""
    sets = itertools.combinations(range(k), size)
    while chunk := list(itertools.islice(sets, most)):
        yield np.array(chunk, dtype=int).reshape(len(chunk), size)


def _null_planes(rows: Array) -> tuple[Array, Array]:
    """Return orthonormal bases (B, 2, n) of what n - 2 rows leave free, and their volumes."""
    count, size, n = rows.shape
    if size == 0:
        return np.broadcast_to(np.eye(n), (count, 2, n)), np.ones(count)
    q, r = np.linalg.qr(rows.transpose(0, 2, 1), mode="complete")
    diagonal = np.abs(r[:, np.arange(size), np.arange(size)])
    return q[:, :, size:].transpose(0, 2, 1), diagonal.prod(axis=1)


def _float_ray(rows: Array) -> Array:
    ray: Array = np.linalg.svd(rows)[2][-1]
    # the orientation of `_sure_rays`: positive where the cross product with the last row is
    plane, _ = _null_planes(rows[None, :-1])
    t = plane[0] @ rows[-1]
    wanted = np.array([-t[1], t[0]]) @ plane[0]
    return ray if ray @ wanted >= 0.0 else -ray


def _near_ray(ray: Array, step: Array, others: Array) -> Array:
    """Return ``ray + s step``, s > 0 so small that the other rows keep their signs."""
    along, move = others @ ray, others @ step
    against = move * along < 0.0
    room = np.abs(along[against]) / np.abs(move[against])
    signal: Array = ray + 0.5 * min(float(room.min(initial=1.0)), 1.0) * step
    return signal


def _exact_ray(
    planes: Hyperplanes, chosen: Array, budget: _Budget, seen: set[bytes]
) -> Minimum | None:
    """Treat one ray in rational numbers; None if it is no ray or was seen before."""
    n = planes.normals.shape[1]
    echelon = Echelon(n)
    for normal in planes.normals[chosen]:
        echelon.add(rational(normal))
    if len(echelon.pivots) < n - 1:
        return None  # its rays are those of other, independent rows
    ray = echelon.kernel()
    products = [
        sum((a * b for a, b in zip(rational(normal), ray, strict=True)), Fraction(0))
        for normal in planes.normals
    ]
    signs = np.array([(p > 0) - (p < 0) for p in products])
    zero = np.flatnonzero(signs == 0)
    if zero.tobytes() in seen:
        return None
    seen.add(zero.tobytes())
    # signals that differ by a multiple of the ray are one: one entry of them can be zero
    kept = np.delete(np.arange(n), next(i for i, r in enumerate(ray) if r))
    inner = _minimum(planes.take(zero).columns(kept), budget)
    others = np.flatnonzero(signs)
    total = int((planes.above + planes.below)[others].sum())
    up = int(np.where(signs[others] > 0, planes.above[others], planes.below[others]).sum())
    outer = min(up, total - up)
    largest = max(abs(r) for r in ray)
    direction = np.array([float(r / largest) for r in ray])
    step = np.zeros(n)
    step[kept] = inner.signal / max(float(np.abs(inner.signal).max()), 1e-300)
    sign = 1.0 if up == outer else -1.0
    signal = _near_ray(sign * direction, step, planes.normals[others])
    return Minimum(outer + inner.lower, outer + inner.count, signal)
