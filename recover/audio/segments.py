"""Certificates of short segments that hold on condition of a support in a cosine basis.

From the data alone nothing is promised of a clipped sample.  What would be promised if the true
segment were known to lie near the span of a few vectors of an orthonormal basis can be proved,
and is proved here, segment by segment: the hypothesis stands in each certificate.  It is a
strong one, and for music the bounds are wide: they show how badly the reliable samples
determine the clipped ones more than how well they were recovered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.fft import dct, idct

from recover.audio.levels import ChannelLevels, Kind, as_frames
from recover.audio.measurement import as_floating
from recover.audio.result import AudioResult
from recover.certificates.certificate import Certificate
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames import Dense, Identity
from recover.models.noise import BEFORE, Noise
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.pipeline import certify
from recover.priors.subspace import Subspace

__all__ = ["Segment", "certify_segments", "segment_problem"]

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
    certificate : Certificate
        Of the part in the span; the distance of the whole segment is at most `remainder` more.
    """

    channel: int
    start: int
    stop: int
    support: Array
    remainder: float
    certificate: Certificate

    @property
    def label(self) -> str:
        """The place in words."""
        return f"channel {self.channel + 1}, samples {self.start} to {self.stop - 1}"

    @property
    def error_bound(self) -> float:
        """Bound on the l2 distance of the true segment, if its remainder is as supposed."""
        return self.certificate.error_bound + self.remainder


def certify_segments(
    samples: npt.ArrayLike, result: AudioResult, *, seconds: float = 10.0
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
    seconds : float
        Time after which no further segment is begun.

    Raises
    ------
    ParameterError
        If the shapes do not match.
    """
    frames, restored = as_floating(as_frames(samples)), as_frames(result.samples)
    if frames.shape != restored.shape:
        raise ParameterError(
            f"samples must have the result's shape {restored.shape}, got {frames.shape}"
        )
    size = 2 ** round(np.log2(_SECONDS * result.rate))
    deadline = time.perf_counter() + seconds
    found: list[Segment] = []
    for channel, levels in enumerate(result.levels):
        if levels.kind is Kind.SOFT:
            continue
        mask = levels.mask(frames[:, channel])
        for start in range(0, len(mask) - size + 1, size):
            part = slice(start, start + size)
            if not mask[part].any() or mask[part].all():
                continue
            if time.perf_counter() > deadline:
                return tuple(found)
            y = frames[part, channel].astype(np.float64)
            x = restored[part, channel].astype(np.float64)
            support, remainder = cosine_support(x)
            if len(support) <= _LARGEST:
                problem = segment_problem(y, levels, support, remainder)
                found.append(
                    Segment(
                        channel, start, start + size, support, remainder, certify(problem, x)
                    )
                )
    return tuple(found)


def segment_problem(
    y: Array, levels: ChannelLevels, support: Array, remainder: float
) -> Problem:
    """Return the problem that a segment's certificate speaks of.

    Parameters
    ----------
    y : array of float64 [shape=(n,)]
        The clipped segment.
    levels : ChannelLevels
        The channel's levels.
    support, remainder
        See `Segment`.
    """
    units = np.zeros((len(support), len(y)))
    units[np.arange(len(support)), support] = 1.0
    basis = Dense(idct(units, norm="ortho"))
    low = -np.inf if levels.low is None else levels.low
    high = np.inf if levels.high is None else levels.high
    return Problem(
        Saturation(Identity(len(y)), low, high),
        np.clip(y, low, high),
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
