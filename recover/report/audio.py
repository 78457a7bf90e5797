"""The report of one recovered recording."""

from __future__ import annotations

import numpy as np

from recover.audio.estimate_features import as_measured
from recover.audio.estimate_result import ErrorEstimate
from recover.audio.result import AudioResult
from recover.core.arrays import Array
from recover.report import figures
from recover.report.confidence import confidence_blocks
from recover.report.histogram import level_histogram
from recover.report.page import (
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

__all__ = ["audio_report"]

MAX_CHANNELS = 2  # drawn; the tables hold all


def audio_report(
    result: AudioResult,
    title: str,
    verify_with: str = "",
    *,
    estimate: ErrorEstimate | None = None,
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
    """
    found = (_levels_table(result), paragraphs([result.note]), *_histograms(result))
    sections = [Section("What was found", found)]
    if result.recovered.any():
        sections.append(Section("What was recovered", tuple(_pictures(result))))
        sections.append(Section("How it was recovered", (_stretch_table(result),)))
    sections.append(Section("How far to trust it", tuple(_trust(result, verify_with))))
    if estimate is not None:
        blocks = confidence_blocks(estimate, len(result.samples), range(MAX_CHANNELS))
        sections.append(Section("Which seconds to trust", tuple(blocks)))
    seconds = result.samples.shape[0] / result.rate
    lead = (
        f"{seconds:.2f} s, {_frames(result.samples).shape[1]} channel(s), {result.rate} Hz. "
        f"{100.0 * result.fraction:.2f} % of the samples were recovered; "
        "all others are exactly as they were."
    )
    return page(
        f"recover: {title}", lead, sections, "Written by recover. Nothing was sent anywhere."
    )


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
    blocks: list[str] = []
    drawn = [c for c in range(after.shape[1]) if recovered[:, c].any()][:MAX_CHANNELS]
    for c in drawn:
        x, mask = after[:, c].astype(np.float64), recovered[:, c]
        y = as_measured(x, mask, result.levels[c])
        name = f"Channel {c + 1}"
        peak = float(np.abs(x).max())
        blocks.append(
            figure(
                Figure(
                    figures.waveform(x, mask, result.rate, result.levels[c]),
                    f"{name}: waveform with the recovered peaks beyond the clipping levels in "
                    f"red; the largest reaches {number(peak)}.",
                    f"{name}. Blue: the recording. Red: what was recovered beyond the levels "
                    "(dashed).",
                )
            )
        )
        blocks.append(
            figure(
                Figure(
                    figures.zoom(y, x, mask, result.rate),
                    f"{name}: eight milliseconds around the largest restored peak, clipped and "
                    "recovered.",
                    f"{name}, around the largest restored peak.",
                )
            )
        )
        blocks.append(
            figure(
                Figure(
                    figures.spectrograms(y, x, result.rate),
                    f"{name}: spectrograms before and after; the vertical streaks of clipping "
                    "distortion above the music are weaker after.",
                    f"{name}. Clipping spreads energy over all frequencies (vertical streaks).",
                )
            )
        )
    return blocks


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
