"""Samples with one bound chosen for the least prediction error, by banded normal equations."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, solveh_banded

from recover.core.arrays import Array

__all__ = ["interpolated"]

_ROUNDS = 100  # exchanges of sets before a block is given up
_FULL = 3  # rounds without progress in which all infeasible places are exchanged at once
_ROUNDOFF = 1e-12  # of the largest slope: what counts as a slope of the wrong sign


def interpolated(x: Array, taps: Array, lower: Array, upper: Array) -> Array:
    """Return `x` with the samples that have one bound chosen for the least prediction error.

    Minimises ``sum_t (sum_j taps_j x_{t-j})^2`` over them, within their bounds; samples with
    two bounds stay as they are, and so do those with none.  With b >= 0 the distances from the
    bounds it is a least-squares problem in non-negative unknowns.  A set of them is taken to be
    positive, the normal equations of these are solved, and what comes out negative changes
    sides with what has a negative slope, all at once while that helps [1]_.  The normal matrix
    is banded, as the filter is short.  Where it is singular to working precision, as for gaps
    about as long as what surrounds them, the data do not determine the samples and all of `x`
    stays as it is.

    Parameters
    ----------
    x : array of float64 [shape=(n,)]
    taps : array [shape=(order + 1,)]
        See `recover.solve.autoregressive.prediction_filter`.
    lower, upper : array [shape=(n,)]
        Bounds, infinite where there is none.

    References
    ----------
    .. [1] L. F. Portugal, J. J. Judice, L. N. Vicente, "A comparison of block pivoting and
       interior-point algorithms for linear least squares problems with nonnegative variables",
       Math. Comp. 63 (1994) 625-643.
    """
    up = np.isfinite(lower) & ~np.isfinite(upper)
    down = np.isfinite(upper) & ~np.isfinite(lower)
    places = np.flatnonzero(up | down)
    if len(places) == 0:
        return x
    base = np.where(up, lower, np.where(down, upper, x))
    sign = np.where(up[places], 1.0, -1.0)
    beyond = _exchanged(base, taps, places, sign)
    if beyond is None:
        return x
    out = base.copy()
    out[places] += sign * beyond
    return out


def _exchanged(base: Array, taps: Array, places: Array, sign: Array) -> Array | None:
    """Return the distances by exchanging sets, or None if that does not come to an end."""
    products = _lagged_products(taps)
    goal = -sign * _slope(base, taps)[places]
    allowed = _ROUNDOFF * float(np.abs(goal).max())
    positive = np.ones(len(places), dtype=bool)
    fewest, full = len(places) + 1, _FULL
    for _ in range(_ROUNDS):
        beyond = np.zeros(len(places))
        band = _band(products, places[positive], len(base))
        try:
            solved = solveh_banded(band, (sign * goal)[positive], lower=True)
            beyond[positive] = sign[positive] * solved
        except (LinAlgError, ValueError):
            return None
        moved = base.copy()
        moved[places] += sign * beyond
        slope = sign * _slope(moved, taps)[places]
        wrong = np.where(positive, beyond < 0.0, slope < -allowed)
        count = int(np.count_nonzero(wrong))
        if count == 0:
            return beyond
        if count < fewest:
            fewest, full = count, _FULL
        elif full > 0:
            full -= 1
        else:  # one at a time comes to an end for certain
            wrong[: np.flatnonzero(wrong)[-1]] = False
        positive ^= wrong
        if not positive.any():
            return None
    return None


def _slope(x: Array, taps: Array) -> Array:
    """Return half the slope of the prediction error's energy in every sample."""
    return np.convolve(np.convolve(x, taps, mode="valid"), taps[::-1])


def _lagged_products(taps: Array) -> Array:
    """Return the sums ``[d, k]`` of ``taps_i taps_{i+d}`` over i < k."""
    order = len(taps) - 1
    sums = np.zeros((order + 1, order + 2))
    for d in range(order + 1):
        products = taps[: order + 1 - d] * taps[d:]
        sums[d, 1 : len(products) + 1] = np.cumsum(products)
        sums[d, len(products) + 1 :] = sums[d, len(products)]
    return sums


def _band(products: Array, places: Array, length: int) -> Array:
    """Return the lower band of the normal matrix of some samples.

    Two samples d <= order apart meet in the rows t that reach both, ``order <= t < length``.
    """
    order, count = len(products) - 1, len(places)
    reach = np.searchsorted(places, places + order, side="right") - np.arange(count)
    partner = np.arange(int(reach.max()))[:, None] + np.arange(count)
    # beyond the last sample comes one that is far from all
    later = np.append(places, length + 2 * order)[np.minimum(partner, count)]
    apart = np.minimum(later - places, order + 1)
    whole = np.append(products[:, -1], 0.0)
    band: Array = whole[apart]
    outside = (apart <= order) & ((later < order) | (places + order >= length))
    d, top = apart[outside], later[outside]
    first = np.maximum(0, order - top)
    last = np.maximum(np.minimum(order - d, length - 1 - top) + 1, first)
    band[outside] = products[d, last] - products[d, first]
    return band
