"""Recordings of any size in numbers, and with their axes the other way round."""

from __future__ import annotations

import numpy as np
import pytest

import recover as rv

RATE = 8000
TIME = np.arange(RATE) / RATE
SOUND = np.sin(2 * np.pi * 220 * TIME) * (0.5 + 0.5 * np.sin(3 * TIME))


@pytest.mark.parametrize("scale", [2.0**300, 2.0**-300])
def test_the_unit_of_the_samples_changes_nothing(scale: float) -> None:
    clipped = np.clip(SOUND, -0.6, 0.6)
    usual = rv.audio.declip(clipped, RATE, certify=False)
    scaled = rv.audio.declip(scale * clipped, RATE, certify=False)
    assert scaled.levels[0].fraction == usual.levels[0].fraction > 0.05
    error = float(np.abs(usual.samples - SOUND).max())
    assert error < 0.02
    assert float(np.abs(scaled.samples / scale - SOUND).max()) < 1.1 * error + 1e-6


def test_channels_along_the_first_axis_are_refused() -> None:
    frames = np.tile(np.clip(SOUND, -0.6, 0.6), (2, 1))
    with pytest.raises(rv.ParameterError, match=r"8000 channels of 2 samples each; transpose"):
        rv.audio.declip(frames, RATE)
    with pytest.raises(rv.ParameterError, match=r"transpose them"):
        rv.audio.detect_levels(frames)
    assert len(rv.audio.detect_levels(frames[:, :3])) == 3
