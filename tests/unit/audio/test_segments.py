"""Conditional certificates: true where their hypothesis is, re-proved, withheld, in budget."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.fft import dct, idct

from recover import verify
from recover.audio import certify_segments, declip
from recover.audio.levels import given_levels
from recover.audio.segments import segment_problem
from recover.core.errors import ParameterError
from recover.pipeline import certify

RATE = 2560  # segments of 128 samples


def sparse_recording(seed, segments=3, size=128, rest=1e-3):
    """Segments that are sparse in the cosine basis up to a small rest."""
    rng = np.random.default_rng(seed)
    pieces = []
    for _ in range(segments):
        c = rest * rng.standard_normal(size) / math.sqrt(size)
        c[rng.choice(size // 2, 4, replace=False)] += rng.standard_normal(4)
        pieces.append(idct(c, norm="ortho"))
    return np.concatenate(pieces)


def checked(seed, rng):
    """Certify a recording and return how many segments met the hypothesis."""
    x = sparse_recording(seed)
    level = float(np.quantile(np.abs(x), rng.uniform(0.75, 0.95)))
    y = np.clip(x, -level, level)
    result = declip(y, RATE, low=-level, high=level, quality="fast", certify=False)
    met = 0
    for segment in certify_segments(y, result):
        part = slice(segment.start, segment.stop)
        outside = dct(x[part], norm="ortho")
        outside[segment.support] = 0.0
        if np.linalg.norm(outside) <= segment.remainder:
            met += 1
            error = np.linalg.norm(x[part] - result.samples[part])
            assert error <= segment.error_bound
    return met


def test_no_violation_where_the_hypothesis_holds():
    rng = np.random.default_rng(0)
    assert sum(checked(seed, rng) for seed in range(15)) > 15


@pytest.mark.slow
def test_no_violation_in_a_thousand_segments():
    rng = np.random.default_rng(1)
    assert sum(checked(seed, rng) for seed in range(600)) > 1000


def certified():
    x = sparse_recording(1)
    y = np.clip(x, -0.1, 0.1)
    result = declip(y, RATE, low=-0.1, high=0.1, quality="fast", certify=False)
    return y, result, certify_segments(y, result)


def test_certificates_are_conditional_and_proved_again():
    y, result, segments = certified()
    assert len(segments) == 3
    for segment in segments:
        problem = segment_problem(
            y[segment.start : segment.stop],
            result.levels[0],
            segment.support,
            segment.remainder,
        )
        cert = segment.certificate
        assert cert.scope.kind == "conditional"
        assert verify(cert, problem).accepted
        forged = dataclasses.replace(cert, error_bound=0.5 * cert.error_bound)
        assert not verify(forged, problem).accepted
        assert segment.label.startswith("channel 1, samples ")


def test_a_wrong_support_is_withheld():
    y = np.clip(sparse_recording(1), -0.1, 0.1)[:128]
    problem = segment_problem(y, given_levels(y, -0.1, 0.1), np.array([60, 61]), 1e-6)
    cert = certify(problem, y)
    assert cert.error_bound == math.inf
    assert "does not fit" in cert.reason


def test_no_time_no_segments():
    y, result, _ = certified()
    assert certify_segments(y, result, seconds=0.0) == ()


def test_shapes_must_match():
    y, result, _ = certified()
    with pytest.raises(ParameterError, match="must have the result's shape"):
        certify_segments(y[:-1], result)
