"""Certificates of long recordings are those of the whole, and are proved again in blocks."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
import soundfile

from recover.audio.account import RunningDigest, certify_long
from recover.audio.levels import ChannelLevels
from recover.audio.measurement import channel_problem, channel_problems
from recover.audio.reprove import WHOLE, recording_faults
from recover.certificates.parts import combine
from recover.core.errors import ParameterError
from recover.io.audio_read import open_audio
from recover.pipeline import certify

CLIPPED, FREE = (
    ChannelLevels(-0.7, 0.7, 0.1, 1.0, 1, 1),
    ChannelLevels(None, None, 0.0, 1.0, 0, 0),
)


def samples(length=WHOLE + 77, dtype=np.float32):
    rng = np.random.default_rng(0)
    y = 0.3 * rng.standard_normal((length, 2)).astype(dtype)
    y[:, 0] = np.clip(y[:, 0], dtype(-0.7), dtype(0.7))
    return y


def long_certificate(y, levels, tolerance=0.0):
    digests, fixed = [], []
    for k, level in enumerate(levels):
        problem = channel_problem(y[:, k], level, tolerance)
        running = RunningDigest(level, len(y), y.dtype)
        for part in np.array_split(problem.y, 3):
            running.update(part)
        digests.append(running.digests())
        fixed.append(problem.knowledge.fixed_count)
    return certify_long(levels, digests, fixed, len(y), tolerance, asked=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_certificates_are_those_of_the_whole_recording(dtype):
    y, levels = samples(dtype=dtype), (CLIPPED, FREE)
    problems = channel_problems(y, levels)
    whole = combine([(f"channel {k + 1}", certify(p, y[:, k])) for k, p in enumerate(problems)])
    found = long_certificate(y, levels)
    assert found.to_data() == whole.to_data()
    assert found.parts[1][1].error_bound == 0.0
    assert "are clipped" in found.parts[0][1].reason


def test_with_a_tolerance_nothing_is_promised_of_an_unclipped_channel():
    found = long_certificate(samples(), (FREE, FREE), 0.01)
    assert found.error_bound == np.inf


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "in.wav"
    y = samples()
    soundfile.write(path, y, 8000, subtype="FLOAT")
    with open_audio(path) as source:
        yield source, long_certificate(y, (CLIPPED, FREE))


def test_accepted_in_blocks_and_forgeries_refused(recording):
    source, certificate = recording
    levels = (CLIPPED, FREE)
    assert recording_faults(source, levels, 0.0, certificate) == ()
    name, part = certificate.parts[0]
    forged = dataclasses.replace(part, error_bound=1.0, reason=None)
    for wrong in (
        dataclasses.replace(certificate, error_bound=0.0),
        dataclasses.replace(certificate, assumptions=()),
        dataclasses.replace(certificate, parts=((name, forged), certificate.parts[1])),
        part,
    ):
        assert recording_faults(source, levels, 0.0, wrong)
    higher = dataclasses.replace(CLIPPED, high=0.71)
    assert recording_faults(source, (higher, FREE), 0.0, certificate)
    with pytest.raises(ParameterError, match="one entry per channel"):
        recording_faults(source, levels[:1], 0.0, certificate)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path):
    peaks = []
    for seconds in (200, 600):
        y = np.tile(samples(16000)[:, :1], (seconds, 1))
        path = tmp_path / f"{seconds}.wav"
        soundfile.write(path, y, 16000, subtype="FLOAT")
        certificate = long_certificate(y, (CLIPPED,))
        with open_audio(path) as source:
            tracemalloc.start()
            assert recording_faults(source, (CLIPPED,), 0.0, certificate) == ()
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
