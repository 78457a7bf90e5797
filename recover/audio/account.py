"""The certificate of a recording: what the data alone promise, channel by channel."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from recover.audio.levels import ChannelLevels
from recover.audio.measurement import channel_problem
from recover.certificates.certificate import Certificate, not_asked, unbounded
from recover.certificates.parts import combine
from recover.certificates.reasons import Why, Withheld
from recover.certificates.statements import assumptions_of, scope_of
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.models.problem import Problem
from recover.pipeline import certify

__all__ = ["RunningDigest", "certify_long", "certify_recording"]

_CONSTANT = 2**16  # equal levels handed over at a time


def certify_recording(
    problems: Sequence[Problem], signal: Array, *, asked: bool
) -> Certificate:
    """Certify a recovered recording.

    Parameters
    ----------
    problems : sequence of Problem
        The channels.
    signal : array [shape=(n, channels)]
        The recovered recording.
    asked : bool
        Whether a certificate is wanted.
    """
    parts = tuple(
        (
            f"channel {k + 1}",
            certify(problem, signal[:, k]) if asked else not_asked(problem.digest),
        )
        for k, problem in enumerate(problems)
    )
    return parts[0][1] if len(parts) == 1 else combine(parts)


class RunningDigest:
    """The digest of a channel's problem, from its data in blocks.

    Equal to `Problem.digest` of `recover.audio.measurement.channel_problem` for the whole
    channel, which is tested.

    Parameters
    ----------
    levels : ChannelLevels
        The channel's levels.
    length : int
        Its samples.
    dtype : dtype
        Of its samples.
    """

    def __init__(self, levels: ChannelLevels, length: int, dtype: np.dtype[Any]) -> None:
        self._sha = hashlib.sha256()
        low = -math.inf if levels.low is None else float(dtype.type(levels.low))
        high = math.inf if levels.high is None else float(dtype.type(levels.high))
        self._plain("Saturation")
        for level in (low, high):
            self._head(np.dtype(np.float64), length)
            equal = np.full(min(_CONSTANT, length), level).tobytes()
            for _ in range(length // _CONSTANT):
                self._sha.update(equal)
            self._sha.update(equal[: 8 * (length % _CONSTANT)])
            self._sha.update(b"\0")
        for part in ("Identity", length, True):
            self._plain(part)
        self._head(dtype, length)

    def update(self, y: Array) -> None:
        """Take over the next data."""
        self._sha.update(np.ascontiguousarray(y).tobytes())

    def hexdigest(self) -> str:
        """Return the digest once all data were taken over."""
        whole = self._sha.copy()
        whole.update(b"\0")
        return whole.hexdigest()

    def _head(self, dtype: np.dtype[Any], length: int) -> None:
        self._sha.update(f"{dtype.str}{(length,)}".encode())

    def _plain(self, part: str | int | bool) -> None:
        self._sha.update(f"{type(part).__name__}:{part!r}".encode() + b"\0")


def certify_long(
    levels: Sequence[ChannelLevels],
    digests: Sequence[str],
    fixed: Sequence[int],
    length: int,
    tolerance: float,
    *,
    asked: bool,
) -> Certificate:
    """Certify a long recording from what its data fix, without holding it.

    Where a sample is clipped nothing can follow from the data alone; where none is, the proof
    would need all samples at once, and is left out.

    Parameters
    ----------
    levels : sequence of ChannelLevels
        The channels' levels.
    digests : sequence of str
        The channels' `RunningDigest`.
    fixed : sequence of int
        Per channel, the samples that the data fix.
    length : int
        Samples per channel.
    tolerance : float
        See `recover.audio.declip`.
    asked : bool
        Whether a certificate is wanted.
    """
    parts = []
    for k, level in enumerate(levels):
        if not asked:
            part = not_asked(digests[k])
        else:
            sample = channel_problem(np.zeros(1), level, tolerance)
            why, zero = Withheld(Why.TOO_LARGE, {"size": length, "name": "Identity"}), False
            if fixed[k] < length:
                numbers: dict[str, float | int | str] = {
                    "clipped": length - fixed[k],
                    "total": length,
                }
                why, zero = Withheld(Why.CLIPPED_BASIS, numbers, kappa_zero=True), True
            part = unbounded(
                why.sentence,
                scope_of(sample),
                digests[k],
                sample.noise.to_json(),
                assumptions_of(sample),
                kappa=Enclosure(0.0, 0.0 if zero else math.inf),
                values=why.values(),
            )
        parts.append((f"channel {k + 1}", part))
    return parts[0][1] if len(parts) == 1 else combine(parts)
