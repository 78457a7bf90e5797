"""The certificate of a recording: what the data alone promise, channel by channel."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from recover.audio.levels import ChannelLevels
from recover.audio.measurement import channel_problem
from recover.certificates.certificate import Certificate, not_asked, unbounded
from recover.certificates.evidence import Evidence
from recover.certificates.parts import combine
from recover.certificates.reasons import NO_WITNESS, Why, Withheld
from recover.certificates.statements import assumptions_of, scope_of
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED
from recover.models.problem import Problem
from recover.pipeline import certify

__all__ = ["ChannelDigest", "RunningDigest", "certify_long", "certify_recording"]

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


class ChannelDigest(NamedTuple):
    """The digests of a channel's problem, and of its data as float64."""

    problem: str
    signal: str


class RunningDigest:
    """The digests of a channel, from its data in blocks.

    Equal to `Problem.digest` of `recover.audio.measurement.channel_problem` for the whole
    channel, and to the digest that a certificate names the data by where they are the recovered
    signal, which is tested.

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
        self._problem, self._signal = hashlib.sha256(), hashlib.sha256()
        low = -math.inf if levels.low is None else float(dtype.type(levels.low))
        high = math.inf if levels.high is None else float(dtype.type(levels.high))
        _plain(self._problem, "Saturation")
        for level in (low, high):
            _head(self._problem, np.dtype(np.float64), length)
            equal = np.full(min(_CONSTANT, length), level).tobytes()
            for _ in range(length // _CONSTANT):
                self._problem.update(equal)
            self._problem.update(equal[: 8 * (length % _CONSTANT)])
            self._problem.update(b"\0")
        for part in ("Identity", length, True):
            _plain(self._problem, part)
        _head(self._problem, dtype, length)
        _head(self._signal, np.dtype(np.float64), length)

    def update(self, y: Array) -> None:
        """Take over the next data."""
        self._problem.update(np.ascontiguousarray(y).tobytes())
        self._signal.update(np.ascontiguousarray(y, dtype=np.float64).tobytes())

    def digests(self) -> ChannelDigest:
        """Return the digests once all data were taken over."""
        ends = []
        for sha in (self._problem, self._signal):
            whole = sha.copy()
            whole.update(b"\0")
            ends.append(whole.hexdigest())
        return ChannelDigest(*ends)


def _head(sha: hashlib._Hash, dtype: np.dtype[Any], length: int) -> None:
    sha.update(f"{dtype.str}{(length,)}".encode())


def _plain(sha: hashlib._Hash, part: str | int | bool) -> None:
    sha.update(f"{type(part).__name__}:{part!r}".encode() + b"\0")


def certify_long(
    levels: Sequence[ChannelLevels],
    digests: Sequence[ChannelDigest],
    fixed: Sequence[int],
    length: int,
    tolerance: float,
    *,
    asked: bool,
) -> Certificate:
    """Certify a long recording from what its data fix, without holding it.

    Where a sample is clipped nothing can follow from the data alone; where none is, and there
    is no tolerance, every sample is known and the error is zero.  The certificates are those
    that `certify_recording` issues for the whole channels.

    Parameters
    ----------
    levels : sequence of ChannelLevels
        The channels' levels.
    digests : sequence of ChannelDigest
        The channels' `RunningDigest.digests`.
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
        if asked:
            part = _channel(level, digests[k], length - fixed[k], length, tolerance)
        else:
            part = not_asked(digests[k].problem)
        parts.append((f"channel {k + 1}", part))
    return parts[0][1] if len(parts) == 1 else combine(parts)


def _channel(
    level: ChannelLevels, digests: ChannelDigest, clipped: int, length: int, tolerance: float
) -> Certificate:
    """Return the certificate of one channel with that many clipped samples."""
    sample = channel_problem(np.zeros(1), level, tolerance)
    scope, assumptions = scope_of(sample), assumptions_of(sample)
    if clipped == 0 and sample.noise_bound.is_zero:
        # the rows of the identity are all fixed: its smallest eigenvalue is 1, the residual 0
        return Certificate(
            kappa=Enclosure(1.0, math.inf),
            error_bound=0.0,
            scope=scope,
            assumptions=assumptions,
            rigor=PROVED,
            evidence=Evidence(
                "rows",
                {"signal_digest": digests.signal, "eigenvalue": 1.0, "route": "diagonal"},
            ),
            reason=NO_WITNESS,
            subject=digests.problem,
            noise=sample.noise.to_json(),
        )
    numbers: dict[str, float | int | str] = {"size": length, "name": "Identity"}
    why = Withheld(Why.TOO_LARGE, numbers)
    if clipped > 0:
        numbers = {"clipped": clipped, "total": length}
        why = Withheld(Why.CLIPPED_BASIS, numbers, kappa_zero=True)
    return unbounded(
        why.sentence,
        scope,
        digests.problem,
        sample.noise.to_json(),
        assumptions,
        kappa=Enclosure(0.0, 0.0 if clipped > 0 else math.inf),
        values=why.values(),
    )
