"""The fewest active neurons of a layer in general position, over all inputs, quickly.

This is for experiments on random layers.  Signs are taken as floating point gives them; for a
proof about one given matrix there is `recover.theory.min_active_neurons`.
"""

from __future__ import annotations

import itertools

import numpy as np

from recover.core.arrays import Array

__all__ = ["fewest_by_sweep"]

WORK = 1_000_000  # numbers in the largest array of a batch


def fewest_by_sweep(rows: Array, enough: int = -1) -> int:
    """Return the least number of positive entries of ``rows @ x``, x off all hyperplanes.

    Every cell of the arrangement touches a plane on which n - 2 rows vanish.  Near the plane
    those rows can have any signs, so the least count is that of the others in the plane, where
    each changes its sign once in half a turn.

    Parameters
    ----------
    rows : array [shape=(m, n), m >= n >= 2]
        In general position, as rows drawn from a density are with probability one.
    enough : int
        The sweep ends at a count of at most this.
    """
    m, n = rows.shape
    unit = rows / np.sqrt((rows**2).sum(axis=1))[:, None]
    sets = itertools.combinations(range(m), n - 2)
    fewest, size = (
        int(m),
        64,
    )  # small batches first: most layers that are not injective end there
    while chunk := list(itertools.islice(sets, size)):
        chosen = np.array(chunk, dtype=int).reshape(len(chunk), n - 2)
        fewest = min(fewest, _fewest_in_planes(unit, chosen))
        if fewest <= enough:
            break
        size = min(4 * size, max(1, WORK // m))
    return fewest


def _fewest_in_planes(unit: Array, chosen: Array) -> int:
    """Return the least count over the planes on which the chosen rows (B, n - 2) vanish."""
    m, n = unit.shape
    basis = np.broadcast_to(np.eye(n), (len(chosen), n, n))
    for column in chosen.T:
        basis = _without(basis, unit[column])
    t = np.einsum("mn,bnd->dbm", unit, basis)
    upper = t[1] >= 0.0
    angle = np.arctan2(np.where(upper, t[1], -t[1]), np.where(upper, t[0], -t[0]))
    # the step of each row rides in the last bit of its angle, so that sorting carries it along
    key = (angle + 1.0).view(np.int64) & ~1 | upper
    np.put_along_axis(key, chosen, np.iinfo(np.int64).max - 1, axis=1)
    key.sort(axis=1)
    active = m - n + 2
    falls = (key[:, :active] & 1).astype(np.int64)
    start = falls.sum(axis=1)  # at a right angle to the first direction all upper rows are on
    counts = start[:, None] - np.cumsum(2 * falls - 1, axis=1)
    lowest = np.minimum(counts.min(axis=1), start)
    highest = np.maximum(counts.max(axis=1), start)
    least: int = np.minimum(lowest, active - highest).min().item()
    return least


def _without(basis: Array, row: Array) -> Array:
    """Return bases (B, n, d - 1) of the parts of the spaces (B, n, d) that rows do not see.

    By reflections that carry the first axis to what the spaces see of the rows.
    """
    v = np.einsum("bnd,bn->bd", basis, row)
    v[:, 0] += np.where(v[:, 0] >= 0.0, 1.0, -1.0) * np.sqrt((v**2).sum(axis=1))
    along = np.einsum("bnd,bd->bn", basis, v) * (2.0 / (v**2).sum(axis=1))[:, None]
    rest: Array = basis[:, :, 1:] - along[:, :, None] * v[:, None, 1:]
    return rest
