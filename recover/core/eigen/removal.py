"""Norm of an entrywise non-negative symmetric operator, from above (Collatz and Wielandt).

For K >= 0 entry by entry and any p > 0, ``rho(K) <= max_i (K p)_i / p_i``; for symmetric K
this bounds the spectral norm. What is left of a frame after the vectors J were removed has a
lower bound of at least the whole frame's less ``|G_J| <= | |G_J| |``, G_J the Gram matrix of J,
which for a Gabor frame is a convolution.

References
----------
.. [1] L. Collatz, "Einschliessungssatz fuer die charakteristischen Zahlen von Matrizen", Math.
   Z. 48 (1942) 221-226; R. A. Horn, C. R. Johnson, "Matrix Analysis", Theorem 8.1.26.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array, require_finite
from recover.core.errors import ParameterError
from recover.core.rounding import up_array

__all__ = ["NormBound", "nonnegative_norm_upper", "nonnegative_norm_upper_from"]

# Weights are kept above these parts of the largest one, so that the absolute rounding error of
# a fast convolution, divided by a weight, stays small; the best of the bounds is kept.
FLOORS = (0.0, 1e-12, 1e-9, 1e-6, 1e-3, 1e-1)
# Part of the present bound that is added as a multiple of the identity, so that an eigenvalue
# near minus the spectral radius does not make the iteration oscillate.
DAMPING = 0.2

Apply = Callable[[Array], Array]
Roundoff = float | Callable[[Array], float]


class NormBound(NamedTuple):
    """A proved upper bound of a norm, and its evidence."""

    value: float
    weights: Array  # the positive vector p: one application of the operator re-proves the value


def nonnegative_norm_upper(
    apply: Apply, shape: tuple[int, ...], *, roundoff: Roundoff, steps: int = 30
) -> NormBound:
    """Return a proved upper bound of the spectral norm of a non-negative symmetric operator.

    Power iteration finds the weights; each iterate is a valid choice, the best is returned.

    Parameters
    ----------
    apply : callable, array [shape=shape, > 0] -> array [shape=shape]
        Computes ``K p`` for an entrywise non-negative symmetric K.
    shape : tuple of int
        Shape of p; at least one entry.
    roundoff : float >= 0, or callable p -> float
        Bound on the absolute error of each entry of ``apply(p)``. A number is a bound for p
        with largest entry 1, which all weights here have.
    steps : int >= 1
        Number of power iterations.

    Returns
    -------
    NormBound
        Value infinity if no finite bound was found.

    Raises
    ------
    ParameterError
        If `steps` or `roundoff` is out of range, `shape` is empty, or `apply` returns another
        shape or values that are not finite.

    References
    ----------
    .. [1] Horn, Johnson, "Matrix Analysis", Theorem 8.1.26 (Collatz and Wielandt).
    """
    if steps < 1:
        raise ParameterError(f"steps must be >= 1, got {steps}; 30 is usual")
    if math.prod(shape) == 0:
        raise ParameterError(f"shape must have at least one entry, got {shape}")
    weights = np.ones(shape)
    best = NormBound(math.inf, weights)
    for _ in range(steps):
        image = _checked_image(apply, weights)
        bound = _ratio(image, weights, roundoff)
        if bound < best.value:
            best = NormBound(bound, weights)
        if math.isinf(bound):
            break
        weights = np.maximum(image, 0.0) / bound + DAMPING * weights
        weights = _floored(weights / weights.max(), 0.0)
    for floor in FLOORS:
        candidate = nonnegative_norm_upper_from(
            apply, _floored(best.weights, floor), roundoff=roundoff
        )
        best = min(best, candidate, key=lambda found: found.value)
    return best


def nonnegative_norm_upper_from(
    apply: Apply, weights: Array, *, roundoff: Roundoff
) -> NormBound:
    """Return the bound that given weights prove: one application, what a verifier calls.

    Parameters
    ----------
    apply : callable
        As in `nonnegative_norm_upper`.
    weights : array, all entries > 0
        Any positive vector is valid evidence; it is divided by its largest entry.
    roundoff : float >= 0, or callable p -> float
        As in `nonnegative_norm_upper`.

    Raises
    ------
    ParameterError
        If a weight is not positive and finite, or `roundoff` is negative or NaN.
    """
    p = require_finite("weights", np.asarray(weights, dtype=np.float64))
    if p.size == 0 or not (p > 0.0).all():
        raise ParameterError(
            f"weights must all be > 0, got a smallest of {p.min(initial=0.0):g}"
        )
    p = _floored(p / p.max(), 0.0)
    return NormBound(_ratio(_checked_image(apply, p), p, roundoff), p)


def _floored(weights: Array, floor: float) -> Array:
    """Return weights of at least `floor`, and never so small that a quotient overflows."""
    raised: Array = np.maximum(weights, max(floor, 2.0**-500))
    return raised


def _checked_image(apply: Apply, weights: Array) -> Array:
    image = np.asarray(apply(weights), dtype=np.float64)
    if image.shape != weights.shape:
        raise ParameterError(
            f"apply must return shape {weights.shape} like its argument, got {image.shape}"
        )
    return require_finite("apply(p)", image)


def _ratio(image: Array, weights: Array, roundoff: Roundoff) -> float:
    """Return ``max_i (K p)_i / p_i`` with the image's error and all roundings outward."""
    error = float(roundoff(weights) if callable(roundoff) else roundoff)
    if not error >= 0.0:
        raise ParameterError(
            f"roundoff must be >= 0, got {error}; give an absolute error bound"
        )
    upper = up_array(np.maximum(image, 0.0) + error)
    return float(up_array(upper / weights).max())
