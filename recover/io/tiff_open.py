"""Opening TIFF files of anybody's: what they claim is checked before memory is asked for."""

from __future__ import annotations

import io
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from recover.core.errors import RecoverError
from recover.io.errors import FileError
from recover.io.guard import printable, reading, refuse_bomb

if TYPE_CHECKING:
    import tifffile

__all__ = ["NeedsCodecError", "alike_series", "checked_series", "opened_tiff"]

# compressions that tifffile unpacks at once, whatever comes out
_UNBOUNDED = {8: zlib.decompressobj, 32946: zlib.decompressobj}
_DENSEST, _HARMLESS, _PIECE = 1100, 2**27, 2**22  # bytes: of one packed byte, at most, at once
_CURE = "save it again as an uncompressed TIFF"


class NeedsCodecError(RecoverError):
    """The compression is one that tifffile leaves to another package."""


@contextmanager
def opened_tiff(data: bytes, name: str) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF file; what goes wrong with it is one line."""
    import tifffile

    with reading(name, "damaged or no TIFF file that can be read", _CURE):
        try:
            with tifffile.TiffFile(io.BytesIO(data)) as file:
                yield file
        except (ValueError, KeyError) as error:
            if "imagecodecs" in str(error):
                raise NeedsCodecError(printable(str(error))) from None
            raise


def checked_series(file: tifffile.TiffFile, size: int, name: str) -> tifffile.TiffPageSeries:
    """Return the first series, once it is known that the file can hold what it claims.

    Parameters
    ----------
    file : tifffile.TiffFile
    size : int
        Bytes of the file.
    name : str
        For messages.

    Raises
    ------
    FileError
        If the file has no image, or claims more than it can hold.
    """
    page = file.pages.first
    planes = sum(
        math.prod(int(n) for n in re.findall(r'Size[CZT]="(\d{1,18})"', picture))
        for picture in re.findall(r"<[^<>]*Pixels [^<>]*>", page.description)
    )
    if file.is_ome and planes > len(file.pages) * max(int(page.samplesperpixel), 1):
        raise FileError(
            f"{name} describes {planes:.4g} planes and holds {len(file.pages)} pages; save all "
            "in one file"
        )
    if not file.series:
        raise FileError(f"{name} holds no image")
    return _checked(file.series[:1], file, size, name)[0]


def alike_series(
    file: tifffile.TiffFile, size: int, name: str
) -> Sequence[tifffile.TiffPageSeries]:
    """Return all series if they are alike in shape and type, else the first alone.

    Pages that were written one by one, as by ``tifffile.TiffWriter.write``, are series each.
    The arguments and errors are those of `checked_series`.
    """
    first = checked_series(file, size, name)
    kinds = {(each.shape, each.dtype) for each in file.series}
    return _checked(file.series, file, size, name) if len(kinds) == 1 else [first]


def _checked(
    series: Sequence[tifffile.TiffPageSeries], file: tifffile.TiffFile, size: int, name: str
) -> Sequence[tifffile.TiffPageSeries]:
    claimed = sum(math.prod(each.shape) * each.dtype.itemsize for each in series)
    refuse_bomb(name, claimed, size)
    for each in series:
        for page in each.pages:
            if page is not None:
                _check_strips(page, file, name)
    return series


def _check_strips(page: Any, file: tifffile.TiffFile, name: str) -> None:
    """Refuse strips or tiles that are missing, or unpack to more than their page takes."""
    promised, held = math.prod(page.chunked), len(page.dataoffsets)
    if held < promised and not page.is_contiguous:
        raise FileError(f"{name} is truncated: it has {held} of {promised} strips; {_CURE}")
    decompressor = _UNBOUNDED.get(int(page.compression))
    if decompressor is None:
        return
    most = math.prod(page.chunks) * page.dtype.itemsize
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if count * _DENSEST <= _HARMLESS:
            continue
        file.filehandle.seek(offset)
        left, unpacker, piece = most, decompressor(), file.filehandle.read(count)
        while piece and left >= 0 and not unpacker.eof:
            left -= len(unpacker.decompress(piece, _PIECE))
            piece = getattr(unpacker, "unconsumed_tail", b"")
        if left < 0:
            raise FileError(f"{name} has strips that unpack to more than the picture; {_CURE}")
