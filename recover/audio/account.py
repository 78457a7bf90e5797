"""The certificate of a recording: what the data alone promise, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence

from recover.certificates.certificate import Certificate, not_asked
from recover.certificates.parts import combine
from recover.core.arrays import Array
from recover.models.problem import Problem
from recover.pipeline import certify

__all__ = ["certify_recording"]


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
