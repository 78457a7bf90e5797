"""Places one by one: choice, time, stopping."""

import math
import time

import numpy as np
import pytest

from recover.audio import declip
from recover.audio.places import evenly, one_by_one, paired
from recover.core.errors import ParameterError


def test_evenly():
    assert evenly(range(5), None) == range(5)
    assert evenly(range(5), 5) == range(5)
    assert evenly(range(10), 3) == [0, 3, 6]
    assert evenly(range(10), 0) == []


def test_all_in_order_without_those_left_out():
    steps = []
    found = one_by_one(
        [3, 1, 2], lambda n: None if n == 1 else 10 * n, seconds=math.inf, watch=steps.append
    )
    assert found == (30, 20)
    assert [(s.step, s.total) for s in steps] == [(1, 3), (2, 3), (3, 3)]


def test_stopping_keeps_what_was_done():
    found = one_by_one(range(9), str, seconds=math.inf, watch=lambda p: p.step == 2)
    assert found == ("0", "1")


def test_no_place_is_begun_after_its_time():
    assert one_by_one(range(9), str, seconds=-1.0, watch=None) == ()

    def slow(place):
        time.sleep(0.02)
        return place

    assert one_by_one(range(9), slow, seconds=0.01, watch=None) == (0,)


def test_a_recording_and_its_result_have_one_shape():
    y = np.sin(np.arange(400.0))
    result = declip(np.clip(y, -0.9, 0.9), 8000, low=-0.9, high=0.9, quality="fast")
    frames, restored = paired(y, result)
    assert frames.shape == restored.shape == (400, 1)
    with pytest.raises(ParameterError, match="must have the result's shape"):
        paired(y[1:], result)
