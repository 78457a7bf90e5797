"""What a search over segments can tell without a proof, to choose what to decide next."""

from __future__ import annotations

import numpy as np

from recover.certificates.replay.chord_model import Node
from recover.certificates.replay.walls import Walls, X, Y, Z
from recover.certificates.search.chord_problem import cone_of, inverse_forms
from recover.core.arrays import Array

__all__ = ["forced_side", "known_orders", "scaled_levels", "unseen"]


def scaled_levels(levels: Array, scale: float) -> Array:
    """Return levels times a scale >= 0; infinite ones stay."""
    return np.where(
        np.isfinite(levels), np.where(np.isfinite(levels), levels, 0.0) * scale, levels
    )


def unseen(walls: Walls, states: Array) -> Array:
    """Return the direction that the rows in their bands at both ends see least."""
    n = walls.dimension
    kept = ((states[X] == 0) & (states[Y] == 0)).astype(np.float64)
    vector: Array = np.linalg.eigh((kept @ walls.outer).reshape(n, n))[1][:, 0]
    return vector


def known_orders(walls: Walls, low: Array, node: Node) -> Array | None:
    """Return the sign that ``<d, normal>`` has on ``d^T low d < 0, <g, d> >= 0``, 0 if both.

    The double cone is that of a form with one negative direction; a normal has one sign on
    each half if and only if the inverse form is not positive there.
    """
    g = node.direction
    assert g is not None
    if node.aside is not None:
        low = low + (2.0 * max(-float(node.aside @ low @ node.aside), 0.0)) * cone_of(node)
    eigenvalues = np.linalg.eigvalsh(low)
    if eigenvalues[0] >= 0.0 or (eigenvalues[1:2] <= 1e-9 * np.abs(eigenvalues).max()).any():
        return None
    seen = inverse_forms(low, walls.normals)
    sizes = (walls.normals**2).sum(axis=1) / np.abs(eigenvalues[0])
    orders: Array = np.where(seen < -1e-6 * sizes, np.sign(walls.normals @ g), 0.0)
    return orders.astype(np.int8)


def forced_side(sides: Array, orders: Array) -> tuple[int, int] | None:
    """Return a side that the order and z's side tell, so that one branch is closed at once."""
    ahead = orders * sides[Z]
    for signal, which in ((Y, ahead > 0), (X, ahead < 0)):
        places = np.flatnonzero(which & (sides[signal] == 0))
        if places.size:
            return signal, int(places[0])
    return None
