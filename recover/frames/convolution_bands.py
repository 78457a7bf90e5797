"""Band matrix of a circular filter bank of which some coefficients are kept.

``S[t + d, t] = sum_f sum_l keep_f[t + l] h_f[l] h_f[l - d]``: correlations of the masks with
products of the filters, computed directly.

Errors. A sum of at most L products (the longest size) for each of F filters is off by
at most ``gamma_(L + F + 2)`` times the same sum of moduli, a matrix of norm at most
``sum_f |h_f|_1^2``. If a filter is itself off by e_f in l1, ``C + E`` in place of C with
``|E| <= e_f`` changes the frame operator by at most ``e_f (2 |h_f|_1 + e_f)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recover.core.arrays import Array
from recover.core.rounding import TINY, U, gamma, up
from recover.frames.bands import bands_of_circle, bands_pay
from recover.frames.structure import Bands

__all__ = ["convolution_bands"]


def convolution_bands(filters: Sequence[Array], errors: Array, keep: Array) -> Bands | None:
    """Return the bands of the kept vectors' frame operator, None if too wide to be useful.

    Parameters
    ----------
    filters : sequence of array [shape=(taps,)], real
    errors : array [shape=(filters,)]
        Bounds on the l1 norm of each filter's error.
    keep : array of bool [shape=(filters, period)]
    """
    period = keep.shape[1]
    width = max(h.size for h in filters)
    if not bands_pay(width, period, wraps=True, is_complex=False):
        return None
    circle = np.zeros((width, period))
    for h, mask in zip(filters, keep, strict=True):
        around = np.concatenate([mask, mask[: h.size - 1]]).astype(np.float64)
        for d in range(h.size):
            products = np.zeros(h.size)
            products[d:] = h[d:] * h[: h.size - d]
            circle[d] += np.correlate(around, products)
    found = bands_of_circle(circle, period)
    if found is None:
        return None
    bands, folded = found
    sums = np.array([np.abs(h).sum() for h in filters])
    rounding = gamma(width + len(filters) + 4) * float(np.square(sums).sum())
    drift = float((errors * (2.0 * sums + errors)).sum())
    slack = (rounding + drift) * (1.0 + 8.0 * U * (width + len(filters)))
    return Bands(bands, up(slack + 4.0 * width * width * len(filters) * TINY, 2), folded)
