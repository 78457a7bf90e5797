"""Proving the certificates of a recording again from its file, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from recover.audio.account import RunningDigest, certify_long
from recover.audio.conditional import part_faults, part_place
from recover.audio.levels import ChannelLevels
from recover.audio.measurement import channel_problem, channel_problems
from recover.certificates.certificate import Certificate
from recover.certificates.verify import verify
from recover.core.errors import ParameterError
from recover.io.audio_read import AudioSource

__all__ = ["WHOLE", "parts_faults", "recording_faults"]

WHOLE = 2**17  # samples per channel up to which a recording is verified at once
_BLOCK = 2**19  # samples of all channels that are read at a time


def recording_faults(
    source: AudioSource,
    levels: Sequence[ChannelLevels],
    tolerance: float,
    certificate: Certificate,
) -> tuple[str, ...]:
    """Return what of a recording's certificate could not be proved again.

    Above 2^17 samples per channel nothing but the count of clipped samples, the digest of the
    data and, where nothing is clipped, that every sample is known enters a certificate; these
    are found again in blocks, and the certificate that follows from them must be the one given.

    Parameters
    ----------
    source : AudioSource
        The clipped recording.
    levels : sequence of ChannelLevels
        One for each channel.
    tolerance : float
        As it was given to `declip`.
    certificate : Certificate

    Raises
    ------
    ParameterError
        If there is not one entry of levels per channel.
    """
    if len(levels) != source.channels:
        raise ParameterError(
            f"levels must hold one entry per channel ({source.channels}), got {len(levels)}"
        )
    if source.frames <= WHOLE:
        problems = channel_problems(source.whole().samples, levels, tolerance)
        subject = problems[0] if certificate.parts is None else problems
        return verify(certificate, subject).reasons
    digests = [RunningDigest(level, source.frames, source.dtype) for level in levels]
    fixed = [0] * source.channels
    for _, block in source.blocks(max(_BLOCK // source.channels, 1)):
        for k, level in enumerate(levels):
            problem = channel_problem(np.ascontiguousarray(block[:, k]), level, tolerance)
            digests[k].update(problem.y)
            fixed[k] += problem.knowledge.fixed_count
    parts = (certificate,) if certificate.parts is None else [p for _, p in certificate.parts]
    follows = certify_long(
        levels,
        [digest.digests() for digest in digests],
        fixed,
        source.frames,
        tolerance,
        asked=not all(part.reason == "not asked" for part in parts),
    )
    stated, derived = certificate.to_data(), follows.to_data()
    return tuple(
        f"{name} is stated otherwise than it follows from the data"
        for name in sorted(derived)
        if stated[name] != derived[name]
    )


def parts_faults(
    source: AudioSource, levels: Sequence[ChannelLevels], parts: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield what of conditional certificates could not be proved again.

    Parameters
    ----------
    source : AudioSource
        The clipped recording.
    levels : sequence of ChannelLevels
        One for each channel.
    parts : sequence of mapping
        As `ConditionalAccount.to_json` gives them.

    Raises
    ------
    ParameterError
        If a part is damaged.
    """
    for part in parts:
        channel, first, last = part_place(part)
        if channel >= source.channels or last > source.frames:
            raise ParameterError(
                f"part speaks of samples {first} to {last - 1} of channel {channel + 1}, which "
                "the recording does not have"
            )
        y = np.ascontiguousarray(source.read(first, last - first)[:, channel])
        for fault in part_faults(part, y, levels[channel]):
            yield f"{part['kind']} at samples {first} to {last - 1}: {fault}"
