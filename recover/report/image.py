"""The report of one recovered image."""

from __future__ import annotations

import numpy as np

from recover.core.arrays import Array
from recover.image.levels import ChannelLevel
from recover.image.result import ImageResult
from recover.report.compare import compare, key, photo
from recover.report.page import Chapter, Section, command, page, paragraphs, promise, table
from recover.report.pictures import (
    CLASSES,
    Scene,
    class_picture,
    exposure_of,
    is_mosaic,
    jpeg,
    planes_of,
    scene_of,
    swatch,
    worst_of_tiles,
)
from recover.report.profile import profile
from recover.report.words import certificate_paragraphs, number

__all__ = ["image_chapter", "image_report"]

MOST_PARTS = 20  # regions in the table
_TRUST = (0.25, 0.5, 1.0, 2.0)  # stops: by what factor the true value may be larger
_STOPS = (0.25, 0.5, 1.0, 2.0)
_RGB = ("red", "green", "blue")


def image_report(result: ImageResult, title: str, verify_with: str = "") -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    result : ImageResult
        All that is drawn comes from it.
    title : str
        Name of the image.
    verify_with : str
        The command that re-verifies the certificate, if it was saved.
    """
    return page(image_chapter(result, title, verify_with))


def image_chapter(result: ImageResult, title: str, verify_with: str = "") -> Chapter:
    """Return what the report tells; the arguments are those of `image_report`."""
    scene = scene_of(result)
    sections = []
    if result.recovered.any():
        sections.append(Section("Before and after", _before_and_after(scene)))
    found = [_levels_table(result), paragraphs(list(result.notes))]
    sections.append(Section("What was found", tuple(found)))
    if result.recovered.any():
        sections.append(Section("What was recovered", tuple(_recovered(result, scene))))
        sections.append(Section("How far one can see", tuple(_trust_map(result, scene))))
    sections.append(Section("What is promised", tuple(_promises(result, verify_with))))
    return Chapter(title, _lead(result, scene), tuple(sections))


def _lead(result: ImageResult, scene: Scene) -> str:
    rows, columns = scene.mask.shape
    if is_mosaic(result):
        rows, columns = result.image.shape
    channels = planes_of(result.image, result, scene.index).shape[-1]
    count = result.image.size // (rows * columns * channels)
    pictures = "" if count == 1 else f"{count} pictures of "
    shown = "" if count == 1 else f" Picture {scene.index + 1} is shown."
    kind = "a raw mosaic" if is_mosaic(result) else f"{channels} channel(s)"
    words = f"{pictures}{columns} x {rows} pixels, {kind}. "
    if not result.recovered.any():
        return words + "Nothing was clipped; all samples are exactly as they were."
    return (
        f"{words}{100.0 * result.fraction:.2f} % of the samples were recovered; all others are "
        f"exactly as they were.{shown}"
    )


def _before_and_after(scene: Scene) -> tuple[str, ...]:
    stops = exposure_of(scene)
    words = "as it is" if stops < 0.05 else f"{stops:.1f} stops darker than the clipping level"
    whole = compare(
        jpeg(scene.before, stops),
        jpeg(scene.after, stops),
        ("The clipped picture: highlights are flat.", "The recovered picture."),
        f"The picture {words}, so that what was recovered shows: on the left as it was "
        "clipped, on the right recovered.",
    )
    part = _closest(scene.mask)
    if part is None:
        return (whole,)
    near = compare(
        jpeg(scene.before[part], stops),
        jpeg(scene.after[part], stops),
        ("The largest highlight, clipped.", "The largest highlight, recovered."),
        "The largest highlight, nearer.",
        near=True,
    )
    return whole, near


def _closest(mask: Array) -> tuple[slice, slice] | None:
    """Return the surroundings of the largest region, None if that is most of the picture."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    rows, columns = ndimage.find_objects(labels)[int(np.argmax(sizes)) - 1]
    reach = max(rows.stop - rows.start, columns.stop - columns.start) // 2 + 16
    cut = tuple(
        slice(max(side.start - reach, 0), min(side.stop + reach, size))
        for side, size in zip((rows, columns), mask.shape, strict=True)
    )
    area = (cut[0].stop - cut[0].start) * (cut[1].stop - cut[1].start)
    return None if area > 0.5 * mask.size else (cut[0], cut[1])


def _name(index: int, count: int) -> str:
    if count == 1:
        return "grey"
    return _RGB[index] if count == 3 else str(index + 1)


def _levels_table(result: ImageResult) -> str:
    def level(value: float | None) -> str:
        return "not clipped" if value is None else f"{value:.6g}"

    def row(index: int, channel: ChannelLevel) -> list[str]:
        shrinkage = result.shrinkage[index] if index < len(result.shrinkage) else 1.0
        return [
            _name(index, len(result.levels)),
            level(channel.low),
            level(channel.high),
            f"{100.0 * channel.fraction:.2f} %",
            f"{channel.confidence:.2f}",
            f"{shrinkage:.2f}" if channel.clipped else "",
            f"{result.blend:.2f}" if channel.clipped else "",
        ]

    head = ["channel", "lower level", "upper level", "clipped", "confidence",
            "trust in the model", "share of other rules"]  # fmt: skip
    rows = [row(index, channel) for index, channel in enumerate(result.levels)]
    return table(head, rows)


def _recovered(result: ImageResult, scene: Scene) -> list[str]:
    light = scene.after if scene.after.ndim == 3 else scene.after[..., None]
    flat = scene.before if scene.before.ndim == 3 else scene.before[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(flat > 0.0, light / flat, 1.0)
    stops = np.log2(np.maximum(ratio, 1.0)).max(axis=-1)
    classes = np.searchsorted(_STOPS, stops, side="left")
    shares = _shares(classes, scene.mask)
    bins = [*(f"up to {_stops(each)}" for each in _STOPS), f"more than {_stops(_STOPS[-1])}"]
    entries = [(swatch(k), f"{words}: {shares[k]:.0f} %") for k, words in enumerate(bins)]
    blocks = [
        photo(
            class_picture(scene, classes),
            "The recovered pixels, coloured by how far beyond the level they are.",
            "The recovered pixels, by how far the brightest sample of each lies beyond its "
            "clipping level; the rest of the picture in grey. Shares are of these pixels.",
        ),
        key(entries),
    ]
    drawn = profile(result, scene)
    return blocks if drawn is None else [*blocks, drawn]


def _trust_map(result: ImageResult, scene: Scene) -> list[str]:
    if result.trust_map is None:
        return [
            paragraphs(
                ["No error was estimated sample by sample for this recovery; see what is "
                 "promised below."]
            )
        ]  # fmt: skip
    image, trust, known = (
        planes_of(each, result, scene.index)
        for each in (result.image, result.trust_map, result.recovered)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(known, trust / np.abs(image), 0.0).max(axis=-1)
    share = np.where(np.isnan(share), np.inf, share)
    if is_mosaic(result):
        share = worst_of_tiles(share)
    classes = np.searchsorted(_TRUST, np.log2(1.0 + share), side="left")
    shares = _shares(classes, scene.mask)
    last = f"beyond {_stops(_TRUST[-1])}, or no bound"
    bins = [*(f"within {_stops(each)}" for each in _TRUST), last]
    entries = [(swatch(k), f"{words}: {shares[k]:.0f} %") for k, words in enumerate(bins)]
    return [
        photo(
            class_picture(scene, classes),
            "The recovered pixels, coloured by how far each can be trusted.",
            "The recovered pixels by the bound on their error, which holds under the "
            "assumptions below, some of them estimates: the true value is larger by at most so "
            "many stops (factors of two). Where they hold it is the worst case, and the error "
            "usually far smaller. Hatched is what is not determined. Shares are of the "
            "recovered pixels.",
        ),
        key(entries),
    ]


def _stops(value: float) -> str:
    return f"{value:g} stop{'s' if value > 1 else ''}"


def _shares(classes: Array, mask: Array) -> Array:
    counts = np.bincount(classes[mask], minlength=len(CLASSES))
    return np.asarray(100.0 * counts / max(int(mask.sum()), 1))


def _promises(result: ImageResult, verify_with: str) -> list[str]:
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
            for label, part in parts[:MOST_PARTS]
        ]
        blocks.append(table(["part", "error bound", "kappa", "scope", "reason"], rows))
        if len(parts) > MOST_PARTS:
            blocks.append(paragraphs([f"And {len(parts) - MOST_PARTS} more."]))
    if verify_with:
        blocks.append(paragraphs(["Anyone can re-prove this certificate:"]))
        blocks.append(command(verify_with))
    return blocks
