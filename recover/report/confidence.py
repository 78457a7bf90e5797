"""The confidence lane: over time, how large the error may be and what determines the signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recover.audio.estimate_conditioning import Conditioning, label_of
from recover.audio.estimate_result import ErrorEstimate, SegmentEstimate, decibels
from recover.report.page import paragraphs, table
from recover.report.svg import Canvas, Sheet, pair
from recover.report.words import number

__all__ = ["confidence_blocks", "estimate_paragraphs", "lane"]

_RANGE = (-40.0, 20.0)
_CLASS = {
    Conditioning.WELL: "well",
    Conditioning.MODERATE: "moderate",
    Conditioning.OPEN: "open",
}
_WORST = 6  # segments in the table
_STRIP = (6.0, 20.0)  # of the labels, below the field


@dataclass(frozen=True)
class _Bin:
    """Some neighbouring segments, drawn as one."""

    start: float
    stop: float
    expected: float
    upper: float
    band: float
    label: Conditioning


def confidence_blocks(
    estimate: ErrorEstimate, length: int, channels: Sequence[int]
) -> list[str]:
    """Return the estimates as blocks of HTML: words, a lane per channel, the worst segments.

    Parameters
    ----------
    estimate : ErrorEstimate
    length : int
        Samples per channel.
    channels : sequence of int
        Those to draw.
    """
    blocks = [paragraphs(estimate_paragraphs(estimate))]
    if estimate.excerpt is not None:
        where = estimate.excerpt.sentence(estimate.rate)
        blocks.append(paragraphs([where[:1].upper() + where[1:] + "."]))
    seconds = length / estimate.rate
    start = 0.0 if estimate.excerpt is None else estimate.excerpt.start / estimate.rate
    for channel in channels:
        segments = [s for s in estimate.segments if s.channel == channel]
        if segments:
            blocks.append(lane(segments, estimate.rate, seconds, channel, start))
    if estimate.segments:
        blocks.append(_worst_table(estimate))
    return blocks


def estimate_paragraphs(estimate: ErrorEstimate) -> list[str]:
    """Return what the estimates are, and are not, in plain words."""
    labels = [segment.label for segment in estimate.segments]
    counts = ", ".join(f"{labels.count(label)} {label.value}" for label in Conditioning)
    below = sum(segment.upper_db < 0.0 for segment in estimate.segments)
    return [
        "From the data alone the error of a clipped sample is unlimited: the certificate of "
        "the data alone is infinite. What follows are estimates, not bounds.",
        f"Upper error of each segment of about 50 ms: {estimate.basis}. Recordings of another "
        "kind may do worse.",
        f"Two-sigma band: it supposes that {estimate.hypothesis}.",
        f"Of {len(labels)} segments with clipped samples: {counts}. In {below} of them the "
        "upper error is smaller than what was restored, so the restoration is likely nearer to "
        "the truth than the clipped signal.",
        "The label says how much an error in a signal with the restored segment's strongest "
        "cosines could hide from the reliable samples: up to 2 times, up to 10 times, or more.",
    ]


def lane(
    segments: Sequence[SegmentEstimate],
    rate: float,
    seconds: float,
    channel: int,
    origin: float = 0.0,
) -> str:
    """Return the figure of one channel.

    Parameters
    ----------
    segments : sequence of SegmentEstimate
        Of this channel, in order of time.
    rate, seconds : float
        Samples per second, and length of the recording.
    channel : int
        Counted from 0.
    origin : float
        Second of the recording from which the segments count.
    """
    worst = max(segments, key=lambda s: s.upper_db)
    middle = sorted(s.upper_db for s in segments)[len(segments) // 2]
    title = (
        f"Channel {channel + 1}: estimated upper error over {seconds:.1f} s relative to what "
        f"was restored, median {middle:.0f} dB, largest {number(worst.upper_db, 2)} dB at "
        f"{origin + worst.start / rate:.2f} s; below it a strip with the label of each segment."
    )

    def draw(sheet: Sheet) -> str:
        return _draw(
            _binned(segments, rate, seconds, sheet.columns), (origin, seconds), sheet, title
        )

    caption = (
        f"Channel {channel + 1}. Each bar reaches from the expected to the upper error; short "
        "lines mark the two-sigma band where it can be stated. 0 dB: as large as what was "
        "restored. Values off the scale are drawn at its edge; where nothing is drawn, nothing "
        "was clipped."
    )
    return pair(draw, caption)


def _draw(bins: Sequence[_Bin], span: tuple[float, float], sheet: Sheet, title: str) -> str:
    origin, seconds = span
    canvas = Canvas(
        sheet, height=220, horizontal=(origin, origin + seconds), vertical=_RANGE,
        foot=168 if sheet.columns < 100 else 105,
    )  # fmt: skip
    canvas.vertical_axis([-40.0, -30.0, -20.0, -10.0, 0.0, 10.0, 20.0], lambda v: f"{v:g} dB")
    for each in bins:
        left, right = canvas.x(origin + each.start), canvas.x(origin + each.stop)
        css = _CLASS[each.label]
        heights = canvas.y(each.expected), canvas.y(each.upper)
        canvas.rectangle(left, right, heights, f"{css} bar")
        canvas.line((left, heights[1]), (right, heights[1]), "upper")
        if math.isfinite(each.band):
            height = canvas.y(each.band)
            canvas.line((left, height), (right, height), "band")
        strip = canvas.bottom + _STRIP[0], canvas.bottom + _STRIP[1]
        canvas.rectangle(left, right, strip, css)
    zero = canvas.y(0.0)
    canvas.line((canvas.LEFT, zero), (sheet.width - canvas.RIGHT, zero), "axis")
    canvas.horizontal_axis("s", _STRIP[1] + 2.0)
    canvas.legend(
        [(_CLASS[label], label.value) for label in Conditioning]
        + [("bandkey", "two-sigma band (estimate)")],
        52.0,
    )
    return canvas.svg(title)


def _binned(
    segments: Sequence[SegmentEstimate], rate: float, seconds: float, columns: int
) -> list[_Bin]:
    """Return at most `columns` bins: energies add up, and the worst label counts."""
    width = seconds / columns
    groups: dict[int, list[SegmentEstimate]] = {}
    for segment in segments:
        groups.setdefault(int(segment.start / rate / width), []).append(segment)
    bins = []
    for group in groups.values():
        restored = math.hypot(*(s.restored for s in group))
        bins.append(
            _Bin(
                start=group[0].start / rate,
                stop=min(group[-1].stop / rate, seconds),
                expected=decibels(math.hypot(*(s.expected for s in group)), restored),
                upper=decibels(math.hypot(*(s.upper for s in group)), restored),
                band=decibels(math.hypot(*(s.gap_band for s in group)), restored),
                label=label_of(max(s.kappa for s in group)),
            )
        )
    return bins


def _worst_table(estimate: ErrorEstimate) -> str:
    worst = sorted(estimate.segments, key=lambda s: -s.upper)[:_WORST]
    start = 0.0 if estimate.excerpt is None else estimate.excerpt.start / estimate.rate
    rows = [
        [
            str(s.channel + 1),
            f"{start + s.start / estimate.rate:.2f} to {start + s.stop / estimate.rate:.2f} s",
            str(s.clipped),
            number(s.upper, 3),
            f"{s.upper_db:.0f} dB",
            "not stated" if math.isinf(s.gap_band) else f"{s.gap_band_db:.0f} dB",
            s.label.value,
        ]
        for s in worst
    ]
    head = [
        "channel",
        "largest upper errors",
        "clipped samples",
        "upper error",
        "relative",
        "two-sigma band",
        "label",
    ]
    return table(head, rows)
