"""Polytope bias estimation: biases for which a facet of rows is active around every signal.

The frame's directions span a polytope that holds the origin inside; every signal lies in the
cone over one of its facets F.  Row i of the facet sees a signal of that cone in the ball of
radius R no lower than ``-R |P(-phi_i)|``, P the projection onto the cone over F: the largest
value of ``<x, -phi_i>`` over a closed convex cone and the unit ball is the norm of the
projection (Moreau).  With the least of these over the facets of each row as its bias, all rows
of F are active on its cone; they span, so the layer is injective and the dual of F recovers the
signal.

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
from recover.core.errors import OutOfScopeError, ParameterError

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
    rows: npt.ArrayLike, radius: float = 1.0, nonnegative: bool = False
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
    facets = _facets(matrix / sizes[:, None])
    if nonnegative:
        facets = facets[[_meets_orthant(matrix[facet]) for facet in facets]]
    bias = -radius * sizes * (1.0 + MARGIN)
    reached = np.zeros(len(matrix))
    for facet in facets:
        for row in facet:
            reached[row] = max(reached[row], _seen_from_behind(matrix[facet], matrix[row]))
    used = np.unique(facets)
    bias[used] = -radius * (reached[used] + MARGIN * sizes[used])
    return PolytopeBias(bias, facets)


def _facets(directions: Array) -> Array:
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(directions)
    except (QhullError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else "no polytope"
        raise OutOfScopeError(f"the rows span no polytope ({first}); add rows") from None
    nearest = float(hull.equations[:, -1].max())
    if nearest >= -1e-9:
        raise OutOfScopeError(
            "the rows do not surround the origin, so some signals lie over no facet; add rows, "
            "or use critical_bias"
        )
    return np.asarray(hull.simplices)


def _seen_from_behind(facet: Array, row: Array) -> float:
    """Return the norm of the projection of ``-row`` onto the cone over the facet."""
    from scipy.optimize import nnls

    weights = nnls(facet.T, -row)[0]
    return float(np.linalg.norm(facet.T @ weights))


def _meets_orthant(facet: Array) -> bool:
    """Tell whether the cone over the facet holds a signal x >= 0 besides 0."""
    from scipy.optimize import linprog

    k, n = facet.shape
    answer = linprog(
        np.zeros(k),
        A_ub=-facet.T,
        b_ub=np.full(n, 1e-9),
        A_eq=np.ones((1, n)) @ facet.T,
        b_eq=[1.0],
        bounds=(0, None),
    )
    return bool(answer.status != 2)
