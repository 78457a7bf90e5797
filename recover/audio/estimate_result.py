"""What an estimate of the error says, as plain data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from recover.audio.autoregressive import HYPOTHESIS, GapBands
from recover.audio.estimate_calibration import CALIBRATION
from recover.audio.estimate_conditioning import Conditioning, label_of
from recover.audio.result import Excerpt
from recover.certificates.evidence import decode_number, encode_number

__all__ = ["ErrorEstimate", "SegmentEstimate", "decibels"]


@dataclass(frozen=True)
class SegmentEstimate:
    """The likely error of one segment of one channel; only its clipped samples can be wrong.

    Parameters
    ----------
    channel, start, stop : int
        Where: samples ``start`` to ``stop`` (exclusive).
    clipped : int
        Recovered samples in it.
    restored : float
        l2 norm of what was restored beyond the levels, in signal units.
    expected, upper : float
        Estimates of the l2 norm of the error: the middle one, and one that is meant to be
        exceeded in at most 5 % of the segments of an average recording.
    gap_band : float
        Two-sigma band of the l2 norm of the error by the autoregressive model; infinite where
        it cannot be stated for all gaps of the segment.
    kappa : float
        Largest ratio of a signal's norm to that of its reliable samples, among the signals with
        the support of the recovered segment.
    """

    channel: int
    start: int
    stop: int
    clipped: int
    restored: float
    expected: float
    upper: float
    gap_band: float
    kappa: float

    @property
    def label(self) -> Conditioning:
        """How well the reliable samples determine the segment."""
        return label_of(self.kappa)

    @property
    def upper_db(self) -> float:
        """The upper error in dB relative to what was restored; below 0 it says something."""
        return decibels(self.upper, self.restored)

    @property
    def expected_db(self) -> float:
        """The middle estimate in dB relative to what was restored."""
        return decibels(self.expected, self.restored)

    @property
    def gap_band_db(self) -> float:
        """The two-sigma band in dB relative to what was restored."""
        return decibels(self.gap_band, self.restored)


@dataclass(frozen=True, eq=False)
class ErrorEstimate:
    """Estimates, not bounds, of the error of a recovered recording.

    Parameters
    ----------
    rate : int
        Samples per second.
    segments : tuple of SegmentEstimate
        Those with clipped samples, channel by channel in order of time.
    gaps : tuple of GapBands
        For each channel.
    excerpt : Excerpt or None
        The part of a long recording that is spoken of; places count from its start.
    """

    rate: int
    segments: tuple[SegmentEstimate, ...]
    gaps: tuple[GapBands, ...]
    excerpt: Excerpt | None = None

    @property
    def basis(self) -> str:
        """How the upper errors came about and how often they held."""
        return CALIBRATION.sentence

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        if not self.segments:
            return "nothing was recovered, so there is no error to estimate"
        upper = sorted(segment.upper_db for segment in self.segments)
        counts = ", ".join(
            f"{sum(s.label is label for s in self.segments)} {label.value}"
            for label in Conditioning
        )
        return (
            f"estimated upper error {upper[len(upper) // 2]:.0f} dB relative to what was "
            f"restored (median of {len(upper)} segments; not a bound); {counts}{self._where}"
        )

    @property
    def _where(self) -> str:
        return "" if self.excerpt is None else f"; {self.excerpt.sentence(self.rate)}"

    @property
    def hypothesis(self) -> str:
        """What the two-sigma bands rest on."""
        return HYPOTHESIS

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, infinity as the string "inf"; without single gaps."""
        return {
            "kind": "estimate",
            "rate": self.rate,
            "excerpt": None if self.excerpt is None else asdict(self.excerpt),
            "basis": self.basis,
            "hypothesis": self.hypothesis,
            "calibration": asdict(CALIBRATION),
            "segments": [
                {
                    name: encode_number(value) if isinstance(value, float) else value
                    for name, value in asdict(segment).items()
                }
                | {"label": segment.label.value}
                for segment in self.segments
            ],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ErrorEstimate:
        """Rebuild from `to_json`; the single gaps are not held there."""
        names = [field.name for field in dataclasses.fields(SegmentEstimate)]
        segments = []
        for each in data["segments"]:
            values: dict[str, Any] = {
                name: each[name] if isinstance(each[name], int) else decode_number(each[name])
                for name in names
            }
            segments.append(SegmentEstimate(**values))
        excerpt = Excerpt(**data["excerpt"]) if data.get("excerpt") else None
        return ErrorEstimate(int(data["rate"]), tuple(segments), (), excerpt)


def decibels(value: float, reference: float) -> float:
    """Return a norm in dB relative to another; infinite where that is zero."""
    if reference == 0.0 or math.isinf(value):
        return math.inf
    return 20.0 * math.log10(value / reference) if value > 0.0 else -math.inf
