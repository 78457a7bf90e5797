"""The confidence lane and the histogram: what is drawn, in which words, for both widths."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from recover.audio import declip
from recover.audio.estimate_result import ErrorEstimate, SegmentEstimate
from recover.audio.levels import given_levels
from recover.audio.result import Excerpt
from recover.report.audio import audio_report
from recover.report.confidence import confidence_blocks, estimate_paragraphs, lane
from recover.report.histogram import level_histogram
from recover.report.svg import NARROW, WIDE, Canvas, ticks

RATE = 1000


def segment(start, kappa=1.5, upper=0.1, band=0.05, channel=0):
    return SegmentEstimate(
        channel, start, start + 50, 10, restored=1.0, expected=0.5 * upper, upper=upper,
        gap_band=band, kappa=kappa,
    )  # fmt: skip


SEGMENTS = (segment(0), segment(100, 5.0, 2.0), segment(500, math.inf, 0.3, math.inf))
ESTIMATE = ErrorEstimate(RATE, SEGMENTS, ())


def pictures(html):
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html)]


def test_both_widths_are_well_formed_and_described():
    narrow, wide = pictures(lane(SEGMENTS, RATE, 1.0, 0))
    for svg, sheet in ((narrow, NARROW), (wide, WIDE)):
        assert svg.get("role") == "img"
        assert "largest 6 dB at 0.10 s" in svg.get("aria-label")
        assert svg.get("viewBox").split()[2] == str(sheet.width)
        words = [text.text for text in svg.iter("text")]
        assert {"well determined", "moderate", "not determined without the prior"} <= set(words)
        right = [float(r.get("x")) + float(r.get("width")) for r in svg.iter("rect")]
        assert max(right) <= sheet.width


def test_labels_are_drawn_as_patterns():
    svg = pictures(lane(SEGMENTS, RATE, 1.0, 0))[1]
    kinds = [r.get("class") for r in svg.iter("rect")]
    for name in ("well", "moderate", "open"):
        assert kinds.count(f"{name} bar") == 1
        assert kinds.count(name) == 2  # strip and legend
    assert len([line for line in svg.iter("line") if line.get("class") == "band"]) == 2


def test_heights_show_the_upper_error():
    svg = pictures(lane(SEGMENTS[:1], RATE, 1.0, 0))[0]
    (bar,) = [r for r in svg.iter("rect") if r.get("class") == "well bar"]
    canvas = Canvas(NARROW, height=220, horizontal=(0.0, 1.0), vertical=(-40.0, 20.0), foot=0)
    assert float(bar.get("y")) == pytest.approx(canvas.y(-20.0), abs=0.1)
    assert float(bar.get("height")) == pytest.approx(220 * 20 * math.log10(2) / 60, abs=0.2)


def test_many_segments_share_columns_and_the_worst_label_counts():
    many = [segment(50 * k, 20.0 if k == 700 else 1.0) for k in range(1000)]
    narrow, wide = pictures(lane(many, RATE, 50.0, 0))
    for svg, sheet in ((narrow, NARROW), (wide, WIDE)):
        bars = [r.get("class") for r in svg.iter("rect") if "bar" in r.get("class")]
        assert len(bars) <= sheet.columns
        assert bars.count("open bar") == 1


def test_words_are_plain():
    text = " ".join(estimate_paragraphs(ESTIMATE))
    assert "the certificate of the data alone is infinite" in text
    assert "estimates, not bounds" in text
    assert "1 well determined, 1 moderate, 1 not determined without the prior" in text
    assert "In 2 of them" in text


def test_the_worst_segments_come_first_in_the_table():
    table = confidence_blocks(ESTIMATE, 1000, [0])[-1]
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    assert "0.10 to 0.15 s" in rows[1]
    assert "not stated" in rows[2]


def test_channels_that_are_not_drawn_are_in_the_table():
    estimate = ErrorEstimate(RATE, (*SEGMENTS, segment(0, channel=5, upper=9.0)), ())
    blocks = confidence_blocks(estimate, 1000, [0, 1])
    assert len(blocks) == 3
    assert ">6</td>" in blocks[-1]


def test_histogram_shows_levels_and_band():
    y = np.clip(np.sin(np.arange(3000)), -0.5, 0.5)
    sharp = pictures(level_histogram(y, given_levels(y, -0.5, 0.5), 1))[1]
    assert "levels -0.5 and 0.5" in sharp.get("aria-label")
    kinds = [line.get("class") for line in sharp.iter("line")]
    assert kinds.count("level") == 2
    assert "tolerance" not in [r.get("class") for r in sharp.iter("rect")]
    soft = pictures(level_histogram(y, given_levels(y, None, 0.5, blur=0.05), 1))[0]
    assert [r.get("class") for r in soft.iter("rect")].count("tolerance") == 2
    assert "band of 0.05" in soft.get("aria-label")


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 5.0, 5, [0, 1, 2, 3, 4, 5]),
        (-0.24, 0.24, 5, [-0.2, -0.1, 0, 0.1, 0.2]),
        (0.0, 0.0, 4, [0.0]),
        (3.0, 7300.0, 4, [2000, 4000, 6000]),
    ],
)
def test_ticks(low, high, most, expected):
    assert ticks(low, high, most) == pytest.approx(expected)


@pytest.mark.slow
def test_the_page_holds_the_lane_only_when_asked():
    y = np.clip(np.sin(0.05 * np.arange(4000)), -0.7, 0.7)
    result = declip(y, RATE, quality="fast", certify=False)
    plain = audio_report(result, "x")
    assert "Which seconds to trust" not in plain
    assert 'aria-label="Channel 1: histogram' in plain
    page = audio_report(result, "x", estimate=ESTIMATE)
    assert "Which seconds to trust" in page
    assert "url(#hatch)" in page
    assert 'id="hatch"' in page
    assert page == audio_report(result, "x", estimate=ESTIMATE)
    assert not re.findall(r"(?:src|href)=\"https?:", page)


def test_the_lane_of_an_excerpt_has_the_times_of_the_recording():
    part = Excerpt(40 * RATE, 90 * RATE, 30, RATE)
    blocks = confidence_blocks(ErrorEstimate(RATE, SEGMENTS, (), part), RATE, [0])
    assert "most clipped part only, 40.0 to 41.0 s of 90.0 s" in blocks[1]
    ticks = [text.text for text in pictures(blocks[2])[0].iter("text")]
    assert "40.4" in ticks
    assert "40.10 to 40.15 s" in blocks[-1]
