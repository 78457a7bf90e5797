"""Smallest singular value of an operator restricted to some entries of the signal.

Routes: dense columns; for convolutions, whose columns are short, a sparse Gram matrix; for any
operator with positive frame bounds, those (fewer columns cannot have a smaller value).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from recover.certificates.sigma import CHOLESKY, ORTHOGONAL, SHADE, prove_sigma, reprove_sigma
from recover.core.arrays import Array
from recover.core.eigen import eigmax_upper, eigmin_lower_sparse, gram_of
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rigor import RigorKind
from recover.core.rounding import down, gamma, norm_upper, up
from recover.frames.base import Frame
from recover.frames.convolution import Convolution
from recover.frames.masked import Masked
from recover.frames.structure import HasRows

__all__ = ["dense_columns", "operator_norm", "prove_columns", "reprove_columns"]

SPARSE, WHOLE = "sparse", "whole"
DENSE_COLUMNS = 1500
DENSE_ENTRIES = 2**24
SPARSE_ENTRIES = 2**25
EXACT_NORM = 200  # signal size up to which a dense operator's norm costs next to nothing
SPARSE_FROM = 300  # unknowns from which a sparse factorisation is cheaper than a dense one


def prove_columns(operator: Frame, chosen: Array) -> tuple[float, str]:
    """Return a proved lower bound of ``|T v| / |v|`` over v on the chosen entries; the route.

    Parameters
    ----------
    operator : Frame
        On real signals.
    chosen : array of bool [shape=(signal_size,)]

    Returns
    -------
    sigma : float
        0 if nothing positive was proved.
    route : str
        Empty where no route takes a problem of that size.
    """
    count, tried = int(np.count_nonzero(chosen)), ""
    short = _sparse_columns(operator, chosen) if count >= SPARSE_FROM else None
    if short is not None:
        gram, slack = short
        bound = eigmin_lower_sparse(gram, slack=slack)
        if bound.value > 0.0:
            return max(down(math.sqrt(bound.value) * SHADE, 2), 0.0), SPARSE
    dense = dense_columns(operator, chosen)
    if dense is not None:
        sigma, tried = prove_sigma(*dense)
        if sigma > 0.0:
            return sigma, tried
    elif short is None:
        whole = operator.bounds()
        if whole.rigor.kind is RigorKind.PROVED and whole.lower > 0.0:
            return max(down(math.sqrt(whole.lower) * SHADE, 2), 0.0), WHOLE
        return 0.0, ""
    return 0.0, tried or SPARSE


def reprove_columns(operator: Frame, chosen: Array, sigma: float, route: str) -> bool:
    """Tell whether `sigma` is proved again by one factorisation on the given route.

    Raises
    ------
    ParameterError
        If there is no such route, or not for this operator.
    """
    if not (sigma > 0.0 and math.isfinite(sigma)):
        return False
    square = (Enclosure.exactly(sigma) * sigma).upper
    if route == WHOLE:
        bounds = operator.bounds()
        return bounds.rigor.kind is RigorKind.PROVED and bounds.lower >= square
    if route == SPARSE:
        short = _sparse_columns(operator, chosen)
        if short is not None:
            return eigmin_lower_sparse(short[0], slack=short[1], at=square).value >= square
    if route in (CHOLESKY, ORTHOGONAL):
        dense = dense_columns(operator, chosen)
        if dense is not None:
            return reprove_sigma(*dense, sigma, route)
    raise ParameterError(f"route {route!r} does not exist for this operator")


def dense_columns(operator: Frame, chosen: Array) -> tuple[Array, float] | None:
    """Return the chosen columns as a real matrix with a bound of its error, None if too large.

    Complex coefficients are split into real and imaginary parts.
    """
    count = int(np.count_nonzero(chosen))
    if count > DENSE_COLUMNS or count * operator.coef_size > DENSE_ENTRIES:
        return None
    inner, keep = operator, np.ones(operator.coef_shape, dtype=bool)
    while isinstance(inner, Masked):
        outer = np.zeros(inner.frame.coef_shape, dtype=bool)
        outer[inner.keep] = keep
        inner, keep = inner.frame, outer
    if isinstance(inner, HasRows):
        columns, error = inner.rows[keep.reshape(-1)][:, chosen], 0.0
    else:
        units = np.zeros((count, operator.signal_size))
        units[np.arange(count), np.flatnonzero(chosen)] = 1.0
        images = operator.analysis(units.reshape(count, *operator.signal_shape))
        columns = images.reshape(count, -1).T
        # each column is off by at most the round-off for a unit vector
        error = up(math.sqrt(count) * operator.roundoff(), 2)
    if np.iscomplexobj(columns):
        columns = np.concatenate([columns.real, columns.imag])
    return np.ascontiguousarray(columns), error


def operator_norm(operator: Frame) -> float:
    """Return a proved upper bound of ``|T x| / |x|``; infinite if there is none."""
    inner = operator
    while isinstance(inner, Masked):
        inner = inner.frame
    if isinstance(inner, HasRows):
        rows = np.abs(inner.rows)
        sums = up(float(rows.sum(axis=0).max()) * float(rows.sum(axis=1).max()), 4)
        cheap = min(norm_upper(rows), up(math.sqrt(sums) * (1.0 + gamma(rows.size + 8))))
        if rows.shape[1] > EXACT_NORM:
            return cheap
        gram, slack = gram_of(inner.rows)
        largest = Enclosure.exactly(eigmax_upper(gram, gram_slack=slack).value).sqrt().upper
        return min(cheap, largest)
    bounds = inner.bounds()
    if bounds.rigor.kind is not RigorKind.PROVED:
        return math.inf
    return Enclosure.exactly(bounds.upper).sqrt().upper


def _sparse_columns(operator: Frame, chosen: Array) -> tuple[sparse.csr_array, float] | None:
    """Return the sparse Gram matrix of a convolution's columns and a bound of its error.

    Column u holds ``h_f[l]`` in the rows ``(f, u + l)``; entries of the Gram matrix are sums of
    at most taps * filters products, so its error is at most gamma times ``|h|_1^2`` summed over
    the filters (the norm of the Gram matrix of the moduli).
    """
    inner, keep = operator, np.ones(operator.coef_shape, dtype=bool)
    while isinstance(inner, Masked):
        outer = np.zeros(inner.frame.coef_shape, dtype=bool)
        outer[inner.keep] = keep
        inner, keep = inner.frame, outer
    if not isinstance(inner, Convolution):
        return None
    shape, filters = inner.shape, inner.filters
    places = np.unravel_index(np.flatnonzero(chosen), shape)
    count = places[0].size
    taps = np.argwhere(filters != 0.0)
    if len(taps) * count > SPARSE_ENTRIES:
        return None
    size = math.prod(shape)
    rows, values = [], []
    for tap in taps:
        moved = [(p + t) % n for p, t, n in zip(places, tap[1:], shape, strict=True)]
        rows.append(tap[0] * size + np.ravel_multi_index(moved, shape))
        values.append(np.full(count, filters[tuple(tap)]))
    row, value = np.concatenate(rows), np.concatenate(values)
    column = np.tile(np.arange(count), len(taps))
    used = keep.reshape(-1)[row]
    matrix = sparse.csc_array(
        (value[used], (row[used], column[used])), shape=(keep.size, count)
    )
    product = sparse.csr_array(matrix.T @ matrix)
    lower = sparse.tril(product, -1)
    gram = sparse.csr_array(lower + lower.T + sparse.diags_array(product.diagonal()))
    sums = np.abs(filters).reshape(filters.shape[0], -1).sum(axis=1)
    slack = up(gamma(2 * len(taps) + 8) * float(np.square(sums).sum()), 8)
    return gram, slack
