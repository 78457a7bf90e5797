"""Exactly known probabilities, against brute force over all signs."""

import itertools
import math

import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.theory import (
    injectivity_failure_bound,
    planar_injectivity_probability,
    wendel_probability,
)


def counts_on_circle(rows):
    """Return the numbers of positive rows in all cells of the plane."""
    angles = np.sort(np.arctan2(-rows[:, 0], rows[:, 1]) % math.pi)
    gaps = np.append(angles[1:], angles[0] + math.pi) - angles
    middles = angles + gaps / 2.0
    x = np.stack([np.cos(middles), np.sin(middles)])
    half = (rows @ x > 0.0).sum(axis=0)
    return np.concatenate([half, len(rows) - half])


@pytest.mark.parametrize("m", range(1, 11))
def test_every_choice_of_signs_in_the_plane(m):
    lines = np.random.default_rng(m).standard_normal((m, 2))
    injective = off = 0
    for signs in itertools.product((-1.0, 1.0), repeat=m):
        counts = counts_on_circle(lines * np.array(signs)[:, None])
        injective += counts.min() >= 2
        off += counts.min() == 0
    assert planar_injectivity_probability(m) == injective / 2**m
    assert wendel_probability(m, 2) == off / 2**m


def test_wendel_is_one_half_at_twice_the_dimension():
    assert all(wendel_probability(2 * n, n) == 0.5 for n in range(1, 60))
    assert wendel_probability(5, 7) == 1.0
    assert wendel_probability(8, 3) == 29 / 128


@pytest.mark.parametrize("m", [5, 8, 14, 30, 200])
def test_the_bound_holds_in_the_plane_and_is_tight(m):
    failure = 1.0 - planar_injectivity_probability(m)
    bound = injectivity_failure_bound(m, 2)
    assert failure <= bound
    if m <= 30:
        # m (m - 2) against m (m + 1)
        assert failure == pytest.approx(min(bound, 1.0) * (m - 2) / (m + 1), rel=1e-6) or m < 8


@pytest.mark.parametrize(
    "call", [planar_injectivity_probability, lambda m: wendel_probability(m, 2)]
)
@pytest.mark.parametrize("m", [0, 2.5, 3000, True])
def test_bad_rows_are_refused(call, m):
    with pytest.raises(ParameterError, match="m must be"):
        call(m)
