"""A star's profile, and its fit to the samples that are left of it.

References
----------
.. [1] A. F. J. Moffat, "A theoretical investigation of focal stellar images in the photographic
   emulsion and application to photographic photometry", Astron. Astrophys. 3 (1969) 455-461.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array

__all__ = [
    "FAINTEST",
    "FEWEST",
    "RING",
    "Profile",
    "StarBatch",
    "StarFit",
    "StarFits",
    "fit_star",
    "flanks_of",
]

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

    @property
    def width_at_half(self) -> float:
        """Its full width at half its height, in pixels, the mean of both axes."""
        return 2.0 * self.width * math.sqrt(2.0 ** (1.0 / self.slope) - 1.0)

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


class StarFits(NamedTuple):
    """`StarFit` of many stars, an entry each."""

    height: Array
    row: Array
    column: Array
    misfit: Array


@dataclass(frozen=True, eq=False)
class StarBatch:
    """The samples of many stars that are fitted, each row filled up with weightless ones.

    Parameters
    ----------
    rows, columns, target, weight : array [shape=(stars, samples)]
        Places in the star's own part of the field; logarithm of the light, and the light.
    place : array [shape=(stars, 2)]
        The middle of each star's saturated samples, from which the fit starts.
    limit : array [shape=(stars,)]
        How far from there it may go.
    """

    rows: Array
    columns: Array
    target: Array
    weight: Array
    place: Array
    limit: Array

    @staticmethod
    def of(stars: Sequence[tuple[Array, Array, Array]]) -> StarBatch:
        """Return the batch of (light, samples used, saturated samples), at least one star."""
        most = max(int(np.count_nonzero(used)) for _light, used, _own in stars)
        shape = (len(stars), most)
        rows, columns, target, weight = (np.zeros(shape) for _ in range(4))
        place, limit = np.zeros((len(stars), 2)), np.zeros(len(stars))
        for k, (light, used, own) in enumerate(stars):
            at, values = np.nonzero(used), light[used]
            rows[k, : values.size], columns[k, : values.size] = at
            target[k, : values.size], weight[k, : values.size] = np.log(values), values
            inside = np.argwhere(own)
            place[k], limit[k] = inside.mean(axis=0), 1.0 + 0.5 * math.sqrt(len(inside))
        return StarBatch(rows, columns, target, weight, place, limit)

    def fit(self, profile: Profile) -> StarFits:
        """Fit height and place of each star in the logarithm.

        The brightest samples weigh most: they are least another star's.
        """
        at, going = self.place.copy(), np.arange(len(self.place))
        square = np.square(self.weight)
        total = self.weight.sum(axis=1)
        held = 1e-3 * square.sum(axis=1)[:, None, None] * np.diag([0.0, 1.0, 1.0])
        low, high = self.place - self.limit[:, None], self.place + self.limit[:, None]
        for _ in range(ROUNDS):
            left, dy, dx = self._left(profile, at, going)
            weight = self.weight[going]
            height = (weight * left).sum(axis=1) / total[going]
            design = np.stack([np.ones_like(dy), -dy, -dx], axis=2) * weight[:, :, None]
            turned = design.transpose(0, 2, 1)
            goal = turned @ (weight * (left - height[:, None]))[:, :, None]
            step = np.linalg.solve(turned @ design + held[going], goal)[:, 1:, 0]
            moved = at[going] + np.clip(step, -0.7, 0.7)
            at[going] = np.clip(moved, low[going], high[going])
            going = going[np.abs(step).max(axis=1) >= NEAR]
            if not going.size:
                break
        left = self._left(profile, at, np.arange(len(at)))[0]
        height = (self.weight * left).sum(axis=1) / total
        misfit = (self.weight * np.square(left - height[:, None])).sum(axis=1) / total
        return StarFits(height, at[:, 0], at[:, 1], misfit)

    def _left(self, profile: Profile, at: Array, which: Array) -> tuple[Array, Array, Array]:
        """Return the logarithm over the profile's, and the profile's derivatives."""
        row, column = at[which, :1], at[which, 1:]
        value, dy, dx = profile.logarithm(self.rows[which] - row, self.columns[which] - column)
        return self.target[which] - value, dy, dx


def fit_star(light: Array, used: Array, own: Array, profile: Profile) -> StarFit | None:
    """Fit one star to the samples that are used, in the logarithm; None if they are too few."""
    if np.count_nonzero(used) < FEWEST:
        return None
    found = StarBatch.of([(light, used, own)]).fit(profile)
    return StarFit(*(float(values[0]) for values in found))
