"""What Pillow reads exactly: JPEG, 8-bit PNG, 16-bit grey PNG and simple 8-bit formats."""

from __future__ import annotations

import io

import numpy as np

from recover.core.arrays import Array
from recover.io.errors import FileError
from recover.io.guard import reading, refuse_bomb
from recover.io.image_file import Container, ImageFile, ImageMetadata

__all__ = ["metadata_of", "read_pillow"]

_GREY, _COLOUR, _ALPHA = ("L", "I;16", "I;16B", "I;16L", "F"), ("RGB",), ("LA", "RGBA")
_INCH = "inch"
_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
_WIDEST = 4  # bytes of a pixel of any other mode in Pillow's own memory


def read_pillow(
    data: bytes, name: str, formats: list[str], container: Container
) -> ImageFile | None:
    """Read a file; None if Pillow does not know it.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        For messages.
    formats : list of str
        Pillow's names of the formats that may be tried.
    container : Container
        What to call the file.

    Raises
    ------
    FileError
        If the file is damaged or has a colour model that is not handled.
    """
    from PIL import Image, UnidentifiedImageError

    with reading(name, "damaged or no image that can be read", "fetch it again"):
        try:
            image = Image.open(io.BytesIO(data), formats=formats)
        except UnidentifiedImageError:
            return None
        # one that claims to be huge is refused before its samples are asked for
        across, down = image.size
        refuse_bomb(name, across * down * _PIXEL.get(image.mode, _WIDEST), len(data))
        image.load()
        kept = metadata_of(image)
    if image.mode == "P":
        return ImageFile(np.asarray(image), False, container, palette=True, metadata=kept)
    if image.mode not in (*_GREY, *_COLOUR, *_ALPHA):
        raise FileError(
            f"{name} has the colour model {image.mode}; convert it to grey or RGB with 8 or "
            "16 bits first"
        )
    if "transparency" in image.info and container is Container.PNG:
        raise FileError(f"{name} names a transparent colour; save it with an alpha channel")
    samples: Array = np.asarray(image)
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    alpha = None
    if image.mode in _ALPHA:
        alpha, samples = samples[..., -1], samples[..., :-1]
        samples = samples[..., 0] if image.mode == "LA" else samples
    return ImageFile(
        pixels=np.ascontiguousarray(samples),
        colour=samples.ndim == 3,
        container=container,
        alpha=alpha,
        metadata=kept,
    )


def metadata_of(image: object) -> ImageMetadata:
    """Return profile, EXIF, XMP and resolution of an image that Pillow has opened."""
    info = getattr(image, "info", {})
    icc, exif, xmp = info.get("icc_profile"), info.get("exif"), info.get("xmp")
    dpi = info.get("dpi")
    resolution = None
    if dpi is not None and all(np.isfinite(float(v)) and float(v) > 0 for v in dpi):
        resolution = (float(dpi[0]), float(dpi[1]), _INCH)
    return ImageMetadata(
        icc=icc if isinstance(icc, bytes) and icc else None,
        exif=exif.removeprefix(b"Exif\0\0") if isinstance(exif, bytes) and exif else None,
        xmp=xmp.encode() if isinstance(xmp, str) else xmp,
        resolution=resolution,
    )
