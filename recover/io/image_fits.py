"""FITS images through astropy: saturation keywords and data-quality bits in, a mask out."""

from __future__ import annotations

import importlib
import io
import math
import warnings
from typing import Any, BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import MissingExtraError
from recover.io.errors import FileError
from recover.io.guard import reading, refuse_bomb
from recover.io.image_file import Container, ImageFile

__all__ = ["MAGIC", "RECOVERED_BIT", "read_fits", "write_fits"]

MAGIC = b"SIMPLE  ="
_WIDEST = 8  # bytes of a sample
RECOVERED_BIT = 1  # in the extension RECOVERED
_LEVEL_KEYS = ("SATURATE", "SATLEVEL", "SATURLEV", "SATVAL")
_QUALITY = ("DQ", "MASK", "FLAGS")  # names of extensions
# bits that mean saturated: the telescopes' handbooks
_KNOWN_BITS = {"JWST": 2, "HST": 256, "ROMAN": 2}


def read_fits(data: bytes, name: str, dq_bits: int | None = None) -> ImageFile:
    """Read the first image of a FITS file.

    The level is taken from the keyword SATURATE (or SATLEVEL, SATURLEV, SATVAL), the mask from
    an extension DQ, MASK or FLAGS of the image's shape: the bits given, or those that JWST, HST
    and LSST files (keyword MP_SAT) use for saturation.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        For messages.
    dq_bits : int, optional
        Bits of the data-quality array that mean saturated.

    Raises
    ------
    MissingExtraError
        If astropy is not installed.
    FileError
        If the file is damaged or holds no image.
    """
    fits = _library(name)
    with (
        reading(name, "a damaged FITS file", "fetch it again"),
        fits.open(io.BytesIO(data), memmap=False) as parts,
    ):
        for part in parts:
            _check_size(part, name, len(data))
        return _first_image(parts, name, dq_bits)


def write_fits(
    file: BinaryIO, samples: Array, recovered: Array, source: ImageFile | None, comment: str
) -> None:
    """Write samples as floating point, with an extension RECOVERED that marks what changed.

    All other parts of a FITS source, headers included, are kept.
    """
    fits = _library("the output")
    buffer = io.BytesIO()  # astropy does not take a file that was opened exclusively
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mask = fits.ImageHDU(recovered.astype(np.uint8) * RECOVERED_BIT, name="RECOVERED")
        if source is not None and source.container is Container.FITS:
            with fits.open(io.BytesIO(source.data), memmap=False) as parts:
                header = parts[source.hdu].header.copy()
                for key in ("BSCALE", "BZERO", "BLANK"):  # of integers
                    header.remove(key, ignore_missing=True)
                header["HISTORY"] = comment
                kind = fits.ImageHDU if source.hdu else fits.PrimaryHDU
                shape = parts[source.hdu].shape  # of four axes and more, a stack was made
                parts[source.hdu] = kind(samples.reshape(shape), header)
                mask.data = mask.data.reshape(shape)
                parts.append(mask)
                parts.writeto(buffer, output_verify="silentfix")
            file.write(buffer.getbuffer())
            return
        first = fits.PrimaryHDU(samples)
        first.header["HISTORY"] = comment
        fits.HDUList([first, mask]).writeto(buffer)
        file.write(buffer.getbuffer())


def _check_size(part: Any, name: str, size: int) -> None:
    """Refuse a part that claims more samples than the file can hold."""
    for prefix in ("NAXIS", "ZNAXIS"):  # of what is stored, and of what that unpacks to
        axes = [
            int(part.header.get(f"{prefix}{k + 1}", 0))
            for k in range(int(part.header.get(prefix, 0)))
        ]
        if axes:
            refuse_bomb(name, math.prod(axes) * _WIDEST, size)
            refuse_bomb(name, min(axes), size)


def _first_image(parts: Any, name: str, dq_bits: int | None) -> ImageFile:
    found = [
        k for k, p in enumerate(parts) if p.is_image and p.data is not None and p.data.ndim > 1
    ]
    if not found:
        raise FileError(f"{name} holds no image of two or more axes")
    part = parts[found[0]]
    pixels = np.asarray(part.data)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.ndim > 3:
        pixels = pixels.reshape(-1, *pixels.shape[-2:])
    header = part.header
    level = next((float(header[key]) for key in _LEVEL_KEYS if _is_number(header, key)), None)
    return ImageFile(
        pixels=np.ascontiguousarray(pixels),
        colour=False,
        container=Container.FITS,
        stack=pixels.ndim == 3,
        saturation=level,
        mask=_mask(parts, pixels, dq_bits, name),
        hdu=found[0],
    )


def _mask(parts: Any, pixels: Array, dq_bits: int | None, name: str) -> Array | None:
    """Return the samples that the data-quality array calls saturated."""
    for part in parts:
        values = part.data if part.is_image and part.name in _QUALITY else None
        if values is None or values.shape != pixels.shape or values.dtype.kind not in "iu":
            continue
        bits = dq_bits
        if bits is None and "MP_SAT" in part.header:
            bits = 1 << int(part.header["MP_SAT"])
        if bits is None:
            bits = _KNOWN_BITS.get(str(parts[0].header.get("TELESCOP", "")).strip().upper())
        if bits is None:
            return None
        mask: Array = (values & bits) != 0
        return mask if mask.any() else None
    if dq_bits is not None:
        raise FileError(
            f"{name} has no integer extension {', '.join(_QUALITY)} of the image's shape; "
            "leave out --dq-bits"
        )
    return None


def _is_number(header: Any, key: str) -> bool:
    return isinstance(header.get(key), int | float)


def _library(name: str) -> Any:
    try:
        return importlib.import_module("astropy.io.fits")
    except ImportError:
        raise MissingExtraError(
            f"{name} needs astropy for FITS; install it with pip install 'recover[fits]'"
        ) from None
