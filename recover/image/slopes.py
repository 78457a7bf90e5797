"""How the channels of an image move together: slopes and how well they hold, place by place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array
from recover.frames.coarse import block_means

__all__ = ["PairMaps", "SlopeSettings", "pair_maps"]

Single = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SlopeSettings:
    """How slopes are estimated.

    Parameters
    ----------
    sigma : float > 0
        Standard deviation of the Gaussian window, in pixels.
    shrink : float
        Weight of the local ratio against the local regression, in units of the global
        variance.
    least, most : float
        Slopes are cut off there.
    floor : float
        Of the mean residual variance, added to the local one before it becomes a weight.
    """

    sigma: float = 6.0
    shrink: float = 0.2
    least: float = 0.2
    most: float = 4.0
    floor: float = 0.05


@dataclass(frozen=True, eq=False)
class PairMaps:
    """Maps of slopes and weights, for ordered pairs of channels in lexicographic order.

    Parameters
    ----------
    slopes, weights : array [shape=(pairs, rows, columns), float32]
    step : int
        Pixels per entry along each axis.
    """

    slopes: Array
    weights: Array
    step: int


_FINEST = 1.5  # standard deviations below this many entries lose the window's shape
_STEADY = 1e-5  # variance below which a channel says nothing of slopes
_PRIOR = 1e-4  # weight of the whole image, where the window holds nothing


def pair_maps(v: Single, usable: Array, settings: SlopeSettings) -> PairMaps:
    """Return slopes ``a_cd`` and weights ``W_cd`` of all ordered pairs of channels.

    The slope is the regression of v_c on v_d under a Gaussian window, over pixels where both
    are usable, brighter ones counting more; it is shrunk towards their ratio.  The weight is
    one over the residual deviation of the gradients' relation, normalised to mean 1.

    Parameters
    ----------
    v : array [shape=(channels, height, width), float32]
        Values whose level is 1.
    usable : array of bool [shape of v]
        Samples that were not clipped.
    settings : SlopeSettings
    """
    channels = len(v)
    step = 1
    while settings.sigma / (2 * step) >= _FINEST:
        step *= 2
    pairs = [(c, d) for c in range(channels) for d in range(channels) if c != d]
    slopes: dict[tuple[int, int], Array] = {}
    spreads: dict[tuple[int, int], Array] = {}
    for c in range(channels):
        for d in range(c + 1, channels):
            local = _moments(v[c], v[d], usable[c] & usable[d], settings.sigma, step)
            slopes[c, d], slopes[d, c] = local.slopes(settings)
            spreads[c, d] = local.residual(slopes[c, d])
            spreads[d, c] = local.residual(slopes[d, c], swapped=True)
    residual = np.stack([spreads[pair] for pair in pairs])
    floor = settings.floor * float(residual.mean(dtype=np.float64))
    tiny = np.finfo(np.float32).tiny
    weights = 1.0 / np.sqrt(np.maximum(residual + np.float32(floor), tiny))
    weights /= weights.mean(axis=0)
    return PairMaps(np.stack([slopes[pair] for pair in pairs]), weights, step)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Weighted means of two channels and their gradients under the window."""

    mean_c: Array
    mean_d: Array
    cc: Array
    dd: Array
    cd: Array
    global_variance: tuple[float, float]
    gradients: tuple[Array, Array, Array]  # cc, dd, cd

    def slopes(self, settings: SlopeSettings) -> tuple[Array, Array]:
        """Return the slopes of c on d and of d on c."""
        covariance = self.cd - self.mean_c * self.mean_d
        out = []
        for second, mean, of_all in (
            (self.dd, self.mean_d, self.global_variance[1]),
            (self.cc, self.mean_c, self.global_variance[0]),
        ):
            k = np.float32(settings.shrink * of_all + _STEADY)
            ratio = self.cd / np.maximum(second, np.float32(_STEADY))
            variance = np.maximum(second - mean * mean, np.float32(0.0))
            slope = (covariance + k * ratio) / (variance + k)
            out.append(np.clip(slope, np.float32(settings.least), np.float32(settings.most)))
        return out[0], out[1]

    def residual(self, slope: Array, *, swapped: bool = False) -> Array:
        """Return the mean square of ``grad v_c - a grad v_d``."""
        cc, dd, cd = self.gradients
        if swapped:
            cc, dd = dd, cc
        square = cc - 2.0 * slope * cd + slope * slope * dd
        return np.asarray(np.maximum(square, np.float32(0.0)))


def _moments(c: Single, d: Single, both: Array, sigma: float, step: int) -> _Moments:
    weight = np.where(both, np.square(np.maximum(c, d)), np.float32(0.0))
    wc, wd = weight * c, weight * d
    means = _window([weight, wc, wd, wc * c, wd * d, wc * d], sigma, step)
    mean_c, mean_d, cc, dd, cd = means[1:] / means[0]
    sums = [float(each.sum(dtype=np.float64)) for each in (weight, wc, wd, wc * c, wd * d)]
    total = sums[0] if sums[0] > 0.0 else 1.0
    variance_c = max(sums[3] / total - (sums[1] / total) ** 2, 0.0)
    variance_d = max(sums[4] / total - (sums[2] / total) ** 2, 0.0)
    planes = [np.zeros_like(weight) for _ in range(4)]
    for axis in (0, 1):
        head = tuple(slice(None, -1) if k == axis else slice(None) for k in (0, 1))
        tail = tuple(slice(1, None) if k == axis else slice(None) for k in (0, 1))
        edge = np.where(both[head] & both[tail], weight[head], np.float32(0.0))
        dc, dd_ = c[tail] - c[head], d[tail] - d[head]
        for plane, value in zip(
            planes, (edge, edge * dc * dc, edge * dd_ * dd_, edge * dc * dd_), strict=True
        ):
            plane[head] += value
    moved = _window(planes, sigma, step)
    gcc, gdd, gcd = moved[1:] / moved[0]
    return _Moments(mean_c, mean_d, cc, dd, cd, (variance_c, variance_d), (gcc, gdd, gcd))


def _window(planes: list[Array], sigma: float, step: int) -> Array:
    """Return Gaussian means on the coarse grid, with a little of the global ones."""
    from scipy.ndimage import gaussian_filter

    out = []
    for plane in planes:
        coarse = block_means(plane, step)
        overall = np.float32(coarse.mean(dtype=np.float64))
        smooth = gaussian_filter(coarse, sigma / step, mode="nearest", truncate=4.0)
        out.append(smooth + np.float32(_PRIOR) * overall)
    moments = np.stack(out)
    moments[0] += np.finfo(np.float32).tiny  # nothing usable at all: every mean is zero
    return moments
