"""Recovered images as pictures for a page: exposure, size, classes laid over them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.image.layout import is_stack, picture_of
from recover.image.result import ImageResult
from recover.image.transfer import Transfer

__all__ = [
    "CLASSES",
    "Scene",
    "class_picture",
    "exposure_of",
    "is_mosaic",
    "jpeg",
    "planes_of",
    "scene_of",
    "swatch",
    "worst_of_tiles",
]

MOST = 1200  # pixels across, and rows or columns beyond which a picture is made smaller
_PEAK = 0.995  # quantile of the recovered light that is shown as white
_STOPS = 6.0  # darkest exposure
_QUALITY = 88
_DIM = 0.55  # of the picture under the classes
CLASSES = ((27, 127, 107), (124, 176, 90), (229, 176, 30), (217, 106, 60), (150, 30, 70))


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture of a result, in light relative to the lowest clipping level.

    Parameters
    ----------
    before, after : array of float32 [shape=(h, w) or (h, w, 3)]
        As it was clipped, and recovered.
    mask : array of bool [shape=(h, w)]
        Pixels with a recovered sample.
    index : int
        Which picture of the stack.
    """

    before: Array
    after: Array
    mask: Array
    index: int


def is_mosaic(result: ImageResult) -> bool:
    """Return whether the result is the mosaic of a raw file: one plane, several levels."""
    return result.image.ndim == 2 and len(result.levels) > 1


def planes_of(array: Array, result: ImageResult, index: int) -> Array:
    """Return one picture of an array of the result, shape (h, w, channels)."""
    return picture_of(array, _channels(result), index)


def _channels(result: ImageResult) -> int:
    return 1 if is_mosaic(result) else len(result.levels)


def scene_of(result: ImageResult) -> Scene:
    """Return what to show: of a stack, the picture with the most recovered samples.

    A mosaic is shown in grey, each pixel the mean of a tile of four samples.
    """
    index = _fullest(result)
    x = planes_of(result.image, result, index).astype(np.float32)
    mask = planes_of(result.recovered, result, index)
    ends = [level.high for level in result.levels if level.high is not None]
    highs = [min(ends) if ends else None] if is_mosaic(result) else None
    y = x.copy()
    for c in range(x.shape[-1]):
        high = result.levels[c].high if highs is None else highs[c]
        low = result.levels[c].low
        if high is not None:
            y[..., c][mask[..., c] & (x[..., c] >= high)] = high
        if low is not None:
            y[..., c][mask[..., c] & (x[..., c] <= low)] = low
    scale = float(min(ends)) if ends else float(np.abs(x).max())
    transfer = Transfer(result.transfer)
    full = scale if scale > 0.0 else 1.0
    light = [_colours(transfer.decode(each, full)) for each in (y, x)]
    touched: Array = np.asarray(mask.any(axis=-1))
    if is_mosaic(result):
        light = [_tiles(each).mean(axis=(1, 3)) for each in light]
        touched = np.asarray(_tiles(touched).any(axis=(1, 3)))
    return Scene(light[0], light[1], touched, index)


def worst_of_tiles(plane: Array) -> Array:
    """Return the largest value in each tile of a mosaic, for the scene that shows its tiles."""
    return np.asarray(_tiles(plane).max(axis=(1, 3)))


def exposure_of(scene: Scene) -> float:
    """Return by how many stops to darken so that the recovered highlights show."""
    if not scene.mask.any():
        return 0.0
    peak = float(np.quantile(scene.after[scene.mask], _PEAK))
    return float(np.clip(np.log2(max(peak, 1e-6)), 0.0, _STOPS))


def jpeg(light: Array, stops: float) -> bytes:
    """Return a picture of linear light, darkened by `stops`, as JPEG in sRGB."""
    shown = np.clip(_smaller(light) * np.float32(2.0**-stops), 0.0, 1.0)
    return _encoded(Transfer.SRGB.encode(shown))


def class_picture(scene: Scene, classes: Array) -> bytes:
    """Return the picture in grey with a class's colour where a pixel was recovered.

    Parameters
    ----------
    scene : Scene
    classes : array of int [shape=(h, w)]
        Index into `CLASSES` for recovered pixels, best first; the worst is hatched, so that it
        can be told from the others without colours.
    """
    down, across = _steps(scene.mask.shape)
    light = scene.after if scene.after.ndim == 2 else scene.after.mean(axis=-1)
    grey = Transfer.SRGB.encode(np.clip(_smaller(light), 0.0, 1.0)) * np.float32(_DIM)
    rows, columns = grey.shape
    # a small picture stands for the worst of its pixels
    worst = np.where(scene.mask, classes, -1)[: rows * down, : columns * across]
    worst = worst.reshape(rows, down, columns, across).max(axis=(1, 3))
    out = np.repeat(grey[..., None], 3, axis=-1)
    for k, colour in enumerate(CLASSES):
        out[worst == k] = np.array(colour, np.float32) / 255.0
    diagonal = np.add.outer(np.arange(rows), np.arange(columns)) % 6 < 2
    out[(worst == len(CLASSES) - 1) & diagonal] = 1.0
    return _encoded(out)


def swatch(index: int) -> bytes:
    """Return a small picture of a class for a legend, as PNG."""
    from recover.io.image_file import ImageMetadata
    from recover.io.image_png import write_png

    tile = np.empty((10, 16, 3), np.uint8)
    tile[:] = CLASSES[index]
    if index == len(CLASSES) - 1:
        tile[np.add.outer(np.arange(10), np.arange(16)) % 6 < 2] = 255
    buffer = io.BytesIO()
    write_png(buffer, tile, ImageMetadata(), "")
    return buffer.getvalue()


def _fullest(result: ImageResult) -> int:
    """Return which picture of a stack has the most recovered samples."""
    if not is_stack(result.image.shape, _channels(result)):
        return 0
    return int(np.argmax(result.recovered.reshape(len(result.recovered), -1).sum(axis=1)))


def _tiles(plane: Array) -> Array:
    """Return a plane as tiles of two rows and columns, axes 1 and 3."""
    rows, columns = plane.shape[0] // 2, plane.shape[1] // 2
    return np.asarray(plane[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2))


def _colours(light: Array) -> Array:
    """Return grey, or the first three channels."""
    if light.shape[-1] < 3:
        return np.asarray(light[..., 0])
    return np.asarray(light[..., :3])


def _steps(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many rows and columns become one, in a narrow strip at most all of them."""
    step = max(1, -(-max(shape[0], shape[1]) // MOST))
    return min(step, shape[0]), min(step, shape[1])


def _smaller(picture: Array) -> Array:
    """Return means of blocks, so that the longer side has at most `MOST` pixels."""
    down, across = _steps(picture.shape)
    if down == across == 1:
        return picture
    rows, columns = picture.shape[0] // down, picture.shape[1] // across
    cut = picture[: rows * down, : columns * across]
    blocks = cut.reshape(rows, down, columns, across, *picture.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def _encoded(shown: Array) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.rint(shown * 255.0).astype(np.uint8)).save(
        buffer, "JPEG", quality=_QUALITY, subsampling=0
    )
    return buffer.getvalue()
