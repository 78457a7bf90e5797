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

import numpy as np

from recover.certificates.replay.chord_model import Crossing, Form, Node, Target, crossing_of
from recover.certificates.replay.chord_sums import Gathered, gathered_of, looseness
from recover.certificates.replay.walls import Walls, Z
from recover.core.arrays import Array
from recover.core.rounding import gamma, norm_upper, up

__all__ = ["form_holds"]


def form_holds(walls: Walls, node: Node, target: Target, form: Form) -> bool:
    """Prove that a node holds no segment with ``Q < value |d|^2``."""
    sizes = (form.sigma, form.tau, form.cone, *form.nu)
    if (
        form.rho not in (0, 1, 2)
        or min(form.sigma, form.tau, form.cone) < 0.0
        or not np.isfinite(sizes).all()
    ):
        return False
    if form.rho == 0 and form.sigma == 0.0:
        return False
    if node.direction is None and (form.tau != 0.0 or form.which.size):
        return False
    if node.aside is None and form.cone != 0.0:
        return False
    crossing = crossing_of(walls, node.sides)
    gathered = gathered_of(walls, node, form)
    if gathered is None:
        return False
    if form.rho == 2:
        return form.nu.size == 0 and _whole_holds(walls, node, target, form, gathered)
    variables = crossing.walls if form.rho else np.empty(0, dtype=np.int64)
    constant = form.rho == 1 and crossing.constant > 0.0
    if form.nu.size != variables.size + constant:
        return False
    loose = looseness(walls, node, form, gathered, variables)
    if loose is None:
        return False
    q = np.concatenate([gathered.d, form.nu])
    matrix, size = _matrix(walls, node, target, form, crossing)
    matrix -= np.outer(q, q)
    error = gathered.d_error + loose
    length = norm_upper(q)
    terms = len(walls.rows) + 4 * len(q) + form.which.size + 64
    margin = 4.0 * gamma(terms) * (size + length * length) + 2.0 * error * length + error**2
    return _definite(matrix - up(margin, 4) * np.eye(len(q)))


def _whole_holds(
    walls: Walls, node: Node, target: Target, form: Form, gathered: Gathered
) -> bool:
    """Prove the form positive in (x, d, 1), or in (x, d) where all walls are central."""
    n = walls.dimension
    crossing = crossing_of(walls, node.sides)
    inner, size = _inner(walls, node, target, form, crossing)
    matrix = np.zeros((2 * n + 1, 2 * n + 1))
    matrix[n : 2 * n, n : 2 * n] = inner
    which = crossing.walls
    normals, levels = walls.normals[which], walls.levels[which, None]
    here = np.hstack([normals, np.zeros_like(normals), -levels])
    there = np.hstack([normals, normals, -levels])
    at_x, at_y = crossing.at_x[which], crossing.at_y[which]
    matrix += (here.T * at_x) @ here + (there.T * at_y) @ there
    matrix[-1, -1] += crossing.constant
    size += float(at_x @ (here**2).sum(axis=1)) + float(at_y @ (there**2).sum(axis=1))
    size += crossing.constant
    q = np.concatenate([gathered.rest[:n], gathered.d, gathered.rest[n:]])
    if walls.central:
        matrix, q = matrix[:-1, :-1], q[:-1]
    total = float((form.weights[:, None] * np.abs(gathered.columns)).sum())
    error = gathered.d_error + gamma(form.which.size + 8) * total
    length = norm_upper(q)
    terms = len(walls.rows) + 4 * len(q) + len(which) + form.which.size + 64
    margin = 4.0 * gamma(terms) * (2.0 * size + length * length)
    margin += 2.0 * error * length + error**2
    return _definite(matrix - np.outer(q, q) - up(margin, 4) * np.eye(len(q)))


def _matrix(
    walls: Walls, node: Node, target: Target, form: Form, crossing: Crossing
) -> tuple[Array, float]:
    """Return the form without q, and a number that its entries' errors are proportional to."""
    n = walls.dimension
    inner, trace = _inner(walls, node, target, form, crossing)
    variables = crossing.walls if form.rho else np.empty(0, dtype=np.int64)
    constant = form.rho == 1 and crossing.constant > 0.0
    size = n + len(variables) + constant
    matrix = np.zeros((size, size))
    at_x, at_y = crossing.at_x[variables], crossing.at_y[variables]
    normals = walls.normals[variables]
    matrix[:n, :n] = inner + (normals.T * at_y) @ normals
    place = np.arange(n, n + len(variables))
    matrix[:n, place] = (at_y[:, None] * normals).T
    matrix[place, :n] = at_y[:, None] * normals
    matrix[place, place] = at_x + at_y
    if constant:
        matrix[-1, -1] = crossing.constant
    trace += float(at_y @ (normals**2).sum(axis=1)) + float((at_x + at_y).sum())
    # the products beside the diagonal are below the diagonal ones on both sides
    return matrix, 2.0 * (trace + crossing.constant)


def _inner(
    walls: Walls, node: Node, target: Target, form: Form, crossing: Crossing
) -> tuple[Array, float]:
    """Return the part in d of rows that are in their bands, and a bound of its size."""
    n = walls.dimension
    linear = (walls.states(node.sides[Z]) == 0).astype(np.float64)
    kept = crossing.inside.astype(np.float64)
    rho = min(form.rho, 1)
    weights = rho * kept
    weights = weights + form.sigma * (target.share * linear + (1.0 - target.share) * kept)
    shift = (rho + form.sigma) * target.value
    inner = (weights @ walls.outer).reshape(n, n) - shift * np.eye(n)
    size = float(weights @ (walls.rows**2).sum(axis=1)) + n * shift
    if node.direction is not None:
        inner += form.tau**2 * np.outer(node.direction, node.direction)
        size += form.tau**2 * float(node.direction @ node.direction)
    if node.direction is not None and node.aside is not None:
        square = node.slope**2 * np.outer(node.direction, node.direction)
        inner += form.cone * (np.outer(node.aside, node.aside) - square)
        size += form.cone * float(np.trace(square) + node.aside @ node.aside)
    return inner, size


def _definite(matrix: Array) -> bool:
    try:
        pivots = np.diagonal(np.linalg.cholesky((matrix + matrix.T) / 2.0))
    except np.linalg.LinAlgError:
        return False
    return bool((np.isfinite(pivots) & (pivots > 0.0)).all())
