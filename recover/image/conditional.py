"""The conditional mean of clipped colours under one normal distribution of all colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array

__all__ = ["ColourStatistics", "conditional_means"]

_STEADY = 1e-6  # of the mean variance, added to all: channels may be copies of one another
_FURTHEST = 30.0  # standard deviations: beyond, the tail's mean is the level itself
_FEWEST = 100  # pixels without a clipped channel that the distribution is taken from


@dataclass(frozen=True, eq=False)
class ColourStatistics:
    """Mean and covariance of the colours of a picture.

    Parameters
    ----------
    mean : array [shape=(channels,)]
    covariance : array [shape=(channels, channels)]
    """

    mean: Array
    covariance: Array

    @staticmethod
    def of(planes: Array, usable: Array) -> ColourStatistics | None:
        """Return those of the pixels usable in every channel; None if they are too few.

        Parameters
        ----------
        planes : array [shape=(channels, height, width)]
        usable : array of bool [shape of planes]
        """
        sure = planes[:, usable.all(axis=0)].astype(np.float64)
        if sure.shape[1] < _FEWEST:
            return None
        covariance = np.atleast_2d(np.cov(sure))
        lift = _STEADY * float(np.trace(covariance)) / len(sure)
        return ColourStatistics(sure.mean(axis=1), covariance + lift * np.eye(len(sure)))


def conditional_means(planes: Array, clipped: Array, statistics: ColourStatistics) -> Array:
    """Return the planes with every clipped sample at its mean given the pixel's other channels.

    Colours are taken for normally distributed; a clipped channel is known to lie above its
    level, so that its mean is that of the conditional normal distribution cut off there,
    ``m + s h((1 - m) / s)`` with the hazard ``h`` of the standard normal.  Of several clipped
    channels each is taken by itself.

    Parameters
    ----------
    planes : array [shape=(channels, height, width)]
        The level of each channel 1.
    clipped : array of bool [shape of planes]
    statistics : ColourStatistics

    Returns
    -------
    array [shape of planes, dtype of planes]
        At least 1 where clipped, unchanged elsewhere.

    References
    ----------
    .. [1] X. Zhang, D. H. Brainard, "Estimation of saturated pixel values in digital color
       imaging", J. Opt. Soc. Am. A 21 (2004), pp. 2301-2310.
    """
    from scipy.special import log_ndtr

    out = planes.copy()
    rows, columns = np.nonzero(clipped.any(axis=0))
    colours, hidden = planes[:, rows, columns].astype(np.float64), clipped[:, rows, columns]
    kinds, kind = np.unique(hidden, axis=1, return_inverse=True)
    filled = colours.copy()
    for k, pattern in enumerate(kinds.T):
        which = np.flatnonzero(kind.reshape(-1) == k)
        centre, deviation = _given(colours[:, which], pattern, statistics)
        lowest = np.minimum((1.0 - centre) / deviation[:, None], _FURTHEST)
        # the density over the tail's probability, both by their logarithms
        hazard = np.exp(-0.5 * np.square(lowest) - log_ndtr(-lowest)) / np.sqrt(2.0 * np.pi)
        filled[np.ix_(pattern, which)] = centre + deviation[:, None] * hazard
    out[:, rows, columns] = np.where(hidden, np.maximum(filled, 1.0), colours)
    return out


def _given(colours: Array, pattern: Array, statistics: ColourStatistics) -> tuple[Array, Array]:
    """Return means and deviations of the channels in `pattern`, given the others' values."""
    mean, spread = statistics.mean, statistics.covariance
    inside, rest = np.flatnonzero(pattern), np.flatnonzero(~pattern)
    cross = spread[np.ix_(inside, rest)]
    slope = np.linalg.solve(spread[np.ix_(rest, rest)], cross.T).T
    centre = mean[inside, None] + slope @ (colours[rest] - mean[rest, None])
    left = np.diag(spread[np.ix_(inside, inside)] - slope @ cross.T)
    return centre, np.sqrt(np.maximum(left, np.finfo(np.float64).tiny))
