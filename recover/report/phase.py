"""The report of one phase retrieval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recover.core.arrays import Array
from recover.core.display import CYCLIC, GREY
from recover.phase.result import PhaseResult
from recover.report.canvas import INK, RECOVERED, canvas, png
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

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["phase_chapter", "phase_report"]

HEAT = "magma"
FAINT = 0.02  # of the largest amplitude: below it a phase is not drawn
MOST_STARTS = 12
RIM = 16  # a part of the support's extent that is drawn around it
REACH = 2  # pixels each way that an estimated map is averaged over


def phase_report(result: PhaseResult, title: str, verify_with: str = "") -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    result : PhaseResult
        All that is drawn comes from it.
    title : str
        Name of the measurement.
    verify_with : str
        The command that re-verifies the certificate, if it was saved.
    """
    return page(phase_chapter(result, title, verify_with))


def phase_chapter(result: PhaseResult, title: str, verify_with: str = "") -> Chapter:
    """Return what the report tells; the arguments are those of `phase_report`."""
    sections = [
        Section("The object", (figure(_object(result)),)),
        *_scan(result),
        Section("How it was found", tuple(_search(result))),
        Section("How far to trust it", tuple(_trust(result))),
        Section("What is promised", tuple(_promises(result, verify_with))),
    ]
    shape = " x ".join(str(n) for n in result.signal.shape)
    lead = (
        f"An object of {shape} from {result.magnitudes.size} magnitudes; its own magnitudes "
        f"differ from them by {result.residual:.2e} of their norm."
    )
    return Chapter(title, lead, tuple(sections))


def _plane(array: Array) -> Array:
    """Return what can be drawn: a picture; the middle slice of a volume."""
    while array.ndim > 2:
        array = array[array.shape[0] // 2]
    return array


def _within(result: PhaseResult, array: Array) -> Array:
    """Return what can be drawn of the part where the object may lie, with a rim."""
    support = result.support
    if support is None or support.shape != array.shape or not support.any():
        return _plane(array)
    ends = [(int(at.min()), int(at.max()) + 1) for at in np.nonzero(support)]
    parts = [
        slice(max(low - (high - low) // RIM, 0), high + (high - low) // RIM)
        for low, high in ends
    ]
    return _plane(array[tuple(parts)])


def _smoothed(values: Array) -> Array:
    """Return root mean squares over small squares; what is not finite is left out."""
    known = np.isfinite(values)
    squares = [np.where(known, np.square(values), 0.0), known.astype(np.float64)]
    for axis in range(values.ndim):
        squares = [
            sum(
                (np.roll(each, k, axis) for k in range(-REACH, REACH + 1)), np.zeros(each.shape)
            )
            for each in squares
        ]
    mean = squares[0] / np.maximum(squares[1], 1.0)
    return np.where(known, np.sqrt(mean), np.nan)


def _object(result: PhaseResult) -> Figure:
    shown = _within(result, result.signal)
    amplitude = np.abs(shown)
    if shown.ndim == 1:
        drawn, axes = canvas(2, 4.5)
        axes[0].plot(amplitude, color=INK, lw=1)
        axes[1].plot(np.angle(shown), ".", color=RECOVERED, ms=4)
        axes[0].set_ylabel("amplitude", fontsize=9)
        axes[1].set_ylabel("phase (rad)", fontsize=9)
        axes[1].set_xlabel("entry", fontsize=9)
        words = _undetermined(result) or ["The object."]
        return Figure(png(drawn), "Amplitude and phase of the object.", " ".join(words))
    is_complex = np.iscomplexobj(shown)
    kind = "amplitude" if is_complex else "value"
    drawn, axes = canvas(1, 4.6 if is_complex else 5.5, 2 if is_complex else 1)
    # from zero on, so that rounding of a constant amplitude is not drawn as a texture
    bottom, top = min(float(np.real(shown).min()), 0.0), float(amplitude.max(initial=0.0))
    ends = (0.0 if is_complex else bottom, top if top > 0.0 else 1.0)
    _picture(axes[0], amplitude if is_complex else shown, GREY, kind, ends=ends)
    if is_complex:
        phase = np.where(
            amplitude > FAINT * amplitude.max(initial=0.0), np.angle(shown), np.nan
        )
        _picture(axes[1], phase, CYCLIC, "phase (rad)", ends=(-np.pi, np.pi))
    words = ["The middle slice of the volume."] if result.signal.ndim > 2 else []
    words += _undetermined(result)
    if shown.shape != _plane(result.signal).shape:
        words.append("Only the surroundings of the support are drawn.")
    if is_complex:
        words.append("The colours of the phase go round; faint places have none.")
    seen = "amplitude and phase" if is_complex else "values"
    return Figure(png(drawn), f"The recovered object: {seen}.", " ".join(words))


def _undetermined(result: PhaseResult) -> list[str]:
    if not result.trivial:
        return []
    return [f"The data cannot determine {'; '.join(result.trivial)}."]


def _picture(
    axis: Axes, values: Array, colours: str, name: str, ends: tuple[float, float] | None = None
) -> None:
    low, high = ends if ends is not None else (None, None)
    shown = axis.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axis.figure.colorbar(shown, ax=axis, shrink=0.85).set_label(name, fontsize=9)
    axis.spines[:].set_visible(True)  # white beside white is a picture too
    axis.set_xticks([])
    axis.set_yticks([])


def _scan(result: PhaseResult) -> list[Section]:
    """Return the probe and the coverage of a scan, if it was one."""
    if result.probe is None or result.illumination is None:
        return []
    probe, light = _plane(result.probe), _plane(result.illumination)
    if probe.ndim == 1:
        drawn, axes = canvas(2, 4.5)
        axes[0].plot(np.abs(probe), color=INK, lw=1)
        axes[1].plot(light, color=INK, lw=1)
        axes[0].set_ylabel("probe, amplitude", fontsize=9)
        axes[1].set_ylabel("light on the object", fontsize=9)
        axes[1].set_xlabel("entry", fontsize=9)
    else:
        drawn, axes = canvas(1, 3.4, 3)
        size = np.abs(probe)
        seen = np.where(size > FAINT * size.max(initial=0.0), np.angle(probe), np.nan)
        _picture(axes[0], size, GREY, "probe, amplitude")
        _picture(axes[1], seen, CYCLIC, "probe, phase (rad)", ends=(-np.pi, np.pi))
        _picture(axes[2], light, HEAT, "light on the object")
    dark = int(np.count_nonzero(light == 0.0))
    words = (
        "The illumination of one exposure, and the energy that the scan brings to each pixel: "
        "dark places are hardly determined" + (f", {dark} pixels not at all." if dark else ".")
    )
    picture = Figure(png(drawn), "The probe of the scan and what the scan lights.", words)
    return [Section("The scan", (figure(picture),))]


def _search(result: PhaseResult) -> list[str]:
    blocks = []
    if result.residuals.size:
        drawn, (axis,) = canvas(1, 3.0)
        axis.semilogy(
            np.arange(1, result.residuals.size + 1), result.residuals, color=INK, lw=1
        )
        axis.set_xlabel("step", fontsize=9)
        axis.set_ylabel("misfit / data", fontsize=9)
        blocks.append(
            figure(
                Figure(
                    png(drawn),
                    "The misfit of the magnitudes after each step, falling.",
                    f"Misfit after each step of {result.method}, stages one after another. "
                    f"{result.status.value}",
                )
            )
        )
    starts = result.restarts
    if starts.residuals.size > 1:
        rows = [
            [str(k + 1), f"{starts.residuals[k]:.3e}", f"{starts.distances[0, k]:.3e}"]
            for k in range(min(starts.residuals.size, MOST_STARTS))
        ]
        blocks.append(table(["start", "misfit", "distance from the first"], rows))
    notes = [f"Note: {note.rstrip('.')}." for note in result.notes]
    return [*blocks, paragraphs(notes)] if notes else blocks


def _trust(result: PhaseResult) -> list[str]:
    if result.sensitivity is None:
        return [
            paragraphs(
                ["The sensitivity of each pixel was not computed; see what is promised."]
            )
        ]
    support = result.support
    inside = np.ones(result.sensitivity.shape, dtype=bool) if support is None else support
    known = inside & np.isfinite(result.sensitivity)
    shown = _within(result, np.where(known, result.sensitivity, np.nan))
    drawn_from = ""
    if not result.sensitivity_exact:
        shown = _smoothed(shown)
        drawn_from = (
            f" It comes from some draws of noise, averaged here over {2 * REACH + 1} pixels "
            "each way."
        )
    if shown.ndim == 1:
        drawn, (axis,) = canvas(1, 3.0)
        axis.plot(shown, color=INK, lw=1)
        axis.set_xlabel("entry", fontsize=9)
        axis.set_ylabel("deviation", fontsize=9)
    else:
        drawn, (axis,) = canvas(1, 5.0)
        _picture(axis, shown, HEAT, "deviation")
    picture = Figure(
        png(drawn),
        "How strongly noise reaches each entry of the object.",
        "An estimate, not a bound: the standard deviation of each entry for noise of unit "
        "deviation in each magnitude, near this object. Where it is largest the data determine "
        "the object least." + drawn_from,
    )
    return [figure(picture)]


def _promises(result: PhaseResult, verify_with: str) -> list[str]:
    promised = result.certificate
    rows = [
        ["kappa", number(promised.kappa.lower), number(promised.kappa.upper)],
        [
            "noise amplification",
            number(promised.amplification.lower),
            number(promised.amplification.upper),
        ],
    ]
    blocks = [
        promise(certificate_paragraphs(promised)),
        table(["quantity", "at least", "at most"], rows),
    ]
    if verify_with:
        blocks.append(paragraphs(["Anyone can re-prove this certificate:"]))
        blocks.append(command(verify_with))
    return blocks
