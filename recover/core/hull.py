"""Facets of the polytope that directions span, and which of their cones signals lie in."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import OutOfScopeError

__all__ = ["facets_around_origin", "meets_orthant"]

INSIDE = 1e-9  # distance of the facets from the origin below which it counts as outside


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
    """Tell whether the cone over the facet's rows holds a signal x >= 0 besides 0."""
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
