"""How the channels of an image move together: slopes and how well they hold, place by place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array
from recover.frames.coarse import block_means

__all__ = ["PairMaps", "SlopeSettings", "global_spread", "pair_maps"]

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
_STRIP = 256  # rows at a time
_PRIOR = 1e-4  # weight of the whole image, where the window holds nothing


def pair_maps(
    v: Single,
    usable: Array,
    settings: SlopeSettings,
    spread: Array | None = None,
    *,
    power: float = 1.0,
) -> PairMaps:
    """Return slopes ``a_cd`` and weights ``W_cd`` of all ordered pairs of channels.

    The slope is the regression of v_c on v_d under a Gaussian window, over pixels where both
    are usable, brighter ones counting more; it is shrunk towards their ratio.  The weight is
    one over a power of the residual deviation of the gradients' relation, normalised to mean 1.

    Parameters
    ----------
    v : array [shape=(channels, height, width), float32]
        Values whose level is 1.
    usable : array of bool [shape of v]
        Samples that were not clipped.
    settings : SlopeSettings
    spread : array [shape=(channels, channels)], optional
        `global_spread` of the whole image that v is a part of; that of v by default.
    power : float >= 0
        2 gives the weights of least squares, right for deviations that are independent from
        edge to edge [1]_; 1 trusts them less.

    References
    ----------
    .. [1] A. C. Aitken, "On least squares and linear combination of observations", Proceedings
       of the Royal Society of Edinburgh 55, 1936.
    """
    channels = len(v)
    overall = global_spread(v, usable) if spread is None else spread
    step = 1
    while settings.sigma / (2 * step) >= _FINEST:
        step *= 2
    pairs = [(c, d) for c in range(channels) for d in range(channels) if c != d]
    slopes: dict[tuple[int, int], Array] = {}
    spreads: dict[tuple[int, int], Array] = {}
    for c in range(channels):
        for d in range(c + 1, channels):
            local = _moments(v[c], v[d], usable[c] & usable[d], settings.sigma, step)
            slopes[c, d] = local.slopes(settings, overall[d, c])
            slopes[d, c] = local.slopes(settings, overall[c, d], swapped=True)
            spreads[c, d] = local.residual(slopes[c, d])
            spreads[d, c] = local.residual(slopes[d, c], swapped=True)
    residual = np.stack([spreads[pair] for pair in pairs])
    floor = settings.floor * float(residual.mean(dtype=np.float64))
    tiny = np.finfo(np.float32).tiny
    weights = 1.0 / np.sqrt(np.maximum(residual + np.float32(floor), tiny))
    if power != 1.0:
        weights = (weights / weights.max()) ** np.float32(power)
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
    gradients: tuple[Array, Array, Array]  # cc, dd, cd

    def slopes(
        self, settings: SlopeSettings, variance: float, *, swapped: bool = False
    ) -> Array:
        """Return the slopes of c on d, or of d on c; the variance is the global one."""
        second, mean = (self.cc, self.mean_c) if swapped else (self.dd, self.mean_d)
        k = np.float32(settings.shrink * variance + _STEADY)
        ratio = self.cd / np.maximum(second, np.float32(_STEADY))
        local = np.maximum(second - mean * mean, np.float32(0.0))
        slope = (self.cd - self.mean_c * self.mean_d + k * ratio) / (local + k)
        least, most = np.float32(settings.least), np.float32(settings.most)
        return np.asarray(np.clip(slope, least, most))

    def residual(self, slope: Array, *, swapped: bool = False) -> Array:
        """Return the mean square of ``grad v_c - a grad v_d``."""
        cc, dd, cd = self.gradients
        if swapped:
            cc, dd = dd, cc
        square = cc - 2.0 * slope * cd + slope * slope * dd
        return np.asarray(np.maximum(square, np.float32(0.0)))


def global_spread(v: Single, usable: Array) -> Array:
    """Return the variance of v_c over pixels where c and d are usable, shape (c, d).

    Brighter pixels count more.
    """
    channels = len(v)
    out = np.zeros((channels, channels))
    for c in range(channels):
        for d in range(c, channels):
            both = usable[c] & usable[d]
            first, second = (v[k][both].astype(np.float64) for k in (c, d))
            weight = np.square(np.maximum(first, second))
            total = float(weight.sum())
            if total > 0.0:
                out[c, d], out[d, c] = (
                    float(weight @ np.square(values - float(weight @ values) / total)) / total
                    for values in (first, second)
                )
    return out


def _moments(c: Single, d: Single, both: Array, sigma: float, step: int) -> _Moments:
    """Return the windowed moments, made of strips of rows to spare memory."""
    strips = [
        np.stack([block_means(plane, step) for plane in planes])
        for planes in _strips(c, d, both, max(_STRIP // step, 1) * step)
    ]
    means = _window(np.concatenate(strips, axis=1), sigma / step)
    mean_c, mean_d, cc, dd, cd = means[1:6] / means[0]
    gcc, gdd, gcd = means[7:] / means[6]
    return _Moments(mean_c, mean_d, cc, dd, cd, (gcc, gdd, gcd))


def _strips(c: Single, d: Single, both: Array, rows: int) -> Iterator[list[Array]]:
    """Yield weight, values, products; edge weight, products of differences, by strips."""
    height = len(c)
    for start in range(0, height, rows):
        stop = min(start + rows, height)
        # one row more, for the differences downwards
        part = slice(start, min(stop + 1, height))
        x, y = c[part], d[part]
        weight = np.where(both[part], np.square(np.maximum(x, y)), np.float32(0.0))
        planes = [weight, weight * x, weight * y]
        planes += [planes[1] * x, planes[2] * y, planes[1] * y]
        edges = [np.zeros_like(weight) for _ in range(4)]
        for head, tail in (
            (np.s_[:, :-1], np.s_[:, 1:]),
            (np.s_[:-1], np.s_[1:]),
        ):
            edge = np.where(weight[tail] > 0.0, weight[head], np.float32(0.0))
            dx, dy = x[tail] - x[head], y[tail] - y[head]
            wx, wy = edge * dx, edge * dy
            for plane, value in zip(edges, (edge, wx * dx, wy * dy, wx * dy), strict=True):
                plane[head] += value
        yield [plane[: stop - start] for plane in planes + edges]


def _window(planes: Array, sigma: float) -> Array:
    """Return Gaussian means on the coarse grid, with a little of the global ones."""
    from scipy.ndimage import gaussian_filter

    overall = planes.mean(axis=(1, 2), dtype=np.float64, keepdims=True)
    moments = np.stack(
        [gaussian_filter(each, sigma, mode="nearest", truncate=4.0) for each in planes]
    )
    moments += (_PRIOR * overall).astype(np.float32)
    tiny = np.finfo(np.float32).tiny  # nothing usable at all: every mean is zero
    moments[[0, 6]] = np.maximum(moments[[0, 6]], tiny)
    return moments
