"""Reading images: exact samples, and one clear line for a file that is not one."""

from __future__ import annotations

import dataclasses
import io
from contextlib import suppress
from pathlib import Path

import numpy as np

from recover.core.arrays import Array
from recover.io.atomic import STANDARD
from recover.io.errors import FileError
from recover.io.guard import opened, standard_input
from recover.io.image_exr import MAGIC as EXR_MAGIC
from recover.io.image_exr import read_exr
from recover.io.image_file import Container, ImageFile
from recover.io.image_fits import MAGIC as FITS_MAGIC
from recover.io.image_fits import read_fits
from recover.io.image_png import SIGNATURE, decode_png, png_header
from recover.io.image_raw import RAW_ENDINGS, read_raw
from recover.io.npy import MAGIC as NPY_MAGIC
from recover.io.npy import read_npy

__all__ = ["looks_like_image", "read_image"]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_GZIP = b"\x1f\x8b"
_OTHERS = ["JPEG", "BMP", "PPM", "WEBP", "GIF"]
_ENDINGS = (
    ".png", ".tif", ".tiff", ".exr", ".npy", ".fits", ".fit", ".fts", ".jpg", ".jpeg", ".bmp",
    ".ppm", ".pgm", ".webp", ".gif", *RAW_ENDINGS,
)  # fmt: skip
_CHANNELS = (2, 3, 4)


def looks_like_image(path: str | Path) -> bool:
    """Return whether a file's first bytes, or else its ending, are those of an image.

    Standard input keeps its bytes for the reader.
    """
    heads = (SIGNATURE, *_TIFF, EXR_MAGIC, NPY_MAGIC, FITS_MAGIC, b"\xff\xd8\xff")
    head = b""
    if str(path) == STANDARD:
        stream = standard_input("give a recording or an image")
        head = stream.peek(len(FITS_MAGIC)) if isinstance(stream, io.BufferedReader) else b""
        return head.startswith(heads)
    if Path(path).is_file():  # what comes through a pipe could not be read again
        with suppress(OSError), Path(path).open("rb") as file:
            head = file.read(16)
    return head.startswith(heads) or Path(path).suffix.lower() in _ENDINGS


def read_image(path: str | Path, *, dq_bits: int | None = None) -> ImageFile:
    """Read an image; its kind is told by its first bytes.

    Parameters
    ----------
    path : str or Path
        A file, or "-" for standard input.
    dq_bits : int, optional
        See `recover.io.image_fits.read_fits`.

    Raises
    ------
    FileError
        If the file is missing, empty, damaged, or no image that is handled.
    MissingExtraError
        If a package is needed that is not installed.
    """
    name = "standard input" if str(path) == STANDARD else str(path)
    data = _bytes_of(path, name)
    found = _dispatch(data, name, None if str(path) == STANDARD else str(path), dq_bits)
    if dq_bits is not None and found.container is not Container.FITS:
        raise FileError(
            f"{name} is no FITS file, and has no data-quality array; leave out --dq-bits"
        )
    if 0 in found.pixels.shape:
        raise FileError(f"{name} holds no samples; there is nothing to recover")
    if found.pixels.dtype.kind == "f" and not np.isfinite(found.pixels).all():
        bad = ~np.isfinite(found.pixels)
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise FileError(
            f"{name} holds {np.count_nonzero(bad)} NaN or infinite sample(s), the first at "
            f"{first}; write there the least that it can be, and name such samples in a mask "
            "(--mask)"
        )
    return dataclasses.replace(found, path=str(path), data=data)


def _bytes_of(path: str | Path, name: str) -> bytes:
    if str(path) == STANDARD:
        data = standard_input("give an image").read()
    else:
        with opened(path, "give an image") as file:
            try:
                data = file.read()
            except OSError as error:
                raise FileError(f"{path} cannot be read: {error.strerror or error}") from None
    if not data:
        raise FileError(f"{name} is empty; give an image")
    return data


def _dispatch(data: bytes, name: str, path: str | None, dq_bits: int | None) -> ImageFile:
    from recover.io.image_pillow import read_pillow

    if Path(name).suffix.lower() in RAW_ENDINGS:
        return read_raw(data, name)
    if data.startswith(SIGNATURE):
        _, _, bits, colour, _ = png_header(data, name)
        if b"IEND" not in data[-64:]:
            raise FileError(f"{name} is truncated: it has no end; fetch the whole file again")
        found = read_pillow(data, name, ["PNG"], Container.PNG)
        if found is not None and bits == 16 and colour != 0:
            return _with_samples(found, decode_png(data, name))
        if bits < 8 and colour == 0:
            raise FileError(f"{name} has {bits} bit(s) per sample; save it with 8 or 16")
    elif data.startswith(_TIFF):
        from recover.io.image_tiff import read_tiff

        return read_tiff(data, name)
    elif data.startswith(EXR_MAGIC):
        pixels, alpha, besides = read_exr(data, name, path)
        return ImageFile(pixels, pixels.ndim == 3, Container.EXR, alpha=alpha, left_out=besides)
    elif data.startswith(NPY_MAGIC):
        return _npy(data, name)
    elif data.startswith(FITS_MAGIC):
        return read_fits(data, name, dq_bits)
    else:
        kind = Container.JPEG if data.startswith(b"\xff\xd8") else Container.OTHER
        found = read_pillow(data, name, _OTHERS, kind)
    if found is None and data.startswith(_GZIP):
        raise FileError(f"{name} is compressed by gzip; unpack it first (gunzip)")
    if found is None:
        raise FileError(
            f"{name} is not an image that can be read; give a PNG, TIFF, EXR, NPY, JPEG, FITS "
            "or raw file"
        )
    return found


def _with_samples(found: ImageFile, samples: Array) -> ImageFile:
    """Return a 16-bit PNG with all its bits, alpha apart."""
    channels = samples.shape[-1]
    alpha = samples[..., -1] if channels in (2, 4) else None
    colours = samples if alpha is None else samples[..., :-1]
    colours = colours if colours.shape[-1] > 1 else colours[..., 0]
    return dataclasses.replace(
        found, pixels=np.ascontiguousarray(colours), colour=colours.ndim == 3, alpha=alpha
    )


def _npy(data: bytes, name: str) -> ImageFile:
    array = read_npy(io.BytesIO(data), len(data), name)
    if array.dtype.kind not in "iuf":
        raise FileError(f"{name} holds {array.dtype}; images are integers or floats")
    if array.ndim not in (2, 3, 4):
        raise FileError(
            f"{name} holds an array of shape {array.shape}, which is no image; save one of "
            "shape (height, width), (height, width, channels) or a stack of them"
        )
    colour = array.ndim == 4 or (array.ndim == 3 and array.shape[-1] in _CHANNELS)
    return ImageFile(
        pixels=np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False)),
        colour=colour,
        container=Container.NPY,
        stack=array.ndim - int(colour) == 3,
    )
