"""How far a side can be passed in a region, and regions without signals."""

import itertools
import math

import numpy as np
import pytest

from recover.certificates.replay.cells import Sides, _bound, reach
from recover.core.rounding import gamma


def arranged(normals, levels, radius=1.0):
    count = len(normals)
    return Sides(
        np.array(normals, dtype=float),
        np.array(levels, dtype=float),
        np.arange(count),
        radius,
        False,
    )


def reached(sides, support, width=None):
    """Return the bounds of one region, and whether it is empty."""
    width = max(len(support), 1) if width is None else width
    chosen = np.array([[*support, *[0] * (width - len(support))]])
    slots = np.arange(width)[None] < len(support)
    best, gone = reach(sides, chosen, slots)
    return best[0], bool(gone[0])


def cap(radius, a, level, g):
    """Return the largest ``<y, g>`` where ``|y| <= radius`` and ``<y, a> >= level > 0``."""
    size, length = np.linalg.norm(a), np.linalg.norm(g)
    cosine, height = a @ g / size / length, level / size
    if cosine * radius >= height:
        return radius * length
    sine = math.sqrt(max(1.0 - cosine**2, 0.0))
    return length * (height * cosine + math.sqrt(radius**2 - height**2) * sine)


def test_without_support_the_ball_alone_bounds():
    normals, levels = [[3.0, 4.0], [-1.0, 0.0], [0.0, 0.0]], [-2.0, 0.75, 0.5]
    for radius in (0.5, 1.0, 2.5):
        sides = arranged(normals, levels, radius)
        for width in (1, 3):
            best, gone = reached(sides, [], width)
            truth = radius * np.array([5.0, 1.0, 0.0]) - np.array(levels)
            assert (best >= truth).all()
            assert best == pytest.approx(truth, abs=1e-12)
            assert not gone


@pytest.mark.parametrize("radius", [1.0, 3.0])
@pytest.mark.parametrize("height", [0.05, 0.6, 0.95])
@pytest.mark.parametrize("size", [1.0, 0.25, 7.0])
def test_one_side_leaves_a_cap_of_the_ball(radius, height, size):
    a = size * np.array([0.6, 0.8, 0.0])
    rng = np.random.default_rng(0)
    normals = np.vstack([a, -a, 2.0 * a, rng.standard_normal((20, 3))])
    levels = np.concatenate([[height * radius * size], rng.standard_normal(22)])
    sides = arranged(normals, levels, radius)
    # across the side itself rounding leaves the root of an ulp; so it does if it is named twice
    coarse, fine = np.full(23, 1e-3), np.where(np.arange(23) < 3, 1e-6, 1e-10)
    for support, slip in (([0], fine), ([0, 0], coarse)):
        best, gone = reached(sides, support)
        truth = [cap(radius, a, levels[0], g) for g in normals] - levels
        assert not gone
        unit = radius * (1.0 + np.linalg.norm(normals, axis=1) + np.abs(levels))
        assert (best >= truth - 1e-15 * np.abs(truth)).all()
        assert (best <= truth + slip * unit).all()


def test_two_sides_fix_the_part_of_a_signal_in_their_plane():
    # the largest <y, g> has both sides tight where g points away from both
    levels, g = np.array([0.3, 0.4, 0.7]), np.array([-0.5, -0.25, 2.0])
    for scale in (1.0, 3.0):
        normals = np.diag([2.0, 0.5, 1.0])
        sides = arranged(np.vstack([normals[:2], g]), levels * scale, scale)
        best, gone = reached(sides, [0, 1])
        point = np.array([0.15, 0.8]) * scale
        rest = math.sqrt(scale**2 - point @ point)
        assert best[2] == pytest.approx(point @ g[:2] + rest * 2.0 - 0.7 * scale, abs=1e-9)
        assert not gone


def test_slots_without_a_side_change_nothing():
    rng = np.random.default_rng(1)
    normals = rng.standard_normal((8, 3))
    sides = arranged(normals, 0.2 * rng.standard_normal(8))
    plain, gone = reached(sides, [3, 5])
    padded, empty = reached(sides, [3, 5], 6)
    assert padded == pytest.approx(plain, rel=1e-12, abs=1e-12)
    assert not gone
    assert not empty


def test_several_regions_at_once():
    sides = arranged([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [0.5, 0.8, 0.1])
    chosen = np.array([[0, 0], [1, 0], [0, 1], [2, 0]])
    slots = np.array([[True, False], [True, False], [True, True], [False, False]])
    best, gone = reach(sides, chosen, slots)
    for k, support in enumerate(([0], [1], [0, 1], [])):
        one, empty = reached(sides, support, 2)
        assert best[k] == pytest.approx(one, abs=1e-15)
        assert gone[k] == empty


def test_regions_and_sides_do_not_disturb_one_another():
    # a side far away, and one with a long normal, beside others that are told to the last digit
    huge = 2.0**40
    sides = arranged(
        [[1.0, 0.0], [0.0, 1.0], [0.0, huge], [-1.0, 0.0]], [huge, 1.0 + 1e-6, 0.5, 0.25]
    )
    chosen = np.array([[0], [1], [3], [3], [2]])
    slots = np.array([[1], [1], [1], [0], [1]]) == 1
    with np.errstate(all="ignore"):  # as `verify` does
        best, gone = reach(sides, chosen, slots)
    assert gone.tolist() == [True, True, False, False, False]
    assert best[2, 3] == pytest.approx(0.75, abs=1e-12)
    assert best[2, 1] == pytest.approx(math.sqrt(0.9375) - 1.0 - 1e-6, abs=1e-12)
    assert best[3, 0] == pytest.approx(1.0 - huge, abs=1e-2)
    # two sides that exclude one another beside one that does not
    sides = arranged([[1.0, 0.0], [0.0, 1.0]], [0.8, 0.8])
    chosen, slots = np.array([[0, 1], [0, 0], [1, 1]]), np.array([[1, 1], [1, 0], [1, 0]]) == 1
    assert reach(sides, chosen, slots)[1].tolist() == [True, False, False]


def test_the_half_space_of_the_point_of_least_norm_is_used():
    # multiples of that point's own multipliers: never worse than the cap that it cuts off
    rng = np.random.default_rng(3)
    better = 0
    across = np.diag([2.0, 0.5]), [0.8, 0.25], [0.4, 0.5]
    slanting = [[1.0, 0.0], [0.6, 0.8]], [0.4, 0.4], [0.4, 0.2]
    drawn = itertools.product((1.0, 2.0), (1.0, 0.25), (across, slanting))
    for radius, size, (plane, heights, nearest) in drawn:
        for _ in range(15):
            normals = size * rng.standard_normal((9, 3))
            normals[:2] = np.pad(plane, ((0, 0), (0, 1)))
            levels = np.concatenate([radius * np.array(heights), rng.standard_normal(7)])
            sides = arranged(normals, levels, radius)
            point = radius * np.array([*nearest, 0.0])
            best, _ = reached(sides, [0, 1])
            least = np.array([cap(radius, point, point @ point, g) for g in normals]) - levels
            assert (best <= least + 1e-9).all()
            better += int((best < least - 1e-3).sum())
    assert better > 100


def test_no_signal_passes_the_bound():
    rng = np.random.default_rng(2)
    for trial in range(60):
        n = int(rng.integers(1, 4))
        count = int(rng.integers(2, 7))
        normals = rng.standard_normal((count, n))
        if trial % 3 == 0:
            normals[-1] = -normals[0]
        y = rng.standard_normal((400, n))
        y /= np.maximum(np.linalg.norm(y, axis=1, keepdims=True), 1.0)
        levels = 0.7 * rng.standard_normal(count)
        sides = arranged(normals, levels)
        support = list(rng.integers(0, count, rng.integers(0, 4)))
        with np.errstate(all="ignore"):  # as `verify` does
            best, gone = reached(sides, support)
        inside = y[(y @ normals[support].T >= levels[support]).all(axis=1)]
        assert not (gone and len(inside))
        assert (inside @ normals.T - levels <= best).all()


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_the_bound_leaves_room_for_every_rounding(k):
    # each term in turn is the only large one, and exact: the bound is above by its roundings
    n, big = 30, 2.0**40
    room = gamma(n + 2) * big
    a, g = np.zeros(n), np.zeros(n)
    a[0] = 1.0
    g[1] = 1.0
    if k == 0:  # R |g|
        best, _ = reached(arranged([a, big * g], [0.5, 0.0]), [])
        assert best[1] - big >= room
    elif k == 1:  # the side's own level
        for level in (big, -big):
            best, _ = reached(arranged([a, g], [0.5, level]), [])
            assert best[1] + level >= 1.0 + gamma(2) * big
    elif k == 2:  # c . l and R |sum c_j a_j|, where <y, -big a> is at most -big / 2
        best, _ = reached(arranged([a, -big * a], [0.5, 0.0]), [0])
        assert best[1] + big / 2.0 >= room
    else:  # the level of the supporting side: y is 0, or nearly
        sides = arranged([big * a, -big * a], [0.5 * big, -0.5 * big])
        best, _ = reached(sides, [0])
        assert best[1] >= gamma(2) * big


@pytest.mark.parametrize(("n", "count"), [(1, 1), (300, 1), (2, 60)])
@pytest.mark.parametrize("radius", [0.125, 1.0, 8.0])
def test_the_bound_of_given_multipliers_leaves_room_for_each_of_its_terms(n, count, radius):
    # exact numbers: sum c_j a_j = -g, so what is left is the level, and room for roundings of
    # R |g|, R sum c_j |a_j|, sum c_j l_j and l
    a = np.zeros((1, count, n))
    a[..., 0] = 1.0
    level = np.full((1, count), radius)
    for sizes in ((4.0, 0.0), (4.0, 2.0**20), (4.0, -(2.0**20)), (2.0**20, 1.0)):
        g = np.zeros((1, n))
        g[0, 0] = -sizes[0] * count
        c = np.full((1, count, 1), sizes[0])
        sides = Sides(g, np.array([sizes[1]]), np.zeros(1, dtype=int), radius, False)
        used = count * sizes[0] * radius
        room = _bound(sides, a, level, c)[0, 0] + used + sizes[1]
        weight = 2.0 * radius * count * sizes[0] + used + abs(sizes[1])
        assert gamma(n + count) * weight <= room <= 60.0 * gamma(n + count) * weight


def test_regions_are_empty_only_if_the_roundings_of_multipliers_cannot_hide_it():
    # two sides nearly opposite: multipliers are long, the point of least norm is R (1 + excess)
    slope, radius = 2.0**-20, 64.0
    for excess, expected in ((1e-10, False), (1e-5, True)):
        level = slope * radius * (1.0 + excess)
        sides = arranged([[slope, 1.0], [slope, -1.0]], [level, level], radius)
        assert reached(sides, [0, 1])[1] is expected


def test_regions_are_empty_only_if_the_roundings_of_long_sums_cannot_hide_it():
    # one side named many times: as many numbers are added up
    count, radius = 300, 2.0
    for excess, expected in ((4.0 * gamma(count), False), (40.0 * gamma(count), True)):
        sides = arranged([[1.0]], [radius * (1.0 + excess)], radius)
        assert reached(sides, [0] * count)[1] is expected


def test_a_zero_normal_holds_everywhere_or_nowhere():
    for level, expected in ((0.5, True), (0.0, False), (-0.5, False)):
        sides = arranged([[0.0, 0.0], [1.0, 0.0]], [level, 0.25])
        with np.errstate(all="ignore"):  # as `verify` does
            assert reached(sides, [0])[1] is expected


def test_lengths_whose_squares_underflow():
    # <y, g> = 1e-170 reaches the level 5e-171 within the unit ball
    best, gone = reached(arranged([[1e-170], [1.0]], [5e-171, 0.5]), [1])
    assert best[0] >= 5e-171
    assert not gone
    best, gone = reached(arranged([[1e-170, 0.0], [1.0, 0.0]], [5e-171, 0.5]), [0])
    assert not gone
    assert best[1] >= 0.5


@pytest.mark.parametrize("radius", [1.0, 4.0])
@pytest.mark.parametrize("size", [1.0, 0.125, 16.0])
def test_a_region_is_empty_where_its_side_misses_the_ball(radius, size):
    a, g = np.array([size, 0.0]), np.array([0.0, 1.0])
    for excess, expected in (
        (1e-9, True),
        (0.5, True),
        (0.0, False),  # it touches the ball
        (4.0 * 2.0**-53, False),  # as far as rounding can tell
        (-1e-9, False),
        (-3.0, False),
    ):
        sides = arranged([a, g], [radius * size * (1.0 + excess), 0.0], radius)
        assert reached(sides, [0])[1] is expected, excess


def test_empty_regions_of_several_sides():
    opposite = arranged([[1.0, 0.0], [-1.0, 0.0]], [0.2, 0.2])
    assert reached(opposite, [0, 1])[1]
    assert not reached(opposite, [0])[1]
    between = arranged([[1.0, 0.0], [-1.0, 0.0]], [-0.2, -0.2])
    assert not reached(between, [0, 1])[1]
    corner = arranged([[1.0, 0.0], [0.0, 1.0]], [0.8, 0.8])
    assert reached(corner, [0, 1])[1]
    assert not reached(arranged([[1.0, 0.0], [0.0, 1.0]], [0.6, 0.8]), [0, 1])[1]
