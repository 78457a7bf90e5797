"""Conditional certificates of gaps and segments: in words, over time, and the closest ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

from recover.audio.conditional import ConditionalAccount
from recover.audio.estimate_result import decibels
from recover.audio.gaps import BUDGET, Gap
from recover.audio.segments import Segment
from recover.report.page import paragraphs, table
from recover.report.svg import Canvas, Sheet, pair
from recover.report.words import number

__all__ = ["conditional_blocks", "conditional_lane"]

_RANGE = (-20.0, 60.0)
_BEST = 6  # parts in the table
_WIDE = 1.2  # least width of a bar, in units of the picture


def conditional_blocks(account: ConditionalAccount, channels: Sequence[int]) -> list[str]:
    """Return the certificates as blocks of HTML: words, a lane per channel, the closest parts.

    Parameters
    ----------
    account : ConditionalAccount
    channels : sequence of int
        Those to draw.
    """
    blocks = [paragraphs(_words(account))]
    for channel in channels:
        gaps = [gap for gap in account.gaps if gap.channel == channel]
        segments = [each for each in account.segments if each.channel == channel]
        if gaps or segments:
            blocks.append(conditional_lane(account, gaps, segments, channel))
    parts = [part for part in account.parts if part.restored > 0.0]
    if any(math.isfinite(part.error_bound) for part in parts):
        blocks.append(_closest(account, parts))
    return blocks


def conditional_lane(
    account: ConditionalAccount, gaps: Sequence[Gap], segments: Sequence[Segment], channel: int
) -> str:
    """Return the figure of one channel.

    Parameters
    ----------
    account : ConditionalAccount
    gaps, segments : sequence
        Of this channel, in order of time.
    channel : int
        Counted from 0.
    """
    title = (
        f"Channel {channel + 1}: proved conditional error bounds of {len(gaps)} gaps and "
        f"{len(segments)} segments over time, relative to what was restored; "
        f"{_below(gaps)} gaps and {_below(segments)} segments lie below 0 dB."
    )

    def draw(sheet: Sheet) -> str:
        return _draw(account, gaps, segments, sheet, title)

    caption = (
        f"Channel {channel + 1}. Each bar is the proved bound of one gap, each line that of a "
        "segment of about 50 ms. 0 dB: as large as what was restored; only below it does a "
        "bound say that the restoration is nearer to the truth than the clipped signal. What "
        "is off the scale, or infinite because the data refute the hypothesis, is at its edge."
    )
    return pair(draw, caption)


def _words(account: ConditionalAccount) -> list[str]:
    if account.note:
        return [account.note[:1].upper() + account.note[1:] + "."]
    spread = sum(math.isinf(part.error_bound) for part in account.parts)
    return [
        "These bounds are proved, but each only on a condition that the data cannot confirm.",
        "Gap: the true signal's prediction errors there, by the autoregressive filter of order "
        f"32 fitted to the surroundings, have at most {BUDGET:g} times the energy that they "
        "have on average on the louder side of the clean neighbourhood. Filter and budget "
        "stand with each certificate.",
        "Segment: all but a stated remainder of the true segment lies in the span of the "
        "cosines that hold 99 % of the restored segment.",
        f"{account.sentence[:1].upper()}{account.sentence[1:]}. For {spread} part(s) the data "
        "refute the hypothesis or do not suffice for a proof, and nothing is promised.",
    ]


def _draw(
    account: ConditionalAccount,
    gaps: Sequence[Gap],
    segments: Sequence[Segment],
    sheet: Sheet,
    title: str,
) -> str:
    origin = account.offset / account.rate
    canvas = Canvas(
        sheet, height=200, horizontal=(origin, origin + account.length / account.rate),
        vertical=_RANGE, foot=100 if sheet.columns < 100 else 78,
    )  # fmt: skip
    canvas.vertical_axis([-20.0, 0.0, 20.0, 40.0, 60.0], lambda v: f"{v:g} dB")

    def ends_of(part: Gap | Segment) -> tuple[float, float]:
        left, right = (
            canvas.x((account.offset + sample) / account.rate)
            for sample in (part.start, part.stop)
        )
        return left, max(right, left + _WIDE)

    for gap in gaps:
        left, right = ends_of(gap)
        css = "well" if gap.error_bound < gap.restored else "gapbound"
        ends = canvas.y(_RANGE[0]), canvas.y(_relative(gap))
        canvas.rectangle(left, right, ends, css)
    for segment in segments:
        left, right = ends_of(segment)
        height = canvas.y(_relative(segment))
        canvas.line((left, height), (right, height), "upper")
    zero = canvas.y(0.0)
    canvas.line((canvas.LEFT, zero), (sheet.width - canvas.RIGHT, zero), "axis")
    canvas.horizontal_axis("s", 0.0)
    canvas.legend(
        [
            ("well", "gap, below what was restored"),
            ("gapbound", "gap, above it"),
            ("upperkey", "segment"),
        ],
        30.0,
    )
    return canvas.svg(title)


def _relative(part: Gap | Segment) -> float:
    return decibels(part.error_bound, part.restored)


def _below(parts: Sequence[Gap | Segment]) -> int:
    return sum(part.error_bound < part.restored for part in parts)


def _closest(account: ConditionalAccount, parts: Sequence[Gap | Segment]) -> str:
    rows = [
        [
            str(part.channel + 1),
            "gap" if isinstance(part, Gap) else "segment",
            f"{(account.offset + part.start) / account.rate:.3f} s",
            str(part.stop - part.start),
            number(part.error_bound, 3),
            f"{_relative(part):.0f} dB",
            number(part.budget if isinstance(part, Gap) else part.remainder, 3),
        ]
        for part in sorted(parts, key=_relative)[:_BEST]
    ]
    head = [
        "channel",
        "smallest bounds",
        "from",
        "samples",
        "proved bound",
        "relative",
        "budget or remainder",
    ]
    return table(head, rows)
