"""Magnitudes from a Mel spectrogram: a non-negative least-squares problem for all frames."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array

__all__ = ["magnitudes_from_mel"]

STEPS = 200
SETTLED = 1e-6  # relative change at which the iteration ends


def magnitudes_from_mel(bands: Array, matrix: Array) -> Array:
    """Return ``argmin_(s >= 0) |matrix s - bands|`` for every frame.

    Begun at the pseudo-inverse.  Accelerated projected gradients, restarted where the momentum
    points uphill [1]_, for all frames at once.  Of the many solutions that a matrix of fewer
    bands than bins allows it finds one near the least-norm solution.

    Parameters
    ----------
    bands : array [shape=(frames, bands), >= 0]
        The Mel spectrogram.
    matrix : array [shape=(bands, bins)]
        The Mel filters.

    Returns
    -------
    array [shape=(frames, bins), >= 0]

    References
    ----------
    .. [1] B. O'Donoghue, E. Candes, "Adaptive restart for accelerated gradient schemes", Found.
       Comput. Math. 15 (2015).
    """
    matrix = matrix.astype(bands.dtype)
    step = bands.dtype.type(1.0 / float(np.linalg.norm(matrix, 2)) ** 2)
    s = np.maximum(bands @ np.linalg.pinv(matrix).T.astype(bands.dtype), 0)
    ahead, momentum = s, 1.0
    for _ in range(STEPS):
        gradient = (ahead @ matrix.T - bands) @ matrix
        following = np.maximum(ahead - step * gradient, 0)
        change = following - s
        if float(np.vdot(gradient, change)) > 0.0:
            ahead, momentum = s, 1.0
            continue
        after = 0.5 * (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5)
        ahead = following + change * bands.dtype.type((momentum - 1.0) / after)
        s, momentum = following, after
        if np.linalg.norm(change) <= SETTLED * np.linalg.norm(s):
            break
    return np.asarray(s)
