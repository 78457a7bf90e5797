"""The leading eigenvector of a Hermitian operator by locally optimal conjugate gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array

__all__ = ["Leading", "leading_vector"]


class Leading(NamedTuple):
    """An approximate eigenvector of length 1 and how good it is.

    Parameters
    ----------
    vector : array
    value : float
        Its Rayleigh quotient.
    residual : float
        ``|apply(vector) - value vector|`` relative to ``|value|``.
    steps : int
        Applications of the operator.
    """

    vector: Array
    value: float
    residual: float
    steps: int


def leading_vector(
    apply: Callable[[Array], Array], start: Array, *, max_steps: int, tol: float
) -> Leading:
    """Return an approximate eigenvector of the largest eigenvalue.

    Each step maximises the Rayleigh quotient over the span of the iterate, its residual and the
    last direction: the rate of conjugate gradients with a memory of six vectors [1]_.

    Parameters
    ----------
    apply : callable, array -> array of the same shape
        A Hermitian operator.
    start : array, not zero
    max_steps : int >= 1
    tol : float > 0
        Relative residual of the eigenvector at which it stops.

    References
    ----------
    .. [1] A. V. Knyazev, "Toward the optimal preconditioned eigensolver: locally optimal block
       preconditioned conjugate gradient method", SIAM J. Sci. Comput. 23 (2001).
    """
    x = start / _norm(start)
    image = apply(x)
    basis: list[tuple[Array, Array]] = []  # the last direction with its image
    value, residual = float(np.vdot(x, image).real), np.inf
    for step in range(1, max_steps + 1):
        gap = image - value * x
        residual = _norm(gap) / abs(value) if value != 0.0 else _norm(gap)
        if residual <= tol or step == max_steps:
            return Leading(x, value, residual, step)
        vectors = [(x, image)]
        for vector, known in [(gap / _norm(gap), None), *basis]:
            pair = _orthogonal(vector, known, vectors, apply)
            if pair is not None:
                vectors.append(pair)
        small = np.array([[np.vdot(v, w) for _, w in vectors] for v, _ in vectors])
        values, columns = np.linalg.eigh(0.5 * (small + small.conj().T))
        value, top = float(values[-1]), columns[:, -1].astype(x.dtype)
        x_new = sum((c * v for c, (v, _) in zip(top, vectors, strict=True)), np.zeros_like(x))
        turned = sum((c * w for c, (_, w) in zip(top, vectors, strict=True)), np.zeros_like(x))
        direction = x_new - top[0] * x
        basis = [(direction, turned - top[0] * image)] if _norm(direction) > 0.0 else []
        size = _norm(x_new)
        x, image = x_new / size, turned / size
    return Leading(x, value, residual, max_steps)


def _orthogonal(
    vector: Array,
    image: Array | None,
    against: list[tuple[Array, Array]],
    apply: Callable[[Array], Array],
) -> tuple[Array, Array] | None:
    """Return the part of a vector at right angles to others with its image, None if tiny."""
    length = _norm(vector)
    if length == 0.0:
        return None
    v = vector / length
    w = None if image is None else image / length
    for u, known in against:
        share = v.dtype.type(np.vdot(u, v))
        v = v - share * u
        w = None if w is None else w - share * known
    rest = _norm(v)
    if (rest <= 1e-3 and image is not None) or rest <= 1e-5:
        return None
    v = v / rest
    return v, apply(v) if w is None else w / rest


def _norm(x: Array) -> float:
    return math.sqrt(float(np.vdot(x, x).real))
