"""Sums of inequalities of a search over segments: what each one is, and its rounding."""

import math
from functools import partial

import chord_cases
import numpy as np
import pytest
from chord_cases import walls_at

from recover.certificates.replay.chord_model import Node
from recover.certificates.replay.chord_sums import empty_holds, gathered_of
from recover.certificates.replay.walls import X, Y, Z, walls_of

INF = math.inf
U = 2.0**-53
form_of = partial(chord_cases.form_of, n=2)


def empty(walls, sides, index, weights):
    return empty_holds(
        walls, np.array(sides), np.array(index, dtype=np.int64), np.array(weights, dtype=float)
    )


# regions


@pytest.mark.parametrize("scale", [1.0, 2.0**-30, 2.0**40])
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_a_region_of_the_ball_is_empty_beyond_its_nearest_point(scale, signs):
    # x_1 >= 0.6 and x_2 >= 0.8 meet the ball of radius 1 in a point, and no smaller one
    signs = np.array(signs)
    normals, levels = np.eye(2) * [[1.0], [0.5]], signs * [0.6, 0.4]
    weights = scale * np.array([0.6, 1.6])
    for radius, proved in ((1.0 + 1e-12, False), (1.0, False), (1.0 - 1e-12, True)):
        walls = walls_at(normals, levels, radius)
        assert empty(walls, signs, [0, 1], weights) is proved
        # half-spaces on the other sides hold all of the ball's middle
        assert not empty(walls, -signs, [0, 1], weights)
        assert not empty(walls, signs, [0], weights[:1])
        assert not empty(walls, signs * [1, 0], [0, 1], weights)


def test_a_slab_between_walls_is_empty_if_they_are_in_the_wrong_order():
    walls = walls_at([[1.0, 0.0], [-1.0, 0.0]], [0.25, -0.25 + 2.0**-40])
    assert empty(walls, [1, 1], [0, 1], [1.0, 1.0])
    walls = walls_at([[1.0, 0.0], [-1.0, 0.0]], [0.25, -0.25 - 2.0**-40])
    assert not empty(walls, [1, 1], [0, 1], [1.0, 1.0])
    assert empty(walls, [-1, -1], [0, 1], [1.0, 1.0])
    # where they touch, rounding decides nothing; however small the ball is
    for radius in (1.0, 1e-3, 1e-9):
        walls = walls_at([[1.0, 0.0], [-0.5, 0.0]], [0.25, -0.125], radius)
        assert walls.count == 2
        assert not empty(walls, [1, 1], [0, 1], [1.0, 2.0])
    # the same inequality any number of times
    walls = walls_at([[1.0, 0.0], [-1.0, 0.0]], [0.5, 0.0])
    assert empty(walls, [1, 1], [0, 1] * 40, [1.0] * 80)


def test_faces_of_the_domain_count_where_there_are_some():
    # -x_1 - x_2 >= 1/4 and x >= 0
    normals, levels = [[-1.0, -1.0]], [0.25]
    index, weights = [0, 1, 2], [1.0, 1.0, 1.0]
    assert empty(walls_at(normals, levels, nonnegative=True), [1], index, weights)
    assert not empty(walls_at(normals, levels), [1], index, weights)
    assert not empty(walls_at(normals, levels, nonnegative=True), [-1], index, weights)
    # through the origin: no open set either
    assert empty(walls_at(normals, [0.0], nonnegative=True), [1], index, weights)
    assert not empty(walls_at(normals, [0.0], nonnegative=True), [1], index, [1.0, 1.0, 4.0])
    assert not empty(walls_at(normals, [0.0], nonnegative=True), [1], [1, 2], [1.0, 1.0])
    # the first face alone: -x >= 1/4 and x >= 0
    line = [[-1.0]], [0.25]
    assert empty(walls_at(*line, nonnegative=True), [1], [0, 1], [1.0, 1.0])
    assert not empty(walls_at(*line), [1], [0, 1], [1.0, 1.0])
    free = walls_of(np.eye(2), np.full(2, -INF), np.full(2, INF), 1.0, True)
    assert not empty(free, [], [0, 1], [1.0, 1.0])
    assert not empty(free, [], [2], [1.0])


CONE = walls_at([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [0.0] * 3)


def test_a_cone_without_an_open_set_is_proved_by_weights_that_cancel():
    assert empty(CONE, [1, 1, 1], [0, 1, 2], [1.0, 1.0, 1.0])
    assert empty(CONE, [-1, -1, -1], [0, 1, 2], [1.0, 1.0, 1.0])
    assert empty(CONE, [1, 1, 1], [0, 1, 2], [1.0, 1.0, 1.01])
    for sides in ([1, 1, -1], [1, -1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0]):
        assert not empty(CONE, sides, [0, 1, 2], [1.0, 1.0, 1.0])
    for index, weights in [
        ([], []),
        ([0, 1, 2], [1.0, 1.0]),
        ([0, 1, 3], [1.0, 1.0, 1.0]),
        ([0, 1, -1], [1.0, 1.0, 1.0]),
        ([0, 1, 2], [1.0, 1.0, 2.0]),
        ([0, 1, 2], [1.0, 1.0, -1.0]),
        ([0, 1, 2], [1.0, 1.0, math.nan]),
        ([0, 1, 2], [1.0, 1.0, INF]),
        ([0, 1, 2, 0], [1.0, 1.0, 1.0, 0.0]),
        ([0, 1, 2], [0.0, 0.0, 0.0]),
        ([0, 1], [1.0, 1.0]),
        ([0], [1.0]),
    ]:
        assert not empty(CONE, [1, 1, 1], index, weights)
    # x_1 >= 0 and x_1 <= 0: no open set, but nothing to make up for rounding with
    line = walls_at([[1.0, 0.0], [-0.5, 0.0]], [0.0, 0.0])
    assert not empty(line, [1, 1], [0, 1], [1.0, 2.0])


def test_no_cone_with_an_open_set_is_proved_empty():
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = int(rng.integers(1, 4))
        walls = walls_at(rng.uniform(-1.0, 1.0, (n + 2, n)), [0.0] * (n + 2))
        sides = np.where(walls.normals @ rng.standard_normal(n) > 0.0, 1, -1)
        weights = rng.uniform(0.0, 1.0, n + 2)
        assert not empty(walls, sides, np.arange(n + 2), weights)


# what each inequality is


def test_every_inequality_holds_on_its_node_and_is_the_one_it_is_called():
    rng = np.random.default_rng(1)
    for trial in range(60):
        n = int(rng.integers(1, 4))
        rows = rng.uniform(-1.0, 1.0, (4, n))
        walls = walls_at(rows, rng.uniform(-0.3, 0.3, 4), 2.0, True)
        x, y = rng.uniform(0.0, 0.6, (2, n))
        z, k, d = (x + y) / 2.0, walls.count, y - x
        sides = np.where(np.array([x, y, z]) @ walls.normals.T >= walls.levels, 1, -1)
        node = Node(sides, d)
        ends = [(X, rng.standard_normal(n)), (Y, rng.standard_normal(n)), (Y, 0.5 * x)]
        expected = []
        for signal, point in ((X, x), (Y, y)):
            expected += [
                (signal * k + j, sides[signal, j] * (rows[j] @ point - walls.levels[j]))
                for j in range(k)
            ]
        crossed = np.flatnonzero(sides[X] != sides[Y]).tolist()
        expected += [(Z * k + j, sides[Y, j] * (rows[j] @ d)) for j in crossed]
        expected += [(3 * k, 1.0)]
        expected += [(3 * k + 1 + i, value) for i, value in enumerate([*x, *y])]
        last = 3 * k + 1 + 2 * n
        for place, (end, a) in enumerate(ends):
            value = 2.0 * np.linalg.norm(a) - a @ (x if end == X else y)
            expected.append((last + place, value))
        which = [number for number, _ in expected]
        values = np.array([value for _, value in expected])
        assert (values >= 0.0).all(), trial
        weights = rng.uniform(0.1, 1.0, len(which))
        point = np.append(x, 1.0)
        for single in range(len(which)):
            form = form_of(which[single : single + 1], [1.0], n=n, tangents=ends)
            found = gathered_of(walls, node, form)
            assert found.rest @ point + found.d @ d == pytest.approx(values[single], abs=1e-12)
        form = form_of(which, weights, n=n, tangents=ends, tau=0.7)
        found = gathered_of(walls, node, form)
        total = weights @ values + 0.7 * (d @ d)
        assert found.rest @ point + found.d @ d == pytest.approx(total, abs=1e-12)
        for number in set(range(Z * k, 3 * k)) - set(which):  # on one side of the wall
            assert gathered_of(walls, node, form_of([number], [1.0], n=n)) is None
        for number in (-1, last, last + 7):
            assert gathered_of(walls, node, form_of([number], [1.0], n=n)) is None


def test_tangents_bound_the_ball_from_outside():
    walls = walls_at([[1.0, 0.0]], [0.1], radius=0.3)
    node = Node(np.array([[1], [1], [1]]), np.ones(2))
    rng = np.random.default_rng(2)
    for a in rng.standard_normal((50, 2)):
        found = gathered_of(walls, node, form_of([8], [1.0], tangents=[(X, a)]))
        assert 0.3 * math.hypot(*a) <= found.rest[2] <= 0.3 * math.hypot(*a) * (1.0 + 1e-13)


def test_no_inequality_is_used_that_the_node_does_not_have():
    free = Node(np.array([[1, 0], [0, -1], [0, 0]]), np.ones(2))
    walls = walls_at(np.eye(2), [0.1, 0.2])
    for number in range(6):
        found = gathered_of(walls, free, form_of([number], [1.0]))
        assert (found is None) is (number not in (0, 3))
    for number in range(7, 11):  # faces
        assert gathered_of(walls, free, form_of([number], [1.0])) is None
        inside = walls_at(np.eye(2), [0.1, 0.2], nonnegative=True)
        assert gathered_of(inside, free, form_of([number], [1.0])) is not None
    a = [1.0, 0.0]
    for end, good in ((X, True), (Y, True), (Z, False), (-1, False)):
        form = form_of([11], [1.0], tangents=[(end, a)])
        assert (gathered_of(walls, free, form) is not None) is good
        # one that is not used does no harm
        assert gathered_of(walls, free, form_of([6], [1.0], tangents=[(end, a)])) is not None
    for wrong in ([math.nan, 1.0], [INF, 1.0]):
        assert gathered_of(walls, free, form_of([11], [1.0], tangents=[(X, wrong)])) is None
    right = form_of([11], [1.0], tangents=[(X, a)])
    for form in (
        right._replace(ends=np.array([X, X])),
        right._replace(ends=np.array([], dtype=np.int64)),
        form_of([11], [1.0], n=1, tangents=[(X, [1.0])]),
        form_of([11], [1.0], n=3, tangents=[(X, [1.0, 0.0, 0.0])]),
        right._replace(weights=np.array([-1.0])),
        right._replace(weights=np.array([math.nan])),
        right._replace(weights=np.array([1.0, 1.0])),
    ):
        assert gathered_of(walls, free, form) is None
    # on a cone there is no ball
    assert gathered_of(walls_at(np.eye(2), [0.0, 0.0]), free, right) is None


def test_the_error_of_the_sum_grows_with_all_that_is_added():
    node = Node(np.array([[1, 1, 1], [-1, -1, -1], [0, 0, 0]]), np.array([0.75, -0.25]))
    large = 2.0**40
    form = form_of([6, 7, 8] * 20, [large] * 60, tau=1.0)
    found = gathered_of(CONE, node, form)
    assert found.d.tolist() == [0.75, -0.25]
    assert 60 * U * 80.0 * large <= found.d_error <= 400 * U * 80.0 * large
    for tau in (0.0, 2.0**50):
        found = gathered_of(CONE, node, form_of(tau=tau))
        assert 2 * U * tau <= found.d_error <= 20 * U * tau
