"""One image as it stands in its file, and the containers that are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from recover.core.arrays import Array
from recover.io.atomic import STANDARD
from recover.io.errors import FileError

__all__ = ["Container", "ImageFile", "ImageMetadata", "RawMosaic", "container_of"]


class Container(Enum):
    """Kinds of files; the values are their names in messages."""

    PNG = "PNG"
    TIFF = "TIFF"
    EXR = "EXR"
    NPY = "NPY"
    FITS = "FITS"
    DNG = "DNG"
    JPEG = "JPEG"
    RAW = "RAW"
    OTHER = "image"


_WRITTEN = {
    ".png": Container.PNG,
    ".tif": Container.TIFF,
    ".tiff": Container.TIFF,
    ".exr": Container.EXR,
    ".npy": Container.NPY,
    ".fits": Container.FITS,
    ".fit": Container.FITS,
    ".fts": Container.FITS,
    ".dng": Container.DNG,
}


def container_of(path: str | Path) -> Container:
    """Return the container that the name of an output asks for; "-" is NPY.

    Raises
    ------
    FileError
        If images are not written with that ending.
    """
    if str(path) == STANDARD:
        return Container.NPY
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITTEN:
        raise FileError(
            f"output {path} has an unknown ending {suffix!r}; images are written as .tif, "
            ".exr, .png, .npy, .fits or .dng (a lossy format would change the reliable samples)"
        )
    return _WRITTEN[suffix]


@dataclass(frozen=True, eq=False)
class ImageMetadata:
    """What a file says besides its samples.

    Parameters
    ----------
    icc : bytes or None
        The colour profile.
    exif : bytes or None
        An EXIF block, beginning with its TIFF header.
    xmp : bytes or None
        An XMP packet.
    resolution : (float, float, str) or None
        Samples per unit across and down, and the unit: "inch", "cm" or "" for none.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    resolution: tuple[float, float, str] | None = None


@dataclass(frozen=True, eq=False)
class RawMosaic:
    """What is needed to work on a raw file's mosaic.

    Parameters
    ----------
    pattern : tuple of str
        Rows of the colour filter's smallest tile, such as ("RG", "GB").
    levels : tuple of float
        White level of the colours R, G and B.
    black : tuple of float
        Black level of the colours R, G and B.
    white_balance : tuple of float
        The camera's multipliers of R, G and B, the smallest of them 1.
    matrix : array [shape=(3, 3)]
        From XYZ to the camera's colours.
    camera : str
        Maker and model.
    """

    pattern: tuple[str, ...]
    levels: tuple[float, float, float]
    black: tuple[float, float, float]
    white_balance: tuple[float, float, float]
    matrix: Array
    camera: str


@dataclass(frozen=True, eq=False)
class ImageFile:
    """One image as it stands in its file.

    Parameters
    ----------
    pixels : array [shape=(h, w), (h, w, c), (n, h, w) or (n, h, w, c)]
        Exact values in the file's own type and unit, without alpha.
    colour : bool
        Whether the last axis holds channels.
    stack : bool
        Whether the first axis counts pictures.
    container : Container
        What kind of file it is.
    path : str
        Where it came from; "-" for standard input.
    alpha : array [shape of pixels without the channels] or None
        Transparency, handed through.
    palette : bool
        The samples are indices into a palette, and no light values.
    saturation : float or None
        The level that the file itself states.
    mask : array of bool [shape of pixels] or None
        The clipped samples that the file itself states.
    raw : RawMosaic or None
        For a raw file's mosaic.
    metadata : ImageMetadata
        Profile, EXIF, resolution.
    data : bytes
        The file itself, so that it can be copied.
    hdu : int
        Of a FITS file, which part holds the pixels.
    left_out : tuple of str
        What the file holds besides, in words; it is not read, and not written either.
    """

    pixels: Array
    colour: bool
    container: Container
    path: str = STANDARD
    stack: bool = False
    alpha: Array | None = None
    palette: bool = False
    saturation: float | None = None
    mask: Array | None = None
    raw: RawMosaic | None = None
    metadata: ImageMetadata = field(default_factory=ImageMetadata)
    data: bytes = b""
    hdu: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def channel_axis(self) -> int | None:
        """The axis of the channels, None for one channel."""
        return -1 if self.colour else None

    @property
    def bits(self) -> str:
        """The samples' type in words, such as "16 bit" or "float32"."""
        kind = self.pixels.dtype
        return f"{8 * kind.itemsize} bit" if kind.kind in "iu" else kind.name

    def description(self) -> Mapping[str, Any]:
        """Return the file's kind and size as plain data."""
        return {
            "container": self.container.value,
            "dtype": self.pixels.dtype.name,
            "shape": list(self.pixels.shape),
            "channels": int(self.pixels.shape[-1]) if self.colour else 1,
            "alpha": self.alpha is not None,
        }
