"""Raw files: the mosaic through rawpy, and DNG files out."""

from __future__ import annotations

import importlib
import io
import math
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import MissingExtraError
from recover.io.errors import FileError
from recover.io.guard import printable, reading, refuse_bomb
from recover.io.image_file import Container, ImageFile, RawMosaic

__all__ = ["RAW_ENDINGS", "read_raw", "write_dng"]

RAW_ENDINGS = (
    ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".raf", ".orf",
    ".rw2", ".pef", ".srw", ".raw", ".3fr", ".iiq", ".rwl", ".kdc", ".mrw", ".erf",
)  # fmt: skip
_BAYER = ((0, 1), (1, 0))
_COLOURS = "RGB"
_MOST = 65535
_ROOM = 1.02
_D65 = 21
_DENOMINATOR = 10000
_FLAT = 1e-6
_CURE = "fetch it again"
_SRGB_TO_XYZ = np.array(  # IEC 61966-2-1:1999
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)


def read_raw(data: bytes, name: str) -> ImageFile:
    """Read the mosaic of a raw file, as the sensor gave it.

    Raises
    ------
    MissingExtraError
        If rawpy is not installed.
    FileError
        If the file is damaged, or its mosaic is no Bayer pattern (X-Trans, four colours).
    """
    try:
        library: Any = importlib.import_module("rawpy")
    except ImportError:
        raise MissingExtraError(
            f"{name} needs rawpy for raw files; install it with pip install 'recover[raw]'"
        ) from None
    with reading(name, "no raw file that can be read", _CURE), library.RawPy() as raw:
        try:
            raw.open_buffer(io.BytesIO(data))
            sizes = raw.sizes  # known before anything is unpacked
            refuse_bomb(name, 2 * sizes.raw_height * sizes.raw_width, len(data))
            raw.unpack()
        except library.LibRawError as error:
            reason = error.args[0] if error.args else error
            text = reason.decode("latin-1") if isinstance(reason, bytes) else str(reason)
            raise FileError(
                f"{name} cannot be read as a raw file: {printable(text)}; {_CURE}"
            ) from None
        if raw.raw_type != library.RawType.Flat:
            raise FileError(f"{name} holds no mosaic; save it as TIFF and recover that")
        mosaic = np.array(raw.raw_image_visible, copy=True)
        return ImageFile(
            pixels=mosaic,
            colour=False,
            container=Container.DNG if name.lower().endswith(".dng") else Container.RAW,
            raw=_facts(raw, name),
        )


def write_dng(file: BinaryIO, mosaic: Array, raw: RawMosaic, comment: str) -> None:
    """Write a mosaic of 16 bits as a DNG file that any developer program takes.

    The white level becomes larger than all values, and the tag BaselineExposure makes up for
    it, so that the exposure of the developed picture stays.

    Parameters
    ----------
    file : binary file
    mosaic : array of uint16 [shape=(h, w)]
        In the sensor's units, black level included.
    raw : RawMosaic
        Pattern, levels, white balance and colour matrix.
    comment : str
        The description.

    References
    ----------
    Adobe, *Digital Negative (DNG) Specification*, version 1.4.
    """
    import tifffile

    black = float(np.mean(raw.black))
    level = min(raw.levels)
    brightest = int(mosaic.max())
    white = math.ceil(level)
    if brightest > level:  # and some room, so that nothing looks clipped again
        white = min(math.ceil(_ROOM * brightest), _MOST)
    exposure = math.log2((white - black) / (level - black))
    pattern = bytes(_COLOURS.index(letter) for row in raw.pattern for letter in row)
    model = (raw.camera or "unknown").encode("ascii", "replace").decode()
    tags: list[tuple[int, int, int, Any, bool]] = [
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, pattern, True),
        (50706, 1, 4, b"\x01\x04\x00\x00", True),
        (50707, 1, 4, b"\x01\x01\x00\x00", True),
        (50708, 2, len(model) + 1, model, True),
        (50713, 3, 2, (2, 2), True),
        (50714, 5, 4, _rationals([raw.black[c] for c in pattern]), True),
        (50717, 4, 1, white, True),
        (50721, 10, 9, _rationals(raw.matrix.ravel()), True),
        (50728, 5, 3, _rationals([1.0 / w for w in raw.white_balance]), True),
        (50730, 10, 1, _rationals([exposure]), True),
        (50778, 3, 1, _D65, True),
    ]
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, mosaic, photometric="cfa", software="recover", metadata=None, extratags=tags,
        description=comment.encode("ascii", "replace").decode(),
    )  # fmt: skip
    file.write(buffer.getbuffer())


def _facts(raw: Any, name: str) -> RawMosaic:
    """Return what is needed of a raw file besides its mosaic."""
    description = raw.color_desc.decode()
    tile = np.asarray(raw.raw_colors_visible[:6, :6])
    letters = ["".join(description[k] for k in row) for row in tile[:2, :2]]
    bayer = sorted("".join(letters)) == list("BGGR") and letters[0][0] != letters[1][0]
    if np.asarray(raw.raw_pattern).shape != (2, 2) or not bayer:
        kind = "X-Trans" if np.asarray(raw.raw_pattern).shape == (6, 6) else description
        raise FileError(
            f"{name} has a {kind} mosaic; only Bayer mosaics can be recovered. Develop it to a "
            "linear TIFF and recover that"
        )
    where = [description.index(letter) for letter in _COLOURS]
    white = getattr(raw, "camera_white_level_per_channel", None) or [raw.white_level] * 4
    levels = [float(white[k]) or float(raw.white_level) for k in where]
    gains = np.array([float(raw.camera_whitebalance[k]) for k in where])
    gains = gains / gains.min() if (gains > 0).all() else np.ones(3)
    matrix = _xyz_to_camera(raw)
    black = [float(raw.black_level_per_channel[k]) for k in where]
    return RawMosaic(
        pattern=tuple(letters),
        levels=(levels[0], levels[1], levels[2]),
        black=(black[0], black[1], black[2]),
        white_balance=(float(gains[0]), float(gains[1]), float(gains[2])),
        matrix=matrix,
        camera="",
    )


def _xyz_to_camera(raw: Any) -> Array:
    """Return the matrix from XYZ to the camera's colours.

    LibRaw leaves out its table's matrix for DNG files, but keeps what it made of theirs: from
    balanced camera colours to linear sRGB, and the multipliers of daylight.
    """
    table = np.asarray(raw.rgb_xyz_matrix, dtype=np.float64)[:3]
    if table.any():
        return table
    balanced = np.asarray(raw.color_matrix, dtype=np.float64)[:, :3]
    daylight = np.asarray(raw.daylight_whitebalance, dtype=np.float64)[:3]
    if abs(np.linalg.det(balanced)) < _FLAT or not (daylight > 0).all():
        return np.linalg.inv(_SRGB_TO_XYZ)
    unbalanced = np.linalg.inv(balanced) / daylight[:, None]
    return np.asarray(unbalanced @ np.linalg.inv(_SRGB_TO_XYZ))


def _rationals(values: Any) -> tuple[int, ...]:
    """Return numerators and denominators in turn."""
    pairs: list[int] = []
    for value in values:
        share = Fraction(float(value)).limit_denominator(_DENOMINATOR)
        pairs += [share.numerator, share.denominator]
    return tuple(pairs)
