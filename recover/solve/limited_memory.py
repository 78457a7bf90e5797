"""Limited-memory quasi-Newton directions in a given metric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array

__all__ = ["Memory"]


def _dot(a: Array, b: Array) -> float:
    return float(np.vdot(a, b).real)


@dataclass(frozen=True, eq=False)
class Memory:
    """The last changes of the iterate and of the gradient [1]_.

    Parameters
    ----------
    metric : array
        Inverse of the diagonal of the first approximate Hessian.
    length : int >= 1
        Pairs that are kept.
    moves, changes : tuple of array
        Those of the iterate and of the gradient, oldest first.

    References
    ----------
    .. [1] J. Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comp. 35
       (1980) 773-782.
    """

    metric: Array
    length: int
    moves: tuple[Array, ...] = ()
    changes: tuple[Array, ...] = ()

    def direction(self, gradient: Array) -> Array:
        """Return the approximate Newton direction of descent."""
        q, scale = gradient.copy(), 1.0
        weights = list[float]()
        pairs = list(zip(self.moves, self.changes, strict=True))
        for move, change in reversed(pairs):
            weights.append(_dot(move, q) / _dot(move, change))
            q -= q.real.dtype.type(weights[-1]) * change
        if pairs:
            move, change = pairs[-1]
            scale = _dot(move, change) / _dot(change, self.metric * change)
        q *= self.metric * q.real.dtype.type(scale)
        for (move, change), weight in zip(pairs, reversed(weights), strict=True):
            back = _dot(change, q) / _dot(move, change)
            q += q.real.dtype.type(weight - back) * move
        return np.negative(q)

    def told(self, move: Array, change: Array) -> Memory:
        """Return the memory with one more pair, unless it shows no positive curvature."""
        if not _dot(move, change) > 0.0:
            return self
        moves, changes = (*self.moves, move), (*self.changes, change)
        return Memory(self.metric, self.length, moves[-self.length :], changes[-self.length :])
