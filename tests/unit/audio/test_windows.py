"""A window for every part of a stretch: where it is cut, and what that gains."""

import numpy as np
import pytest

from recover.audio import declip
from recover.audio.settings import window_costs
from recover.audio.windows import parts_of_one_window
from recover.metrics import sdr_gain
from recover.solve.base import Status

RATE = 8000


def tone(seconds):
    t = np.arange(int(seconds * RATE)) / RATE
    return sum(np.sin(2 * np.pi * f * t + f) for f in (220.0, 331.0, 447.0)) / 3.0


def knocks(seconds, seed=0):
    """Short decaying noises, 30 ms apart."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    decay = np.exp(-(np.arange(n) % 240) / 12.0)
    return 0.6 * decay * rng.standard_normal(n)


def weights_of(parts, n):
    total = np.zeros(n)
    for part in parts:
        total[part.start : part.stop] += part.weights()
    return total


@pytest.mark.parametrize("seconds", [0.01, 1.0, 2.9, 3.1, 6.0, 7.3])
def test_one_kind_of_content_is_one_part(seconds):
    y = tone(seconds)
    parts = parts_of_one_window(y, np.abs(y) > 0.5, RATE)
    assert [(part.start, part.stop) for part in parts] == [(0, len(y))]


def test_the_cut_is_where_the_content_changes():
    y = np.concatenate([tone(3.0), knocks(3.0), tone(1.5)])
    parts = parts_of_one_window(y, np.ones(len(y), dtype=bool), RATE)
    assert [part.start for part in parts] == [0, 3 * RATE - 2400, 6 * RATE - 2400]
    assert [part.stop for part in parts] == [3 * RATE + 2400, 6 * RATE + 2400, len(y)]
    assert np.allclose(weights_of(parts, len(y)), 1.0, rtol=0, atol=1e-14)


def test_what_is_not_clipped_has_no_say():
    y = np.concatenate([tone(3.0), knocks(3.0), tone(1.5)])
    mask = np.zeros(len(y), dtype=bool)
    mask[[100, -100]] = True
    assert len(parts_of_one_window(y, mask, RATE)) == 1


def test_costs_are_by_window_size():
    costs = window_costs(tone(2.0), RATE)
    assert min(costs, key=costs.get) == max(costs) == 4096
    costs = window_costs(knocks(2.0), RATE)
    assert min(costs, key=costs.get) <= 512
    assert window_costs(tone(2.0)[:9], RATE) == {8: 0.0}


def test_parts_are_joined_without_touching_what_is_reliable():
    x = np.concatenate([tone(1.5), knocks(1.5)])
    y = np.clip(x, -0.45, 0.45)
    result = declip(y, RATE, low=-0.45, high=0.45, quality="fast", certify=False)
    first, second = result.stretches
    assert first.window > second.window
    assert (first.start, second.stop) == (0, len(y))
    assert first.stop - second.start == round(0.6 * RATE)
    reliable = np.abs(y) < 0.45
    assert np.array_equal(result.samples[reliable], y[reliable])
    assert (np.abs(result.samples) >= np.abs(y)).all()
    assert sdr_gain(x[:9600], y[:9600], result.samples[:9600]) > 20.0


def test_stopping_in_the_second_part_keeps_the_first():
    x = np.concatenate([tone(1.5), knocks(1.5)])
    y = np.clip(x, -0.45, 0.45)
    steps = []

    def watch(progress):
        steps.append(progress.step)
        return progress.step > 0.7 * progress.total

    result = declip(y, RATE, low=-0.45, high=0.45, quality="fast", certify=False, watch=watch)
    assert steps == sorted(steps)
    assert result.status is Status.STOPPED
    assert sdr_gain(x[:9600], y[:9600], result.samples[:9600]) > 20.0
    assert (np.abs(result.samples) >= np.abs(y)).all()
