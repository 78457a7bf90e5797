"""A subspace or support as a matrix with nearly orthonormal columns, seen through a frame."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack, qr

from recover.certificates.columns import operator_norm
from recover.certificates.roundoff import underflow
from recover.core.arrays import Array
from recover.core.eigen import eigmax_upper, gram_of
from recover.core.enclosure import Enclosure
from recover.core.rounding import TINY, binary_exponent, gamma, norm_upper, up
from recover.frames.base import Frame
from recover.frames.bounds import real_matrix
from recover.models.domains import Support
from recover.models.problem import Problem
from recover.priors.subspace import Subspace

__all__ = ["Span", "row_lengths", "span_of", "span_size"]

MAX_VECTORS = 1500
MAX_ENTRIES = 2**24
ORTHONORMAL = 1e-8  # vectors this near to orthonormal are taken as they are


class Span(NamedTuple):
    """Signals ``x = V a = D c``, with V as given and D orthonormal, and ``Phi x = B c``.

    Parameters
    ----------
    vectors : array [shape=(n, k)]
        V up to `vectors_error` in spectral norm.
    vectors_error : float
    lift : array [shape=(k, k)] or None
        Y with ``D = V Y``, invertible; None if V is nearly orthonormal itself.
    basis : array [shape=(n, k)]
        D as computed; nearly orthonormal.
    basis_norm : float
        A bound of the exact D's spectral norm.
    seen : array [shape=(coef_size, k)]
        B up to `seen_error` in spectral norm.
    seen_error : float
    """

    vectors: Array
    vectors_error: float
    lift: Array | None
    basis: Array
    basis_norm: float
    seen: Array
    seen_error: float

    def point(self, a: Array) -> tuple[Array, float]:
        """Return ``V a`` and a bound of its error in l2."""
        off = gamma(2 * a.size + 8) * norm_upper(self.vectors) + self.vectors_error
        return self.vectors @ a, up(off * norm_upper(a) + 64.0 * self.vectors.size * TINY, 4)


def row_lengths(matrix: Array) -> Array:
    """Return the norms of a matrix's rows up to a few roundings, none of them underflowed."""
    exponent = binary_exponent(matrix)
    lengths = np.linalg.norm(np.ldexp(matrix, -exponent), axis=1)
    result: Array = np.ldexp(lengths + 2.0**-500, exponent)
    return result


def span_size(problem: Problem) -> int:
    """Return the number of spanning vectors of the subspace prior or support domain."""
    if isinstance(problem.prior, Subspace):
        frame = problem.prior.frame
        return frame.coef_size * (1 if frame.real_coefs else 2)
    if isinstance(problem.domain, Support):
        return int(np.count_nonzero(np.broadcast_to(problem.domain.mask, _shape(problem))))
    return 0


def span_of(problem: Problem) -> Span | None:
    """Return the span of the problem's subspace prior, else of its support; None if too large.

    Vectors that are not nearly orthonormal are replaced by ``D Y``, Y the computed inverse of
    their triangular factor: an invertible matrix, so the span is the same whatever its errors.
    """
    frame, count = problem.model.frame, span_size(problem)
    if (
        not 0 < count <= MAX_VECTORS
        or count * max(frame.coef_size, frame.signal_size) > MAX_ENTRIES
    ):
        return None
    vectors, error = _vectors(problem)
    gram, slack = gram_of(vectors)
    basis, lift, vectors_error = vectors, None, error
    if norm_upper(gram - np.eye(count)) > ORTHONORMAL:
        triangle = np.triu(qr(vectors, mode="r", check_finite=False)[0][:count])
        inverse, info = lapack.dtrtri(triangle)
        if info != 0 or not np.isfinite(inverse).all():
            return None
        basis, lift = vectors @ inverse, inverse
        size = norm_upper(inverse)
        error = up(error * size + gamma(2 * count + 8) * norm_upper(vectors) * size, 4)
        gram, slack = gram_of(basis)
    largest = Enclosure.exactly(eigmax_upper(gram, gram_slack=slack).value).sqrt().upper
    images = frame.analysis(np.ascontiguousarray(basis.T).reshape(count, *frame.signal_shape))
    seen = np.ascontiguousarray(images.reshape(count, -1).T)
    off = frame.roundoff() * norm_upper(basis) + math.sqrt(count) * underflow(frame)
    if error > 0.0:
        off += operator_norm(frame) * error
    return Span(
        vectors,
        vectors_error,
        lift,
        basis,
        up(largest + error),
        seen,
        up(off, 4) if off > 0.0 else 0.0,
    )


def _vectors(problem: Problem) -> tuple[Array, float]:
    """Return the spanning vectors as columns, and a bound of the matrix's error."""
    if isinstance(problem.prior, Subspace):
        spanning: Frame = problem.prior.frame
        rows, error = real_matrix(spanning, np.ones(spanning.coef_shape, dtype=bool))
        return np.ascontiguousarray(rows.T), error
    mask = np.zeros(_shape(problem), dtype=bool)
    if isinstance(problem.domain, Support):
        mask = np.broadcast_to(problem.domain.mask, _shape(problem))
    chosen = np.flatnonzero(mask)
    units = np.zeros((math.prod(_shape(problem)), chosen.size))
    units[chosen, np.arange(chosen.size)] = 1.0
    return units, 0.0


def _shape(problem: Problem) -> tuple[int, ...]:
    return problem.model.frame.signal_shape
