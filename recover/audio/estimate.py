"""How large the error of a recovered recording is likely to be, segment by segment.

The data alone bound nothing here: any value beyond the level agrees with a clipped sample.
These are estimates.  They come from what a second recovery and a second clipping show, and from
an autoregressive model; how often they held on known recordings is stated with them.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.audio.autoregressive import GapBands, gap_bands
from recover.audio.estimate_calibration import CALIBRATION
from recover.audio.estimate_features import (
    Views,
    as_measured,
    features_of,
    make_views,
    scale_of,
    segment_kappa,
    segments_of,
    spread_of,
)
from recover.audio.estimate_result import ErrorEstimate, SegmentEstimate
from recover.audio.levels import ChannelLevels, as_frames
from recover.audio.places import paired
from recover.audio.result import AudioResult
from recover.audio.stretches import cut
from recover.core.arrays import Array
from recover.solve.base import Progress, Watch

__all__ = ["estimate_again", "estimate_error"]


def estimate_error(
    samples: npt.ArrayLike,
    result: AudioResult,
    *,
    tolerance: float = 0.0,
    watch: Watch | None = None,
) -> ErrorEstimate:
    """Estimate the error of a recovered recording in segments of about 50 ms.

    The recording is recovered twice more, at about the cost of recovering it: once in a second
    window, and once from the result clipped again at 0.7 of its levels.  How far these are from
    the result, how tonal and how sparse the signal is, the longest gap and the band of the
    autoregressive model predict the error.

    Parameters
    ----------
    samples : array [shape=(n,) or (n, channels), real]
        The clipped recording.
    result : AudioResult
        What `declip` made of it.
    tolerance : float
        As it was given to `declip`.
    watch : callable, optional
        Called after each further recovery of a stretch with a `Progress`; return True to stop:
        the channels that are not done then have no segments.

    Raises
    ------
    ParameterError
        If the shapes do not match.
    """
    frames, restored = paired(samples, result)
    masks = result.recovered.reshape(restored.shape)
    segments: list[SegmentEstimate] = []
    gaps: list[GapBands] = []
    channels = [np.ascontiguousarray(masks[:, k]) for k in range(len(result.levels))]
    steps = _Steps(watch, sum(2 * len(cut(mask, result.rate)) for mask in channels))
    for channel, (levels, mask) in enumerate(zip(result.levels, channels, strict=True)):
        wide = dataclasses.replace(levels, tolerance=levels.band(tolerance))
        y, x = (np.ascontiguousarray(each[:, channel]) for each in (frames, restored))
        bands = gap_bands(x.astype(np.float64), mask)
        gaps.append(bands)
        if mask.any():
            views = make_views(y, x, mask, wide, result.rate, step=steps.done)
            if steps.stopped:
                break
            recovery = _Recovery(channel, y, x, mask, wide, views, bands)
            segments.extend(recovery.segments(result.rate))
    return ErrorEstimate(result.rate, tuple(segments), tuple(gaps), result.excerpt)


def estimate_again(
    result: AudioResult, *, tolerance: float = 0.0, watch: Watch | None = None
) -> ErrorEstimate:
    """Estimate the error from the result alone, which holds what was measured too.

    For blurred levels the clipped samples are taken to be at the level.  Of a long recording
    the result holds the most clipped seconds, and the estimate speaks of these.

    Parameters
    ----------
    result : AudioResult
    tolerance, watch
        See `estimate_error`.
    """
    restored = as_frames(result.samples)
    recovered = result.recovered.reshape(restored.shape)
    measured = [
        as_measured(restored[:, k], recovered[:, k], levels)
        for k, levels in enumerate(result.levels)
    ]
    samples = np.stack(measured, axis=1)
    return estimate_error(samples, result, tolerance=tolerance, watch=watch)


class _Steps:
    """Counts the further recoveries for a `watch`, and notes whether it asked to stop."""

    def __init__(self, watch: Watch | None, total: int) -> None:
        self._watch, self._total, self._step = watch, total, 0
        self.stopped = False

    def done(self) -> bool:
        """Report one more; returns whether to stop."""
        self._step += 1
        progress = Progress(self._step, self._total, 0.0)
        self.stopped = self._watch is not None and bool(self._watch(progress))
        return self.stopped


@dataclass(frozen=True, eq=False)
class _Recovery:
    """One channel with all that its estimate is made of."""

    channel: int
    y: Array
    x: Array
    mask: Array
    levels: ChannelLevels
    views: Views
    bands: GapBands

    def segments(self, rate: int) -> list[SegmentEstimate]:
        """Return the estimates of the segments with clipped samples."""
        x, mask = self.x, self.mask
        scales = scale_of(self.y, mask, self.levels)
        spread = spread_of(self.y, x, self.bands)
        excess = np.square(np.where(mask, _excess(x, self.levels), 0.0))
        found = []
        for start, stop in segments_of(len(x), rate):
            part = slice(start, stop)
            scale = float(scales[part].sum())
            if scale == 0.0:
                continue
            features = features_of(
                part, x, mask, views=self.views, spread=spread, scale=scale, rate=rate
            )
            found.append(
                SegmentEstimate(
                    channel=self.channel,
                    start=start,
                    stop=stop,
                    clipped=int(np.count_nonzero(mask[part])),
                    restored=math.sqrt(float(excess[part].sum())),
                    expected=_norm(CALIBRATION.expected(features), scale),
                    upper=_norm(CALIBRATION.upper(features), scale),
                    gap_band=_band(self.bands, start, stop),
                    kappa=segment_kappa(x[part].astype(np.float64), mask[part]),
                )
            )
        return found


def _excess(x: Array, levels: ChannelLevels) -> Array:
    """Return how far each sample lies beyond its level."""
    low = -math.inf if levels.low is None else levels.low
    high = math.inf if levels.high is None else levels.high
    wide = x.astype(np.float64)
    return wide - np.clip(wide, low, high)


def _band(bands: GapBands, start: int, stop: int) -> float:
    """Return the band of a segment: gaps that reach over its ends count in proportion."""
    inside = np.minimum(bands.stops, stop) - np.maximum(bands.starts, start)
    touched = inside > 0
    share = inside[touched] / (bands.stops - bands.starts)[touched]
    return math.sqrt(float((share * np.square(bands.bands[touched])).sum()))


def _norm(decibels: float, scale: float) -> float:
    return math.sqrt(10.0 ** (decibels / 10.0) * scale)
