"""A first picture of three colours from a Bayer mosaic."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError

__all__ = ["COLOURS", "check_fit", "colour_sites", "demosaic"]

COLOURS = "RGB"
_SIDE = 2
_FEWEST = 4096  # samples from which a pattern is judged
_APART, _ALIKE = 0.15, 0.2  # greens of a wrong pattern differ so much, red and blue so little


def colour_sites(pattern: str, height: int, width: int) -> Array:
    """Return which colour each pixel of a mosaic samples: 0, 1, 2 for red, green, blue.

    Parameters
    ----------
    pattern : str
        The two rows of the repeating 2x2 block, such as "RGGB".
    height, width : int

    Raises
    ------
    ParameterError
        If it is not a Bayer pattern: one red, two green on a diagonal, one blue.
    """
    letters = str(pattern).upper()
    if len(letters) == 36:
        raise ParameterError(
            "pattern has 36 entries, an X-Trans mosaic, which is not supported; only Bayer "
            'patterns such as "RGGB" are'
        )
    greens = len(letters) == 4 and (letters[0] == letters[3], letters[1] == letters[2])
    if sorted(letters) != ["B", "G", "G", "R"] or not (greens and any(greens)):
        raise ParameterError(f'pattern must be a Bayer pattern such as "RGGB", got {pattern!r}')
    block = np.array([COLOURS.index(letter) for letter in letters]).reshape(_SIDE, _SIDE)
    rows, columns = -(-height // _SIDE), -(-width // _SIDE)
    return np.tile(block, (rows, columns))[:height, :width]


def check_fit(mosaic: Array, usable: Array, pattern: str) -> None:
    """Check that the two greens of a Bayer pattern see the same colour.

    Both look through the same dye, so that their means over a picture agree but for a few per
    cent; those of red and blue seldom do.  Where it is plainly the other way round, the pattern
    begins at another place.

    Parameters
    ----------
    mosaic : array [shape=(height, width)]
        Black subtracted.
    usable : array of bool [shape of mosaic]
        Samples that are not clipped.
    pattern : str
        See `colour_sites`.

    Raises
    ------
    ParameterError
        If the greens differ, and red and blue do not.
    """
    letters = str(pattern).upper()
    height, width = (n // _SIDE * _SIDE for n in mosaic.shape)
    if height * width < _FEWEST:
        return
    tiles = usable[:height, :width].reshape(height // _SIDE, _SIDE, width // _SIDE, _SIDE)
    whole = tiles.all(axis=(1, 3))
    if np.count_nonzero(whole) * _SIDE**2 < _FEWEST:
        return
    means: dict[str, list[float]] = {}
    for k, letter in enumerate(letters):
        plane = mosaic[k // _SIDE : height : _SIDE, k % _SIDE : width : _SIDE][whole]
        means.setdefault(letter, []).append(float(plane.mean(dtype=np.float64)))
    greens, others = means["G"], [means["R"][0], means["B"][0]]
    if min(*greens, *others) <= 0.0:
        return
    apart, same = max(greens) / min(greens) - 1.0, max(others) / min(others) - 1.0
    if apart > _APART and same < _ALIKE * apart:
        raise ParameterError(
            f"pattern {pattern!r} does not fit the mosaic: its two greens differ by "
            f"{100.0 * apart:.0f} %, its red and blue by {100.0 * same:.1f} %; shift it by one "
            "row or column"
        )


def demosaic(mosaic: Array, sites: Array) -> Array:
    """Return three planes: green along the smoother direction, then differences from green.

    Parameters
    ----------
    mosaic : array [shape=(height, width), float32]
        White-balanced, so that a grey surface has equal values.
    sites : array of int [shape of mosaic]
        See `colour_sites`.

    Returns
    -------
    array [shape=(3, height, width), float32]
        The samples themselves where they were taken.

    References
    ----------
    .. [1] J. F. Adams, J. E. Hamilton, "Design of practical color filter array interpolation
       algorithms for digital cameras", Proc. SPIE 3028 (1997).
    """
    from scipy.ndimage import convolve

    green = np.where(sites == 1, mosaic, _green(mosaic))
    kernel = np.array([[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]], np.float32)
    planes = np.empty((len(COLOURS), *mosaic.shape), dtype=np.float32)
    planes[1] = green
    for c in (0, 2):
        here = (sites == c).astype(np.float32)
        weight = convolve(here, kernel, mode="mirror")
        apart = convolve(here * (mosaic - green), kernel, mode="mirror")
        there = apart / np.maximum(weight, np.float32(0.25))
        planes[c] = np.where(sites == c, mosaic, green + there)
    return np.maximum(planes, np.float32(0.0))


def _green(mosaic: Array) -> Array:
    """Return green at the other sites, along rows or columns."""
    values, steps = [], []
    for axis in (0, 1):
        one, two = _around(mosaic, axis, 1), _around(mosaic, axis, 2)
        bend = 2.0 * mosaic - two[0] - two[1]
        values.append(0.5 * (one[0] + one[1]) + 0.25 * bend)
        steps.append(np.abs(one[0] - one[1]) + np.abs(bend))
    mean = 0.5 * (values[0] + values[1])
    found = np.where(steps[0] < steps[1], values[0], values[1])
    return np.asarray(np.where(steps[0] == steps[1], mean, found), dtype=np.float32)


def _around(mosaic: Array, axis: int, distance: int) -> tuple[Array, Array]:
    """Return the neighbours at a distance on both sides, mirrored at the rim."""
    size = mosaic.shape[axis]
    index = np.arange(size)
    last = max(size - 1, 0)
    after = last - np.abs(last - (index + distance))
    before = np.abs(index - distance)
    return (
        np.take(mosaic, np.clip(before, 0, last), axis=axis),
        np.take(mosaic, np.clip(after, 0, last), axis=axis),
    )
