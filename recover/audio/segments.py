"""Certificates of short segments that hold on condition of a support in a cosine basis.

From the data alone nothing is promised of a clipped sample.  What would be promised if the true
segment were known to lie near the span of a few vectors of an orthonormal basis can be proved,
and is proved here, segment by segment: the hypothesis stands in each certificate.  It is a
strong one, and for music the bounds are wide: they show how badly the reliable samples
determine the clipped ones more than how well they were recovered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.fft import dct, idct

from recover.audio.levels import ChannelLevels
from recover.audio.measurement import channel_problem
from recover.audio.places import evenly, one_by_one, paired
from recover.audio.result import AudioResult
from recover.certificates.certificate import Certificate
from recover.core.arrays import Array
from recover.core.rounding import up
from recover.frames import Dense
from recover.models.noise import BEFORE, Noise
from recover.models.problem import Problem
from recover.pipeline import certify
from recover.priors.subspace import Subspace
from recover.solve.base import Watch

__all__ = ["Segment", "certify_segments", "segment_places", "segment_problem"]

_SECONDS = 0.05
_ENERGY = 1e-2  # of the restored segment, left outside the support
_REMAINDER = (
    2.0  # the true remainder is supposed to be at most this multiple of the restored one
)
_LARGEST = 192  # vectors of a support; more cost too much to prove


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment with its conditional certificate.

    Parameters
    ----------
    channel, start, stop : int
        Where: samples ``start`` to ``stop`` (exclusive).
    support : array of int
        The vectors of the segment's orthonormal cosine basis (DCT-II) that are supposed to hold
        the true segment up to the remainder.
    remainder : float
        The supposed l2 bound on the rest, in signal units.
    restored : float
        l2 norm of what was restored beyond the levels.
    certificate : Certificate
        Of the part in the span; the distance of the whole segment is at most `remainder` more.
    """

    channel: int
    start: int
    stop: int
    support: Array
    remainder: float
    restored: float
    certificate: Certificate

    @property
    def label(self) -> str:
        """The place in words."""
        return f"channel {self.channel + 1}, samples {self.start} to {self.stop - 1}"

    @property
    def error_bound(self) -> float:
        """Bound on the l2 distance of the true segment, if its remainder is as supposed."""
        bound = self.certificate.error_bound
        return up(bound + self.remainder) if self.remainder > 0.0 else bound


def certify_segments(
    samples: npt.ArrayLike,
    result: AudioResult,
    *,
    tolerance: float = 0.0,
    seconds: float = 10.0,
    most: int | None = None,
    watch: Watch | None = None,
) -> tuple[Segment, ...]:
    """Certify the clipped segments of a recovered recording on condition of their supports.

    Segments of about 50 ms are taken in order of time.  The support is that of 99 % of the
    recovered segment's energy, and the true segment is supposed to lie within twice the
    recovered one's remainder of it.  Where the reliable samples or the one-sided constraints
    contradict that, the certificate is infinite and says so.  Channels with blurred levels are
    left out: their reliable samples are not known well enough for the hypothesis.

    Parameters
    ----------
    samples : array [shape=(n,) or (n, channels), real]
        The clipped recording.
    result : AudioResult
        What `declip` made of it.
    tolerance : float
        As it was given to `declip`; segments are certified for 0 only.
    seconds : float
        Time after which no further segment is begun.
    most : int, optional
        Of more segments than this, so many are taken, evenly from all of them.
    watch : callable, optional
        Called after each segment with a `Progress`; return True to stop.

    Raises
    ------
    ParameterError
        If the shapes do not match.
    """
    frames, restored = paired(samples, result)
    masks = {
        channel: levels.mask(frames[:, channel])
        for channel, levels in enumerate(result.levels)
        if levels.clipped and levels.band(tolerance) == 0.0
    }
    size = _size(result.rate)

    def certified(place: tuple[int, int]) -> Segment | None:
        channel, start = place
        part = slice(start, start + size)
        y, x = frames[part, channel], restored[part, channel].astype(np.float64)
        return _certified(channel, start, y, x, result.levels[channel])

    places = evenly(segment_places(masks, result.rate), most)
    return one_by_one(places, certified, seconds=seconds, watch=watch)


def _certified(
    channel: int, start: int, y: Array, x: Array, levels: ChannelLevels
) -> Segment | None:
    """Return a segment with its certificate, None if its support is too large."""
    support, remainder = cosine_support(x)
    if len(support) > _LARGEST:
        return None
    problem = segment_problem(y, levels, support, remainder)
    return Segment(
        channel=channel,
        start=start,
        stop=start + len(x),
        support=support,
        remainder=remainder,
        restored=float(np.linalg.norm(x - problem.y)),
        certificate=certify(problem, x),
    )


def segment_places(masks: Mapping[int, Array], rate: float) -> list[tuple[int, int]]:
    """Return channel and first sample of the segments that are clipped, though not wholly.

    Parameters
    ----------
    masks : mapping of int to array of bool
        The clipped samples of some channels.
    rate : float
        Samples per second.
    """
    size = _size(rate)
    return [
        (channel, start)
        for channel, mask in masks.items()
        for start in range(0, len(mask) - size + 1, size)
        if mask[start : start + size].any() and not mask[start : start + size].all()
    ]


def _size(rate: float) -> int:
    return int(2 ** round(np.log2(_SECONDS * rate)))


def segment_problem(
    y: Array, levels: ChannelLevels, support: Array, remainder: float
) -> Problem:
    """Return the problem that a segment's certificate speaks of.

    Parameters
    ----------
    y : array [shape=(n,)]
        The clipped segment.
    levels : ChannelLevels
        The channel's levels.
    support, remainder
        See `Segment`.
    """
    units = np.zeros((len(support), len(y)))
    units[np.arange(len(support)), support] = 1.0
    basis = Dense(idct(units, norm="ortho"))
    plain = channel_problem(y, levels)
    return Problem(
        plain.model,
        plain.y.astype(np.float64),
        noise=Noise(l2=remainder, where=BEFORE),
        prior=Subspace(basis),
    )


def cosine_support(x: Array) -> tuple[Array, float]:
    """Return the fewest cosine vectors that hold all but `_ENERGY`, and the supposed rest."""
    energy = np.square(dct(x, norm="ortho"))
    order = np.argsort(-energy, kind="stable")
    total = np.cumsum(energy[order])
    count = int(np.searchsorted(total, (1.0 - _ENERGY) * total[-1])) + 1
    rest = float(np.sqrt(energy[order[count:]].sum()))
    return np.sort(order[:count]), _REMAINDER * rest
