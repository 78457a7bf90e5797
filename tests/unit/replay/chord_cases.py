"""Walls and forms of a search over segments, written down by hand."""

import math

import numpy as np

from recover.certificates.replay.chord_model import Form
from recover.certificates.replay.walls import walls_of


def walls_at(normals, levels, radius=1.0, nonnegative=False):
    """Return walls at the lower levels of rows."""
    rows = np.array(normals, dtype=np.float64)
    low = np.array(levels, dtype=np.float64)
    return walls_of(rows, low, np.full(len(rows), math.inf), radius, nonnegative)


def form_of(
    which=(), weights=(), nu=(), *, n, rho=1, sigma=0.0, tau=0.0, cone=0.0, tangents=()
):
    """Return a form in n dimensions; tangents are pairs of an end and a direction."""
    return Form(
        rho,
        sigma,
        tau,
        cone,
        np.array(which, dtype=np.int64),
        np.array(weights, dtype=np.float64),
        np.array(nu, dtype=np.float64),
        np.array([end for end, _ in tangents], dtype=np.int64),
        np.array([a for _, a in tangents], dtype=np.float64).reshape(-1, n),
    )
