"""Writing images: reliable samples keep their values, nothing is ever clipped again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.io.atomic import check_writable, staged
from recover.io.errors import FileError
from recover.io.image_exr import write_exr
from recover.io.image_file import Container, ImageFile, ImageMetadata, container_of
from recover.io.image_fits import write_fits
from recover.io.image_png import write_png
from recover.io.image_raw import write_dng

__all__ = [
    "ImageFormat",
    "check_image_output",
    "choose_image_format",
    "lost_metadata",
    "write_image",
]

_PNG_MOST = 65535


@dataclass(frozen=True)
class ImageFormat:
    """How samples are stored.

    Parameters
    ----------
    container : str
        "PNG", "TIFF", "EXR", "NPY", "FITS" or "DNG".
    dtype : str
        Type of the samples.
    gain : float
        Every stored value is the sample times this: 1, or a power of two where a 16-bit PNG
        holds 8-bit samples beyond full scale.
    full_scale : float or None
        The largest value of the source's integer type; None for floating-point sources.
    """

    container: str
    dtype: str
    gain: float = 1.0
    full_scale: float | None = None

    @property
    def sentence(self) -> str:
        """What the file itself says about its values."""
        if self.gain != 1.0:
            return f"values are the recovered samples times {self.gain:g}"
        if self.full_scale is not None and not self.dtype.startswith("uint"):
            return f"values are in the source's units, full scale {self.full_scale:g}"
        return "values are in the source's units"


def check_image_output(path: str | Path, *, force: bool = False) -> Container:
    """Return the container that `path` asks for, or raise `FileError` before work is done."""
    container = container_of(path)
    check_writable(path, force=force)
    return container


def choose_image_format(
    samples: Array, container: Container, source: ImageFile | None = None
) -> ImageFormat:
    """Return how a container holds samples without clipping them, reliable ones exactly.

    An integer type is kept where the recovered samples fit it (they are rounded to it); beyond
    it TIFF becomes floating point, and PNG of 8 bits becomes 16 bits times a power of two.

    Raises
    ------
    FileError
        If the container cannot hold the samples; the message names one that can.
    """
    dtype = samples.dtype if source is None else source.pixels.dtype
    full = float(np.iinfo(dtype).max) if dtype.kind in "iu" else None
    most, least = float(samples.max()), float(samples.min())
    name = container.value
    if container in (Container.NPY, Container.FITS):
        return ImageFormat(name, samples.dtype.name, full_scale=full)
    if container is Container.EXR:
        _require_exact_float32(samples, name)
        return ImageFormat(name, "float32", full_scale=full)
    if container is Container.TIFF:
        kept = dtype if full is not None and _fits(most, least, dtype) else samples.dtype
        return ImageFormat(name, kept.name, full_scale=full)
    if container is Container.DNG:
        if source is None or source.raw is None:
            raise FileError("DNG holds mosaics of raw files only; name the output .tif")
        if not _fits(most, least, np.dtype(np.uint16)):
            raise FileError(
                f"the recovered peak {most:g} exceeds the 16 bits of DNG; name the output .tif "
                "or .npy for the mosaic in floating point"
            )
        return ImageFormat(name, "uint16", full_scale=full)
    return _png_format(dtype, most, least, full)


def write_image(
    path: str | Path,
    samples: Array,
    *,
    source: ImageFile,
    recovered: Array,
    force: bool = False,
) -> ImageFormat:
    """Write an image whole or not at all, with what its source says besides the samples.

    Parameters
    ----------
    path : str or Path
        Its ending chooses the container; "-" writes NPY to standard output.
    samples : array [shape of source.pixels]
        In the source's units.
    source : ImageFile
        Gives the type to keep where it fits, alpha, profile, EXIF and resolution.
    recovered : array of bool [shape of samples]
        What was changed, for containers that hold a mask (FITS).
    force : bool
        Whether an existing file may be replaced.

    Returns
    -------
    ImageFormat
        What was written.

    Raises
    ------
    FileError
        If the container cannot hold the samples, or the output exists or cannot be written.
    """
    container = check_image_output(path, force=force)
    form = choose_image_format(samples, container, source)
    stored = _stored(samples, form)
    with staged(path, force=force) as file:
        _write(file, stored, form, source, recovered)
    return form


def _write(
    file: BinaryIO, stored: Array, form: ImageFormat, source: ImageFile, recovered: Array
) -> None:
    note = f"recovered by recover; {form.sentence}"
    container, alpha = Container(form.container), source.alpha
    if source.stack and container not in (Container.TIFF, Container.NPY, Container.FITS):
        raise FileError(
            f"{container.value} holds one picture, the source {len(stored)}; name the output "
            ".tif or .npy"
        )
    if container is Container.PNG:
        comment = note if form.gain != 1.0 else ""
        write_png(file, _with_alpha(stored, alpha), source.metadata, comment)
    elif container is Container.TIFF:
        from recover.io.image_tiff import write_tiff

        write_tiff(
            file, stored, colour=source.colour, alpha=alpha, metadata=source.metadata,
            comment=note,
        )  # fmt: skip
    elif container is Container.EXR:
        write_exr(file, stored, alpha, note)
    elif container is Container.FITS:
        write_fits(file, stored, recovered, source, note)
    elif container is Container.DNG and source.raw is not None:
        write_dng(file, stored, source.raw, note)
    else:
        np.lib.format.write_array(file, stored, allow_pickle=False)


def _with_alpha(stored: Array, alpha: Array | None) -> Array:
    """Return integer samples with their alpha, brought to their depth, as last channel."""
    if alpha is None:
        return stored
    wide = alpha.astype(stored.dtype)
    if stored.dtype == np.uint16 and alpha.dtype == np.uint8:
        wide = wide * np.uint16(257)
    planes = stored if stored.ndim == 3 else stored[..., None]
    return np.concatenate([planes, wide[..., None]], axis=-1)


def lost_metadata(source: ImageFile, container: Container) -> str | None:
    """Return in a sentence what a container does not hold of its source, or None."""
    left = f"not carried over: {' and '.join(source.left_out)}" if source.left_out else None
    if container in (Container.PNG, Container.TIFF):
        return left
    kept: ImageMetadata = source.metadata
    lost = [
        name
        for name, value in (
            ("colour profile", kept.icc),
            ("EXIF data", kept.exif),
            ("resolution", kept.resolution),
            ("alpha", source.alpha if container is not Container.EXR else None),
        )
        if value is not None
    ]
    if not lost:
        return left
    without = f"{container.value} does not hold the {' and '.join(lost)}; use .tif to keep "
    without += "them" if len(lost) > 1 else "it"
    return without if left is None else f"{without}; {left}"


def _png_format(
    dtype: np.dtype[Any], most: float, least: float, full: float | None
) -> ImageFormat:
    if full is None or dtype.itemsize > 2 or dtype.kind != "u":
        raise FileError(
            f"PNG cannot hold {dtype.name} samples exactly; name the output .tif, .exr or .npy"
        )
    if _fits(most, least, dtype):
        return ImageFormat("PNG", dtype.name, full_scale=full)
    if dtype == np.uint8 and least >= 0.0 and most <= _PNG_MOST:
        gain = 2.0 ** math.floor(math.log2(_PNG_MOST / most))
        return ImageFormat("PNG", "uint16", gain, full)
    raise FileError(
        f"the recovered peak {most:g} exceeds the {full:g} of the PNG's {8 * dtype.itemsize} "
        "bits; name the output .tif, .exr or .npy for floating point"
    )


def _fits(most: float, least: float, dtype: np.dtype[Any]) -> bool:
    info = np.iinfo(dtype)
    return bool(np.rint(least) >= info.min and np.rint(most) <= info.max)


def _require_exact_float32(samples: Array, name: str) -> None:
    if samples.dtype.itemsize > 4 and not np.array_equal(samples.astype(np.float32), samples):
        raise FileError(
            f"{name} holds 32-bit floats, which cannot hold these samples exactly; name the "
            "output .tif or .npy"
        )


def _stored(samples: Array, form: ImageFormat) -> Array:
    """Return the numbers that go into the file."""
    if form.dtype.startswith(("uint", "int")):
        exact = samples if form.gain == 1.0 else samples.astype(np.float64) * form.gain
        return np.rint(exact).astype(form.dtype)
    return samples.astype(form.dtype, copy=False)
