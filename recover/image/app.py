"""From a file to a recovered file: what the command line calls; nothing is printed here."""

from __future__ import annotations

import dataclasses
import time
import warnings
from pathlib import Path

import numpy as np

from recover.certificates.certificate import not_asked, unbounded
from recover.certificates.scope import Scope
from recover.core.arrays import Array, digest
from recover.core.errors import ParameterError
from recover.core.progress import Watch
from recover.image.declip import declip
from recover.image.levels import ChannelLevel, clipped_mask
from recover.image.measurement import channel_names, levels_of, regions_of
from recover.image.mosaic import colour_planes, mosaic_levels, recover_mosaic
from recover.image.reports import ImageInspection, ImageOptions, ImageReport
from recover.image.result import ImageResult
from recover.image.stack import join
from recover.image.task import masked_levels, read_mask, tasks_of
from recover.image.transfer import Transfer, TransferWarning, doubt
from recover.image.trust_file import check_map, write_map
from recover.io.atomic import staged
from recover.io.errors import FileError
from recover.io.image_file import Container, ImageFile, RawMosaic
from recover.io.image_read import read_image
from recover.io.image_write import (
    ImageFormat,
    check_image_output,
    choose_image_format,
    lost_metadata,
    write_image,
)
from recover.solve.base import Status

__all__ = ["inspect_image", "process_image", "transfer_of"]

_COLOURS = 3


def inspect_image(path: str | Path, *, dq_bits: int | None = None) -> ImageInspection:
    """Find the clipping levels of an image; raises `FileError` if it cannot be read."""
    source = read_image(path, dq_bits=dq_bits)
    if source.palette:
        levels: tuple[ChannelLevel, ...] = ()
        masks: list[Array] = []
    elif source.raw is not None:
        levels = mosaic_levels(source.pixels, source.raw)
        masks = _mosaic_masks(source.pixels, source.raw, levels)
    else:
        levels = levels_of(source, None, None, 0.0)
        masks = _masks(source, levels)
    return ImageInspection(
        path=str(path),
        container=source.container.value,
        dtype=source.pixels.dtype.name,
        shape=source.pixels.shape,
        names=() if source.palette else channel_names(source),
        levels=levels,
        regions=tuple(regions_of(mask, mosaic=source.raw is not None) for mask in masks),
        notes=_remarks(source, transfer_of(source, "auto")),
    )


def process_image(
    source: str | Path,
    output: str | Path,
    options: ImageOptions | None = None,
    *,
    jobs: int = 1,
    watch: Watch | None = None,
) -> ImageReport:
    """Recover an image from a file into a file.

    An image in which nothing is clipped, and one with a palette, is copied byte for byte where
    the container stays the same.  The output appears whole or not at all.

    Parameters
    ----------
    source, output : str or Path
        "-" means standard input or output (an NPY file).
    options : ImageOptions, optional
        What the user chose.
    jobs : int >= 1
        Accepted for the command line's sake: one image is worked on by one process.
    watch : callable, optional
        Called with a `Progress`; return True to stop.

    Raises
    ------
    FileError
        If a file cannot be read or written.
    ParameterError
        If levels are out of order or reached by no sample, or nothing is reliable.
    """
    chosen = ImageOptions() if options is None else options
    if jobs < 1:
        raise ParameterError(f"jobs must be >= 1, got {jobs}")
    container = check_image_output(output, force=chosen.force)
    if chosen.map is not None:
        check_map(chosen.map, output, force=chosen.force)
    image = read_image(source, dq_bits=chosen.dq_bits)
    if image.palette and container is not image.container:
        raise FileError(
            f"{source} has a palette, which cannot hold recovered values; convert it to RGB "
            f"first, or name the output {Path(source).suffix} to have it copied"
        )
    if chosen.mask is not None:
        image = dataclasses.replace(image, mask=read_mask(chosen.mask, image))
    choose_image_format(image.pixels, container, image)  # refuses before any work
    if container is not image.container:
        image = dataclasses.replace(image, data=b"")  # never to be copied: memory for the work
    started = time.perf_counter()
    result = _untouched(image, chosen) if image.palette else _recover(image, chosen, watch)
    seconds = time.perf_counter() - started
    copied = not result.recovered.any() and container is image.container
    if copied:
        with staged(output, force=chosen.force) as file:
            file.write(image.data)
        form = ImageFormat(container.value, image.pixels.dtype.name)
    else:
        form = write_image(
            output, result.image, source=image, recovered=result.recovered, force=chosen.force
        )
    if chosen.map is not None:
        write_map(chosen.map, result, image, force=chosen.force)
    lost = None if copied else lost_metadata(image, container)
    return ImageReport(
        input=str(source),
        output=str(output),
        result=result,
        names=channel_names(image),
        tolerance=chosen.tolerance,
        mask=chosen.mask,
        dq_bits=chosen.dq_bits,
        format=form,
        copied=copied,
        seconds=seconds,
        notes=() if lost is None else (lost,),
        map=chosen.map,
    )


def transfer_of(source: ImageFile, name: str) -> Transfer:
    """Return the transfer function to use; "auto" takes sRGB for colour of 8 bits."""
    if name != "auto":
        return Transfer(name)
    eight = source.pixels.dtype == np.uint8 and source.colour
    return Transfer.SRGB if eight or source.container is Container.JPEG else Transfer.LINEAR


def _recover(image: ImageFile, chosen: ImageOptions, watch: Watch | None) -> ImageResult:
    transfer = transfer_of(image, chosen.transfer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)  # it stands in the notes
        if image.raw is not None:
            result = recover_mosaic(image, chosen, watch)
        else:
            result = _recover_plain(image, chosen, transfer, watch)
    remarks = [note for note in _remarks(image, transfer) if note not in result.notes]
    return dataclasses.replace(result, notes=(*result.notes, *remarks))


def _untouched(image: ImageFile, chosen: ImageOptions) -> ImageResult:
    """Return the result for samples that are no light values."""
    notes = _remarks(image, Transfer.LINEAR)
    subject = digest([image.pixels, np.zeros(image.pixels.shape, dtype=bool)])
    silent = unbounded("; ".join(notes), Scope("global"), subject, {})
    return ImageResult(
        image=image.pixels.astype(np.float32),
        levels=(ChannelLevel(None, None, 0.0, 1.0),),
        recovered=np.zeros(image.pixels.shape, dtype=bool),
        transfer=Transfer.LINEAR.value,
        status=Status.DIRECT,
        certificate=silent if chosen.certify else not_asked(subject),
        shrinkage=(1.0,),
        blend=0.0,
        notes=notes,
    )


def _recover_plain(
    image: ImageFile, chosen: ImageOptions, transfer: Transfer, watch: Watch | None
) -> ImageResult:
    if image.mask is not None:
        levels = masked_levels(image, image.mask)
    else:
        levels = levels_of(image, chosen.low, chosen.high, chosen.tolerance)
    done = [
        declip(
            task.picture,
            low=task.low,
            high=task.high,
            channel_axis=task.channel_axis,
            mask=task.mask,
            transfer=transfer.value,
            tolerance=chosen.tolerance,
            certify=chosen.certify,
            rng=chosen.seed,
            watch=watch,
        )
        for task in tasks_of(image, levels)
    ]
    return dataclasses.replace(join(done, stack=image.stack), levels=levels)


def _masks(source: ImageFile, levels: tuple[ChannelLevel, ...]) -> list[Array]:
    pixels = source.pixels if source.colour else source.pixels[..., None]
    return [
        clipped_mask(pixels[..., c], level.low, level.high) for c, level in enumerate(levels)
    ]


def _mosaic_masks(
    pixels: Array, raw: RawMosaic, levels: tuple[ChannelLevel, ...]
) -> list[Array]:
    """Return per colour where the mosaic is clipped."""
    tile = np.zeros((len(raw.pattern), len(raw.pattern[0])), dtype=int)
    for k, (colour, _) in enumerate(colour_planes(pixels, raw.pattern)):
        tile.flat[k] = colour
    places = np.indices(pixels.shape)
    colours = tile[places[0] % tile.shape[0], places[1] % tile.shape[1]]
    return [
        (colours == c) & clipped_mask(pixels, None, level.high)
        for c, level in enumerate(levels)
    ]


def _remarks(source: ImageFile, transfer: Transfer) -> tuple[str, ...]:
    if source.palette:
        return ("the image has a palette: its samples are no light values",)
    if source.raw is not None:
        return ()
    pixels = source.pixels
    planes = np.moveaxis(pixels, -1, 0) if source.colour else pixels[None]
    reason = doubt(planes, transfer)
    return () if reason is None else (reason,)
