"""Lanczos with full reorthogonalisation: values that guide a search, and prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal, norm

from recover.core.arrays import Array
from recover.core.rounding import U

__all__ = ["Ritz", "lanczos_values"]


class Ritz(NamedTuple):
    """What k Lanczos steps say of a symmetric operator."""

    steps: int
    smallest: float
    largest: float
    residual: float  # of the largest value's Ritz vector: some eigenvalue is as near as that
    remainder: float  # norm of what the operator adds to the Krylov space: 0 if it is invariant
    ended: bool  # the remainder is zero to rounding: more steps cannot change anything


def lanczos_values(
    apply: Callable[[Array], Array], start: Array, max_steps: int, rtol: float = 0.0
) -> Iterator[Ritz]:
    """Yield the extreme Ritz values of a Hermitian operator after 1, 2, ... Lanczos steps.

    Ends when nothing can change or, for a positive `rtol`, when the residual of the largest
    value is at most `rtol` times that value.

    Parameters
    ----------
    apply : callable, array [shape=(n,)] -> array [shape=(n,)]
    start : array [shape=(n,)], real or complex, not zero
    max_steps : int >= 1
        Memory is ``min(max_steps, n)`` vectors.

    References
    ----------
    .. [1] B. N. Parlett, "The Symmetric Eigenvalue Problem", SIAM (1998), chapter 13.
    """
    steps = min(max_steps, start.size)
    basis = np.empty((steps + 1, start.size), dtype=start.dtype)
    basis[0] = start / norm(start)
    alpha, beta = np.zeros(steps), np.zeros(steps)
    for k in range(steps):
        image = apply(basis[k])
        alpha[k] = np.vdot(basis[k], image).real
        known = basis[: k + 1]
        for _ in range(2):  # twice is enough to keep the basis orthonormal to rounding
            image = image - (known.conj() @ image) @ known
        beta[k] = norm(image)
        size = np.abs(alpha[: k + 1]).max() + beta[: k + 1].max()
        if k + 1 == start.size:
            beta[k] = 0.0
        ended = bool(beta[k] <= 128.0 * U * size)
        values, vectors = eigh_tridiagonal(alpha[: k + 1], beta[:k])
        largest, residual = float(values[-1]), float(beta[k] * abs(vectors[k, -1]))
        yield Ritz(k + 1, float(values[0]), largest, residual, float(beta[k]), ended)
        if ended or (rtol > 0.0 and residual <= rtol * abs(largest)):
            return
        basis[k + 1] = image / beta[k]
