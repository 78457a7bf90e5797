"""Polytope bias estimation: biases for which a facet of rows is active around every signal.

The frame's directions span a polytope that holds the origin inside; every signal lies in the
cone over one of its facets F.  Row i of the facet sees a signal of that cone in the ball of
radius R no lower than ``-R |P(-phi_i)|``, P the projection onto the cone over F: the largest
value of ``<x, -phi_i>`` over a closed convex cone and the unit ball is the norm of the
projection (Moreau).  On the sphere, where all edges e_j of the cone have ``<e_j, phi_i> >= 0``,
``x = sum c_j e_j`` of norm R has ``sum c_j >= R``, so the least value is that of an edge.  With
the least of these over the facets of each row as its bias, all rows of F are active on its
cone; they span, so the layer is injective and the dual of F recovers the signal.

References
----------
.. [1] D. Haider, M. Ehler and P. Balazs, "Convex geometry of ReLU-layers, injectivity on the
   ball and local reconstruction", ICML (2023), arXiv 2307.09672.  The estimate here is right
   for rows of any norm and treats the facets one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError
from recover.core.hull import facets_around_origin, meets_orthant
from recover.core.nonnegative import nonnegative_least_squares

__all__ = ["PolytopeBias", "polytope_bias"]

MARGIN = 1e-9  # relative, by which biases are lowered for the rounding of hull and projections


@dataclass(frozen=True, eq=False)
class PolytopeBias:
    """Biases from a polytope, and the facets that justify them.

    Parameters
    ----------
    bias : array [shape=(m,)]
        Admissible biases, in the units of the coefficients on the ball; rows of no facet get
        the least value that their coefficient can take.
    facets : array of int [shape=(k, n)]
        The rows of each facet.
    """

    bias: Array
    facets: Array


def polytope_bias(
    rows: npt.ArrayLike, radius: float = 1.0, nonnegative: bool = False, sphere: bool = False
) -> PolytopeBias:
    """Return biases for which the layer is injective on the ball (sufficient, not necessary).

    The facets come from a convex hull in floating point; `certify_apriori` proves the result.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        Non-zero rows of any norm.
    radius : float > 0
        Of the ball.
    nonnegative : bool
        Only signals with entries >= 0: facets whose cones miss them are left out.
    sphere : bool
        Only signals of norm `radius`: rows that see every signal over their facets get a
        positive bias.

    Raises
    ------
    ParameterError
        If `rows` or `radius` cannot be used.
    OutOfScopeError
        If the rows do not surround the origin, so that some signals lie over no facet.
    """
    matrix = as_numeric("rows", rows).astype(np.float64)
    if matrix.ndim != 2 or matrix.shape[1] < 2:
        raise ParameterError(f"rows must be (m, n) with n >= 2, got shape {matrix.shape}")
    if not 0.0 < radius < math.inf:
        raise ParameterError(f"radius must be positive and finite, got {radius}")
    sizes = np.sqrt((matrix**2).sum(axis=1))
    if not (sizes > 0.0).all():
        raise ParameterError(f"rows must not be zero, got row {int(sizes.argmin())}; drop it")
    facets = facets_around_origin(matrix / sizes[:, None])
    if nonnegative:
        facets = facets[[meets_orthant(matrix[facet]) for facet in facets]]
    bias = -radius * sizes * (1.0 + MARGIN)
    lowest = np.full(len(matrix), np.inf)
    for facet in facets:
        for row in facet:
            seen = -_seen_from_behind(matrix[facet], matrix[row])
            if sphere and seen == 0.0:
                # over the cone of a facet the least positive value is that of an edge
                seen = float((matrix[facet] @ matrix[row] / sizes[facet]).min())
            lowest[row] = min(lowest[row], seen)
    used = np.unique(facets)
    bias[used] = radius * (lowest[used] - MARGIN * sizes[used])
    return PolytopeBias(bias, facets)


def _seen_from_behind(facet: Array, row: Array) -> float:
    """Return the norm of the projection of ``-row`` onto the cone over the facet."""
    weights, _ = nonnegative_least_squares(facet.T, -row)
    return float(np.linalg.norm(facet.T @ weights))
