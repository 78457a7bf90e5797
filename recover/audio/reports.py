"""What the user chooses for a file, and what was done with it or found in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from recover.audio.levels import ChannelLevels
from recover.audio.result import AudioResult
from recover.core.errors import ParameterError
from recover.io.audio_write import AudioFormat

__all__ = ["AudioOptions", "AudioReport", "Inspection"]


@dataclass(frozen=True)
class AudioOptions:
    """What the user may choose.

    Parameters
    ----------
    low, high : float, tuple of float, or None
        The clipping levels; None to detect them, infinite for a side that is not clipped.
    tolerance : float
        See `recover.audio.declip`.
    quality : str
        "auto", "quality", "fast" or "extreme".
    mix : float in [0, 1]
        Share of the recovered signal in the output; 1 for all of it.
    diff : str or None
        File to write the difference of output and input to, as floating-point WAV.
    force : bool
        Whether existing files may be replaced.
    seed : int
        For methods that draw numbers.
    certify : bool
        Whether to certify.
    fallback : bool
        Whether a result beyond full scale that FLAC cannot hold exactly goes to a
        floating-point file instead, whose name is that of the output and ``.wav``.
    """

    low: float | tuple[float, ...] | None = None
    high: float | tuple[float, ...] | None = None
    tolerance: float = 0.0
    quality: str = "auto"
    mix: float = 1.0
    diff: str | None = None
    force: bool = False
    seed: int = 0
    certify: bool = True
    fallback: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.mix <= 1.0:
            raise ParameterError(f"mix must lie in [0, 1], got {self.mix}")
        if self.seed < 0:
            raise ParameterError(f"seed must be >= 0, got {self.seed}")


@dataclass(frozen=True, eq=False)
class AudioReport:
    """What was done with one file.

    Parameters
    ----------
    input, output : str
        The files.
    diff : str or None
        The difference file, if one was written.
    result : AudioResult
        The recovery.
    tolerance : float
        As it was chosen.
    format : AudioFormat
        How the output is stored, with its gain.
    seconds : float
        Wall-clock time of the recovery, certificate included.
    notes : tuple of str
        What the user should know of the levels that were given.
    """

    input: str
    output: str
    diff: str | None
    result: AudioResult
    tolerance: float
    format: AudioFormat
    seconds: float
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, infinity as the string "inf"."""
        result = self.result
        return {
            "input": self.input,
            "output": self.output,
            "diff": self.diff,
            "levels": [[channel.low, channel.high] for channel in result.levels],
            "tolerance": self.tolerance,
            "detection": [asdict(channel) for channel in result.levels],
            "fraction_clipped": {
                "total": result.fraction,
                "channels": [channel.fraction for channel in result.levels],
            },
            "seconds": self.seconds,
            "status": result.status.name.lower(),
            "note": result.note,
            "notes": list(self.notes),
            "rate": result.rate,
            "format": asdict(self.format),
            "gain": self.format.gain,
            "stretches": [stretch.to_json() for stretch in result.stretches],
            "certificate": result.certificate.to_data(),
        }


@dataclass(frozen=True)
class Inspection:
    """What was found in one file, which stays as it is.

    Parameters
    ----------
    path : str
        The file.
    format, subtype : str
        Container and coding in libsndfile's names.
    rate, frames : int
        Samples per second, and per channel.
    levels : tuple of ChannelLevels
        One for each channel.
    """

    path: str
    format: str
    subtype: str
    rate: int
    frames: int
    levels: tuple[ChannelLevels, ...]

    @property
    def clipped(self) -> bool:
        """Whether any channel is clipped."""
        return any(channel.clipped for channel in self.levels)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "clipped": self.clipped, "seconds": self.frames / self.rate}
