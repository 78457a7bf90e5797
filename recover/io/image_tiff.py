"""TIFF files: 8 to 32-bit integers and floats, grey, RGB, alpha, and stacks of pages."""

from __future__ import annotations

import dataclasses
import io
import struct
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.io.errors import FileError
from recover.io.image_file import Container, ImageFile, ImageMetadata
from recover.io.tiff_open import NeedsCodecError, alike_series, checked_series, opened_tiff

if TYPE_CHECKING:
    import tifffile

__all__ = ["read_tiff", "read_tiff_stack", "write_tiff"]

_MIN_IS_WHITE, _GREY, _RGB, _PALETTE = 0, 1, 2, 3
_EXIF_TAG, _ICC_TAG, _XMP_TAG = 34665, 34675, 700
# what a file's first directory says of the camera and the picture: maker, model, orientation,
# date, artist, copyright; their types in TIFF
_ORIENTATION = 274
_FACTS = {271: 2, 272: 2, 274: 3, 306: 2, 315: 2, 33432: 2}
_PLACEHOLDER = 34664  # stands at the place of the EXIF tag, which tifffile does not write
_UNITS = {1: "", 2: "inch", 3: "cm"}
_UNIT_CODES = {"": 1, "inch": 2, "cm": 3}
_BIG_FROM = 2**32 - 2**25  # bytes beyond which TIFF needs 64-bit offsets


def read_tiff(data: bytes, name: str) -> ImageFile:
    """Read the first series of a TIFF file.

    Raises
    ------
    FileError
        If it is damaged, or its colour model or compression is not one that is read.
    """
    try:
        with opened_tiff(data, name) as file:
            found = _series(checked_series(file, len(data), name), data, name)
            return dataclasses.replace(found, left_out=_besides(file))
    except NeedsCodecError as error:
        return _by_pillow(data, name, str(error))


def read_tiff_stack(data: bytes, name: str) -> Array:
    """Return all samples of a TIFF file, whatever colours it takes them for.

    Of series that differ in shape or type those of the first.

    Raises
    ------
    FileError
        If it is damaged, or its compression is not one that is read.
    """
    try:
        with opened_tiff(data, name) as file:
            parts = [each.asarray() for each in alike_series(file, len(data), name)]
            return np.asarray(parts[0] if len(parts) == 1 else np.stack(parts))
    except NeedsCodecError as error:
        raise FileError(f"{name}: {error}; install it, or save the file uncompressed") from None


def write_tiff(
    file: BinaryIO,
    samples: Array,
    *,
    colour: bool,
    alpha: Array | None,
    metadata: ImageMetadata,
    comment: str,
) -> None:
    """Write samples, shape (h, w[, c]) or a stack of them, in their own type.

    Profile, EXIF, XMP and resolution are kept; `comment` becomes the description.
    """
    import tifffile

    data, extra = samples, None
    if alpha is not None:
        planes = samples if colour else samples[..., None]
        data = np.concatenate([planes, alpha[..., None].astype(samples.dtype)], axis=-1)
        extra = ["unassalpha"]
    tags = _fact_tags(metadata.exif)
    if metadata.xmp is not None:
        tags.append((_XMP_TAG, 1, len(metadata.xmp), metadata.xmp, True))
    big = data.nbytes > _BIG_FROM  # whose directories Pillow does not write
    exif = None if metadata.exif is None or big else _exif_directory(metadata.exif)
    if exif is not None:
        tags.append((_PLACEHOLDER, 4, 1, 0, True))
    across, down, unit = metadata.resolution or (1.0, 1.0, "")
    buffer = io.BytesIO()  # only for a directory that is appended and linked afterwards
    tifffile.imwrite(
        file if exif is None else buffer,
        data,
        bigtiff=big,
        photometric="rgb" if colour and samples.shape[-1] == 3 else "minisblack",
        planarconfig="contig" if colour or alpha is not None else None,
        extrasamples=extra,
        iccprofile=metadata.icc,
        resolution=(across, down) if metadata.resolution else None,
        resolutionunit=_UNIT_CODES[unit] if metadata.resolution else None,
        description=comment.encode("ascii", "replace").decode(),
        software="recover",
        metadata=None,
        extratags=tags,
    )
    if exif is not None:
        _append_exif(buffer, exif)
        file.write(buffer.getbuffer())


def _series(series: tifffile.TiffPageSeries, data: bytes, name: str) -> ImageFile:
    page = series.pages[0]
    if page is None:
        raise FileError(f"{name} holds no image")
    first: Any = page
    photometric = int(first.photometric)
    if photometric not in (_GREY, _RGB, _PALETTE):
        model = getattr(first.photometric, "name", str(photometric)).lower()
        raise FileError(f"{name} has the colour model {model}; convert it to grey or RGB first")
    if first.bitspersample not in (8, 16, 32, 64):
        raise FileError(
            f"{name} has {first.bitspersample} bit(s) per sample; save it with 8, 16 or 32"
        )
    pixels = np.asarray(series.asarray())
    axes = str(series.axes)
    colour, alpha = False, None
    if "S" in axes:
        pixels = np.moveaxis(pixels, axes.index("S"), -1)
        pixels, alpha, colour = _without_alpha(pixels, len(first.extrasamples), name)
    elif "C" in axes and photometric != _PALETTE:
        pixels, colour = np.moveaxis(pixels, axes.index("C"), -1), True
    plain = pixels.ndim - int(colour)
    if plain > 3:
        shape = pixels.shape[-2 - int(colour) :]
        pixels, plain = pixels.reshape(-1, *shape), 3
    if plain < 2:
        raise FileError(f"{name} holds data of shape {pixels.shape}, which is no image")
    return ImageFile(
        pixels=np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("="), copy=False)),
        colour=colour,
        container=Container.TIFF,
        stack=plain == 3,
        alpha=alpha,
        palette=photometric == _PALETTE,
        metadata=_metadata(first, data),
    )


def _besides(file: tifffile.TiffFile) -> tuple[str, ...]:
    """Return in words what a file holds besides the pictures that are read."""
    more = len(file.series) - 1
    pictures = "1 picture" if more == 1 else f"{more} pictures"
    return tuple(
        words
        for words, there in (
            (f"{pictures} of another kind or size", more > 0),
            ("the description of axes and units by ImageJ", file.is_imagej),
            ("the description of axes and units by OME", file.is_ome),
        )
        if there
    )


def _without_alpha(pixels: Array, extra: int, name: str) -> tuple[Array, Array | None, bool]:
    """Return colours, alpha, and whether there is more than one channel."""
    channels = pixels.shape[-1]
    if extra > 1:
        raise FileError(f"{name} has {extra} extra channels; alpha alone is handled")
    alpha = pixels[..., -1] if extra else None
    colours = pixels[..., : channels - extra]
    if colours.shape[-1] == 1:
        return colours[..., 0], alpha, False
    return colours, alpha, True


def _metadata(page: Any, data: bytes) -> ImageMetadata:
    tags = page.tags
    icc = tags[_ICC_TAG].value if _ICC_TAG in tags else None
    xmp = tags[_XMP_TAG].value if _XMP_TAG in tags else None
    resolution = None
    if "XResolution" in tags and "YResolution" in tags:
        across, down = (tags[n].value for n in ("XResolution", "YResolution"))
        unit = int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else 2
        if across[1] and down[1] and across[0] and down[0]:
            resolution = (across[0] / across[1], down[0] / down[1], _UNITS.get(unit, ""))
    return ImageMetadata(
        icc=icc if isinstance(icc, bytes) else None,
        xmp=xmp.encode() if isinstance(xmp, str) else xmp,
        exif=_exif_of_tiff(data) if {_EXIF_TAG, *_FACTS} & set(tags.keys()) else None,
        resolution=resolution,
    )


def _exif_of_tiff(data: bytes) -> bytes | None:
    """Return the EXIF directory of a TIFF file as a block of its own."""
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
            warnings.simplefilter("ignore")
            whole = image.getexif()
            wanted = whole.get_ifd(_EXIF_TAG)
            facts = {code: whole[code] for code in _FACTS if code in whole}
    except (OSError, SyntaxError, ValueError, TypeError):
        return None
    block = Image.Exif()
    block.get_ifd(_EXIF_TAG).update(wanted)
    for code, value in facts.items():
        block[code] = value
    return block.tobytes().removeprefix(b"Exif\0\0")


def _exif_directory(block: bytes) -> dict[int, Any] | None:
    """Return the entries of an EXIF block's own directory."""
    return _exif_entries(block)[1] or None


def _fact_tags(block: bytes | None) -> list[tuple[int, int, int, Any, bool]]:
    """Return what an EXIF block says of camera and picture, as tags to be written."""
    tags = list[tuple[int, int, int, Any, bool]]()
    for code, value in _exif_entries(block)[0].items() if block is not None else ():
        if code == _ORIENTATION and isinstance(value, int):
            tags.append((code, _FACTS[code], 1, value, True))
        elif isinstance(value, str) and value.isascii():
            tags.append((code, _FACTS[code], 0, value, True))
    return tags


def _exif_entries(block: bytes) -> tuple[dict[int, Any], dict[int, Any]]:
    """Return an EXIF block's facts and the entries of its own directory; none if damaged."""
    from PIL import Image

    exif = Image.Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif.load(block if block.startswith(b"Exif") else b"Exif\0\0" + block)
            facts = {code: exif[code] for code in _FACTS if code in exif}
            return facts, dict(exif.get_ifd(_EXIF_TAG))
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return {}, {}


def _append_exif(buffer: io.BytesIO, entries: dict[int, Any]) -> None:
    """Write an EXIF directory behind a TIFF file's data and let its tag point there."""
    import tifffile
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    end = buffer.seek(0, io.SEEK_END)
    end += end % 2
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as file:
        order = file.byteorder
        tag = file.pages.first.tags[_PLACEHOLDER]
        place, value = tag.offset, tag.valueoffset
    directory = ImageFileDirectory_v2(prefix=b"II" if order == "<" else b"MM")
    for key, entry in entries.items():
        directory[key] = entry
    buffer.seek(end)
    buffer.write(directory.tobytes(end))
    buffer.seek(place)
    buffer.write(struct.pack(f"{order}H", _EXIF_TAG))
    buffer.seek(value)
    buffer.write(struct.pack(f"{order}I", end))


def _by_pillow(data: bytes, name: str, reason: str) -> ImageFile:
    """Read a compression that tifffile leaves to another package, where Pillow can exactly."""
    from recover.io.image_pillow import read_pillow

    kept = read_pillow(data, name, ["TIFF"], Container.TIFF)
    if kept is None:
        raise FileError(
            f"{name}: {' '.join(reason.split())}; install it, or save the file uncompressed"
        )
    return kept
