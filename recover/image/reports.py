"""What the user chooses for an image, and what was done with it or found in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from recover.core.errors import ParameterError
from recover.image.levels import ChannelLevel
from recover.image.result import ImageResult
from recover.io.image_write import ImageFormat

__all__ = ["TRANSFERS", "ImageInspection", "ImageOptions", "ImageReport"]

TRANSFERS = ("auto", "linear", "srgb")


@dataclass(frozen=True)
class ImageOptions:
    """What the user may choose.

    Parameters
    ----------
    low, high : float, tuple of float, or None
        The clipping levels; None to detect them, infinite for a side that is not clipped.
    transfer : {"auto", "linear", "srgb"}
        How the samples encode light; "auto" takes sRGB for colour of 8 bits, linear otherwise.
    tolerance : float
        See `recover.image.declip`.
    mask : str or None
        An image or NPY file that is not zero where samples are clipped.
    dq_bits : int or None
        Bits of a FITS file's data-quality array that mean saturated.
    force : bool
        Whether existing files may be replaced.
    seed : int
        For methods that draw numbers.
    certify : bool
        Whether to certify.
    map : str or None
        Where the map of how far each sample can be trusted goes.
    """

    low: float | tuple[float, ...] | None = None
    high: float | tuple[float, ...] | None = None
    transfer: str = "auto"
    tolerance: float = 0.0
    mask: str | None = None
    dq_bits: int | None = None
    force: bool = False
    seed: int = 0
    certify: bool = True
    map: str | None = None

    def __post_init__(self) -> None:
        if self.transfer not in TRANSFERS:
            known = ", ".join(TRANSFERS)
            raise ParameterError(f"transfer must be one of {known}, got {self.transfer!r}")


@dataclass(frozen=True, eq=False)
class ImageReport:
    """What was done with one file.

    Parameters
    ----------
    input, output : str
        The files.
    result : ImageResult
        The recovery.
    names : tuple of str
        Of the channels.
    tolerance : float
        As it was chosen.
    mask : str or None
        The file with the mask, if one was given.
    dq_bits : int or None
        As it was chosen.
    format : ImageFormat
        How the output is stored.
    copied : bool
        Whether the output is the input, byte for byte.
    seconds : float
        Wall-clock time of the recovery, certificate included.
    notes : tuple of str
        What is to be said of the files besides the result's own notes, in sentences.
    map : str or None
        The file with the map, if one was asked for.
    """

    input: str
    output: str
    result: ImageResult
    names: tuple[str, ...]
    tolerance: float
    mask: str | None
    dq_bits: int | None
    format: ImageFormat
    copied: bool
    seconds: float
    notes: tuple[str, ...] = ()
    map: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, infinity as the string "inf"."""
        result = self.result
        return {
            "kind": "image",
            "input": self.input,
            "output": self.output,
            "map": self.map,
            "levels": [[channel.low, channel.high] for channel in result.levels],
            "channels": list(self.names),
            "tolerance": self.tolerance,
            "mask": self.mask,
            "dq_bits": self.dq_bits,
            "transfer": result.transfer,
            "detection": [asdict(channel) for channel in result.levels],
            "fraction_clipped": {
                "total": result.fraction,
                "channels": [channel.fraction for channel in result.levels],
            },
            "seconds": self.seconds,
            "status": result.status.name.lower(),
            "notes": [*result.notes, *self.notes],
            "format": asdict(self.format),
            "copied": self.copied,
            "shrinkage": list(result.shrinkage),
            "blend": result.blend,
            "certificate": result.certificate.to_data(),
        }


@dataclass(frozen=True, eq=False)
class ImageInspection:
    """What was found in one file, which stays as it is.

    Parameters
    ----------
    path, container, dtype : str
        The file, its kind, and the type of its samples.
    shape : tuple of int
        Of the samples.
    names : tuple of str
        Of the channels.
    levels : tuple of ChannelLevel
        One for each channel.
    regions : tuple of (int, int)
        Per channel, the number of connected clipped regions, and the samples of the largest.
    notes : tuple of str
        What else is to be said, in sentences.
    """

    path: str
    container: str
    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...]
    levels: tuple[ChannelLevel, ...]
    regions: tuple[tuple[int, int], ...]
    notes: tuple[str, ...]

    @property
    def clipped(self) -> bool:
        """Whether any channel is clipped."""
        return any(channel.clipped for channel in self.levels)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "kind": "image", "clipped": self.clipped}
