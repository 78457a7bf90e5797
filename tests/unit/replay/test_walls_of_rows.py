"""Walls: where rows enter and leave their bands, and what follows from sides of them."""

import itertools

import numpy as np
import pytest

from recover.certificates.replay.walls import UNKNOWN, X, Y, Z, walls_of

INF = np.inf


def built(rows, low, high, radius=1.0, nonnegative=False):
    as_array = (np.array(part, dtype=float) for part in (rows, low, high))
    return walls_of(*as_array, radius, nonnegative)


def sides_at(walls, points):
    """Return the sides of points (..., n) that lie on no wall."""
    return np.sign(points @ walls.normals.T - walls.levels).astype(np.int8)


def test_walls_are_told_once():
    walls = built(
        [[1, 0], [0, 2], [-1, 0], [1, 0], [0, 0], [0, 2], [1, -1]],
        [0.25, -INF, -0.5, 0.25, 0.5, 1, 0],
        [0.5, 1, -0.25, 0.75, 1, INF, INF],
        2.0,
        True,
    )
    assert walls.normals.tolist() == [[1, 0], [-1, 0], [0, 2], [1, -1], [1, 0]]
    assert walls.levels.tolist() == [0.25, -0.5, 1, 0, 0.75]
    assert walls.below.tolist() == [0, -1, 1, 0, -1, 2, 3]
    assert walls.above.tolist() == [1, 2, 0, 4, -1, -1, -1]
    assert walls.below_sign.tolist() == [1, 1, 1, 1, 1, 1, 1]
    assert walls.above_sign.tolist() == [-1, 1, -1, 1, 1, 1, 1]
    assert walls.count == 5
    assert walls.dimension == 2
    assert walls.radius == 2.0
    assert walls.nonnegative
    assert not walls.central
    assert walls.gaps.tolist() == [0.25, INF, 0.25, 0.5, 0.5, INF, INF]
    assert walls.outer.shape == (7, 4)
    assert walls.outer[6].tolist() == [1, -1, -1, 1]
    assert walls.outer[1].tolist() == [0, 0, 0, 4]
    assert walls.below_sign.dtype == walls.above_sign.dtype == np.int8


def test_negative_zeros_make_no_walls_of_their_own():
    walls = built(
        [[1.0, 0.0], [1.0, -0.0], [-1.0, 0.0], [-1.0, -0.0]],
        [0.0, -0.0, 0.0, -0.0],
        [INF] * 4,
    )
    assert walls.count == 1
    assert walls.below_sign.tolist() == [1, 1, -1, -1]
    assert walls.central
    assert not walls.nonnegative


def test_rows_without_levels_have_no_walls():
    walls = built([[1.0, 2.0], [0.0, 0.0]], [-INF, 0.5], [INF, INF])
    assert walls.count == 0
    assert walls.normals.shape == (0, 2)
    assert walls.start.shape == (3, 0)
    assert walls.states(walls.start).tolist() == [[0, 0]] * 3
    assert walls.closed(walls.start).shape == (3, 0)


def test_walls_out_of_reach_are_decided_from_the_start():
    rows = np.array([[3.0, 4.0]] * 6)
    for radius in (1.0, 2.0):
        low = radius * np.array([5.5, 5.0, 4.5, -4.5, -5.0, -5.5])
        walls = built(rows, low, [INF] * 6, radius)
        assert walls.start.dtype == np.int8
        assert walls.start.tolist() == [[-1, 0, 0, 0, 0, 1]] * 3
    # what rounding cannot tell is in reach
    walls = built(rows[:2], [5.0 * (1 + 2**-51), 5.0 * (1 + 1e-12)], [INF] * 2)
    assert walls.start.tolist() == [[0, -1]] * 3
    long = np.full((1, 1000), 0.5)
    walls = built(long, [np.sqrt(250.0) * (1 + 500 * 2**-53)], [INF])
    assert walls.start.tolist() == [[0]] * 3


def test_lengths_whose_squares_underflow_are_in_reach():
    walls = built([[1e-170], [1.0]], [5e-171, -INF], [INF, 0.7])
    assert walls.start.tolist() == [[0, 0]] * 3


def test_a_cone_has_no_walls_out_of_reach():
    walls = built([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], [INF, INF], INF)
    assert walls.central
    assert walls.start.dtype == np.int8
    assert walls.start.tolist() == [[0, 0]] * 3
    assert not built([[1.0], [1.0]], [0.0, 0.5], [INF, INF]).central


def test_states_of_a_row_between_two_walls():
    walls = built([[1.0], [-1.0], [1.0], [1.0]], [-0.5, -0.5, -INF, 0.5], [0.5, INF, 0.5, INF])
    # walls: x = -1/2, x = 1/2 as -x = -1/2 for the second row's lower level
    assert walls.levels.tolist() == [-0.5, -0.5]
    assert walls.normals.tolist() == [[1.0], [-1.0]]
    for sides, states in (
        ([-1, 1], [-1, 0, 0, -1]),
        ([1, 1], [0, 0, 0, -1]),
        ([1, -1], [1, -1, 1, 0]),
        ([0, 0], [UNKNOWN] * 4),
        ([1, 0], [UNKNOWN] * 4),
        ([0, 1], [UNKNOWN, 0, 0, -1]),
        ([-1, 0], [-1, UNKNOWN, UNKNOWN, UNKNOWN]),
        ([0, -1], [1, -1, 1, 0]),
    ):
        found = walls.states(np.array(sides, dtype=np.int8))
        assert found.tolist() == states, sides
        assert np.issubdtype(found.dtype, np.integer)


def arranged(rng):
    m, n = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    rows = rng.integers(-2, 3, (m, n)) / 2.0
    low = rng.integers(-3, 1, m) / 4.0
    high = low + rng.integers(1, 4, m) / 4.0
    low[rng.random(m) < 0.3] = -INF
    high[rng.random(m) < 0.3] = INF
    return walls_of(rows, low, high, 1.5, False)


def test_states_are_those_of_the_signals():
    rng = np.random.default_rng(0)
    for _ in range(40):
        walls = arranged(rng)
        y = rng.standard_normal((50, walls.dimension))
        t = y @ walls.rows.T
        truth = (t > walls.high).astype(int) - (t < walls.low)
        truth[:, ~walls.rows.any(axis=1)] = 0  # these add nothing in any state
        sides = sides_at(walls, y)
        assert walls.states(sides).tolist() == truth.tolist()
        # fewer sides tell less, but nothing else
        fewer = np.where(rng.random(sides.shape) < 0.5, sides, 0)
        told = walls.states(fewer)
        assert ((told == truth) | (told == UNKNOWN)).all()


def test_what_follows_from_sides_is_true_of_every_segment():
    rng = np.random.default_rng(1)
    gained = 0
    for _ in range(300):
        walls = arranged(rng)
        x, y = rng.standard_normal((2, walls.dimension))
        t = rng.random()
        true = sides_at(walls, np.stack([x, y, (1 - t) * x + t * y]))
        known = np.where(rng.random(true.shape) < 0.6, true, 0).astype(np.int8)
        before = known.copy()
        found = walls.closed(known)
        assert (known == before).all()
        assert found is not None
        assert ((found == true) | (found == 0)).all()
        assert (found[before != 0] == true[before != 0]).all()
        assert walls.closed(found).tolist() == found.tolist()
        gained += int((found != before).sum())
    assert gained > 100


def line(low=-0.5, high=0.5):
    return built([[1.0]], [low], [high])


def test_of_three_signals_in_a_row_two_tell_the_third():
    walls = line(-0.5, INF)
    # by x, y, z: what is known, and what follows (None: there is no such segment)
    for known, expected in (
        ([1, 1, 0], [1, 1, 1]),
        ([-1, -1, 0], [-1, -1, -1]),
        ([1, -1, 0], [1, -1, 0]),
        ([1, 0, 1], [1, 0, 1]),
        ([1, 0, -1], [1, -1, -1]),
        ([-1, 0, 1], [-1, 1, 1]),
        ([0, 1, -1], [-1, 1, -1]),
        ([0, -1, 1], [1, -1, 1]),
        ([0, 1, 1], [0, 1, 1]),
        ([0, 0, 1], [0, 0, 1]),
        ([0, 0, 0], [0, 0, 0]),
        ([1, 1, -1], None),
        ([-1, -1, 1], None),
        ([1, -1, 1], [1, -1, 1]),
        ([1, -1, -1], [1, -1, -1]),
    ):
        found = walls.closed(np.array(known, dtype=np.int8)[:, None])
        assert (None if found is None else found[:, 0].tolist()) == expected, known


@pytest.mark.parametrize("flip", [1, -1])
def test_above_the_upper_level_is_above_the_lower_one(flip):
    # walls: lower, upper; for the negative row they change places
    for rows, low, high in (
        ([[1.0]], [-0.5], [0.25]),
        ([[1.0], [-1.0]], [-0.5, -0.25], [0.25, 0.5]),
    ):
        walls = built(rows, low, high)
        assert walls.count == 2
        for signal, other in itertools.product((X, Y, Z), (0, 1)):
            sides = np.zeros((3, 2), dtype=np.int8)
            normal = walls.normals[other, 0]
            lower = walls.levels[other] * normal < 0.0
            # beyond the outer side of the wall `other`, or in between
            sides[signal, other] = flip * normal
            outward = (flip < 0) == lower
            found = walls.closed(sides)
            expected = sides.copy()
            if outward:
                expected[signal, 1 - other] = flip * walls.normals[1 - other, 0]
            assert found.tolist() == expected.tolist()


def test_a_signal_above_and_below_a_band_at_once_is_none():
    walls = line()
    sides = np.zeros((3, 2), dtype=np.int8)
    sides[Y] = [-1, 1]
    assert walls.closed(sides) is None
    sides[Y] = [1, -1]
    assert walls.closed(sides).tolist() == sides.tolist()


def test_what_follows_is_followed_up():
    # x and y above 1/4 are above -1/2, so z is above both
    walls = line(-0.5, 0.25)
    sides = np.array([[0, 1], [0, 1], [0, 0]], dtype=np.int8)
    assert walls.closed(sides).tolist() == [[1, 1]] * 3
    sides[Z, 0] = -1
    assert walls.closed(sides) is None
    # z below -1/2 with x above 1/4: y is below -1/2, and so below 1/4
    sides = np.array([[0, 1], [0, 0], [-1, 0]], dtype=np.int8)
    assert walls.closed(sides).tolist() == [[1, 1], [-1, -1], [-1, -1]]
    # below -1/2 is above the upper level of the negative row, and so above its lower level
    walls = built([[1.0], [-1.0]], [-0.5, -0.25], [INF, 0.5])
    assert walls.above.tolist() == [-1, 0]
    sides = np.array([[0, 0], [-1, 0], [0, 0]], dtype=np.int8)
    assert walls.closed(sides).tolist() == [[0, 0], [-1, 1], [0, 0]]
    # rows that share a wall and say different things of it
    walls = built([[1.0], [1.0]], [-0.5, 0.25], [0.25, 0.5])
    assert walls.count == 3
    sides = np.zeros((3, 3), dtype=np.int8)
    lower, middle, upper = np.argsort(walls.levels)
    sides[X, upper] = 1
    assert walls.closed(sides)[X].tolist() == [1, 1, 1]
    sides[X, lower] = -1
    assert walls.closed(sides) is None
    assert middle == 1
