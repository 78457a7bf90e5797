"""Leaves of a search over segments, proved in floating point with outward margins.

Let ``d = y - x`` and let Q be ``|F(x) - F(y)|^2``.  Rows in their bands at both ends (set P)
contribute ``<d, phi>^2``, a row that leaves its band at a wall contributes the square of its
distance from the wall, measured by the row, and a row that goes from one level to the other
the square of their difference.  Suppose that ``Q < c |d|^2`` for some segment of the node.

- With h the weight of `lipschitz.segment_share` and g its integral,
  ``Q >= (1 - g) sum_P <d, phi>^2 + int h(t) E_t dt``, where E_t is the sum of ``<d, phi>^2``
  over the rows in their bands at z_t.  So some signal z of the segment has
  ``d^T (g S_L + (1 - g) S_P - c) d < 0`` for every set L of rows in their bands at z.
  The node's sides at z speak of such a z, off all walls.
- So with ``rho`` 0 or 1, ``sigma >= 0``, not both 0,
  ``rho (Q - c |d|^2) + sigma d^T (g S_L + (1 - g) S_P - c) d < 0``, all the more if a multiple
  of what is >= 0 in the node's double cone of directions is taken off.
- Functions that are >= 0 on the node: ``v = tau <g, d>`` by the choice of the names x and y,
  and ``w = sum mu_h a_h`` with ``mu >= 0`` of the node's inequalities a_h (sides of walls at x
  and y; the order of x and y across a wall; faces of the domain; tangents of the ball).
  Hence ``(v + w)^2 >= v^2``, and a linear q with ``q >= v + w`` there has ``q^2 >= v^2``.

The leaf is closed if the quadratic form ``rho (Q - c |d|^2) + sigma (...) + v^2 - q^2`` is
proved positive semidefinite in the variables d and the distances from the walls that are
crossed, or in x, d and the constant themselves (then ``q = v + w``; this can succeed where the
walls crossed determine x).  Then the sum above is at least ``q^2 - v^2 >= 0``: a contradiction.
(By the S-lemma nothing is lost where the form has one negative direction.)
"""

from __future__ import annotations

import math

import numpy as np

from recover.certificates.replay.chord_model import Crossing, Form, Node, Target, crossing_of
from recover.certificates.replay.chord_sums import Gathered, gathered_of, looseness
from recover.certificates.replay.walls import Walls, Z
from recover.core.arrays import Array
from recover.core.rounding import gamma, norm_upper

__all__ = ["form_holds"]

_SPARE, _SEVERAL = 8, 64  # roundings besides those that are counted
_ROOM = 16.0  # what is subtracted, products beside the diagonal, and roundings of the margin


def form_holds(walls: Walls, node: Node, target: Target, form: Form) -> bool:
    """Prove that a node holds no segment with ``Q < value |d|^2``."""
    if not _allowed(node, form):
        return False
    gathered = gathered_of(walls, node, form)
    if gathered is None:
        return False
    crossing = crossing_of(walls, node.sides)
    if form.rho == 0:  # Q itself does not occur
        nothing = np.zeros(walls.count)
        crossing = Crossing(crossing.inside, nothing, nothing, 0.0)
    found = _rest(walls, node, form, gathered, crossing)
    if found is None:
        return False
    rest, error = found
    matrix, size = _matrix(walls, node, target, form, crossing)
    q = np.concatenate([gathered.d, rest])
    used = slice(len(q))  # all variables, or all but the constant
    terms = sum(map(len, (walls.rows, walls.levels, form.which, q)))
    return _positive(matrix[used, used], size, q, gathered.d_error + error, terms)


def _allowed(node: Node, form: Form) -> bool:
    """Tell whether the multipliers are numbers that a leaf of the node may have."""
    sizes = (form.sigma, form.tau, form.cone)
    if form.rho not in (0, 1, 2) or not np.isfinite((*sizes, *form.nu)).all():
        return False
    if min(sizes) < 0.0 or form.rho + form.sigma == 0.0:
        return False
    if node.direction is None and (form.tau > 0.0 or form.which.size):
        return False
    return node.aside is not None or form.cone == 0.0


def _rest(
    walls: Walls, node: Node, form: Form, gathered: Gathered, crossing: Crossing
) -> tuple[Array, float] | None:
    """Return q without its part in d, and how far q is off besides; None if nu does not fit."""
    if form.rho == 2:
        if form.nu.size:
            return None
        total = float((form.weights[:, None] * np.abs(gathered.columns)).sum())
        rest = gathered.rest[: walls.dimension + (not walls.central)]
        return rest, gamma(form.which.size + _SPARE) * total
    if form.nu.size != crossing.walls.size + (crossing.constant > 0.0):
        return None
    return form.nu, looseness(walls, node, form, gathered, crossing.walls)


def _matrix(
    walls: Walls, node: Node, target: Target, form: Form, crossing: Crossing
) -> tuple[Array, float]:
    """Return the form without q, and the sum of the squares that it adds.

    The variables are d, then the distances of x from the walls crossed (or x itself where rho
    is 2), then the constant.
    """
    n, crossed = walls.dimension, crossing.walls
    inner, size = _inner(walls, node, target, form, crossing)
    normals, levels = walls.normals[crossed], walls.levels[crossed, None]
    rest = [normals, -levels] if form.rho == 2 else [np.eye(len(crossed)), 0.0 * levels]
    here = np.hstack([np.zeros_like(normals), *rest])
    there = np.hstack([normals, *rest])
    at_x, at_y = crossing.at_x[crossed], crossing.at_y[crossed]
    matrix = (here.T * at_x) @ here + (there.T * at_y) @ there
    matrix[:n, :n] += inner
    matrix[-1, -1] += crossing.constant
    size += float(at_x @ (here**2).sum(axis=1)) + float(at_y @ (there**2).sum(axis=1))
    return matrix, size + crossing.constant


def _inner(
    walls: Walls, node: Node, target: Target, form: Form, crossing: Crossing
) -> tuple[Array, float]:
    """Return the part in d of rows that are in their bands, and the sum of its squares."""
    n = walls.dimension
    linear, kept = walls.states(node.sides[Z]) == 0, crossing.inside
    rho = min(form.rho, 1)
    between = target.share * linear + (1.0 - target.share) * kept
    weights = rho * kept + form.sigma * between
    shift = (rho + form.sigma) * target.value
    inner = (weights @ walls.outer).reshape(n, n) - shift * np.eye(n)
    size = float(weights @ (walls.rows**2).sum(axis=1))
    if node.direction is not None:
        along = np.outer(node.direction, node.direction)
        inner += form.tau**2 * along
        size += form.tau**2 * float(np.trace(along))
        if node.aside is not None:
            beside = np.outer(node.aside, node.aside)
            inner += form.cone * (beside - node.slope**2 * along)
            size += form.cone * float(np.trace(beside))
    return inner, size


def _positive(matrix: Array, size: float, q: Array, error: float, terms: int) -> bool:
    """Prove ``matrix - q q^T`` positive definite.

    Parameters
    ----------
    matrix : array [shape=(k, k)]
    size : float
        The sum of the squares that were added up in the matrix.  What was taken off is no
        larger: else the trace were negative.
    q : array [shape=(k,)]
    error : float
        How far q is off, in norm.
    terms : int
        Roundings that the entries have gone through, but for a few; at least k.

    References
    ----------
    .. [1] Higham (2002), Theorem 10.3: the Cholesky factors are those of a matrix that is off
       by at most ``gamma_(k+1)`` times the trace.
    """
    length = norm_upper(q)
    margin = _ROOM * gamma(terms + _SEVERAL) * size + error * (length + length + error)
    if not math.isfinite(margin):
        return False
    shifted = matrix - np.outer(q, q) - margin * np.eye(len(q))
    try:
        pivots = np.diagonal(np.linalg.cholesky(shifted))  # of the lower triangle
    except np.linalg.LinAlgError:
        return False
    return bool(np.isfinite(pivots).all())
