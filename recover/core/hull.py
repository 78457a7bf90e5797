"""Facets of the polytope that directions span, and which of their cones signals lie in."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import OutOfScopeError
from recover.core.nonnegative import nonnegative_least_squares

__all__ = ["facets_around_origin", "meets_orthant"]

INSIDE = 1e-9  # distance of the facets from the origin below which it counts as outside

NEARLY = 1e-7  # misfit below which a cone counts as meeting the orthant


def facets_around_origin(directions: Array) -> Array:
    """Return the vertices of each facet of the convex hull, (k, n); facets are triangulated.

    In floating point: whoever rests a proof on a facet proves what it needs.

    Parameters
    ----------
    directions : array [shape=(m, n)]
        Of norm 1; n >= 2.

    Raises
    ------
    OutOfScopeError
        If the hull does not hold the origin inside, so that some signals lie over no facet.
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(directions)
    except (QhullError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else "no polytope"
        raise OutOfScopeError(f"the rows span no polytope ({first}); add rows") from None
    if float(hull.equations[:, -1].max()) >= -INSIDE:
        raise OutOfScopeError(
            "the rows do not surround the origin, so some signals lie over no facet; add rows, "
            "or use critical_bias"
        )
    return np.asarray(hull.simplices)


def meets_orthant(facet: Array) -> bool:
    """Tell whether the cone over the facet's rows holds a signal x >= 0 besides 0.

    Within 1e-7 of the facet's size; a cone that just misses counts as one that meets.
    """
    k, n = facet.shape
    unit = facet / np.linalg.norm(facet, axis=1, keepdims=True)
    # sum c_j unit_j - x = 0 and sum c_j = 1 with c, x >= 0
    matrix = np.vstack([np.hstack([unit.T, -np.eye(n)]), np.r_[np.ones(k), np.zeros(n)]])
    left = nonnegative_least_squares(matrix, np.r_[np.zeros(n), 1.0], rounds=100)[1]
    return left < NEARLY
