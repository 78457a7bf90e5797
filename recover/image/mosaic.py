"""The mosaic of a raw file: its colours, their levels, and its recovery."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.progress import Watch
from recover.image.levels import ChannelLevel, detect_levels
from recover.image.raw import declip_raw
from recover.image.reports import ImageOptions
from recover.image.result import ImageResult
from recover.io.image_file import ImageFile, RawMosaic

__all__ = ["colour_planes", "mosaic_levels", "recover_mosaic"]

_COLOURS = "RGB"
_NEAR = 0.985  # of the stated white level: samples scatter below it


def colour_planes(mosaic: Array, pattern: tuple[str, ...]) -> Iterator[tuple[int, Array]]:
    """Yield (index of the colour in RGB, its samples at one place of the tile)."""
    for i, row in enumerate(pattern):
        for j, letter in enumerate(row):
            yield _COLOURS.index(letter), mosaic[i :: len(pattern), j :: len(row)]


def mosaic_levels(mosaic: Array, raw: RawMosaic) -> tuple[ChannelLevel, ...]:
    """Return the white levels of red, green and blue.

    Found in the samples; where nothing stands out, the level that the file states counts if
    samples come within 1.5 % of it.
    """
    found: list[float | None] = [None] * 3
    trust, spread = [1.0] * 3, [0.0] * 3
    for c, plane in colour_planes(mosaic, raw.pattern):
        (own,) = detect_levels(plane)
        high = own.high
        if high is None and (plane >= _NEAR * raw.levels[c]).any():
            high = min(raw.levels[c], float(plane.max()))
        if high is not None:
            before = found[c]
            found[c] = high if before is None else min(before, high)
            trust[c] = min(trust[c], own.confidence)
            spread[c] = max(spread[c], own.spread)
    return tuple(
        ChannelLevel(None, found[c], _share(mosaic, raw, c, found[c]), trust[c], spread[c])
        for c in range(3)
    )


def recover_mosaic(image: ImageFile, chosen: ImageOptions, watch: Watch | None) -> ImageResult:
    """Recover the mosaic of a raw file in the sensor's own units.

    Raises
    ------
    ParameterError
        If options are given that speak of developed pictures, or levels are not one or three.
    """
    raw = image.raw
    if raw is None:
        raise ParameterError("the image is no mosaic")
    for name, value in (("low", chosen.low), ("mask", chosen.mask)):
        if value is not None:
            raise ParameterError(f"--{name} is not for raw files; leave it out")
    levels = mosaic_levels(image.pixels, raw)
    if chosen.high is not None:
        given = chosen.high if isinstance(chosen.high, tuple) else (chosen.high,) * 3
        if len(given) != 3:
            raise ParameterError(f"high must be one level or three, got {len(given)}")
        levels = tuple(
            ChannelLevel(None, high, _share(image.pixels, raw, c, high), 1.0)
            for c, high in enumerate(given)
        )
    result = declip_raw(
        image.pixels,
        "".join(raw.pattern),
        levels=[np.inf if each.high is None else each.high for each in levels],
        black=list(raw.black),
        white_balance=list(raw.white_balance),
        certify=chosen.certify,
        rng=chosen.seed,
        watch=watch,
    )
    return dataclasses.replace(result, levels=levels)


def _share(mosaic: Array, raw: RawMosaic, colour: int, level: float | None) -> float:
    """Return the share of a colour's samples that are at its level or beyond it."""
    planes = [plane for c, plane in colour_planes(mosaic, raw.pattern) if c == colour]
    if level is None:
        return 0.0
    count = sum(int(np.count_nonzero(plane >= level)) for plane in planes)
    return count / sum(plane.size for plane in planes)
