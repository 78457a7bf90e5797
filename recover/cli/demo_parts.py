"""The three jobs of ``recover demo``; the truth of each is bundled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recover.audio import AudioOptions, AudioReport, process_file
from recover.certificates.certificate import Certificate
from recover.cli.output import Bar, how_to_verify, write_json
from recover.core.arrays import Array
from recover.frames import CodedDiffraction
from recover.image import ImageOptions, process_image
from recover.io.atomic import staged
from recover.io.audio_read import read_audio
from recover.io.bundled import bundled
from recover.io.image_read import read_image
from recover.metrics import sdr
from recover.models import Modulus
from recover.phase.app import PhaseOptions, process_phase
from recover.report.page import Chapter

__all__ = ["Told", "beads", "courtyard", "guitar"]

CLIPPED, ORIGINAL = "audio/guitar_em9_clipped.flac", "audio/guitar_em9.flac"
PICTURE, SCENE = "image/courtyard_clipped.tif", "image/courtyard.exr"
OBJECT = "phase/phase_beads.npz"
FULL_SCALE = 65535.0
MASKS, PIXELS = 4, slice(20, 148)


@dataclass(frozen=True)
class Told:
    """What is told of one job.

    Parameters
    ----------
    chapter : Chapter
        Its part of the report.
    rows : list of [str, str]
        What is printed.
    why : str
        Why its bound is infinite, in a sentence; empty if it is finite.
    verify_with : str
        The command that proves its certificate again.
    """

    chapter: Chapter
    rows: list[list[str]]
    why: str
    verify_with: str


def guitar(folder: Path, *, quiet: bool) -> Told:
    """Recover a clipped recording."""
    from recover.report.audio import audio_chapter

    source, account = bundled(CLIPPED), folder / "result.json"
    with Bar("guitar", quiet=quiet) as bar:
        done = process_file(
            source, folder / "guitar_recovered.flac", AudioOptions(force=True), watch=bar
        )
    write_json(account, done.to_json(), force=True)
    clean, clipped = read_audio(bundled(ORIGINAL)).samples, read_audio(source).samples
    result = done.result
    before, after = sdr(clean, clipped), sdr(clean, result.samples)
    rows = [
        ["recording", f"{source.name}, {len(clipped) / result.rate:.1f} s"],
        ["clipped samples", f"{100.0 * result.fraction:.1f} %"],
        ["clipping levels found", _levels(done)],
        ["quality before (SDR)", f"{before:.1f} dB"],
        ["quality after (SDR)", f"{after:.1f} dB, {after - before:.1f} dB better"],
        ["other samples unchanged", _unchanged(result.samples, clipped, result.recovered)],
        ["time", f"{done.seconds:.1f} s"],
        ["certified error bound", _bound(result.certificate)],
    ]
    command = how_to_verify(str(account), str(source))
    chapter = audio_chapter(result, "an electric guitar, clipped", command)
    return Told(chapter, rows, _why(result.certificate), command)


def courtyard(folder: Path, *, quiet: bool) -> Told:
    """Recover the highlights of a picture."""
    from recover.report.image import image_chapter

    source, account = bundled(PICTURE), folder / "picture.json"
    with Bar("courtyard", quiet=quiet) as bar:
        done = process_image(
            source, folder / "courtyard_recovered.tif", ImageOptions(force=True), watch=bar
        )
    write_json(account, done.to_json(), force=True)
    scene = read_image(bundled(SCENE)).pixels.astype(np.float32) * np.float32(FULL_SCALE)
    clipped = read_image(source).pixels.astype(np.float32)
    result = done.result
    mask = result.recovered
    before, after = (
        float(np.linalg.norm((picture - scene)[mask])) for picture in (clipped, result.image)
    )
    height, width = mask.shape[:2]
    rows = [
        ["picture", f"{source.name}, {width} x {height}"],
        ["clipped samples", f"{100.0 * result.fraction:.1f} %"],
        [
            "error of the clipped samples (l2)",
            f"{before:.4g} before, {after:.4g} after, {20 * math.log10(before / after):.1f} dB "
            "smaller",
        ],
        ["other samples unchanged", _unchanged(result.image, clipped, mask)],
        ["time", f"{done.seconds:.1f} s"],
        ["certified error bound", _bound(result.certificate)],
    ]
    command = how_to_verify(str(account), str(source))
    chapter = image_chapter(result, "a courtyard with blown highlights", command)
    return Told(chapter, rows, _why(result.certificate), command)


def beads(folder: Path, *, quiet: bool) -> Told:
    """Recover a transparent object from diffraction patterns behind random masks.

    The object is a measured one; its patterns are computed, as a detector would see them
    without noise.
    """
    from recover.report.phase import phase_chapter

    source, account = folder / "diffraction.npz", folder / "diffraction.json"
    turn = np.load(bundled(OBJECT))["phase"].astype(np.float64)[PIXELS, PIXELS]
    truth = np.exp(1j * turn)
    frame = CodedDiffraction.octanary(truth.shape, MASKS, np.random.default_rng(0))
    patterns = np.abs(frame.analysis(truth))
    with staged(source, force=True) as file:
        np.savez_compressed(file, magnitude=patterns, masks=frame.masks)
    with Bar("beads", quiet=quiet) as bar:
        done = process_phase(
            source, folder / "beads_recovered.npz", PhaseOptions(force=True), watch=bar
        )
    write_json(account, done.to_json(), force=True)
    result = done.result
    error = Modulus(frame).distance(result.signal, truth)
    rows = [
        [
            "diffraction patterns",
            f"{source.name}, {MASKS} of {' x '.join(map(str, turn.shape))}",
        ],
        ["lost", "the phase of every pixel of the detector"],
        ["error of the object (l2)", f"{error:.2g}; its norm is {np.linalg.norm(truth):.4g}"],
        ["not determined", "; ".join(result.trivial)],
        ["time", f"{done.seconds:.1f} s"],
        ["certified error bound", _bound(result.certificate)],
    ]
    command = how_to_verify(str(account), str(source))
    chapter = phase_chapter(result, "transparent beads, from patterns without phase", command)
    return Told(chapter, rows, _why(result.certificate), command)


def _levels(done: AudioReport) -> str:
    return "; ".join(
        f"{channel.low:.4g} to {channel.high:.4g}"
        for channel in done.result.levels
        if channel.low is not None and channel.high is not None
    )


def _unchanged(after: Array, before: Array, recovered: Array) -> str:
    same = np.array_equal(after[~recovered], before[~recovered])
    return "yes, bit for bit" if same else "NO"


def _bound(certificate: Certificate) -> str:
    bound = certificate.error_bound
    size = "infinite" if math.isinf(bound) else f"{bound:.4g}"
    return f"{size} ({certificate.scope.kind}, {certificate.rigor})"


def _why(certificate: Certificate) -> str:
    if certificate.reason is None or math.isfinite(certificate.error_bound):
        return ""
    return f"Why the bound is infinite: {certificate.reason.rstrip('.')}."
