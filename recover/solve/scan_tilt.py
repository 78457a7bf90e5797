"""Phases of an object that vary slowly, from how patterns of a scan are shifted.

To multiply what a window shows by ``exp(i g . (r - r_0))`` shifts its far field by g.  Slow
errors of the object's phase are just such tilts in each window; the magnitudes tell g of every
window at once, while descent, which sees each window's small misfit only, takes many steps to
move phases across many windows.  With ``a = Re(conj(u) F (i (r - r_0) w))`` the change of a
pattern's moduli by g is ``a . g`` to first order: g by least squares, and the slow phase whose
mean slopes in the windows fit all g best, in the metric of these least squares.
"""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.solve.scan_task import ScanTask

__all__ = ["slow_phase"]

WAVES = 8  # cosines along each axis, the constant one included
RIDGE = 1e-6  # of the matrix's norm: directions that no window tells stay as they are


def slow_phase(task: ScanTask, x: Array, probe: Array) -> Array:
    """Return the slow phase that the object should be turned by, in radians.

    Parameters
    ----------
    task : ScanTask
        Of a scan of two axes.
    x : array [shape=frame.shape]
    probe : array [shape of the probe]

    Returns
    -------
    array [shape=frame.shape]
    """
    waves = task.frame.views(x) * probe
    weights = waves.real**2 + waves.imag**2
    weights /= np.maximum(weights.sum(axis=(1, 2), keepdims=True), np.finfo(x.real.dtype).tiny)
    fields = task.far(waves)
    sizes = np.maximum(np.abs(fields), np.finfo(x.real.dtype).tiny)
    wrong, _ = task.errors(fields)
    gap = -(wrong * fields.conj()).real / sizes  # measured less found moduli
    turned = fields.conj() / sizes
    slopes = []
    for axis in (1, 2):
        places = np.arange(waves.shape[axis], dtype=x.real.dtype)
        places = places.reshape((-1, 1) if axis == 1 else (1, -1))
        mean = (weights * places).sum(axis=(1, 2), keepdims=True)
        slopes.append((turned * task.far(1j * (places - mean) * waves)).real)
    return _fitted(task, weights, slopes, gap).astype(x.real.dtype)


def _fitted(task: ScanTask, weights: Array, slopes: list[Array], gap: Array) -> Array:
    shape = task.frame.shape
    order = np.arange(WAVES)[:, None]
    angles = [math.pi * order * (np.arange(n) + 0.5) / n for n in shape]
    cosines = [np.cos(angle) for angle in angles]
    steep = [-np.sin(a) * (order * math.pi / n) for a, n in zip(angles, shape, strict=True)]
    rows, wanted = [], []
    for k, window in enumerate(task.frame.windows):
        first, second = window
        tilt = np.stack([slope[k].reshape(-1) for slope in slopes]).astype(np.float64)
        gram = tilt @ tilt.T
        if not np.linalg.cond(gram) < 1e12:
            continue
        root = np.linalg.cholesky(gram)
        light = weights[k].astype(np.float64)
        mean = np.stack(
            [
                (steep[0][:, first] @ light @ cosines[1][:, second].T).reshape(-1),
                (cosines[0][:, first] @ light @ steep[1][:, second].T).reshape(-1),
            ]
        )
        rows.append(root.T @ mean)
        wanted.append(np.linalg.solve(root, tilt @ gap[k].reshape(-1).astype(np.float64)))
    if not rows:
        return np.zeros(shape)
    matrix = np.concatenate(rows)
    ridge = RIDGE * float(np.linalg.norm(matrix)) * np.eye(WAVES**2)
    right = np.concatenate([*wanted, np.zeros(WAVES**2)])
    fit = np.linalg.lstsq(np.vstack([matrix, ridge]), right, rcond=None)[0]
    return np.asarray(cosines[0].T @ fit.reshape(WAVES, WAVES) @ cosines[1])
