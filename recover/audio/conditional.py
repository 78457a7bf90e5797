"""Conditional certificates of a recording, segment by segment and gap by gap, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recover.audio.autoregressive import clusters_of
from recover.audio.estimate_features import as_measured
from recover.audio.gaps import Gap, certify_gaps, gap_problem
from recover.audio.levels import ChannelLevels, as_frames
from recover.audio.result import AudioResult, Excerpt
from recover.audio.segments import Segment, certify_segments, segment_places, segment_problem
from recover.certificates.certificate import Certificate
from recover.certificates.evidence import decode_number, encode_number
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.core.rounding import up
from recover.solve.base import Progress, Watch

_LONGEST = 2**16  # samples of a part that is proved again: what is larger is not ours
_CLOSE = 1e-9

__all__ = ["ConditionalAccount", "certify_conditionally", "part_faults", "part_place"]


@dataclass(frozen=True, eq=False)
class ConditionalAccount:
    """What is promised of segments and gaps if their hypotheses hold.

    Parameters
    ----------
    rate : int
        Samples per second.
    length : int
        Samples per channel of what was certified.
    segments : tuple of Segment
        On condition of a support in a cosine basis.
    gaps : tuple of Gap
        On condition of an autoregressive model with a budget.
    found : tuple of int
        How many segments and gaps there are; where there are more than were certified, those
        are evenly chosen.
    note : str
        Why there are none, or empty.
    excerpt : Excerpt or None
        The part of a long recording that was certified; places count from its start.
    """

    rate: int
    length: int
    segments: tuple[Segment, ...]
    gaps: tuple[Gap, ...]
    found: tuple[int, int]
    note: str = ""
    excerpt: Excerpt | None = None

    @property
    def offset(self) -> int:
        """Sample of the recording from which the places count."""
        return 0 if self.excerpt is None else self.excerpt.start

    @property
    def parts(self) -> tuple[Gap | Segment, ...]:
        """All gaps, then all segments."""
        return (*self.gaps, *self.segments)

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        if self.note:
            return self.note
        said = []
        kinds = ("gaps", self.gaps, self.found[1]), ("segments", self.segments, self.found[0])
        for name, parts, count in kinds:
            finite = sum(math.isfinite(part.error_bound) for part in parts)
            below = sum(part.error_bound < part.restored for part in parts)
            said.append(
                f"of {count} {name} {len(parts)} were certified, {finite} with a finite "
                f"conditional bound, {below} of them below what was restored"
            )
        if self.excerpt is not None:
            said.append(self.excerpt.sentence(self.rate))
        return "; ".join(said)

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain data: a list of parts with label, hypothesis, bound and certificate."""
        return [
            *(self._gap(gap) for gap in self.gaps),
            *(self._segment(segment) for segment in self.segments),
        ]

    def _gap(self, gap: Gap) -> dict[str, Any]:
        return {
            "kind": "gap",
            **self._place(gap),
            "first": gap.first + self.offset,
            "last": gap.last + self.offset,
            "taps": gap.taps.tolist(),
            "budget": gap.budget,
        }

    def _segment(self, segment: Segment) -> dict[str, Any]:
        return {
            "kind": "segment",
            **self._place(segment),
            "support": segment.support.tolist(),
            "remainder": segment.remainder,
        }

    def _place(self, part: Gap | Segment) -> dict[str, Any]:
        return {
            "channel": part.channel,
            "start": part.start + self.offset,
            "stop": part.stop + self.offset,
            "restored": part.restored,
            "error_bound": encode_number(part.error_bound),
            "certificate": part.certificate.to_data(),
        }


def certify_conditionally(
    result: AudioResult,
    *,
    tolerance: float = 0.0,
    most: int = 400,
    watch: Watch | None = None,
) -> ConditionalAccount:
    """Certify segments and gaps of a recovery, each on condition of its own hypothesis.

    The result alone is enough: clipped samples are at their level.  Of a long recording it
    holds the most clipped seconds, and these are certified.

    Parameters
    ----------
    result : AudioResult
    tolerance : float
        As it was given to `declip`; with another than 0 there is nothing to certify, and the
        note says so.
    most : int
        Of more gaps than this so many are taken, evenly from all; of segments half as many.
    watch : callable, optional
        Called after each part with a `Progress`; return True to stop, first with the gaps and
        then with the segments.
    """
    restored = as_frames(result.samples)
    recovered = result.recovered.reshape(restored.shape)
    note = ""
    if not recovered.any():
        note = "nothing was recovered, so there is nothing to certify on a condition"
    elif all(level.band(tolerance) > 0.0 for level in result.levels if level.clipped):
        note = (
            "no conditional certificate: within a tolerance of the level the reliable samples "
            "are not known exactly"
        )
    if note:
        return ConditionalAccount(
            result.rate, len(restored), (), (), (0, 0), note, result.excerpt
        )
    samples = np.stack(
        [
            as_measured(restored[:, k], recovered[:, k], levels)
            for k, levels in enumerate(result.levels)
        ],
        axis=1,
    )
    masks = {
        k: recovered[:, k]
        for k, level in enumerate(result.levels)
        if level.clipped and level.band(tolerance) == 0.0
    }
    gaps = sum(len(clusters_of(mask)) for mask in masks.values())
    found = len(segment_places(masks, result.rate)), gaps
    ahead = min(gaps, most)
    total = ahead + min(found[0], most // 2)
    options = {"tolerance": tolerance, "seconds": math.inf}
    return ConditionalAccount(
        rate=result.rate,
        length=len(restored),
        gaps=certify_gaps(
            samples, result, **options, most=most, watch=_Onward(watch, 0, total)
        ),
        segments=certify_segments(
            samples, result, **options, most=most // 2, watch=_Onward(watch, ahead, total)
        ),
        found=found,
        excerpt=result.excerpt,
    )


@dataclass(frozen=True)
class _Onward:
    """A `watch` for one part of the work, of which some steps are done before."""

    watch: Watch | None
    before: int
    total: int

    def __call__(self, progress: Progress, /) -> bool | None:
        if self.watch is None:
            return None
        return self.watch(Progress(self.before + progress.step, self.total, progress.value))


def part_place(part: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return channel, first sample and end of what a part of `to_json` speaks of.

    Raises
    ------
    ParameterError
        If the part is damaged.
    """
    ends = {"gap": ("first", "last"), "segment": ("start", "stop")}.get(str(part.get("kind")))
    if ends is None:
        raise ParameterError(f"part must be a gap or a segment, got {part.get('kind')!r}")
    channel, first, last = int(part["channel"]), int(part[ends[0]]), int(part[ends[1]])
    if channel < 0 or not 0 <= first < last <= first + _LONGEST:
        raise ParameterError(f"part has no place: channel {channel}, samples {first} to {last}")
    return channel, first, last


def part_faults(part: Mapping[str, Any], y: Array, levels: ChannelLevels) -> tuple[str, ...]:
    """Return what of a part's certificate could not be proved again.

    Parameters
    ----------
    part : mapping
        An entry of `ConditionalAccount.to_json`.
    y : array [shape=(n,)]
        The clipped samples at `part_place`.
    levels : ChannelLevels
        Of its channel.

    Raises
    ------
    ParameterError
        If the part is damaged.
    """
    if levels.band() > 0.0:
        return ("the levels are blurred, so the reliable samples are not exact",)
    rest = 0.0
    if part["kind"] == "gap":
        taps = np.array(part["taps"], dtype=np.float64)
        if taps.ndim != 1 or not 2 <= len(taps) <= len(y):
            raise ParameterError(f"taps of shape {taps.shape} do not fit {len(y)} samples")
        problem = gap_problem(y, levels, taps, float(part["budget"]))
    else:
        support = np.array(part["support"])
        inside = support.dtype.kind == "i" and support.size and support.min() >= 0
        if not inside or support.max() >= len(y) or len(set(support.tolist())) < len(support):
            raise ParameterError("support must hold different cosines of the segment")
        rest = float(part["remainder"])
        problem = segment_problem(y, levels, support, rest)
    certificate = Certificate.from_data(part["certificate"])
    faults = verify(certificate, problem).reasons
    bound = up(certificate.error_bound + rest) if rest > 0.0 else certificate.error_bound
    if decode_number(part["error_bound"]) != bound:
        faults = (*faults, "the part's error bound is not that of its certificate")
    signal = certificate.evidence.arrays.get("signal")
    if signal is not None and signal.shape == problem.y.shape:
        beyond = float(np.linalg.norm(signal - problem.y))
        if not math.isclose(float(part["restored"]), beyond, rel_tol=_CLOSE):
            faults = (*faults, "the part's restored amount is not that of its signal")
    return faults
