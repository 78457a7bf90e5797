"""Cutting: every clipped sample is covered with context, and the weights sum to one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recover.audio.stretches import cut

RATE = 100.0  # context 60, block 600, overlap 60 samples


@given(
    n=st.integers(1, 12000),
    runs=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 4000)), max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_cover_context_and_partition_of_unity(n, runs):
    mask = np.zeros(n, dtype=bool)
    for place, length in runs:
        start = int(place * (n - 1))
        mask[start : start + length] = True
    weight = np.zeros(n)
    near = np.zeros(n, dtype=bool)
    for stretch in cut(mask, RATE):
        assert 0 <= stretch.start < stretch.stop <= n
        assert stretch.stop - stretch.start <= 661
        assert mask[stretch.start : stretch.stop].any() or mask.any()
        weight[stretch.start : stretch.stop] += stretch.weights()
    for place in np.flatnonzero(mask):
        near[max(place - 60, 0) : place + 61] = True
    assert np.allclose(weight[near], 1.0, atol=1e-12)
    assert not weight[~near].any()


def test_far_islands_are_apart_and_near_ones_together():
    mask = np.zeros(3000, dtype=bool)
    mask[[500, 620, 2000]] = True
    assert [(s.start, s.stop) for s in cut(mask, RATE)] == [(440, 681), (1940, 2061)]


def test_nothing_clipped_is_nothing_to_do():
    assert cut(np.zeros(50, dtype=bool), RATE) == ()
