"""What a declipping gives back, saved and loaded without pickled objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recover.audio.levels import ChannelLevels
from recover.certificates.certificate import Certificate
from recover.certificates.evidence import decode_number, encode_number
from recover.core.arrays import Array
from recover.core.display import CLIPPED, INK, RECOVERED, Facts, Shown, axes_or_new
from recover.io.errors import FileError
from recover.io.results import load_result, save_result
from recover.solve.base import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AudioResult", "Excerpt", "StretchAccount"]

FORMAT = "recover-audio-1"


@dataclass(frozen=True)
class StretchAccount:
    """How one stretch of one channel was recovered.

    Parameters
    ----------
    channel, start, stop : int
        Where: samples ``start`` to ``stop`` (exclusive).
    method : str
        Name of the method.
    window : int
        Samples of the frame's window; 0 if the method's frame has none.
    iterations : int
        Iterations of the run that was kept.
    residual : float
        The last residual: distance of the sparse signal from the data, relative to the data.
    estimated_input_sdr : float
        Estimate, in dB, of the clipped stretch's signal-to-distortion ratio: that of the
        restored stretch taken for the truth.
    status : Status
        How the run ended.
    """

    channel: int
    start: int
    stop: int
    method: str
    window: int
    iterations: int
    residual: float
    estimated_input_sdr: float
    status: Status

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, infinity as the string "inf"."""
        return {
            **asdict(self),
            "estimated_input_sdr": encode_number(self.estimated_input_sdr),
            "status": self.status.name.lower(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> StretchAccount:
        """Rebuild from `to_json`."""
        return StretchAccount(
            **{
                **data,
                "estimated_input_sdr": decode_number(data["estimated_input_sdr"]),
                "status": Status[data["status"].upper()],
            }
        )


@dataclass(frozen=True)
class Excerpt:
    """Which part of a long recording a result holds.

    Parameters
    ----------
    start : int
        First frame of the excerpt in the recording.
    frames : int
        Samples per channel of the whole recording.
    recovered : int
        Recovered samples of the whole recording, all channels together.
    length : int
        Samples per channel of the excerpt.
    """

    start: int
    frames: int
    recovered: int
    length: int = 0

    def sentence(self, rate: float) -> str:
        """Return in words which part it is."""
        first, last = self.start / rate, (self.start + self.length) / rate
        return (
            f"this speaks of the most clipped part only, {first:.1f} to {last:.1f} s of "
            f"{self.frames / rate:.1f} s"
        )


@dataclass(frozen=True, eq=False, repr=False)
class AudioResult(Shown):
    """A recovered recording.

    Parameters
    ----------
    samples : array [shape of the input, floating]
        The recovered recording, in the input's units.  Reliable samples are the input's.
    rate : int
        Samples per second.
    levels : tuple of ChannelLevels
        What was taken for clipped, per channel.
    recovered : array of bool [shape of samples]
        The samples that were recovered.
    status : Status
        How the work ended; `DIRECT` where nothing was clipped.
    certificate : Certificate
        What is promised; its parts are the channels, and their parts the segments.
    stretches : tuple of StretchAccount
        What was done where.
    note : str
        The outcome in one sentence.
    excerpt : Excerpt or None
        Of a long recording written block by block, `samples` and `recovered` hold the most
        clipped seconds only, and this says which; None where they hold everything.
    """

    samples: Array
    rate: int
    levels: tuple[ChannelLevels, ...]
    recovered: Array
    status: Status
    certificate: Certificate
    stretches: tuple[StretchAccount, ...]
    note: str
    excerpt: Excerpt | None = None

    def facts(self) -> Facts:
        """Return what was recovered."""
        return [
            ("samples", f"{self.samples.shape} {self.samples.dtype} at {self.rate} Hz"),
            ("recovered", f"{self.count} samples, {100.0 * self.fraction:.2f} %"),
            ("outcome", self.note),
        ]

    def shown_below(self) -> tuple[Certificate]:
        """Return the certificate."""
        return (self.certificate,)

    def plot(self, ax: Axes | None = None, *, channel: int = 0, seconds: float = 0.02) -> Axes:
        """Draw the surroundings of the largest recovered peak with matplotlib.

        Parameters
        ----------
        ax : matplotlib axes, optional
            Where to draw; a new figure by default.
        channel : int
            The channel.
        seconds : float
            How much is drawn; infinity draws everything.

        Returns
        -------
        matplotlib axes
        """
        axes = axes_or_new(ax)
        x = self.samples.reshape(len(self.samples), -1)[:, channel]
        known = ~self.recovered.reshape(len(x), -1)[:, channel]
        middle = int(np.argmax(np.where(known, -1.0, np.abs(x))))
        reach = int(min(seconds * self.rate / 2, len(x)))
        part = slice(max(middle - reach, 0), middle + reach + 1)
        time = np.arange(len(x))[part] / self.rate
        axes.plot(time, x[part], color=RECOVERED, linewidth=1.2, label="recovered")
        kept = np.where(known, x, np.nan)[part]
        axes.plot(time, kept, color=INK, linewidth=1.4, label="as measured")
        for level in (self.levels[channel].low, self.levels[channel].high):
            if level is not None:
                axes.axhline(level, color=CLIPPED, linestyle="--", linewidth=1)
        axes.set(xlabel="time in s", ylabel="amplitude")
        axes.legend(frameon=False)
        return axes

    @property
    def signal(self) -> Array:
        """The recovered recording."""
        return self.samples

    @property
    def fraction(self) -> float:
        """Share of all samples that were recovered."""
        size = self.recovered.size
        if self.excerpt is not None:
            size = self.excerpt.frames * len(self.levels)
        return self.count / size

    @property
    def count(self) -> int:
        """Number of samples that were recovered."""
        if self.excerpt is not None:
            return self.excerpt.recovered
        return int(np.count_nonzero(self.recovered))

    @property
    def residuals(self) -> Array:
        """The last residual of each stretch."""
        return np.array([account.residual for account in self.stretches])

    @property
    def error_bound(self) -> float:
        """The certificate's bound on the l2 error, infinite if nothing is promised."""
        return self.certificate.error_bound

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write everything to an NPZ file, whole or not at all."""
        meta = {
            "format": FORMAT,
            "rate": self.rate,
            "levels": [asdict(levels) for levels in self.levels],
            "status": self.status.name,
            "stretches": [account.to_json() for account in self.stretches],
            "note": self.note,
            "certificate": self.certificate.to_data(),
            "excerpt": None if self.excerpt is None else asdict(self.excerpt),
        }
        arrays = {"samples": self.samples, "recovered": self.recovered}
        save_result(path, meta, arrays, force=force)

    @staticmethod
    def load(path: str | Path) -> AudioResult:
        """Read what `save` wrote; raises `FileError` if it is something else."""
        meta, arrays = load_result(path, FORMAT)
        try:
            return _restore(arrays["samples"], arrays["recovered"], meta)
        except (KeyError, TypeError, ValueError):
            raise FileError(f"{path} is not a saved audio recovery") from None


def _restore(samples: Array, recovered: Array, meta: dict[str, Any]) -> AudioResult:
    return AudioResult(
        samples=samples,
        rate=int(meta["rate"]),
        levels=tuple(ChannelLevels(**levels) for levels in meta["levels"]),
        recovered=recovered,
        status=Status[meta["status"]],
        certificate=Certificate.from_data(meta["certificate"]),
        stretches=tuple(StretchAccount.from_json(each) for each in meta["stretches"]),
        note=str(meta["note"]),
        excerpt=Excerpt(**meta["excerpt"]) if meta.get("excerpt") else None,
    )
