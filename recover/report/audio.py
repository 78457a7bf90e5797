"""The report of one recovered recording."""

from __future__ import annotations

import numpy as np

from recover.audio.conditional import ConditionalAccount
from recover.audio.estimate_features import as_measured
from recover.audio.estimate_result import ErrorEstimate
from recover.audio.levels import runs_of
from recover.audio.result import AudioResult
from recover.core.arrays import Array
from recover.report import figures
from recover.report.conditional import conditional_blocks
from recover.report.confidence import confidence_blocks
from recover.report.histogram import level_histogram
from recover.report.page import (
    Chapter,
    Figure,
    Section,
    command,
    figure,
    page,
    paragraphs,
    promise,
    table,
)
from recover.report.words import certificate_paragraphs, number

__all__ = ["audio_chapter", "audio_report"]

MAX_CHANNELS = 2  # drawn; the tables hold all
_PLAINLY = (
    "Where a hypothesis makes a worst-case bound finite, at usual clipping levels it mostly "
    "exceeds what was restored: it certifies that the problem is ill-posed more than that the "
    "answer is accurate."
)


def audio_report(
    result: AudioResult,
    title: str,
    verify_with: str = "",
    *,
    estimate: ErrorEstimate | None = None,
    conditional: ConditionalAccount | None = None,
) -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    result : AudioResult
        All that is drawn comes from it.
    title : str
        Name of the recording.
    verify_with : str
        The command that re-verifies the certificate, if it was saved.
    estimate : ErrorEstimate, optional
        Of the same result; it is drawn as a lane over time.
    conditional : ConditionalAccount, optional
        Of the same result; drawn over time too.
    """
    return page(
        audio_chapter(result, title, verify_with, estimate=estimate, conditional=conditional)
    )


def audio_chapter(
    result: AudioResult,
    title: str,
    verify_with: str = "",
    *,
    estimate: ErrorEstimate | None = None,
    conditional: ConditionalAccount | None = None,
) -> Chapter:
    """Return what the report tells; the arguments are those of `audio_report`."""
    found = (_levels_table(result), paragraphs([result.note]), *_histograms(result))
    sections = [Section("What was found", found)]
    if result.recovered.any():
        sections.append(Section("What was recovered", tuple(_pictures(result))))
        sections.append(Section("How it was recovered", (_stretch_table(result),)))
    sections.append(Section("How far to trust it", tuple(_trust(result, verify_with))))
    if estimate is not None:
        blocks = confidence_blocks(estimate, len(result.samples), range(MAX_CHANNELS))
        sections.append(Section("Which seconds to trust", tuple(blocks)))
    if conditional is not None:
        drawn = tuple(conditional_blocks(conditional, range(MAX_CHANNELS)))
        sections.append(Section("What is proved on a condition", drawn))
    excerpt = result.excerpt
    length = result.samples.shape[0] if excerpt is None else excerpt.frames
    lead = (
        f"{length / result.rate:.2f} s, {len(result.levels)} channel(s), {result.rate} Hz. "
        f"{100.0 * result.fraction:.2f} % of the samples were recovered; "
        "all others are exactly as they were."
    )
    if excerpt is not None:
        first, last = _origin(result), _origin(result) + len(result.samples) / result.rate
        lead += f" Drawn is the most clipped part, {first:.1f} to {last:.1f} s."
    return Chapter(title, lead, tuple(sections))


def _origin(result: AudioResult) -> float:
    """Return the second of the recording at which the samples begin."""
    return 0.0 if result.excerpt is None else result.excerpt.start / result.rate


def _frames(samples: Array) -> Array:
    return samples[:, None] if samples.ndim == 1 else samples


def _levels_table(result: AudioResult) -> str:
    def level(value: float | None) -> str:
        return "not clipped" if value is None else f"{value:.6g}"

    rows = [
        [
            str(index + 1),
            level(channel.low),
            level(channel.high),
            f"{100.0 * channel.fraction:.2f} %",
            str(channel.runs),
            str(channel.longest),
            f"{channel.confidence:.2f}",
            channel.kind.value,
            f"{channel.tolerance:.3g}",
        ]
        for index, channel in enumerate(result.levels)
    ]
    head = [
        "channel",
        "lower level",
        "upper level",
        "clipped",
        "runs",
        "longest run",
        "confidence",
        "kind",
        "tolerance",
    ]
    return table(head, rows)


def _histograms(result: AudioResult) -> list[str]:
    after, recovered = _frames(result.samples), _frames(result.recovered)
    return [
        level_histogram(as_measured(after[:, c], recovered[:, c], levels), levels, c)
        for c, levels in enumerate(result.levels[:MAX_CHANNELS])
        if after[:, c].any()
    ]


def _pictures(result: AudioResult) -> list[str]:
    after, recovered = _frames(result.samples), _frames(result.recovered)
    blocks, start = list[str](), _origin(result)
    drawn = [c for c in range(after.shape[1]) if recovered[:, c].any()][:MAX_CHANNELS]
    for c in drawn:
        x, mask = after[:, c].astype(np.float64), recovered[:, c]
        y = as_measured(x, mask, result.levels[c])
        name = f"Channel {c + 1}"
        peak = float(np.abs(x).max())
        blocks.append(
            figure(
                Figure(
                    figures.waveform(x, mask, result.rate, result.levels[c], start),
                    f"{name}: waveform with the recovered peaks beyond the clipping levels in "
                    f"red; the largest reaches {number(peak)}.",
                    f"{name}. Blue: the recording. Red: what was recovered beyond the levels "
                    "(dashed).",
                )
            )
        )
        for where, at in _places(y, x, mask, result.rate):
            blocks.append(
                figure(
                    Figure(
                        figures.zoom(y, x, mask, result.rate, peak=at, origin=start),
                        f"{name}: eight milliseconds around {where}, at "
                        f"{start + at / result.rate:.3f} s, clipped and recovered.",
                        f"{name}, around {where}.",
                    )
                )
            )
        blocks.append(
            figure(
                Figure(
                    figures.spectrograms(y, x, result.rate, start),
                    f"{name}: spectrograms before (above) and after (below) on one scale, 0 to "
                    f"{result.rate / 2e3:g} kHz.",
                    f"{name}. Clipping spreads energy over all frequencies (vertical streaks).",
                )
            )
        )
    return blocks


def _places(before: Array, after: Array, mask: Array, rate: float) -> list[tuple[str, int]]:
    """Return what is worth a closer look, and its sample."""
    peak = figures.largest_peak(before, after)
    starts, stops = runs_of(mask)
    longest = int(np.argmax(stops - starts))
    middle = int(starts[longest] + stops[longest]) // 2
    places = [("the largest restored peak", peak)]
    if abs(middle - peak) > figures.REACH * rate:
        places.append(("the longest gap", middle))
    return places


def _stretch_table(result: AudioResult) -> str:
    rows = [
        [
            str(s.channel + 1),
            f"{s.start / result.rate:.2f} to {s.stop / result.rate:.2f} s",
            s.method,
            str(s.window) if s.window else "",
            str(s.iterations),
            f"{s.estimated_input_sdr:.1f} dB",
        ]
        for s in result.stretches
    ]
    head = ["channel", "stretch", "method", "window", "iterations", "clipped at (estimate)"]
    return table(head, rows)


def _trust(result: AudioResult, verify_with: str) -> list[str]:
    blocks = [promise(certificate_paragraphs(result.certificate))]
    if result.recovered.any():
        blocks.append(paragraphs([_PLAINLY]))
    parts = result.certificate.parts or ()
    if parts:
        rows = [
            [
                label,
                number(part.error_bound),
                f"{number(part.kappa.lower)} to {number(part.kappa.upper)}",
                part.scope.kind,
                part.reason or "",
            ]
            for label, part in parts
        ]
        blocks.append(table(["part", "error bound", "kappa", "scope", "reason"], rows))
    if verify_with:
        blocks.append(paragraphs(["Anyone can re-prove this certificate:"]))
        blocks.append(command(verify_with))
    return blocks
