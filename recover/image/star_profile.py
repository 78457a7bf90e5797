"""A star's profile, and its fit to the samples that are left of it.

References
----------
.. [1] A. F. J. Moffat, "A theoretical investigation of focal stellar images in the photographic
   emulsion and application to photographic photometry", Astron. Astrophys. 3 (1969) 455-461.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array

__all__ = ["FAINTEST", "RING", "Profile", "StarFit", "fit_star", "flanks_of"]

RING = 2.5  # pixels around a star's saturated samples that are fitted
ROUNDS = 12
NEAR = 1e-3  # change of the fit, in pixels and relative flux, at which it ends
FAINTEST = 0.02  # of the level over the background: darker samples are no flank
FEWEST = 5  # flank samples that a fit needs


@dataclass(frozen=True)
class Profile:
    """An elliptical Moffat profile.

    Parameters
    ----------
    width : float > 0
        a, in pixels, the mean of both axes in the logarithm.
    slope : float > 0
        b.
    along, across : float
        The ellipse: the logarithm of the axes' ratio times the cosine and the sine of twice
        the angle.
    """

    width: float
    slope: float
    along: float = 0.0
    across: float = 0.0

    def logarithm(self, y: Array, x: Array) -> tuple[Array, Array, Array]:
        """Return the logarithm of the profile at offsets, and its derivatives in y and x."""
        size = math.hypot(self.along, self.across)
        # the symmetric matrix exp([[c, s], [s, -c]] / width^2), unit determinant
        stretch = math.sinh(size) / size if size > 0.0 else 1.0
        xx, yy = math.cosh(size) + self.along * stretch, math.cosh(size) - self.along * stretch
        xy = self.across * stretch
        gy, gx = (yy * y + xy * x) / self.width**2, (xy * y + xx * x) / self.width**2
        square = y * gy + x * gx
        rate = -2.0 * self.slope / (1.0 + square)
        return -self.slope * np.log1p(square), rate * gy, rate * gx


def flanks_of(light: Array, own: Array) -> Array:
    """Return the samples around a star's own ones that its light still reaches."""
    from scipy import ndimage

    far = ndimage.distance_transform_edt(~own)
    return np.asarray((far <= RING) & (far > 0.0) & (light > FAINTEST))


class StarFit(NamedTuple):
    """The logarithm of a star's height, its place, and the mean square of what is left."""

    height: float
    row: float
    column: float
    misfit: float


def fit_star(light: Array, used: Array, own: Array, profile: Profile) -> StarFit | None:
    """Fit one star to the samples that are used, in the logarithm; None if they are too few.

    The brightest samples weigh most: they are least another star's.
    """
    if np.count_nonzero(used) < FEWEST:
        return None
    rows, columns = np.nonzero(used)
    target, weight = np.log(light[used]), light[used]
    inside = np.argwhere(own)
    place = inside.mean(axis=0)
    at, limit = place.copy(), 1.0 + 0.5 * math.sqrt(len(inside))
    held = 1e-3 * float(np.square(weight).sum()) * np.diag([0.0, 1.0, 1.0])
    for _ in range(ROUNDS):
        value, dy, dx = profile.logarithm(rows - at[0], columns - at[1])
        residual = target - value - float(np.average(target - value, weights=weight))
        design = np.stack([np.ones_like(value), -dy, -dx], axis=1) * weight[:, None]
        step = np.linalg.solve(design.T @ design + held, design.T @ (weight * residual))
        at = np.clip(at + np.clip(step[1:], -0.7, 0.7), place - limit, place + limit)
        if float(np.abs(step[1:]).max()) < NEAR:
            break
    value = profile.logarithm(rows - at[0], columns - at[1])[0]
    height = float(np.average(target - value, weights=weight))
    misfit = float(np.average(np.square(target - value - height), weights=weight))
    return StarFit(height, float(at[0]), float(at[1]), misfit)
